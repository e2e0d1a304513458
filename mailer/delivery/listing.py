"""The deliveries that staff ask to see, read from the database page by page."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeAlias

from sqlalchemy import ColumnElement, Select, TextClause, or_, select, text
from sqlalchemy.engine import Connection

from mailer.errors import MailerError
from mailer.store.schema import TRIED, Campaign, Delivery, Subscriber, Subscription
from mailer.store.vocabulary import DeliveryState, SkipReason

_Condition: TypeAlias = ColumnElement[bool] | TextClause
_CODE = re.compile(r"[2-5]\d\d")
_STATUS = re.compile(r"[245]\.\d{1,3}(?:\.\d{1,3})?")
_UNTRIED = frozenset({DeliveryState.QUEUED, DeliveryState.ATTEMPTING})
_SKIP_REASONS = frozenset(SkipReason)


class ReasonUnknown(MailerError):
    """This is neither a reply code, nor an enhanced status, nor a reason for which mail is skipped."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which deliveries; what is not given cuts nothing. Raises ReasonUnknown."""

    states: frozenset[DeliveryState] = frozenset()
    campaign: str | None = None  #: its slug; every scheduling of that folder
    reason: str | None = None  #: a skip reason, a reply code (550), a status (5.7.1) or its beginning (5.7)
    since: datetime | None = None  #: queued, tried or settled at this time or later

    def __post_init__(self) -> None:
        known = self.reason is None or self.reason in _SKIP_REASONS
        if not (known or _CODE.fullmatch(self.reason or "") or _STATUS.fullmatch(self.reason or "")):
            raise ReasonUnknown(
                f"{self.reason!r} is no reason: give a reply code (550), an enhanced status or its beginning "
                f"(5.7), or one of {', '.join(SkipReason)}."
            )


def page(connection: Connection, wanted: Wanted, *, below: int | None, limit: int) -> Sequence[Any]:
    """At most `limit` of them with an id below `below`, newest first."""
    # The ids alone first: no row is joined that is not shown.
    ids = (
        select(Delivery.id).where(*_conditions(connection, wanted)).order_by(Delivery.id.desc()).limit(limit)
    )
    if below is not None:
        ids = ids.where(Delivery.id < below)
    return connection.execute(
        _listing().where(Delivery.id.in_(ids.scalar_subquery())).order_by(Delivery.id.desc())
    ).all()


def one(connection: Connection, delivery_id: int) -> Any | None:
    """One delivery for staff to read."""
    return connection.execute(_listing().where(Delivery.id == delivery_id)).first()


def _listing() -> Select[Any]:
    columns: tuple[Any, ...] = (
        Delivery.id,
        Delivery.kind,
        Campaign.slug.label("campaign"),
        Subscriber.email,
        Delivery.domain,
        Delivery.state,
        Delivery.skip_reason,
        Delivery.attempts,
        Delivery.next_attempt_at,
        Delivery.attempted_at,
        Delivery.settled_at,
        Delivery.reply_code,
        Delivery.status,
        Delivery.reply,
        Delivery.relay,
        Delivery.message_id,
        Delivery.digest,
        Delivery.created_at,
    )
    return (
        select(*columns)
        .select_from(Delivery)
        .outerjoin(Campaign, Campaign.id == Delivery.campaign_id)
        .outerjoin(Subscription, Subscription.id == Delivery.subscription_id)
        .outerjoin(Subscriber, Subscriber.id == Subscription.subscriber_id)
    )


def _conditions(connection: Connection, wanted: Wanted) -> Iterator[_Condition]:
    if wanted.states:
        yield Delivery.state.in_(sorted(wanted.states))
    if wanted.campaign is not None:
        yield from _of_campaign(connection, wanted.campaign, wanted.states)
    if wanted.reason is not None:
        yield _has_reason(wanted.reason)
    if wanted.since is not None:
        times = (Delivery.created_at, Delivery.attempted_at, Delivery.settled_at)
        yield or_(*(time >= wanted.since for time in times))


def _of_campaign(connection: Connection, slug: str, states: frozenset[DeliveryState]) -> Iterator[_Condition]:
    streams = list(connection.scalars(select(Campaign.id).where(Campaign.slug == slug)))
    if len(streams) == 1 and len(states) == 1 and states.isdisjoint(_UNTRIED):
        # One state of one campaign lies in this index in the order of ids.
        yield text(TRIED)
        yield Delivery.stream == streams[0]
    else:
        # It would have to be sorted for every page: + 0 keeps the database to the primary key.
        yield (Delivery.stream + 0).in_(streams)


def _has_reason(reason: str) -> ColumnElement[bool]:
    if reason in _SKIP_REASONS:
        return Delivery.skip_reason == SkipReason(reason)
    if _CODE.fullmatch(reason):
        return Delivery.reply_code == int(reason)
    return or_(Delivery.status == reason, Delivery.status.startswith(f"{reason}.", autoescape=True))
