"""Reads what came back once more, by the rules of today: what differs is shown first, then made so."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, or_, select, update

from mailer import clock
from mailer.audit import Ledger
from mailer.bounces.deciding.effects import Effects, has_success
from mailer.bounces.deciding.model import Difference
from mailer.bounces.deciding.policy import (
    LATEST_REPORT,
    SUCCESS_AFTER,
    effect_of,
    of_our_address,
    severity_of,
)
from mailer.bounces.deciding.reading import of_refusal, raw_or_none, reading_of
from mailer.bounces.model import Bounce, Kind
from mailer.bounces.version import READER_VERSION
from mailer.store import Store
from mailer.store.schema import Delivery, Report, ReturnedMail, Subscriber
from mailer.store.vocabulary import (
    HoldEnd,
    ReportEffect,
    ReportKind,
    ReportSeverity,
    ReportSource,
    ReturnedState,
    Stream,
    SuppressionReason,
)

_SLICE = 50
_E = ReportEffect
#: What a report did that a later reading may take back.
_BLAMED = frozenset({_E.HELD, _E.SCORED, _E.SUPPRESSED, _E.FROZEN})
#: What a message may turn out to be that had been put aside.
_MATTERS = frozenset({Kind.BOUNCE, Kind.COMPLAINT, Kind.UNSUBSCRIBE})


class Reclassifying:
    """One run over what came since, as far as the raw mail or the server's reply is still kept."""

    def __init__(self, store: Store, ledger: Ledger, effects: Effects) -> None:
        self._store = store
        self._ledger = ledger
        self._effects = effects

    def run(self, since: datetime, *, apply: bool) -> list[Difference]:
        """Every difference, in the order of what came; `apply` makes each so. Raises StoreError."""
        found: list[Difference] = []
        for row, bounce in self._reports(since):
            difference = _difference(row, bounce)
            if difference is not None:
                found.append(difference)
                if apply:
                    with self._store.write() as connection:
                        self._apply(connection, row, bounce, difference)
                    self._store.let_others_write()
        for mail_id, was, now in self._put_aside(since):
            found.append(Difference(None, mail_id, was, now, lifts=False, holds=False))
            if apply:
                with self._store.write() as connection:
                    again = update(ReturnedMail).where(ReturnedMail.id == mail_id)
                    connection.execute(again.values(state=ReturnedState.WAITING))
        if apply and found:
            with self._store.write() as connection:
                payload = {"since": since.isoformat(), "differences": len(found), "version": READER_VERSION}
                self._ledger.append(connection, stream=Stream.AUDIT, event="reclassified", payload=payload)
        return found

    def _reports(self, since: datetime) -> Iterator[tuple[Row[Any], Bounce | None]]:
        last = 0
        while True:
            with self._store.read() as connection:
                rows = connection.execute(
                    _REPORTS.where(Report.received_at >= since, Report.id > last).limit(_SLICE)
                ).all()
                raws = {row.id: raw_or_none(connection, row.mail_id) for row in rows if row.mail_id}
            if not rows:
                return
            last = rows[-1].id
            for row in rows:
                if row.source is ReportSource.SMTP:
                    yield row, of_refusal(row.reply_code, row.reply_status, row.reply)
                elif reading := reading_of(row.mail_source, raws[row.id] or b"", mail_id=row.mail_id):
                    mine = [one for one in reading.bounces if (one.recipient or "").lower() == row.email_key]
                    yield row, next(iter((*mine, *reading.bounces)), None)

    def _put_aside(self, since: datetime) -> Iterator[tuple[int, str, str]]:
        """Messages that an older reader saw nothing in."""
        last = 0
        while True:
            with self._store.read() as connection:
                rows = connection.execute(
                    _PUT_ASIDE.where(ReturnedMail.received_at >= since, ReturnedMail.id > last).limit(_SLICE)
                ).all()
                raws = {row.id: raw_or_none(connection, row.id) for row in rows}
            if not rows:
                return
            last = rows[-1].id
            for row in rows:
                reading = reading_of(row.source, raws[row.id] or b"", mail_id=row.id)
                was = row.state.value if row.kind is None else row.kind.value
                if reading is not None and reading.kind in _MATTERS and reading.kind.value != was:
                    yield row.id, was, reading.kind.value

    def _apply(
        self, connection: Connection, row: Row[Any], bounce: Bounce | None, difference: Difference
    ) -> None:
        locked = select(Report.effect).where(Report.id == row.id).with_for_update()
        if connection.scalar(locked) is not row.effect:
            return  # something else has happened to it since it was shown
        effect = row.effect
        if difference.lifts and row.email_hash is not None:
            effect = self._lift(connection, row, bounce)
        elif difference.holds and row.email_hash is not None and bounce is not None:
            effect = self._hold(connection, row, bounce)
        values: dict[str, Any] = {"effect": effect, "reader_version": READER_VERSION}
        if bounce is None:
            values |= {"reason": None, "rule": "no report any more", "severity": ReportSeverity.DELAYED}
        else:
            values |= {
                "status": bounce.status[:16] or None,
                "reason": bounce.reason,
                "fault": bounce.fault.value,
                "rule": bounce.rule[:64],
                "severity": severity_of(bounce),
                "cause_group": bounce.group,
            }
        connection.execute(update(Report).where(Report.id == row.id).values(**values))

    def _lift(self, connection: Connection, row: Row[Any], bounce: Bounce | None) -> ReportEffect:
        now = clock.now()
        if row.severity is ReportSeverity.SOFT and row.effect in (_E.SCORED, _E.SUPPRESSED):
            self._effects.unscore(connection, row.email_hash)
        reasons = _DID.get((row.severity, row.effect), ())
        if reasons and not _is_blamed_by_others(connection, row):
            why = f"read again by rules of version {READER_VERSION}"
            self._effects.free(connection, row.email_hash, reasons, why=why, end=HoldEnd.LIFTED, now=now)
        if row.severity is ReportSeverity.HARD and bounce is not None and effect_of(bounce) is _E.SCORED:
            return self._effects.score(connection, row.email_hash, note=_note(bounce), now=now)
        return _E.RELEASED

    def _hold(self, connection: Connection, row: Row[Any], bounce: Bounce) -> ReportEffect:
        now = clock.now()
        late = row.sent_at is None or now - row.sent_at > LATEST_REPORT
        if late or has_success(connection, row.email_hash, after=row.sent_at, before=now - SUCCESS_AFTER):
            return _E.NOTED
        return self._effects.hold(
            connection,
            row.email_hash,
            report_id=row.id,
            provider=row.provider or row.domain,
            campaign_id=row.campaign_id,
            note=_note(bounce),
            now=now,
        )


