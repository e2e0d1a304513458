"""One connection's loop: take a claim, keep it fresh, build it, offer it, report what became of it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol

from mailer import clock
from mailer.delivery.claim import Claim, Skip
from mailer.delivery.courier import BodyWithheld, Courier, RouteDown
from mailer.delivery.hand import Hand
from mailer.delivery.journal import Journal
from mailer.delivery.model import Attempt, Envelope, Outcome, OutcomeKind
from mailer.delivery.outbox import Outbox
from mailer.delivery.rate import RateLimit
from mailer.delivery.record import UNREAD
from mailer.delivery.route import Route
from mailer.errors import MailerError
from mailer.store import StoreError
from mailer.store.vocabulary import SkipReason

log = logging.getLogger("mailer.delivery")

# An unused connection is given back to the relay before it would be cut (RFC 5321 4.5.3.2.7: 5 min).
IDLE_SECONDS = 20.0
# After the journal or the store refused, before the next claim is touched.
TROUBLE_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Letter:
    """One message, ready for the wire."""

    envelope: Envelope
    data: bytes
    message_id: str
    digest: bytes  #: SHA-256 of data
    date: datetime


class Messages(Protocol):
    """Makes the bytes of a claim."""

    def prepare(self, claims: Iterable[Claim]) -> None:
        """Load what these claims need; called in a thread, before `build`. Raises StoreError."""

    def build(self, claim: Claim) -> Letter:
        """Raises StoreError or BodyWithheld to try later, another MailerError when it can never be sent."""


@dataclass(frozen=True, slots=True)
class Desk:
    """What all senders of a worker share."""

    hand: Hand
    outbox: Outbox
    journal: Journal
    route: Route
    rate: RateLimit
    messages: Messages
    may_let_out: Callable[[], bool]  #: whether the worker still holds its lease


class Sender:
    """Drives one courier; `system_only` keeps one connection free for the stream that goes first."""

    def __init__(self, desk: Desk, courier: Courier, *, system_only: bool) -> None:
        self._desk = desk
        self._courier = courier
        self._system_only = system_only
        self._counted_open = False
        #: The claim in this sender's hands, to be released if the sender is stopped.
        self.holding: Claim | None = None
        #: Whether a message is being offered right now: then a stop waits.
        self.is_busy = False
        self._intended: Attempt | None = None

    async def run(self) -> None:
        """Send until cancelled."""
        while True:
            if self._desk.route.is_down:
                await self._open()
                continue
            self.holding = await self._desk.hand.take(
                system_only=self._system_only, patience_seconds=IDLE_SECONDS
            )
            if self.holding is None:
                await self._hang_up()
                continue
            await self._carry(self.holding)

    async def close(self) -> None:
        """Say goodbye to the server."""
        await self._hang_up()

    async def _carry(self, claim: Claim) -> None:
        if not self._courier.is_open and not await self._open():
            self.holding = None
            self._desk.hand.put_back(claim)
            return
        await self._desk.rate.turn(system=claim.is_system)
        try:
            fresh = await self._desk.hand.fresh(claim)
            self.holding = fresh
            if fresh is not None:
                await self._offer(fresh)
        except (StoreError, BodyWithheld) as trouble:
            log.error("sending_waits", extra={"reason": str(trouble)})
            self._settle_unsent()
            await asyncio.sleep(TROUBLE_SECONDS)
        self.holding = None

    async def _offer(self, claim: Claim) -> None:
        try:
            letter = self._desk.messages.build(claim)
        except (StoreError, BodyWithheld):
            raise
        except Exception as error:  # noqa: BLE001 - one recipient's values must not stop the others' mail
            self._refuse(claim, error)
            return
        attempt = Attempt(claim.id, claim.attempts + 1, letter.message_id, letter.digest, letter.date)
        self.is_busy = True
        try:
            outcome = await self._courier.deliver(
                letter.envelope, letter.data, before_body=lambda: self._intend(attempt)
            )
        except asyncio.CancelledError:
            if self._intended is None:
                raise
            outcome = UNREAD
            self._finish(claim, replace(attempt, outcome=outcome))
            raise
        finally:
            self.is_busy = False
        self._finish(claim, replace(attempt, outcome=outcome))

    async def _intend(self, attempt: Attempt) -> None:
        if not self._desk.may_let_out():
            raise BodyWithheld("This worker has not reached the database for too long to send on.")
        await self._desk.journal.intend(attempt)
        self._intended = attempt

    def _finish(self, claim: Claim, attempt: Attempt) -> None:
        self._intended = None
        self.holding = None
        assert attempt.outcome is not None
        if self._courier.is_proven:
            self._desk.route.proved()
        if attempt.outcome.kind is OutcomeKind.ROUTE_DOWN:
            self._route_refused(claim, attempt.outcome)
        else:
            self._desk.outbox.ended(attempt)
        if not self._courier.is_open:
            self._count(opened=False)

    def _route_refused(self, claim: Claim, outcome: Outcome) -> None:
        """The connection ended before RCPT: after others went through it is simply opened again (A59)."""
        if not self._courier.is_proven:
            reason = f"reply {outcome.reply_code} to MAIL" if outcome.reply_code else outcome.reply
            self._desk.route.failed(reason, late=True)
        self._desk.hand.put_back(claim)

    def _refuse(self, claim: Claim, error: Exception) -> None:
        words = str(error) if isinstance(error, MailerError) else "The message could not be made."
        extra = {"delivery": claim.id, "error": type(error).__name__}
        if isinstance(error, MailerError):
            log.warning("unrenderable", extra=extra)
        else:
            log.error("unrenderable", extra=extra, exc_info=error)
        self._desk.outbox.skip(Skip(claim.id, SkipReason.UNRENDERABLE, words))

    def _settle_unsent(self) -> None:
        if self.holding is not None:
            self._desk.outbox.release([self.holding.id])
        if not self._courier.is_open:
            self._count(opened=False)

    async def _open(self) -> bool:
        """Try to connect when it is this sender's turn; False: the route would not have it."""
        await self._hang_up()
        await self._desk.route.permission()
        started = clock.monotonic()
        try:
            await self._courier.connect()
        except RouteDown as error:
            self._desk.route.failed(str(error))
            return False
        self._count(opened=True)
        log.info("connected", extra={"seconds": round(clock.monotonic() - started, 3)})
        return True

    async def _hang_up(self) -> None:
        self._count(opened=False)
        await self._courier.close()

    def _count(self, *, opened: bool) -> None:
        if opened == self._counted_open:
            return
        self._counted_open = opened
        if opened:
            self._desk.route.opened()
        else:
            self._desk.route.closed()
