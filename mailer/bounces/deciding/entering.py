"""Enters what reports say: a row for each, with whom it is about and what followed, in the caller's transaction."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, bindparam, insert, select, update

from mailer.audit import Ledger
from mailer.bounces.deciding import alike
from mailer.bounces.deciding.alarm import Alarms
from mailer.bounces.deciding.alike import Place
from mailer.bounces.deciding.correlate import Match
from mailer.bounces.deciding.effects import Effects, has_success
from mailer.bounces.deciding.policy import (
    LATEST_REPORT,
    SUCCESS_AFTER,
    Limits,
    effect_of,
    of_our_address,
    severity_of,
)
from mailer.bounces.model import Bounce
from mailer.bounces.version import READER_VERSION
from mailer.delivery.pace.owners import own_name
from mailer.delivery.settling.settle import settle_by_report
from mailer.store.schema import ProviderRow, Report
from mailer.store.vocabulary import (
    DeliveryState,
    ReportEffect,
    ReportKind,
    ReportSeverity,
    ReportSource,
    SuppressionReason,
)

#: What a report must be matched by to prove that this very delivery was taken by the relay.
NAMES_THE_COPY = frozenset({"verp", "envid", "message_id"})

#: Deliveries that such a report settles; at SMTP time it is the outcome itself that does.
IN_DOUBT = frozenset({DeliveryState.UNKNOWN, DeliveryState.QUEUED, DeliveryState.DEFERRED})


@dataclass(frozen=True, slots=True)
class Origin:
    """Which way a report came."""

    source: ReportSource
    mail_id: int | None = None


_INSERT = insert(Report).returning(Report.id)
_SET_EFFECT = update(Report).where(Report.id == bindparam("report")).values(effect=bindparam("became"))


class Entering:
    """Writes reports and lets them act."""

    def __init__(self, ledger: Ledger, effects: Effects, alarms: Alarms, limits: Limits) -> None:
        self._ledger = ledger
        self._effects = effects
        self._alarms = alarms
        self._limits = limits

    def enter(
        self, connection: Connection, bounce: Bounce, match: Match, origin: Origin, *, now: datetime
    ) -> ReportEffect | None:
        """Write one proven report and do what follows; None: it was told before, in whatever words."""
        bounce = of_our_address(bounce, match.email_key)
        if _is_known(connection, match, severity_of(bounce)):
            return None
        if match.state in IN_DOUBT and match.matched_by in NAMES_THE_COPY:
            words = f"{bounce.reason}, {bounce.rule}"[:200]
            settle_by_report(connection, self._ledger, match.delivery_id, report=words)
        provider = provider_of(connection, match.domain)
        report_id = _insert(connection, bounce, match, origin, provider=provider, now=now)
        # What is answered at once and is nobody's doing, the circuit breakers have seen.
        is_seen = origin.source is ReportSource.SMTP and effect_of(bounce) is ReportEffect.NOTED
        if is_seen:
            return ReportEffect.NOTED
        effect = self._act(connection, bounce, match, report_id=report_id, provider=provider, now=now)
        if effect is not ReportEffect.NOTED:
            connection.execute(_SET_EFFECT, {"report": report_id, "became": effect})
        return effect

    def _act(
        self,
        connection: Connection,
        bounce: Bounce,
        match: Match,
        *,
        report_id: int,
        provider: str,
        now: datetime,
    ) -> ReportEffect:
        severity, note = severity_of(bounce), f"{bounce.reason} ({bounce.rule})"[:200]
        if severity is ReportSeverity.COMPLAINT:
            if match.email_hash is None:
                return ReportEffect.NOTED
            return self._effects.suppress(
                connection, match.email_hash, SuppressionReason.COMPLAINT, note=note
            )
        effect = effect_of(bounce)
        place = Place(provider, match.campaign_id, bounce.group)
        if severity is ReportSeverity.DELAYED:
            return ReportEffect.NOTED
        counts = effect is not ReportEffect.NOTED
        if alike.covering(connection, place, now=now):
            return ReportEffect.FROZEN if counts else effect
        if alike.is_released(connection, place, sent_at=match.attempted_at):
            return ReportEffect.RELEASED if counts else effect
        alarm = alike.look(connection, self._limits, place, now=now)
        if alarm is not None:
            self._alarms.raise_in(connection, alarm, now=now)
            return ReportEffect.FROZEN if counts else effect
        if not counts or match.email_hash is None or self._says_nothing_new(connection, match, now=now):
            return ReportEffect.NOTED
        if effect is ReportEffect.SCORED:
            return self._effects.score(connection, match.email_hash, note=note, now=now)
        return self._effects.hold(
            connection,
            match.email_hash,
            report_id=report_id,
            provider=provider,
            campaign_id=match.campaign_id,
            note=note,
            now=now,
        )

    def _says_nothing_new(self, connection: Connection, match: Match, *, now: datetime) -> bool:
        """Whether it is about a time before the person said yes anew, or before mail that arrived."""
        if match.email_hash is None or _is_outdated(match, now=now):
            return True
        return match.attempted_at is not None and has_success(
            connection, match.email_hash, after=match.attempted_at, before=now - SUCCESS_AFTER
        )


def provider_of(connection: Connection, domain: str) -> str:
    """Whose mail servers take the mail of a domain, as far as it is known without asking."""
    if own := own_name(domain):
        return own
    found = connection.scalar(select(ProviderRow.provider).where(ProviderRow.domain == domain))
    return found or domain


def _is_known(connection: Connection, match: Match, severity: ReportSeverity) -> bool:
    """A server may tell the same twice, by mail and by webhook; a failure after a delay is news.

    So is one of a later attempt at the same delivery.
    """
    same = [Report.delivery_id == match.delivery_id, Report.severity == severity]
    if match.attempted_at is not None:
        same.append(Report.received_at >= match.attempted_at)
    return connection.scalar(select(Report.id).where(*same).limit(1)) is not None


def _is_outdated(match: Match, *, now: datetime) -> bool:
    """A tag from long ago, or from before the person said yes anew, says nothing of today."""
    if match.attempted_at is None:
        return False
    confirmed = match.confirmed_at is not None and match.confirmed_at > match.attempted_at
    return confirmed or now - match.attempted_at > LATEST_REPORT


def _insert(
    connection: Connection, bounce: Bounce, match: Match, origin: Origin, *, provider: str, now: datetime
) -> int:
    severity = severity_of(bounce)
    is_complaint = severity is ReportSeverity.COMPLAINT
    row = {
        "received_at": now,
        "kind": ReportKind.COMPLAINT if is_complaint else ReportKind.BOUNCE,
        "campaign_id": match.campaign_id,
        "delivery_id": match.delivery_id,
        "domain": match.domain,
        "status": bounce.status[:16] or None,
        "reason": bounce.reason,
        "fault": bounce.fault.value,
        "rule": bounce.rule[:64],
        "source": origin.source,
        "mail_id": origin.mail_id,
        "severity": severity,
        "cause_group": bounce.group,
        "effect": ReportEffect.NOTED,
        "matched_by": match.matched_by,
        "email_hash": match.email_hash,
        "list_id": match.list_id,
        "origin": match.origin,
        "provider": provider,
        "relay": match.relay,
        "reader_version": READER_VERSION,
    }
    report_id: int = connection.execute(_INSERT, row).scalar_one()
    return report_id
