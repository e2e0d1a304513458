"""The alarm: many failures alike are no longer the doing of many people, so nobody is blamed (law 10)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Update, bindparam, func, insert, select, update

from mailer.bounces.deciding.policy import ALIKE_WITHIN, Limits, is_alarming
from mailer.delivery.pace.owners import OWNERS
from mailer.store.schema import Campaign, Delivery, Freeze, ProviderRow, Report
from mailer.store.types import UtcDateTime
from mailer.store.vocabulary import (
    DeliveryState,
    FreezeScope,
    ReportEffect,
    ReportKind,
    ReportSeverity,
)

#: Causes that are the provider's weather or already paced: alike by nature, and nobody's blame.
_NEVER_ALIKE = frozenset({"rate_limited", "network", "complaint"})
#: Campaigns that are looked at when a provider's share is reckoned.
_CAMPAIGNS = 20
#: Domains of one provider that are counted.
_DOMAINS = 1000
#: Reports of what was sent before an incident was noticed belong to it for so long.
LATE = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a failure belongs."""

    provider: str
    campaign_id: int | None
    group: str  #: its coarse cause


@dataclass(frozen=True, slots=True)
class Alarm:
    """A freeze that was just opened."""

    freeze_id: int
    scope: FreezeScope
    key: str
    group: str
    failures: int
    accepted: int


def covering(connection: Connection, place: Place, *, now: datetime) -> bool:
    """Whether a failure falls under an open freeze, which then is as young as that failure."""
    found = next((row.id for row in _same(connection, place) if row.closed_at is None), None)
    if found is None:
        return False
    connection.execute(update(Freeze).where(Freeze.id == found).values(last_at=now))
    return True


def is_released(connection: Connection, place: Place, *, sent_at: datetime | None) -> bool:
    """Whether a failure is a late one of an incident that somebody has ended with "nobody is to blame"."""
    if sent_at is None:
        return False
    return any(
        row.decision == "release"
        and row.closed_at is not None
        and row.opened_at - LATE < sent_at < row.closed_at
        for row in _same(connection, place)
    )


_FREEZES = (
    select(Freeze.id, Freeze.opened_at, Freeze.closed_at, Freeze.decision)
    .where(
        Freeze.reason == bindparam("group"),
        ((Freeze.scope == FreezeScope.PROVIDER) & (Freeze.key == bindparam("provider")))
        | ((Freeze.scope == FreezeScope.CAMPAIGN) & (Freeze.key == bindparam("campaign"))),
    )
    .order_by(Freeze.id)
)


def _same(connection: Connection, place: Place) -> Sequence[Row[*tuple[Any, ...]]]:
    """Every freeze that there was of this place."""
    given = {"group": place.group, "provider": place.provider, "campaign": str(place.campaign_id)}
    return connection.execute(_FREEZES, given).all()


def look(connection: Connection, limits: Limits, place: Place, *, now: datetime) -> Alarm | None:
    """Open a freeze if the failures of this group, with the one just written, are too much alike."""
    if place.group in _NEVER_ALIKE:
        return None
    scopes = [(FreezeScope.PROVIDER, place.provider, Report.provider == place.provider)]
    if place.campaign_id is not None:
        campaign = Report.campaign_id == place.campaign_id
        scopes.insert(0, (FreezeScope.CAMPAIGN, str(place.campaign_id), campaign))
    for scope, key, where in scopes:
        since = _since(connection, scope, key, place.group, now=now)
        failures = _failures(connection, where, place.group, since=since)
        if not _is_time(failures, limits):
            continue
        accepted = (
            _accepted(connection, Delivery.stream == place.campaign_id)
            if scope is FreezeScope.CAMPAIGN
            else _accepted_at(connection, key, now=now)
        )
        if is_alarming(failures, accepted, limits):
            return _open(connection, Alarm(0, scope, key, place.group, failures, accepted), now=now)
    return None


