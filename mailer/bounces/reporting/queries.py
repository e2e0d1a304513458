"""What is counted, in SQL: reports by all that they may have in common, messages by one thing at a time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Connection, String, func, or_, select, text

from mailer.bounces.reporting.model import Cell, Period, Waiting, sort_of
from mailer.store.schema import (
    TRIED,
    Campaign,
    Delivery,
    Freeze,
    MailingList,
    ProviderRow,
    Report,
    ReturnedMail,
    Subscription,
)
from mailer.store.types import UtcDateTime
from mailer.store.vocabulary import SYSTEM_STREAM, DeliveryState, FreezeScope, ReturnedState

_ANSWERED = (DeliveryState.ACCEPTED, DeliveryState.REJECTED)


def cells(connection: Connection, period: Period, *, domains: bool) -> Iterator[Cell]:
    """Reports of a period, those alike counted together; domains only on demand, they are alike in little."""
    domain: Any = Report.domain if domains else func.coalesce(None, "")
    alike = (
        _hour(connection, Report.received_at),
        *(Report.kind, Report.severity, Report.cause_group),
        # An address whose provider nobody looked up counts for its domain.
        func.coalesce(Report.provider, Report.domain),
        *(domain, Report.reason, Report.fault, Report.campaign_id),
        *(Report.origin, Report.list_id, Report.relay),
    )
    named = [column.label(f"c{place}") for place, column in enumerate(alike)]
    statement = (
        select(*named, func.min(Report.received_at, type_=UtcDateTime), func.count(), func.max(Report.id))
        .where(Report.received_at >= period.since, Report.received_at < period.until)
        .group_by(*named)
    )
    for (
        hour,
        kind,
        severity,
        group,
        provider,
        at,
        reason,
        fault,
        campaign,
        origin,
        list_id,
        relay,
        first,
        n,
        newest,
    ) in connection.execute(statement):
        yield Cell(
            hour=hour_at(hour),
            first_at=first,
            sort=sort_of(kind, severity, group),
            provider=provider or "",
            domain=at,
            reason=reason or "",
            fault=fault or "",
            campaign_id=campaign or SYSTEM_STREAM,
            origin=origin or "",
            list_id=list_id or 0,
            relay=relay or "",
            count=n,
            example=newest,
        )


def streams(connection: Connection, period: Period) -> list[int]:
    """Campaigns that were on their way in a period, and system mail: no other delivery has to be looked at."""
    ended_before = Campaign.finished_at < period.since
    under_way = select(Campaign.id).where(
        Campaign.started_at < period.until, or_(Campaign.finished_at.is_(None), ~ended_before)
    )
    return [SYSTEM_STREAM, *connection.scalars(under_way)]


def sent_by(
    connection: Connection, period: Period, what: str, *, streams: Sequence[int]
) -> Iterator[tuple[Any, bool, int]]:
    """Messages that got a final answer in a period, by "stream", "domain", "relay" or "origin".

    Yields the value (of a stream: with the hour), whether they were accepted, and how many.
    """
    columns: dict[str, tuple[Any, ...]] = {
        "stream": (Delivery.stream, _hour(connection, Delivery.settled_at).label("hour")),
        "domain": (Delivery.domain,),
        "relay": (Delivery.relay,),
        "origin": (Subscription.source,),
    }
    statement = (
        select(*columns[what], Delivery.state, func.count())
        .where(
            Delivery.stream.in_(streams),
            text(f"deliveries.{TRIED}"),
            Delivery.state.in_(_ANSWERED),
            Delivery.settled_at >= period.since,
            Delivery.settled_at < period.until,
        )
        .group_by(*columns[what], Delivery.state)
    )
    if what == "origin":
        statement = statement.outerjoin(Subscription, Subscription.id == Delivery.subscription_id)
    for *value, state, count in connection.execute(statement):
        yield tuple(value) if len(value) > 1 else value[0], state is DeliveryState.ACCEPTED, count


def providers(connection: Connection) -> dict[str, str]:
    """Whose servers take the mail of which domain, as far as it was looked up."""
    return {
        row.domain: row.provider
        for row in connection.execute(select(ProviderRow.domain, ProviderRow.provider))
    }


def campaigns(connection: Connection) -> dict[int, tuple[str, int]]:
    """Slug and list of every campaign."""
    rows = connection.execute(select(Campaign.id, Campaign.slug, Campaign.list_id))
    return {row.id: (row.slug, row.list_id) for row in rows}


def lists(connection: Connection) -> dict[int, str]:
    """Names of the lists."""
    rows = connection.execute(select(MailingList.id, MailingList.name))
    return {row.id: row.name for row in rows}


def waiting(connection: Connection) -> Waiting:
    """What waits for a person now."""
    states = (ReturnedState.REVIEW, ReturnedState.UNREADABLE)
    counted = connection.execute(
        select(ReturnedMail.state, func.count().label("number"))
        .where(ReturnedMail.state.in_(states))
        .group_by(ReturnedMail.state)
    )
    number: dict[ReturnedState, int] = {row.state: row.number for row in counted}
    slugs = campaigns(connection)
    frozen = connection.execute(
        select(Freeze.id, Freeze.scope, Freeze.key)
        .where(Freeze.closed_at.is_(None))
        .order_by(Freeze.opened_at)
    )
    return Waiting(
        review=number.get(ReturnedState.REVIEW, 0),
        unreadable=number.get(ReturnedState.UNREADABLE, 0),
        frozen=tuple(f"{row.id} ({row.scope} {_scope_name(row.scope, row.key, slugs)})" for row in frozen),
    )


def _scope_name(scope: FreezeScope, key: str, slugs: Mapping[int, tuple[str, int]]) -> str:
    known = scope is FreezeScope.CAMPAIGN and key.isdigit()
    return slugs.get(int(key), (key, 0))[0] if known else key


def _hour(connection: Connection, column: Any) -> ColumnElement[Any]:
    """The hour of an instant in UTC: text on SQLite, where times are text, an instant on PostgreSQL."""
    if connection.dialect.name == "sqlite":
        return func.substr(column, 1, 13, type_=String)
    return func.date_trunc("hour", column, "UTC", type_=UtcDateTime)


@cache
def hour_at(hour: str | datetime) -> datetime:
    """The instant at which an hour begins."""
    if isinstance(hour, datetime):
        return hour
    return datetime.strptime(hour, "%Y-%m-%d %H").replace(tzinfo=UTC)


def sort_in_memory(connection: Connection) -> None:
    """Let PostgreSQL count in memory what its default of 4 MB makes it sort on disk; for this transaction."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SET LOCAL work_mem = '64MB'"))
