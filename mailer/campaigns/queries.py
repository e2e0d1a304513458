"""Every question this room asks the database, by name."""

from __future__ import annotations

from datetime import datetime
from typing import Any, TypeAlias

from sqlalchemy import (
    ColumnElement,
    CompoundSelect,
    Connection,
    Exists,
    Row,
    Select,
    Update,
    and_,
    exists,
    func,
    literal,
    null,
    or_,
    select,
    text,
    union_all,
    update,
)

from mailer.store.schema import (
    CLAIMED,
    TRIED,
    Artefact,
    Campaign,
    Delivery,
    Medium,
    Report,
    Subscriber,
    Subscription,
    Suppression,
)
from mailer.store.types import EnumText
from mailer.store.vocabulary import (
    ALL_LISTS,
    CampaignState,
    DeliveryState,
    ReportKind,
    SubscriptionState,
)

#: Columns are read by name; every caller knows which it asked for.
AnyRow: TypeAlias = Row[*tuple[Any, ...]]
CampaignRow: TypeAlias = AnyRow

_COLUMNS = tuple(Campaign.__table__.columns)
_STATE: EnumText[DeliveryState] = EnumText(DeliveryState)


def campaign_by_id(connection: Connection, campaign_id: int, *, lock: bool = False) -> CampaignRow | None:
    """One campaign; `lock` holds it until the transaction ends (PostgreSQL; SQLite has one writer)."""
    statement = select(*_COLUMNS).where(Campaign.id == campaign_id)
    return connection.execute(statement.with_for_update() if lock else statement).one_or_none()


def idle_campaign(connection: Connection, campaign_id: int) -> CampaignRow | None:
    """One campaign, held until the transaction ends; None when somebody else holds it right now."""
    # NO KEY UPDATE: the foreign key of a row that somebody inserts keeps nobody away.
    statement = select(*_COLUMNS).where(Campaign.id == campaign_id)
    return connection.execute(statement.with_for_update(key_share=True, skip_locked=True)).one_or_none()


def latest_campaign(connection: Connection, slug: str) -> CampaignRow | None:
    """The newest scheduling of a folder: the one that commands mean."""
    return connection.execute(
        select(*_COLUMNS).where(Campaign.slug == slug).order_by(Campaign.id.desc()).limit(1)
    ).one_or_none()


def campaigns_newest_first(connection: Connection, limit: int = 50) -> list[CampaignRow]:
    """What `campaign status` lists."""
    return list(connection.execute(select(*_COLUMNS).order_by(Campaign.id.desc()).limit(limit)))


def due_campaigns(connection: Connection, now: datetime) -> list[CampaignRow]:
    """Scheduled campaigns whose time has come, in the order they were due."""
    return list(
        connection.execute(
            select(*_COLUMNS)
            .where(Campaign.state == CampaignState.SCHEDULED, Campaign.scheduled_at <= now)
            .order_by(Campaign.scheduled_at, Campaign.id)
        )
    )


def unmaterialised_campaigns(connection: Connection) -> list[int]:
    """Sending campaigns whose audience is not all written out as deliveries yet."""
    return list(
        connection.scalars(
            select(Campaign.id)
            .where(
                Campaign.state == CampaignState.SENDING,
                Campaign.materialised_upto < Campaign.audience_bound,
            )
            .order_by(Campaign.scheduled_at, Campaign.id)
        )
    )


def quiet_campaigns(connection: Connection) -> list[CampaignRow]:
    """Sending campaigns that are all written out and have nothing waiting or under way."""
    return list(
        connection.execute(
            select(*_COLUMNS).where(Campaign.state == CampaignState.SENDING, nothing_in_hand())
        )
    )


def nothing_in_hand() -> ColumnElement[bool]:
    """Whether a campaign is all written out and has nothing waiting or under way."""
    return and_(
        Campaign.materialised_upto >= Campaign.audience_bound,
        ~_waiting(Campaign.id),
        ~_attempting(Campaign.id),
    )


def cancelled_with_waiting(connection: Connection) -> list[int]:
    """Cancelled campaigns that still have waiting rows: a cut-short cancel, or a late deferral."""
    return list(
        connection.scalars(
            select(Campaign.id).where(Campaign.state == CampaignState.CANCELLED, _waiting(Campaign.id))
        )
    )


def _waiting(campaign_id: Any) -> Exists:
    return exists().where(Delivery.stream == campaign_id, Delivery.next_attempt_at.is_not(None))


def _attempting(campaign_id: Any) -> Exists:
    return exists().where(Delivery.stream == campaign_id, text(CLAIMED))