def members(scope: FreezeScope, key: str, group: str, *, since: datetime) -> ColumnElement[bool]:
    """The reports that a freeze is about."""
    place = Report.provider == key if scope is FreezeScope.PROVIDER else Report.campaign_id == int(key)
    return place & (Report.cause_group == group) & (Report.received_at > since)


def set_effect(which: ColumnElement[bool], *, was: ReportEffect, to: ReportEffect) -> Update:
    """Reports change what followed from them."""
    return update(Report).where(which, Report.effect == was).values(effect=to)


def _is_time(failures: int, limits: Limits) -> bool:
    """The share is reckoned now and then, not for every report."""
    return (
        failures >= limits.alike_least
        and (failures - limits.alike_least) % max(1, limits.alike_least // 3) == 0
    )


def _since(connection: Connection, scope: FreezeScope, key: str, group: str, *, now: datetime) -> datetime:
    """From when failures are counted: a day ago, or since somebody decided about the last alarm."""
    ended = select(func.max(Freeze.closed_at, type_=UtcDateTime)).where(
        Freeze.scope == scope, Freeze.key == key, Freeze.reason == group
    )
    return max(now - ALIKE_WITHIN, connection.scalar(ended) or now - ALIKE_WITHIN)


def _failures(connection: Connection, where: ColumnElement[bool], group: str, *, since: datetime) -> int:
    """Different people who failed alike."""
    statement = select(func.count(Report.email_hash.distinct())).where(
        where,
        Report.kind == ReportKind.BOUNCE,
        Report.severity != ReportSeverity.DELAYED,
        Report.cause_group == group,
        Report.received_at > since,
    )
    return connection.scalar(statement) or 0


def _accepted(connection: Connection, where: ColumnElement[bool]) -> int:
    accepted = where & (Delivery.state == DeliveryState.ACCEPTED)
    return connection.scalar(select(func.count()).select_from(Delivery).where(accepted)) or 0


def domains_of(connection: Connection, provider: str) -> list[str]:
    """The domains whose mail a provider takes, as far as is known."""
    asked = connection.scalars(select(ProviderRow.domain).where(ProviderRow.provider == provider))
    failed = connection.scalars(select(Report.domain).where(Report.provider == provider).distinct())
    own = next((owner.domains for owner in OWNERS if owner.name == provider), frozenset())
    return sorted({provider, *asked, *failed.fetchmany(_DOMAINS), *own} - {""})[:_DOMAINS]


def _accepted_at(connection: Connection, provider: str, *, now: datetime) -> int:
    """What a provider took of the latest campaigns."""
    campaigns = select(Campaign.id).where(Campaign.started_at > now - 3 * ALIKE_WITHIN)
    ids = list(connection.scalars(campaigns.order_by(Campaign.id.desc()).limit(_CAMPAIGNS)))
    at = Delivery.domain.in_(domains_of(connection, provider))
    return _accepted(connection, Delivery.stream.in_(ids) & at)


def share_of(connection: Connection, campaign_id: int, provider: str) -> float:
    """Which part of a campaign goes to a provider; reads all of its rows."""
    there = func.count().filter(Delivery.domain.in_(domains_of(connection, provider)))
    count, rows = connection.execute(
        select(there, func.count()).where(Delivery.campaign_id == campaign_id)
    ).one()
    return float(count / rows) if rows else 0.0


def _open(connection: Connection, alarm: Alarm, *, now: datetime) -> Alarm:
    row = {
        "scope": alarm.scope,
        "key": alarm.key,
        "reason": alarm.group,
        "opened_at": now,
        "last_at": now,
        "facts": {"failures": alarm.failures, "accepted": alarm.accepted},
    }
    freeze_id = connection.scalar(insert(Freeze).values(row).returning(Freeze.id))
    assert freeze_id is not None  # one row in, one id out
    return replace(alarm, freeze_id=freeze_id)
