"""The alarm: many failures alike are no longer the doing of many people, so nobody is blamed (law 10)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, Update, func, insert, select, update

from mailer.bounces.deciding.policy import ALIKE_WITHIN, Limits, is_alarming
from mailer.store.schema import Campaign, Delivery, Freeze, Report
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


def covering(connection: Connection, place: Place) -> bool:
    """Whether an open freeze covers a failure of this place."""
    same = (Freeze.scope == FreezeScope.PROVIDER) & (Freeze.key == place.provider)
    if place.campaign_id is not None:
        same |= (Freeze.scope == FreezeScope.CAMPAIGN) & (Freeze.key == str(place.campaign_id))
    statement = select(Freeze.id).where(Freeze.closed_at.is_(None), Freeze.reason == place.group, same)
    return connection.scalar(statement.limit(1)) is not None


def look(connection: Connection, limits: Limits, place: Place, *, now: datetime) -> Alarm | None:
    """Open a freeze if the failures of this group, with the one just written, are too much alike."""
    if place.group in _NEVER_ALIKE:
        return None
    scopes = [(FreezeScope.PROVIDER, place.provider, Report.provider == place.provider)]
    if place.campaign_id is not None:
        campaign = Report.campaign_id == place.campaign_id
        scopes.insert(0, (FreezeScope.CAMPAIGN, str(place.campaign_id), campaign))
    for scope, key, where in scopes:
        failures = _failures(connection, where, place.group, now=now)
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
    return failures >= limits.alike_least and failures % max(1, limits.alike_least // 3) == 0


def _failures(connection: Connection, where: ColumnElement[bool], group: str, *, now: datetime) -> int:
    """Different people who failed alike within a day."""
    statement = select(func.count(Report.email_hash.distinct())).where(
        where,
        Report.kind == ReportKind.BOUNCE,
        Report.severity != ReportSeverity.DELAYED,
        Report.cause_group == group,
        Report.received_at > now - ALIKE_WITHIN,
    )
    return connection.scalar(statement) or 0


def _accepted(connection: Connection, where: ColumnElement[bool]) -> int:
    accepted = where & (Delivery.state == DeliveryState.ACCEPTED)
    return connection.scalar(select(func.count()).select_from(Delivery).where(accepted)) or 0


def _accepted_at(connection: Connection, provider: str, *, now: datetime) -> int:
    """What the domains that failed there took of the latest campaigns."""
    lately = (Report.provider == provider) & (Report.received_at > now - ALIKE_WITHIN)
    domains = list(connection.scalars(select(Report.domain).where(lately).distinct().limit(200)))
    campaigns = select(Campaign.id).where(Campaign.started_at > now - 3 * ALIKE_WITHIN)
    ids = list(connection.scalars(campaigns.order_by(Campaign.id.desc()).limit(_CAMPAIGNS)))
    return _accepted(connection, Delivery.stream.in_(ids) & Delivery.domain.in_(domains))


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
