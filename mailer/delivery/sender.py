"""One connection's work: take a claim, keep it fresh, build it, offer it, report what became of it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, Protocol

from mailer import clock
from mailer.delivery.claim import Claim, Skip
from mailer.delivery.courier import BodyWithheld, Courier, Go, RouteDown
from mailer.delivery.hand import Hand
from mailer.delivery.journal import Journal
from mailer.delivery.model import Attempt, Envelope, Outcome, OutcomeKind
from mailer.delivery.outbox import Outbox
from mailer.delivery.paced import Paced
from mailer.delivery.rate import RateLimit
from mailer.delivery.relays import Relay
from mailer.errors import MailerError
from mailer.maillog import EventLog
from mailer.store import StoreError
from mailer.store.vocabulary import SkipReason

log = EventLog("delivery")

# An unused connection is given back to the relay before it would be cut (RFC 5321 4.5.3.2.7: 5 min).
IDLE_SECONDS = 20.0
# How long a claim waits for a relay's turn before another relay may have it.
TURN_SECONDS = 2.0
# Between two looks whether the relay lets one more connection in.
ASK_SECONDS = 0.5
# After the journal or the store refused, before the next claim is touched.
TROUBLE_SECONDS = 1.0


class Letter(NamedTuple):
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
    rate: RateLimit
    messages: Messages
    paced: Paced
    refused: Callable[
        [], None
    ]  #: called when something was refused: how fast relays take mail may have changed
    may_let_out: Callable[[], bool]  #: whether the worker still holds its lease


class Sender:
    """Drives one connection to a relay; `system_only` keeps it free for the stream that goes first."""

    def __init__(self, desk: Desk, relay: Relay, *, system_only: bool) -> None:
        self._desk = desk
        self._relay = relay
        self._courier: Courier = relay.new_courier()
        self._system_only = system_only
        self._counted_open = False
        self._was_withheld = False
        #: The claim in this sender's hands, to be released if the sender is stopped.
        self.holding: Claim | None = None

    @property
    def in_flight(self) -> int:
        """Messages being offered right now: a stop waits for them."""
        return self._courier.in_flight

    async def run(self) -> None:
        """Send until cancelled."""
        while True:
            if self._relay.route.is_down or not self._is_connected():
                await self._open()
                continue
            self.holding = await self._desk.hand.take(
                self._relay, system_only=self._system_only, patience_seconds=IDLE_SECONDS
            )
            if self.holding is None:
                await self._hang_up()
                continue
            await self._carry(self.holding)
            self.holding = None
            if self._was_withheld:
                self._was_withheld = False
                await asyncio.sleep(TROUBLE_SECONDS)

    async def close(self) -> None:
        """Say goodbye to the server."""
        await self._hang_up()

    async def _carry(self, claim: Claim) -> None:
        """Send one claim and, as long as nothing need be waited for, those after it."""
        if not self._is_connected():
            return self._desk.hand.put_back(claim, self._relay)
        if not await self._turn(claim):
            return self._desk.hand.put_back(claim, self._relay)
        try:
            self.holding = await self._desk.hand.fresh(claim)
            parcel = None if self.holding is None else self._parcel(self.holding)
        except (StoreError, BodyWithheld) as trouble:
            return self._wait_for(trouble, claim)
        if self.holding is None:
            self._desk.hand.dropped(claim, self._relay)
        self.holding = None
        if parcel is not None:
            await self._courier.deliver(parcel, self._following)
        if not self._courier.is_open:
            self._count(opened=False)

    async def _turn(self, claim: Claim) -> bool:
        """Wait for a turn of the relay and one of the site; False: another relay may be better for this one."""
        relay, system = self._relay, claim.is_system
        try:
            async with asyncio.timeout(TURN_SECONDS):
                await relay.limit.turn(system=system)
        except TimeoutError:
            return False
        await self._desk.rate.turn(system=system)
        if relay.takes(system=system):
            return True
        relay.limit.give_back()
        self._desk.rate.give_back()
        return False

    def _following(self) -> _Parcel | None:
        """What can be offered this instant; whatever needs a wait is left to `_carry`."""
        desk = self._desk
        while (claim := desk.hand.take_now(self._relay, system_only=self._system_only)) is not None:
            if claim.is_stale() or not self._try_turn(claim):
                break
            try:
                parcel = self._parcel(claim)
            except (StoreError, BodyWithheld):
                break
            if parcel is not None:
                return parcel
        if claim is not None:
            desk.hand.put_back(claim, self._relay)
        return None

    def _try_turn(self, claim: Claim) -> bool:
        system, limit = claim.is_system, self._relay.limit
        if not limit.try_turn(system=system):
            return False
        if self._desk.rate.try_turn(system=system):
            return True
        limit.give_back()
        return False

    def _parcel(self, claim: Claim) -> _Parcel | None:
        """The claim as bytes; None: it can never be made, and was skipped."""
        try:
            return _Parcel(self, claim, self._desk.messages.build(claim))
        except (StoreError, BodyWithheld):
            raise
        except Exception as error:  # noqa: BLE001 - one recipient's values must not stop the others' mail
            self._refuse(claim, error)
            return None

    def _refuse(self, claim: Claim, error: Exception) -> None:
        words = str(error) if isinstance(error, MailerError) else "The message could not be made."
        trace = None if isinstance(error, MailerError) else error
        log.unrenderable(delivery=claim.id, error=type(error).__name__, trace=trace)
        self._desk.hand.dropped(claim, self._relay)
        self._desk.outbox.skip(Skip(claim.id, SkipReason.UNRENDERABLE, words, claim.stream))

    # --- what the courier tells -----------------------------------------------------------

    def intend(self, claim: Claim, letter: Letter, go: Go) -> None:
        """Write the intent down, unless this worker may be taken for dead."""
        if self._desk.may_let_out():
            self._desk.journal.intend(self._attempt(claim, letter), go)
        else:
            go(BodyWithheld("This worker has not reached the database for too long to send on."))

    def ended(self, claim: Claim, letter: Letter, outcome: Outcome) -> None:
        """An attempt has its outcome."""
        desk, relay = self._desk, self._relay
        is_routes = outcome.kind is OutcomeKind.ROUTE_DOWN
        desk.paced.heard(relay.name, "" if is_routes else claim.domain, outcome, claim=claim.id)
        if outcome.kind is not OutcomeKind.ACCEPTED:
            desk.refused()
        if not is_routes:
            if self._courier.is_proven:
                relay.route.proved()
            desk.outbox.ended(self._attempt(claim, letter, outcome))
            return
        # The connection ended before RCPT: after others went through it is simply opened again (A59).
        if not self._courier.is_proven:
            reason = f"reply {outcome.reply_code} to MAIL" if outcome.reply_code else outcome.reply
            relay.route.failed(reason, late=True)
        elif outcome.reply_code:
            relay.route.refused(f"reply {outcome.reply_code} to most messages")
        desk.hand.put_back(claim, relay)

    def withheld(self, claim: Claim, reason: BodyWithheld) -> None:
        """A body was kept back: the claim returns, the sender pauses."""
        self._wait_for(reason, claim)

    def _wait_for(self, trouble: MailerError, claim: Claim) -> None:
        log.sending_waits(reason=str(trouble))
        self._desk.hand.dropped(claim, self._relay)
        self._desk.outbox.release([claim.id])
        self._was_withheld = True

    def _attempt(self, claim: Claim, letter: Letter, outcome: Outcome | None = None) -> Attempt:
        return Attempt(
            claim.id,
            claim.attempts + 1,
            letter.message_id,
            letter.digest,
            letter.date,
            outcome,
            self._courier.relay,
            claim.stream,
            claim.domain,
        )

    # --- the connection -------------------------------------------------------------------

    async def _open(self) -> None:
        """Connect when there is something for this relay and it is this sender's turn.

        No claim waits for it meanwhile: another relay may be free.
        """
        relay = self._relay
        await self._hang_up()
        await self._desk.hand.wanted(relay, system_only=self._system_only)
        await relay.route.permission()
        standing = relay.route.standing + relay.connecting
        # Where others have all connections there is one more, for system mail: only that is offered then.
        is_extra = relay.is_anothers and not standing
        # Where one is all that is allowed, it is not the one that campaigns cannot use.
        if not is_extra and not self._desk.paced.may_connect(relay.name, standing + self._system_only):
            return await asyncio.sleep(ASK_SECONDS)
        relay.connecting += 1
        started = clock.monotonic()
        try:
            await self._courier.connect()
        except RouteDown as error:
            relay.route.failed(str(error))
        else:
            self._count(opened=True)
            seconds = round(clock.monotonic() - started, 3)
            log.connected(relay=relay.name, seconds=seconds)
        finally:
            relay.connecting -= 1

    def _is_connected(self) -> bool:
        return self._courier.is_open

    async def _hang_up(self) -> None:
        self._count(opened=False)
        await self._courier.close()

    def _count(self, *, opened: bool) -> None:
        if opened == self._counted_open:
            return
        self._counted_open = opened
        if opened:
            self._relay.route.opened()
        else:
            self._relay.route.closed()


class _Parcel:
    """A claim and its letter, as the courier carries them; see courier.Parcel."""

    __slots__ = ("_claim", "_letter", "_sender", "data", "envelope")

    def __init__(self, sender: Sender, claim: Claim, letter: Letter) -> None:
        self._sender = sender
        self._claim = claim
        self._letter = letter
        self.envelope = letter.envelope
        self.data = letter.data

    def before_body(self, go: Go) -> None:
        """The server asks for the body."""
        self._sender.intend(self._claim, self._letter, go)

    def ended(self, outcome: Outcome) -> None:
        """This became of it."""
        self._sender.ended(self._claim, self._letter, outcome)

    def withheld(self, reason: BodyWithheld) -> None:
        """Nothing of its body left."""
        self._sender.withheld(self._claim, reason)
