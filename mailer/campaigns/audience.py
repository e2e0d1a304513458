"""Write a campaign's audience out as deliveries, in short slices that an opt-out never waits for."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Insert,
    case,
    func,
    insert,
    literal,
    null,
    or_,
    select,
    update,
)

from mailer import clock
from mailer.campaigns import queries
from mailer.campaigns.queries import CampaignRow
from mailer.store import Store
from mailer.store.bulk import SliceSize, lock_seconds
from mailer.store.lookups import look_up_only
from mailer.store.schema import Campaign, Delivery, Subscriber, Subscription, Suppression
from mailer.store.types import EnumText, UtcDateTime
from mailer.store.vocabulary import (
    ALL_LISTS,
    CampaignState,
    DeliveryKind,
    DeliveryState,
    SkipReason,
    SubscriptionState,
)

# The most subscriptions looked at per transaction: 10 to 25 ms on the reference machine, half the
# 50 ms that a person who leaves may have to wait for SQLite's write lock. A slower one takes fewer.
SLICE = 2_000
_LEAST = 100


def slice_size(store: Store) -> SliceSize:
    """For one writer of slices: it shrinks where the database is slow, and grows again."""
    return SliceSize(SLICE, least=min(_LEAST, SLICE), most=SLICE, seconds=lock_seconds(store))


def materialise_slice(store: Store, campaign_id: int, *, size: SliceSize | None = None) -> bool:
    """Write out the next people of a sending campaign in one short transaction.

    The audience is that of the instant the campaign started. Who left or was suppressed since
    gets a row too, already skipped, so that every counted person is accounted for (law 1).
    One host at a time does it: who finds another at work leaves the rest to that one, as two in turns
    would wait for each other slice by slice. Returns whether there is more to do here.
    """
    size = size or slice_size(store)
    store.let_others_write()
    with store.write() as connection:
        began = clock.monotonic()
        look_up_only(connection)
        campaign = queries.idle_campaign(connection, campaign_id)
        if campaign is None or campaign.state is not CampaignState.SENDING:
            return False
        writes = campaign.materialised_upto < campaign.audience_bound
        if writes:
            upto = _slice_end(connection, campaign, size.rows)
            connection.execute(_write_out(campaign, upto, clock.now()))
            _advance(connection, campaign, upto)
    if not writes:
        return _settle_count(store, campaign)
    size.took(size.rows, clock.monotonic() - began)
    return True


def _slice_end(connection: Connection, campaign: CampaignRow, rows: int) -> int:
    """The last subscription id of the next slice.

    Ids of all lists are counted: a slice then costs the same on a small list among large ones.
    """
    end = connection.scalar(
        select(Subscription.id)
        .where(Subscription.id > campaign.materialised_upto)
        .order_by(Subscription.id)
        .limit(1)
        .offset(rows - 1)
    )
    bound: int = campaign.audience_bound
    return bound if end is None else min(end, bound)


def _write_out(campaign: CampaignRow, upto: int, now: datetime) -> Insert:
    stays = Subscription.state == SubscriptionState.CONFIRMED
    suppressed_at = _suppressed_at(campaign.list_id)
    reachable = stays & suppressed_at.is_(None)
    instant = literal(now, UtcDateTime)
    reason = EnumText(SkipReason)
    columns: dict[Any, Any] = {
        Delivery.stream: literal(campaign.id),
        Delivery.kind: literal(DeliveryKind.CAMPAIGN, EnumText(DeliveryKind)),
        Delivery.campaign_id: literal(campaign.id),
        Delivery.subscription_id: Subscription.id,
        Delivery.domain: Subscriber.domain,
        Delivery.state: case(
            (reachable, literal(DeliveryState.QUEUED, EnumText(DeliveryState))),
            else_=literal(DeliveryState.SKIPPED, EnumText(DeliveryState)),
        ),
        Delivery.skip_reason: case(
            (reachable, null()),
            (stays, literal(SkipReason.SUPPRESSED, reason)),
            else_=literal(SkipReason.UNSUBSCRIBED, reason),
        ),
        Delivery.attempts: literal(0),
        Delivery.next_attempt_at: case((reachable, instant), else_=null()),
        Delivery.settled_at: case((reachable, null()), else_=instant),
        Delivery.created_at: instant,
    }
    people = (
        select(*columns.values())
        .select_from(Subscription)
        .join(Subscriber, Subscriber.id == Subscription.subscriber_id)
        .where(
            Subscription.id > campaign.materialised_upto,
            Subscription.id <= upto,
            # "+ 0" keeps the planner on the id range: by the list's index it would read the whole
            # list for every slice.
            Subscription.list_id + 0 == campaign.list_id,
            queries.confirmed_at(campaign.started_at),
            or_(suppressed_at.is_(None), suppressed_at > campaign.started_at),
        )
    )
    return insert(Delivery).from_select(list(columns), people, include_defaults=False)


def _suppressed_at(list_id: int) -> ColumnElement[datetime]:
    """When the subscriber in the surrounding query was suppressed for this list; null: never.

    A minimum, not an EXISTS: PostgreSQL must ask for it person by person, and may not read every
    suppression of the site for each slice.
    """
    return (
        select(func.min(Suppression.created_at))
        .where(Suppression.email_hash == Subscriber.email_hash, Suppression.list_id.in_((ALL_LISTS, list_id)))
        .scalar_subquery()
    )


def _advance(connection: Connection, campaign: CampaignRow, upto: int) -> None:
    connection.execute(update(Campaign).where(Campaign.id == campaign.id).values(materialised_upto=upto))


def _settle_count(store: Store, campaign: CampaignRow) -> bool:
    """Make the stored size the number of rows: someone may have been erased in between."""
    with store.read() as connection:
        rows = queries.delivery_rows(connection, campaign.id)
    if rows != campaign.audience_count:
        with store.write() as connection:
            connection.execute(update(Campaign).where(Campaign.id == campaign.id).values(audience_count=rows))
    return False
