"""Decides what follows from everything that came back, once each, and lets people overrule it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select, update

from mailer import clock
from mailer.alerts import Alerts
from mailer.audit import Ledger
from mailer.bounces.deciding import holds, looking
from mailer.bounces.deciding.alarm import Alarms
from mailer.bounces.deciding.carried import claim_in_subject, link_in, text_in
from mailer.bounces.deciding.correlate import Correlator, Match, by_id
from mailer.bounces.deciding.effects import Effects
from mailer.bounces.deciding.entering import Entering, Origin
from mailer.bounces.deciding.model import Difference, Review
from mailer.bounces.deciding.policy import Limits
from mailer.bounces.deciding.reading import is_webhook, of_refusal, raw_or_none, reading_of
from mailer.bounces.deciding.reclassify import Reclassifying
from mailer.bounces.deciding.wishes import is_vouched
from mailer.bounces.model import Bounce, Fault, Kind, Reading
from mailer.bounces.version import READER_VERSION
from mailer.delivery.model import Attempt, Outcome, OutcomeKind
from mailer.delivery.pace.reports import reported
from mailer.keyring import Secrets
from mailer.store import Store
from mailer.store.schema import ReturnedMail
from mailer.store.vocabulary import DeliveryState, ReportSource, ReturnedKind, ReturnedState
from mailer.subscribers.leaving import Leaving, Wish
from mailer.tokens import LinkClaim, Tokens

#: Messages read and decided in one transaction: an opt-out must get in between.
BATCH = 25
_W = ReturnedState.WAITING
#: What a message of a kind without a verdict is, when nobody needs to look at it.
_SETTLED_KINDS = frozenset({Kind.AUTOREPLY, Kind.NONE})
_Conclusion = tuple[ReturnedState, str | None]


@dataclass(frozen=True, slots=True)
class _Taken:
    """One message that waits, read, and whom it is about."""

    id: int
    source: str
    envelope_to: str | None
    raw: bytes
    reading: Reading | None
    match: Match | None

    @property
    def person(self) -> bytes:
        """In whose order messages are decided."""
        return (self.match.email_hash if self.match else None) or b""


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
        never stops those after it. Several processes may do this at once, and one may die at it.
        """
        done = last = 0
        while not stopping():
            with self._store.read() as connection:
                waiting = select(ReturnedMail.id).where(ReturnedMail.state == _W, ReturnedMail.id > last)
                ids = list(connection.scalars(waiting.order_by(ReturnedMail.id).limit(BATCH)))
            if not ids:
                break
            done += self._process(ids)
            last = ids[-1]
            self._store.let_others_write()
        return done

    def _process(self, ids: Sequence[int]) -> int:
        taken = {mail_id: self._take(mail_id) for mail_id in ids}
        speed: dict[tuple[str, str], Outcome] = {}
        done = 0
        with self._store.write() as connection:
            waiting = (
                select(ReturnedMail.id)
                .where(ReturnedMail.id.in_(ids), ReturnedMail.state == _W)
                .with_for_update(skip_locked=True)
            )
            mine = [taken[mail_id] for mail_id in connection.scalars(waiting)]
            # By person: two hosts that decide about the same people must lock them in one order.
            for mail in sorted(mine, key=lambda mail: (mail.person, mail.id)):
                conclusion = self._conclude(connection, mail, speed)
                if conclusion is not None:
                    self._settle(connection, mail, *conclusion)
                    done += 1
        for (domain, _), outcome in speed.items():
            reported(self._store, domain, outcome)
        return done

    def _take(self, mail_id: int) -> _Taken:
        """Read a message and find whom it is about, outside of any lock: both may take a while."""
        with self._store.read() as connection:
            row = connection.execute(
                select(ReturnedMail.source, ReturnedMail.envelope_to).where(ReturnedMail.id == mail_id)
            ).one()
            raw = raw_or_none(connection, mail_id)
            reading = None if raw is None else reading_of(row.source, raw, mail_id=mail_id)
            match = None
            if reading is not None and reading.kind in (Kind.BOUNCE, Kind.COMPLAINT):
                match = self._correlator.find(
                    connection, reading, raw=raw or b"", envelope_to=row.envelope_to
                )
        return _Taken(mail_id, row.source, row.envelope_to, raw or b"", reading, match)

    def _conclude(
        self, connection: Connection, mail: _Taken, speed: dict[tuple[str, str], Outcome]
    ) -> _Conclusion | None:
        """What became of a message; None: it waits on, for a delivery that is in a sender's hand."""
        reading = mail.reading
        if reading is None:
            return ReturnedState.UNREADABLE, "The reader failed at it; please keep it for whoever mends that."
        if reading.kind is Kind.UNSUBSCRIBE:
            return self._wish(connection, mail, reading)
        if reading.kind in _SETTLED_KINDS:
            # Sent by a mail program's button, it may have no words at all but the token (RFC 2369 3.2).
            named = claim_in_subject(mail.raw, self._tokens)
            return (ReturnedState.SETTLED, None) if named is None else self._wish(connection, mail, reading)
        if mail.match is None:
            return ReturnedState.REVIEW, "It speaks of nobody we wrote to."
        is_hook = is_webhook(mail.source)
        if not mail.match.is_proven and not is_hook:
            return ReturnedState.REVIEW, "It names an address, and nothing proves that the mail was ours."
        # Read again: since then the delivery may have ended, or its holder gone.
        match = by_id(connection, mail.match.delivery_id, mail.match.matched_by) or mail.match
        if match.state is DeliveryState.ATTEMPTING:
            return None
        bounce = _about(reading, match)
        if bounce is None:
            return ReturnedState.REVIEW, "It says nothing of anybody."
        origin = Origin(ReportSource.WEBHOOK if is_hook else ReportSource.MAIL, mail.id)
        effect = self._entering.enter(connection, bounce, match, origin, now=clock.now())
        if effect is None:
            return ReturnedState.SETTLED, "The same was told before."
        if bounce.fault in (Fault.SENDER, Fault.PROVIDER) and match.domain:
            outcome = Outcome(OutcomeKind.DEFERRED, status=bounce.status or None, reply=bounce.rule)
            speed[match.domain, bounce.status] = outcome
        return ReturnedState.SETTLED, f"{bounce.reason}: {effect.value}"

    def _wish(self, connection: Connection, mail: _Taken, reading: Reading) -> _Conclusion:
        claim = self._claim(connection, mail, reading)
        if claim is not None and claim.is_proof:
            return ReturnedState.SETTLED, "A link of a proof: it acts on nothing."
        if claim is not None:
            self._leaving.leave_in(connection, [Wish(claim, "list", "mail", None)])
            return ReturnedState.SETTLED, "Left the list."
        vouched = is_webhook(mail.source) or is_vouched(
            mail.raw, reading.sender, authserv_id=self._authserv_id
        )
        if vouched:
            left = looking.suppress_sender(connection, self._effects, reading.sender)
            return ReturnedState.SETTLED, "Left all lists." if left else "Is on no list."
        return ReturnedState.REVIEW, "Somebody writes that they want to leave; nothing proves who."

    def _claim(self, connection: Connection, mail: _Taken, reading: Reading) -> LinkClaim | None:
        """What proves who wants to leave: a token in the subject, the return path, or a quoted link."""
        if claim := claim_in_subject(mail.raw, self._tokens):
            return claim
        match = self._correlator.tagged(connection, reading, envelope_to=mail.envelope_to)
        if match is not None and match.subscription_tag is not None:
            return LinkClaim(match.subscription_tag)
        return link_in(text_in(mail.raw), self._tokens)

    def _settle(self, connection: Connection, mail: _Taken, state: ReturnedState, note: str | None) -> None:
        values: dict[str, Any] = {"state": state, "read_at": clock.now(), "reader_version": READER_VERSION}
        if note is not None:
            values["note"] = note
        if mail.reading is not None:
            kind, rule = mail.reading.kind, mail.reading.rule
            values |= {"kind": ReturnedKind(kind.value), "rule": rule[:128]}
        connection.execute(update(ReturnedMail).where(ReturnedMail.id == mail.id).values(**values))

    # --- what was answered at once ----------------------------------------------------------

    def smtp_bounces(self, connection: Connection, attempts: Sequence[Attempt]) -> None:
        """Attempts that were refused for good, or once too often, go the same way (`delivery.record.Bounced`)."""
        found = []
        for attempt in attempts:
            outcome = attempt.outcome
            match = None if outcome is None else by_id(connection, attempt.delivery_id)
            if outcome is None or match is None:
                continue
            found.append((match, of_refusal(outcome.reply_code, outcome.status, outcome.reply)))
        # By hash: two senders that hold the same people must lock them in one order.
        for match, bounce in sorted(found, key=lambda one: one[0].email_hash or b""):
            self._entering.enter(connection, bounce, match, Origin(ReportSource.SMTP), now=clock.now())

    # --- by the clock, and by people ---------------------------------------------------------

    def ripen(self) -> int:
        """What only time can tell: see `holds.ripen`. Raises StoreError."""
        return holds.ripen(self._store, self._effects, self._alarms, now=clock.now())

    def review(self, *, limit: int = 100) -> Review:
        """What waits for a person. Raises StoreError."""
        return looking.review(self._store, limit=limit)

    def message(self, mail_id: int) -> bytes:
        """One message as it came; the look is recorded. Raises MailUnknown."""
        return looking.message(self._store, self._ledger, mail_id)

    def dismiss(self, mail_id: int, *, why: str) -> None:
        """Somebody looked, and nothing is to be done. Raises MailUnknown."""
        looking.dismiss(self._store, self._ledger, mail_id, why=why)

    def opt_out(self, mail_id: int, *, why: str) -> bool:
        """See `looking.opt_out`. Raises MailUnknown."""
        return looking.opt_out(self._store, self._effects, mail_id, why=why)

    def release(self, freeze_id: int, *, why: str) -> int:
        """See Alarms.release. Raises FreezeUnknown."""
        with self._store.write() as connection:
            return self._alarms.release(connection, freeze_id, why=why, now=clock.now())

    def discard(self, freeze_id: int, *, why: str) -> int:
        """The alarm was false: each report counts, each hold begins now. Returns how many people it was about.

        Raises FreezeUnknown, StoreError; what that leaves undone, `ripen` does.
        """
        with self._store.write() as connection:
            self._alarms.discard(connection, freeze_id, why=why, now=clock.now())
        return self.ripen()

    def reclassify(self, since: datetime, *, apply: bool = False) -> list[Difference]:
        """What the rules of today say otherwise of what came since; `apply` makes it so. Raises StoreError."""
        return Reclassifying(self._store, self._ledger, self._effects).run(since, apply=apply)


def _about(reading: Reading, match: Match) -> Bounce | None:
    """Of several verdicts the one on the person whom the proof names; else the only one there is."""
    mine = [one for one in reading.bounces if one.recipient and one.recipient.lower() == match.email_key]
    if mine:
        return mine[0]
    return reading.bounces[0] if reading.bounces else None
