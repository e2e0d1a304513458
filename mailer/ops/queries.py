"""Every statement of the board: answered from an index or cut off, however large the tables are."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, func, literal, select, text

from mailer.store.schema import (
    TRIED,
    Campaign,
    Delivery,
    MailingList,
    PaceRow,
    RaisedAlert,
    Report,
    ReturnedMail,
    Subscriber,
    Suppression,
    Worker,
)
from mailer.store.types import UtcDateTime
from mailer.store.vocabulary import SYSTEM_STREAM, CampaignState, DeliveryState, ReturnedState

AnyRow = Row[*tuple[Any, ...]]
#: Counting stops here: "more than 1,000" says enough.
MOST_COUNTED = 1_000
MOST_DEFERRED = 5_000
MOST_CAMPAIGNS = 20
_IN_SIGHT = timedelta(hours=24)
_GOING = (CampaignState.SENDING, CampaignState.PAUSED)


def campaigns_in_sight(connection: Connection, now: datetime) -> Sequence[int]:
    """Those that are on their way, those to come, those that ended in the last day: to come last, else newest first."""
    ended = Campaign.finished_at > now - _IN_SIGHT
    seen = Campaign.state.in_((*_GOING, CampaignState.SCHEDULED)) | ended
    to_come = Campaign.state == CampaignState.SCHEDULED
    newest = (to_come, Campaign.scheduled_at.desc())
    return connection.scalars(select(Campaign.id).where(seen).order_by(*newest).limit(MOST_CAMPAIGNS)).all()


def returned_counts(connection: Connection) -> dict[ReturnedState, int]:
    """What waits of what came back, each counted to MOST_COUNTED at most."""
    counts = {}
    for state in (ReturnedState.WAITING, ReturnedState.REVIEW, ReturnedState.UNREADABLE):
        few = select(literal(1)).where(ReturnedMail.state == state).limit(MOST_COUNTED).subquery()
        counts[state] = connection.scalar(select(func.count()).select_from(few)) or 0
    return counts


def report_counts(connection: Connection, since: datetime, until: datetime) -> Sequence[AnyRow]:
    """The reports of a period by kind, severity, cause, provider and hour, as (…, count)."""
    hour = _hour(connection)
    columns = (hour, Report.kind, Report.severity, Report.cause_group)
    provider = func.coalesce(Report.provider, Report.domain).label("provider")
    return connection.execute(
        select(*columns, provider, func.count().label("count"))
        .where(Report.received_at >= since, Report.received_at < until)
        .group_by(*columns, provider)
    ).all()


def _hour(connection: Connection) -> Any:
    """The hour as an instant, on either database."""
    if connection.dialect.name == "sqlite":
        return func.strftime("%Y-%m-%d %H:00:00.000000", Report.received_at, type_=UtcDateTime).label("hour")
    return func.date_trunc("hour", Report.received_at, type_=UtcDateTime).label("hour")


def paces(connection: Connection) -> Sequence[AnyRow]:
    """How fast each relay and provider takes mail, those that rest first."""
    limited = PaceRow.limit.is_not(None) | PaceRow.until.is_not(None)
    columns = (PaceRow.key, PaceRow.limit, PaceRow.cause, PaceRow.until, PaceRow.updated_at)
    return connection.execute(
        select(*columns).where(limited).order_by(PaceRow.until.desc(), PaceRow.key).limit(100)
    ).all()


def deferred(connection: Connection) -> Sequence[AnyRow]:
    """Deferred messages alike in domain and answer, most first; at most MOST_DEFERRED are counted."""
    streams = [SYSTEM_STREAM, *connection.scalars(select(Campaign.id).where(Campaign.state.in_(_GOING)))]
    some = (
        select(Delivery.domain, Delivery.reply_code, Delivery.status, Delivery.next_attempt_at)
        .where(
            Delivery.stream.in_(streams),
            text(f"deliveries.{TRIED}"),
            Delivery.state == DeliveryState.DEFERRED,
        )
        .limit(MOST_DEFERRED)
        .subquery()
    )
    count = func.count().label("count")
    alike = (some.c.domain, some.c.reply_code, some.c.status)
    soonest = func.min(some.c.next_attempt_at, type_=UtcDateTime).label("next_at")
    return connection.execute(
        select(*alike, count, soonest).group_by(*alike).order_by(count.desc(), some.c.domain).limit(50)
    ).all()


def newest_suppressions(connection: Connection, limit: int) -> Sequence[AnyRow]:
    """The newest suppressions, with the address where it is still stored."""
    newest = select(Suppression).order_by(Suppression.id.desc()).limit(limit).subquery()
    return connection.execute(
        select(newest, MailingList.name.label("list_name"), Subscriber.email)
        .outerjoin(MailingList, MailingList.id == newest.c.list_id)
        .outerjoin(Subscriber, Subscriber.email_hash == newest.c.email_hash)
        .order_by(newest.c.id.desc())
    ).all()


def workers(connection: Connection, now: datetime) -> Sequence[AnyRow]:
    """Senders that run, and those that ended in the last day."""
    recent = Worker.stopped_at.is_(None) | (Worker.stopped_at > now - _IN_SIGHT)
    return connection.execute(
        select(Worker.id, Worker.host, Worker.pid, Worker.started_at, Worker.heartbeat_at, Worker.stopped_at)
        .where(recent)
        .order_by(Worker.id.desc())
        .limit(50)
    ).all()


def alerts_since(connection: Connection, since: datetime) -> int:
    """How many alerts were raised; the table keeps 90 days of at most one per cause and hour."""
    statement = select(func.count()).select_from(RaisedAlert).where(RaisedAlert.raised_at > since)
    return connection.scalar(statement) or 0
