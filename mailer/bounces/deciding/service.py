"""Decides what follows from everything that came back, once each, and lets people overrule it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import Connection, Row, select, update

from mailer import clock
from mailer.alerts import Alerts
from mailer.audit import Ledger
from mailer.bounces.deciding import holds, looking
from mailer.bounces.deciding.alarm import Alarms
from mailer.bounces.deciding.correlate import Correlator, Match, by_id
from mailer.bounces.deciding.effects import Effects
from mailer.bounces.deciding.entering import Entering, Origin
from mailer.bounces.deciding.model import Difference, Review
from mailer.bounces.deciding.policy import Limits
from mailer.bounces.deciding.reclassify import Reclassifying
from mailer.bounces.deciding.wishes import claim_in, is_vouched
from mailer.bounces.intake import raw_of
from mailer.bounces.model import Bounce, Kind, Reading
from mailer.bounces.reading import classify
from mailer.bounces.verdict import Evidence, decide
from mailer.bounces.version import READER_VERSION
from mailer.bounces.webhooks.reading import PREFIX as WEBHOOK
from mailer.bounces.webhooks.reading import reading as hook_reading
from mailer.delivery.model import Attempt, Outcome, OutcomeKind
from mailer.delivery.pace.reports import reported
from mailer.keyring import Secrets
from mailer.store import Store
from mailer.store.bulk import breathe
from mailer.store.schema import ReturnedMail
from mailer.store.vocabulary import ReportSource, ReturnedKind, ReturnedState
from mailer.subscribers.leaving import Leaving, Wish
from mailer.tokens import Tokens

log = logging.getLogger("mailer.bounces")

#: Messages read and decided in one transaction: an opt-out must get in between.
BATCH = 25
_W = ReturnedState.WAITING
#: What a message of a kind without a verdict is, when nobody needs to look at it.
_SETTLED_KINDS = frozenset({Kind.AUTOREPLY, Kind.NONE})
_Conclusion = tuple[ReturnedState, str | None]


class Deciding:
    """The decisions of one site. Safe to share between threads and hosts."""

    def __init__(
        self,
        store: Store,
        limits: Limits,
        secrets: Secrets,
        *,
        ledger: Ledger,
        tokens: Tokens,
        leaving: Leaving,
        alerts: Alerts,
        authserv_id: str | None = None,
    ) -> None:
        self._store = store
        self._leaving = leaving
        self._tokens = tokens
        self._authserv_id = authserv_id
        self._effects = Effects(ledger, limits)
        self._alarms = Alarms(ledger, self._effects, alerts)
        self._entering = Entering(ledger, self._effects, self._alarms, limits)
        self._correlator = Correlator(secrets, tokens)
        self._ledger = ledger

    # --- what came by mail or webhook -------------------------------------------------------

    def process_waiting(self, *, stopping: Callable[[], bool] = lambda: False) -> int:
        """Read and decide everything that is kept and waits; returns how many. Raises StoreError.

        Whatever a message holds, it is settled, put up for review or marked unreadable, so that it
        never stops those after it. Several processes may do this at once.
        """
        done = 0
        while not stopping():
            with self._store.read() as connection:
                waiting = select(ReturnedMail.id).where(ReturnedMail.state == _W).order_by(ReturnedMail.id)
                ids = list(connection.scalars(waiting.limit(BATCH)))
            if not ids:
                break
            done += self._process(ids)
            breathe(self._store)
        return done

    def _process(self, ids: Sequence[int]) -> int:
        read = {mail_id: self._read(mail_id) for mail_id in ids}
        speed: list[tuple[str, Outcome]] = []
        with self._store.write() as connection:
            rows = connection.execute(
                select(ReturnedMail.id, ReturnedMail.source, ReturnedMail.envelope_to)
                .where(ReturnedMail.id.in_(ids), ReturnedMail.state == _W)
                .order_by(ReturnedMail.id)
                .with_for_update(skip_locked=True)
            ).all()
            for row in rows:
                raw, reading = read[row.id]
                state, note = self._conclude(connection, row, raw, reading, speed)
                self._settle(connection, row.id, reading, state=state, note=note)
        for domain, outcome in speed:
            reported(self._store, domain, outcome)
        return len(rows)

    def _read(self, mail_id: int) -> tuple[bytes, Reading | None]:
        """Outside of any transaction: reading may take a while. None: it cannot be read."""
        with self._store.read() as connection:
            raw = raw_of(connection, mail_id) or b""
            source = connection.scalar(select(ReturnedMail.source).where(ReturnedMail.id == mail_id)) or ""
        try:
            return raw, read_as(source, raw)
        except Exception as error:  # noqa: BLE001 - one message that trips the reader must not stop the others
            log.error("unreadable", extra={"mail": mail_id, "error": type(error).__name__})
            return raw, None

    def _conclude(
        self,
        connection: Connection,
        row: Row[*tuple[Any, ...]],
        raw: bytes,
        reading: Reading | None,
        speed: list[tuple[str, Outcome]],
    ) -> _Conclusion:
        if reading is None:
            return ReturnedState.UNREADABLE, "The reader failed at it; please keep it for whoever mends that."
        if reading.kind is Kind.UNSUBSCRIBE:
            return self._wish(connection, raw, reading)
        if reading.kind in _SETTLED_KINDS:
            return ReturnedState.SETTLED, None
        match = self._correlator.find(connection, reading, raw=raw, envelope_to=row.envelope_to)
        if match is None:
            return ReturnedState.REVIEW, "It speaks of nobody we wrote to."
        is_hook = row.source.startswith(WEBHOOK)
        if not match.is_proven and not is_hook:
            return ReturnedState.REVIEW, "It names an address, and nothing proves that the mail was ours."
        source = ReportSource.WEBHOOK if is_hook else ReportSource.MAIL
        bounce = _about(reading, match)
        if bounce is None:
            return ReturnedState.REVIEW, "It says nothing of anybody."
        effect = self._entering.enter(connection, bounce, match, Origin(source, row.id), now=clock.now())
        if effect is None:
            return ReturnedState.SETTLED, "The same was told before."
        if bounce.fault.value in ("sender", "provider"):
            outcome = Outcome(OutcomeKind.DEFERRED, status=bounce.status or None, reply=bounce.rule)
            speed.append((match.domain, outcome))
        return ReturnedState.SETTLED, f"{bounce.reason}: {effect.value}"

    def _wish(self, connection: Connection, raw: bytes, reading: Reading) -> _Conclusion:
        claim = claim_in(raw, self._tokens) or self._correlator.link_in(raw)
        if claim is not None and claim.is_proof:
            return ReturnedState.SETTLED, "A link of a proof: it acts on nothing."
        if claim is not None:
            self._leaving.leave_in(connection, [Wish(claim, "list", "mail", None)])
            return ReturnedState.SETTLED, "Left the list."
        if is_vouched(raw, reading.sender, authserv_id=self._authserv_id):
            left = looking.suppress_sender(connection, self._effects, reading.sender)
            return ReturnedState.SETTLED, "Left all lists." if left else "Is on no list."
        return ReturnedState.REVIEW, "Somebody writes that they want to leave; nothing proves who."

    def _settle(
        self,
        connection: Connection,
        mail_id: int,
        reading: Reading | None,
        *,
        state: ReturnedState,
        note: str | None,
    ) -> None:
        values: dict[str, Any] = {"state": state, "read_at": clock.now(), "reader_version": READER_VERSION}
        if note is not None:
            values["note"] = note
        if reading is not None:
            values |= {"kind": ReturnedKind(reading.kind.value), "rule": reading.rule[:128]}
        connection.execute(update(ReturnedMail).where(ReturnedMail.id == mail_id).values(**values))

    # --- what was answered at once ----------------------------------------------------------

    def smtp_bounces(self, connection: Connection, attempts: Sequence[Attempt]) -> None:
        """A 5yz to an attempt goes the same way, in the transaction that records it."""
        found = []
        for attempt in attempts:
            outcome = attempt.outcome
            match = None if outcome is None else by_id(connection, attempt.delivery_id)
            if outcome is None or match is None or outcome.kind is not OutcomeKind.REJECTED:
                continue
            words = f"{outcome.reply_code or ''} {outcome.reply or ''}".strip()
            found.append((match, decide(Evidence(None, status=outcome.status or "", diagnostic=words))))
        # By hash: two senders that hold the same people must lock them in one order.
        for match, bounce in sorted(found, key=lambda one: one[0].email_hash or b""):
            self._entering.enter(connection, bounce, match, Origin(ReportSource.SMTP), now=clock.now())

    # --- by the clock, and by people ---------------------------------------------------------

    def ripen(self) -> int:
        """Suppress whose day of grace is over; returns how many. Raises StoreError."""
        return holds.ripen(self._store, self._effects, now=clock.now())

    def review(self, *, limit: int = 100) -> Review:
        """What waits for a person. Raises StoreError."""
        return looking.review(self._store, limit=limit)

    def dismiss(self, mail_id: int, *, why: str) -> None:
        """Somebody looked, and nothing is to be done. Raises MailUnknown."""
        looking.dismiss(self._store, self._ledger, mail_id, why=why)

    def release(self, freeze_id: int, *, why: str) -> int:
        """See Alarms.release. Raises FreezeUnknown."""
        with self._store.write() as connection:
            return self._alarms.release(connection, freeze_id, why=why, now=clock.now())

    def discard(self, freeze_id: int, *, why: str) -> int:
        """See Alarms.discard. Raises FreezeUnknown."""
        with self._store.write() as connection:
            return self._alarms.discard(connection, freeze_id, why=why, now=clock.now())

    def reclassify(self, since: Any, *, apply: bool = False) -> list[Difference]:
        """What the rules of today say otherwise of what came since; `apply` makes it so. Raises StoreError."""
        work = Reclassifying(self._store, self._ledger, self._effects, self._correlator, read_as)
        return work.run(since, apply=apply)


def read_as(source: str, raw: bytes) -> Reading:
    """What a message says, by whoever brought it."""
    return hook_reading(source, raw) if source.startswith(WEBHOOK) else classify(raw)


def _about(reading: Reading, match: Match) -> Bounce | None:
    """Of several verdicts the one on the person whom the proof names; else the only one there is."""
    mine = [one for one in reading.bounces if one.recipient and one.recipient.lower() == match.email_key]
    if mine:
        return mine[0]
    return reading.bounces[0] if reading.bounces else None
