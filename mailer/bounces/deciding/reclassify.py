"""Reads what came back once more, by the rules of today: what differs is shown first, then made so."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, select, update

from mailer import clock
from mailer.audit import Ledger
from mailer.bounces.deciding.correlate import Correlator
from mailer.bounces.deciding.effects import Effects
from mailer.bounces.deciding.model import Difference
from mailer.bounces.deciding.policy import effect_of, severity_of
from mailer.bounces.intake import raw_of
from mailer.bounces.model import Bounce, Reading
from mailer.bounces.version import READER_VERSION
from mailer.store import Store
from mailer.store.bulk import breathe
from mailer.store.schema import Hold, Report, ReturnedMail, Subscriber
from mailer.store.vocabulary import HoldEnd, ReportEffect, ReportKind, Stream, SuppressionReason

_SLICE = 50
#: What a report did that a later reading may take back.
_BLAMED = frozenset({ReportEffect.HELD, ReportEffect.SCORED, ReportEffect.SUPPRESSED, ReportEffect.FROZEN})
#: What a later reading may still add.
_UNBLAMED = frozenset({ReportEffect.NOTED})


class Reclassifying:
    """One run over the reports whose raw mail is still kept."""

    def __init__(
        self,
        store: Store,
        ledger: Ledger,
        effects: Effects,
        correlator: Correlator,
        read_as: Callable[[str, bytes], Reading],
    ) -> None:
        self._store = store
        self._ledger = ledger
        self._effects = effects
        self._correlator = correlator
        self._read_as = read_as

    def run(self, since: datetime, *, apply: bool) -> list[Difference]:
        """Every difference, in the order of the reports; `apply` makes each so. Raises StoreError."""
        found: list[Difference] = []
        for rows in self._slices(since):
            for row, bounce in rows:
                difference = _difference(row, bounce)
                if difference is None:
                    continue
                found.append(difference)
                if apply:
                    with self._store.write() as connection:
                        self._apply(connection, row, bounce, difference)
            breathe(self._store)
        if apply:
            with self._store.write() as connection:
                payload = {"since": since.isoformat(), "reports": len(found), "version": READER_VERSION}
                self._ledger.append(connection, stream=Stream.AUDIT, event="reclassified", payload=payload)
        return found

    def _slices(self, since: datetime) -> Iterator[list[tuple[Row[Any], Bounce]]]:
        last = 0
        while True:
            with self._store.read() as connection:
                rows = connection.execute(
                    select(Report.__table__, ReturnedMail.source.label("mail_source"), Subscriber.email_key)
                    .join(ReturnedMail, ReturnedMail.id == Report.mail_id)
                    .outerjoin(Subscriber, Subscriber.email_hash == Report.email_hash)
                    .where(
                        Report.received_at >= since,
                        Report.id > last,
                        Report.kind == ReportKind.BOUNCE,
                        ReturnedMail.raw.is_not(None),
                    )
                    .order_by(Report.id)
                    .limit(_SLICE)
                ).all()
                raws = {row.id: raw_of(connection, row.mail_id) for row in rows}
            if not rows:
                return
            last = rows[-1].id
            yield [(row, again) for row in rows if (again := self._again(row, raws[row.id])) is not None]

    def _again(self, row: Row[Any], raw: bytes | None) -> Bounce | None:
        reading = self._read_as(row.mail_source, raw or b"")
        mine = [one for one in reading.bounces if (one.recipient or "").lower() == row.email_key]
        return next(iter((*mine, *reading.bounces)), None)

    def _apply(self, connection: Connection, row: Row[Any], bounce: Bounce, difference: Difference) -> None:
        now = clock.now()
        effect = row.effect
        if difference.lifts and row.email_hash is not None:
            if row.effect is ReportEffect.SCORED:
                self._effects.unscore(connection, row.email_hash)
            elif self._is_its_doing(connection, row):
                self._effects.free(
                    connection,
                    row.email_hash,
                    (SuppressionReason.HELD, SuppressionReason.HARD_BOUNCE),
                    why=f"read again by rules of version {READER_VERSION}: {bounce.reason}",
                    end=HoldEnd.LIFTED,
                    now=now,
                )
            effect = ReportEffect.RELEASED
        elif difference.holds and row.email_hash is not None:
            effect = self._effects.hold(
                connection,
                row.email_hash,
                report_id=row.id,
                provider=row.provider or row.domain,
                campaign_id=row.campaign_id,
                note=f"{bounce.reason} ({bounce.rule})"[:200],
                now=now,
            )
        values = {
            "status": bounce.status[:16] or None,
            "reason": bounce.reason,
            "fault": bounce.fault.value,
            "rule": bounce.rule[:64],
            "severity": severity_of(bounce),
            "cause_group": bounce.group,
            "effect": effect,
            "reader_version": READER_VERSION,
        }
        connection.execute(update(Report).where(Report.id == row.id).values(**values))

    def _is_its_doing(self, connection: Connection, row: Row[Any]) -> bool:
        """Whether the suppression came of this report alone: another hard report of the person keeps it."""
        others = select(Hold.id).where(
            Hold.email_hash == row.email_hash,
            Hold.report_id != row.id,
            (Hold.end.is_(None)) | (Hold.end == HoldEnd.SUPPRESSED),
        )
        return connection.scalar(others.limit(1)) is None


def _difference(row: Row[Any], bounce: Bounce) -> Difference | None:
    severity = severity_of(bounce)
    if (row.severity, row.reason) == (severity, bounce.reason):
        return None
    theirs = not bounce.recipient or bounce.recipient.lower() == row.email_key
    effect = effect_of(bounce, is_their_address=theirs)
    was_hard = row.effect in (ReportEffect.HELD, ReportEffect.SUPPRESSED, ReportEffect.FROZEN)
    lifts = row.effect in _BLAMED and (
        effect is ReportEffect.NOTED or (was_hard and effect is ReportEffect.SCORED)
    )
    holds = row.effect in _UNBLAMED and effect is ReportEffect.HELD
    was = f"{'' if row.severity is None else row.severity.value} {row.reason}".strip()
    return Difference(row.id, was, f"{severity.value} {bounce.reason}", lifts=lifts, holds=holds)