def move(campaign_id: int, *, was: CampaignState, to: CampaignState) -> Update:
    """The conditional update of every move: whoever comes second changes no row (A89)."""
    return update(Campaign).where(Campaign.id == campaign_id, Campaign.state == was).values(state=to)


def suppressed(list_id: int, *, by: datetime | None = None) -> Exists:
    """Whether the subscriber in the surrounding query may not be mailed for this list.

    `by`: only suppressions that stood at that instant.
    """
    condition = exists().where(
        Suppression.email_hash == Subscriber.email_hash, Suppression.list_id.in_((ALL_LISTS, list_id))
    )
    return condition if by is None else condition.where(Suppression.created_at <= by)


def confirmed_at(instant: datetime) -> ColumnElement[bool]:
    """Whether the subscription in the surrounding query is confirmed, or was until after `instant`.

    Read later it still finds everybody of then: who left since is not lost, but can be named.
    """
    return or_(
        Subscription.state == SubscriptionState.CONFIRMED,
        and_(Subscription.unsubscribed_at > instant, Subscription.confirmed_at.is_not(None)),
    )


def audience(list_id: int) -> Select[Any]:
    """Everybody a campaign to this list reaches now: confirmed and not suppressed (F1)."""
    return _people().where(
        Subscription.list_id == list_id,
        Subscription.state == SubscriptionState.CONFIRMED,
        ~suppressed(list_id),
    )


def audience_size(connection: Connection, list_id: int, instant: datetime) -> tuple[int, int]:
    """How many the audience of `instant` is, and its highest subscription id (0 when empty)."""
    statement = (
        select(func.count(), func.coalesce(func.max(Subscription.id), 0))
        .select_from(Subscription)
        .join(Subscriber, Subscriber.id == Subscription.subscriber_id)
        .where(Subscription.list_id == list_id, confirmed_at(instant), ~suppressed(list_id, by=instant))
    )
    count, bound = connection.execute(statement).one()
    return count, bound


def subscription_states(connection: Connection, list_id: int) -> dict[SubscriptionState, int]:
    """How many subscriptions of a list stand in each state."""
    rows = connection.execute(
        select(Subscription.state, func.count())
        .where(Subscription.list_id == list_id)
        .group_by(Subscription.state)
    )
    return dict(rows.all())


def confirmed_but_suppressed(connection: Connection, list_id: int) -> dict[str, int]:
    """Confirmed people whom a suppression keeps out, by its gravest reason (each counted once)."""
    # min() orders complaint, hard_bounce, manual, not_me, unsubscribed: alphabetical by luck,
    # any fixed choice would do; the point is that nobody is counted twice.
    per_person = (
        select(Subscription.id, func.min(Suppression.reason).label("reason"))
        .select_from(Subscription)
        .join(Subscriber, Subscriber.id == Subscription.subscriber_id)
        .join(
            Suppression,
            and_(
                Suppression.email_hash == Subscriber.email_hash,
                Suppression.list_id.in_((ALL_LISTS, list_id)),
            ),
        )
        .where(Subscription.list_id == list_id, Subscription.state == SubscriptionState.CONFIRMED)
        .group_by(Subscription.id)
        .subquery()
    )
    rows = connection.execute(select(per_person.c.reason, func.count()).group_by(per_person.c.reason))
    return {str(reason): count for reason, count in rows}