#: What a report may have done by itself.
_DID = {
    (ReportSeverity.HARD, _E.HELD): (SuppressionReason.HELD,),
    (ReportSeverity.HARD, _E.SUPPRESSED): (SuppressionReason.HELD, SuppressionReason.HARD_BOUNCE),
    (ReportSeverity.SOFT, _E.SUPPRESSED): (SuppressionReason.SOFT_BOUNCE,),
}
_REPORTS = (
    select(
        Report.__table__,
        ReturnedMail.source.label("mail_source"),
        Subscriber.email_key,
        Delivery.attempted_at.label("sent_at"),
        Delivery.reply_code,
        Delivery.status.label("reply_status"),
        Delivery.reply,
    )
    .outerjoin(ReturnedMail, ReturnedMail.id == Report.mail_id)
    .outerjoin(Subscriber, Subscriber.email_hash == Report.email_hash)
    .outerjoin(Delivery, Delivery.id == Report.delivery_id)
    .where(
        Report.kind == ReportKind.BOUNCE,
        or_(
            ReturnedMail.raw.is_not(None),
            # A later attempt has overwritten the reply that the report was about.
            (Report.source == ReportSource.SMTP)
            & Delivery.reply.is_not(None)
            & (Delivery.attempted_at <= Report.received_at),
        ),
    )
    .order_by(Report.id)
)
_PUT_ASIDE = (
    select(ReturnedMail.id, ReturnedMail.source, ReturnedMail.kind, ReturnedMail.state)
    .where(
        ReturnedMail.raw.is_not(None),
        ReturnedMail.reader_version < READER_VERSION,
        ReturnedMail.state.in_((ReturnedState.SETTLED, ReturnedState.REVIEW, ReturnedState.UNREADABLE)),
        ~select(Report.id).where(Report.mail_id == ReturnedMail.id).exists(),
    )
    .order_by(ReturnedMail.id)
)


def _is_blamed_by_others(connection: Connection, row: Row[Any]) -> bool:
    """Whether another report of the same weight keeps what this one did."""
    others = select(Report.id).where(
        Report.email_hash == row.email_hash,
        Report.id != row.id,
        Report.severity == row.severity,
        Report.effect.in_((_E.HELD, _E.SUPPRESSED)),
    )
    return connection.scalar(others.limit(1)) is not None


def _difference(row: Row[Any], read: Bounce | None) -> Difference | None:
    was = f"{'' if row.severity is None else row.severity.value} {row.reason or ''}".strip()
    if read is None:
        lifts = row.effect in _BLAMED
        # Once said to be none, it is not said again.
        return (
            Difference(row.id, row.mail_id, was, "no bounce", lifts=lifts, holds=False)
            if row.reason
            else None
        )
    bounce = of_our_address(read, row.email_key or "")
    severity, effect = severity_of(bounce), effect_of(bounce)
    if (row.severity, row.reason) == (severity, bounce.reason):
        return None
    was_hard = row.severity is ReportSeverity.HARD
    lifts = row.effect in _BLAMED and (effect is _E.NOTED or (was_hard and effect is _E.SCORED))
    holds = row.effect is _E.NOTED and effect is _E.HELD
    return Difference(row.id, row.mail_id, was, f"{severity.value} {bounce.reason}", lifts=lifts, holds=holds)


def _note(bounce: Bounce) -> str:
    return f"{bounce.reason} ({bounce.rule})"[:200]
