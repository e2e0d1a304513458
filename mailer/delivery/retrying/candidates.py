"""The deliveries that staff want tried again, read slice by slice, locked against other writers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Select, and_, exists, or_, select
from sqlalchemy.engine import Connection

from mailer.delivery.retrying.rules import RETRYABLE, Candidate
from mailer.store.schema import Campaign, Delivery, Subscriber, Subscription, Suppression
from mailer.store.vocabulary import ALL_LISTS, DeliveryKind, DeliveryState, SkipReason, SubscriptionState


@dataclass(frozen=True, slots=True)
class Asked:
    """Which deliveries: single ones by id, or all that the other fields describe together."""

    ids: tuple[int, ...] = ()
    campaign: str | None = None  #: its slug
    domain: str | None = None  #: of the recipient, in A-labels
    states: frozenset[DeliveryState] = RETRYABLE

    def portions(self, size: int) -> Iterator[Asked]:
        """The same in parts that name at most `size` deliveries each."""
        ids = sorted(set(self.ids))
        for start in range(0, max(1, len(ids)), size):
            yield replace(self, ids=tuple(ids[start : start + size]))

    def as_record(self) -> dict[str, object]:
        """What was asked, for the ledger."""
        if self.ids:
            return {"ids": list(self.ids)}
        named = {"campaign": self.campaign, "domain": self.domain, "states": sorted(self.states)}
        return {name: value for name, value in named.items() if value}


def slice_of(
    connection: Connection, asked: Asked, *, above: int, limit: int, lock: bool
) -> Sequence[Candidate]:
    """At most `limit` of them with an id above `above`, in order; `lock` keeps them for this transaction."""
    statement = _candidates(asked).where(Delivery.id > above).order_by(Delivery.id).limit(limit)
    if asked.ids:
        statement = statement.where(Delivery.id.in_(asked.ids))
    if lock:
        statement = statement.with_for_update(of=Delivery)
    return [
        Candidate(
            row.id,
            row.stream,
            row.state,
            row.status,
            row.campaign_state,
            bool(row.silenced),
            row.skip_reason,
        )
        for row in connection.execute(statement)
    ]


def _candidates(asked: Asked) -> Select[Any]:
    suppressed = exists().where(
        Suppression.email_hash == Subscriber.email_hash,
        Suppression.list_id.in_((ALL_LISTS, Subscription.list_id)),
    )
    # A confirmation asks for what is not confirmed yet: its claim alone can say whether it still may.
    silenced = and_(
        Delivery.kind == DeliveryKind.CAMPAIGN,
        or_(Subscription.id.is_(None), Subscription.state != SubscriptionState.CONFIRMED, suppressed),
    )
    columns: tuple[Any, ...] = (
        Delivery.id,
        Delivery.stream,
        Delivery.state,
        Delivery.status,
        Delivery.skip_reason,
        Campaign.state.label("campaign_state"),
        silenced.label("silenced"),
    )
    statement = (
        select(*columns)
        .select_from(Delivery)
        .outerjoin(Campaign, Campaign.id == Delivery.campaign_id)
        .outerjoin(Subscription, Subscription.id == Delivery.subscription_id)
        .outerjoin(Subscriber, Subscriber.id == Subscription.subscriber_id)
    )
    if asked.ids:
        return statement
    # Of what was skipped, only what could not be made is ever meant: the others have left.
    unmade = Delivery.skip_reason == SkipReason.UNRENDERABLE
    statement = statement.where(
        Delivery.state.in_(sorted(asked.states)), or_(Delivery.skip_reason.is_(None), unmade)
    )
    if asked.campaign is not None:
        statement = statement.where(Campaign.slug == asked.campaign)
    if asked.domain is not None:
        statement = statement.where(Delivery.domain == asked.domain)
    return statement