def sample_people(connection: Connection, list_id: int, limit: int) -> list[AnyRow]:
    """Some real recipients for the check, spread from both ends of the audience."""
    oldest = connection.execute(audience(list_id).order_by(Subscription.id).limit(limit // 2)).all()
    seen = [row.subscription_id for row in oldest]
    newest = connection.execute(
        audience(list_id)
        .where(Subscription.id.not_in(seen))
        .order_by(Subscription.id.desc())
        .limit(limit - len(oldest))
    ).all()
    return [*oldest, *newest]


def person_by_key(connection: Connection, list_id: int, email_key: str) -> AnyRow | None:
    """A subscriber of the list, for a preview, whatever the state of the subscription."""
    return connection.execute(
        _people().where(Subscription.list_id == list_id, Subscriber.email_key == email_key)
    ).one_or_none()


def _people() -> Select[Any]:
    return (
        select(
            Subscription.id.label("subscription_id"),
            Subscription.tag,
            Subscriber.email,
            Subscriber.email_hash,
            Subscriber.domain,
            Subscriber.language,
            Subscriber.fields,
        )
        .select_from(Subscription)
        .join(Subscriber, Subscriber.id == Subscription.subscriber_id)
    )


def delivery_counts(connection: Connection, campaign_id: int) -> list[tuple[DeliveryState, str | None, int]]:
    """Rows of a campaign by state and skip reason: what law 1 sums.

    One statement, so that the sum is of one moment. What was tried is counted from its index alone,
    what waits from the index that claims read; only skipped rows and those in hand are read.
    """
    of_campaign = Delivery.stream == campaign_id
    tried, skipped = text(TRIED), Delivery.state == DeliveryState.SKIPPED
    waiting = select(func.count()).where(of_campaign, Delivery.next_attempt_at.is_not(None))
    deferred = select(func.count()).where(of_campaign, tried, Delivery.state == DeliveryState.DEFERRED)
    queued = waiting.scalar_subquery() - deferred.scalar_subquery()
    statement: CompoundSelect[Any] = union_all(
        select(literal(DeliveryState.QUEUED, _STATE).label("state"), null().label("skip_reason"), queued),
        select(literal(DeliveryState.ATTEMPTING, _STATE), null(), func.count()).where(
            of_campaign, text(CLAIMED)
        ),
        select(Delivery.state, null(), func.count())
        .where(of_campaign, tried, ~skipped)
        .group_by(Delivery.state),
        select(Delivery.state, Delivery.skip_reason, func.count())
        .where(of_campaign, tried, skipped)
        .group_by(Delivery.state, Delivery.skip_reason),
    )
    rows = connection.execute(statement)
    return [(state, reason, count) for state, reason, count in rows if count]


def accepted_count(connection: Connection, campaign_id: int) -> int:
    """How many of a campaign's messages the next hop took (answered by an index alone)."""
    statement = select(func.count()).where(
        Delivery.stream == campaign_id, text(TRIED), Delivery.state == DeliveryState.ACCEPTED
    )
    return connection.scalar(statement) or 0


def domain_share(connection: Connection, campaign_id: int, domain: str) -> float:
    """Which part of a campaign goes to one domain; reads all of its rows."""
    at_domain = func.count().filter(Delivery.domain == domain)
    of_campaign = select(at_domain, func.count()).where(Delivery.campaign_id == campaign_id)
    count, rows = connection.execute(of_campaign).one()
    return float(count / rows) if rows else 0.0


def taken_by(connection: Connection, campaign_id: int, domain: str, *, after: datetime) -> int:
    """How many of a campaign's messages one domain took since; reads all of its rows."""
    statement = select(func.count()).where(
        Delivery.campaign_id == campaign_id,
        Delivery.domain == domain,
        Delivery.state == DeliveryState.ACCEPTED,
        Delivery.settled_at > after,
    )
    return connection.scalar(statement) or 0


def complaint_count(connection: Connection, campaign_id: int, *, after: datetime | None = None) -> int:
    """How many readers reported a campaign as spam, as far as reports came back."""
    statement = select(func.count()).where(
        Report.campaign_id == campaign_id, Report.kind == ReportKind.COMPLAINT
    )
    return connection.scalar(statement if after is None else statement.where(Report.received_at > after)) or 0


def delivery_rows(connection: Connection, campaign_id: int) -> int:
    """How many people of a campaign have a row (answered by an index alone)."""
    counted = connection.scalar(
        select(func.count()).select_from(Delivery).where(Delivery.campaign_id == campaign_id)
    )
    return counted or 0


def reply_samples(connection: Connection, campaign_id: int, limit: int) -> list[AnyRow]:
    """The commonest answers of the servers that refused or put off: code, status, reply, count."""
    return list(
        connection.execute(
            select(
                Delivery.reply_code, Delivery.status, func.min(Delivery.reply).label("reply"), func.count()
            )
            .where(
                Delivery.stream == campaign_id,
                text(TRIED),
                Delivery.state.in_((DeliveryState.REJECTED, DeliveryState.DEFERRED, DeliveryState.EXPIRED)),
                Delivery.reply_code.is_not(None),
            )
            .group_by(Delivery.reply_code, Delivery.status)
            .order_by(func.count().desc())
            .limit(limit)
        )
    )


def waiting_ids(connection: Connection, campaign_id: int, limit: int) -> list[int]:
    """Some waiting rows of a campaign, by the index that claims read."""
    return list(
        connection.scalars(
            select(Delivery.id)
            .where(Delivery.stream == campaign_id, Delivery.next_attempt_at.is_not(None))
            .limit(limit)
        )
    )


def artefact_content(connection: Connection, artefact_hash: str) -> bytes | None:
    """The frozen bytes."""
    return connection.scalar(select(Artefact.content).where(Artefact.hash == artefact_hash))


def medium(connection: Connection, hash_: str) -> AnyRow | None:
    """A campaign's image by the SHA-256 (hex) of its content: content_type, content."""
    return connection.execute(
        select(Medium.content_type, Medium.content).where(Medium.hash == hash_)
    ).one_or_none()
