"""The sending engine of one worker: claims in, messages out, outcomes recorded, until told to stop."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mailer import clock
from mailer.delivery import queries
from mailer.delivery.claim import Claim, Claims
from mailer.delivery.hand import Hand
from mailer.delivery.journal import Journal
from mailer.delivery.outages import Outages
from mailer.delivery.outbox import Outbox
from mailer.delivery.paced import Paced, Unpaced
from mailer.delivery.rate import RateLimit
from mailer.delivery.record import Records
from mailer.delivery.recover import recover
from mailer.delivery.relays import Relay, Relays
from mailer.delivery.sender import Desk, Messages, Sender
from mailer.delivery.watch import Watch
from mailer.delivery.wire import Wire
from mailer.errors import MailerError
from mailer.maillog import EventLog
from mailer.store import Store, StoreError

log = EventLog("delivery")

# How often an idle worker looks for due mail; system mail must leave within 5 s.
POLL_SECONDS = 0.2
# How often a worker that is sending looks whether there is room for more.
BUSY_SECONDS = 0.01
# How often a worker looks whether a relay has had its rest.
ADAPT_SECONDS = 0.25
# How often a worker says it lives, and looks for workers that do not.
BEAT_SECONDS = 5.0
# A worker that could not say so for this long lets no body out: others may take its claims later.
LEASE_SECONDS = 60.0
# Claims for this long are held at a limited rate; more would only be read again and again.
HOLD_SECONDS = 2.0
# Share of what may be held that campaigns leave free for system mail.
SYSTEM_ROOM = 0.1
TROUBLE_SECONDS = (0.2, 5.0)
_ASK_AGAIN_SECONDS = 0.5


class LeaseLost(MailerError):
    """Another worker took this one's claims, because it was silent for too long; start it again."""


@dataclass(frozen=True, slots=True)
class EngineOptions:
    """The knobs of `[sending]` that the engine turns."""

    batch_size: int = 1000
    per_second: float | None = None  #: None: unlimited
    system_share: float = 0.2
    stop_seconds: float = 30.0
    sends_system: bool = True  #: one worker of a host keeps a connection free for system mail, not each


class Engine:
    """Owns one worker's tasks; `run` returns when everything it knew is in the store or the journal."""

    def __init__(
        self,
        store: Store,
        *,
        worker_id: int,
        claims: Claims,
        records: Records,
        journal: Journal,
        messages: Messages,
        relays: Relays,
        options: EngineOptions,
        rate: RateLimit | None = None,
        watch: Watch | None = None,
        paced: Paced | None = None,
        outages: Outages | None = None,
    ) -> None:
        self._store = store
        self._worker_id = worker_id
        self._claims = claims
        self._records = records
        self._journal = journal
        self._messages = messages
        self._options = options
        self._outages = outages
        self._paced: Paced = paced or Unpaced()
        self._hand = Hand(claims, self._paced)
        self._outbox = Outbox(
            store, records, journal, worker_id=worker_id, watch=watch, let_go=self._hand.let_go
        )
        self._hand.postpone = self._outbox.postpone
        self._relays = relays
        relays.changed = self._hand.look_again
        self._lease_until = clock.monotonic() + LEASE_SECONDS
        self._failures = 0
        self._has_fault = False
        self._system_at = clock.monotonic()  #: when to look for system mail next
        desk = Desk(
            hand=self._hand,
            outbox=self._outbox,
            journal=journal,
            rate=rate or RateLimit(options.per_second, system_share=options.system_share),
            messages=messages,
            paced=self._paced,
            refused=self._adapt_now,
            may_let_out=self._may_let_out,
        )
        self._senders = [
            Sender(desk, relay, system_only=index == 0 and self._keeps_one_free(relay))
            for relay in relays
            for index in range(relay.connections)
        ]

    async def run(self, stop: asyncio.Event) -> bool:
        """Work until `stop` is set. True: every outcome is in the store, the journal can go.

        Raises LeaseLost when other workers have taken this one for dead.
        """
        tasks = (self._claim(), self._beat(), self._adapt(), self._pace())
        background = [asyncio.create_task(task) for task in tasks]
        outbox = asyncio.create_task(self._outbox.run())
        senders = {asyncio.create_task(sender.run()): sender for sender in self._senders}
        stopping = asyncio.create_task(stop.wait())
        watched: set[asyncio.Future[Any]] = {stopping, outbox, self._watch_callbacks()}
        watched |= {*background, *senders}
        try:
            done, _ = await asyncio.wait(watched, return_when=asyncio.FIRST_COMPLETED)
        finally:
            stopping.cancel()
            deadline = clock.monotonic() + self._options.stop_seconds
            await _cancel(background)
            # With an empty hand a sender that finishes its message finds no other.
            self._outbox.release(self._hand.empty())
            await self._finish_in_flight(senders, deadline)
            self._release_unsent()
            await _cancel([outbox])
            clean = await self._flush(deadline)
            await asyncio.gather(*(sender.close() for sender in self._senders))
        for task in done - {stopping}:
            task.result()  # a task that ended by itself failed: say so
        return clean

    def _keeps_one_free(self, relay: Relay) -> bool:
        """With two connections or more, one is always free for system mail, where that is sent."""
        return self._options.sends_system and relay.connections > 1 and "system" in relay.streams

    def _may_let_out(self) -> bool:
        return clock.monotonic() < self._lease_until and not self._has_fault

    def _watch_callbacks(self) -> asyncio.Future[None]:
        """Fails when a callback of the dialogue does: no message may hang because of a fault of ours."""
        loop = asyncio.get_running_loop()
        fault: asyncio.Future[None] = loop.create_future()

        def on_fault(_loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
            loop.default_exception_handler(context)
            ours = "handle" in context or isinstance(context.get("protocol"), Wire)
            error = context.get("exception")
            if ours and isinstance(error, Exception) and not fault.done():
                self._has_fault = True
                fault.set_exception(error)

        loop.set_exception_handler(on_fault)
        return fault

    async def _finish_in_flight(self, senders: dict[asyncio.Task[None], Sender], deadline: float) -> None:
        """Let every message that is on the wire get its reply; stop everything else at once."""
        while busy := [task for task, sender in senders.items() if sender.in_flight and not task.done()]:
            await _cancel([task for task in senders if task not in busy])
            if clock.monotonic() > deadline:
                break
            await asyncio.sleep(0.01)
        await _cancel(list(senders))

    def _release_unsent(self) -> None:
        held = [sender.holding.id for sender in self._senders if sender.holding is not None]
        self._outbox.release(held + self._hand.empty())

    async def _flush(self, deadline: float) -> bool:
        while not self._outbox.is_empty:
            if not await self._outbox.flush_once():
                if clock.monotonic() > deadline:
                    log.outcomes_left_in_journal()
                    return False
                await asyncio.sleep(TROUBLE_SECONDS[0])
        return True

    async def _claim(self) -> None:
        while True:
            system, campaigns = self._relays.serve(system=True), self._relays.serve(system=False)
            if not (system and campaigns) and len(self._hand):
                self._outbox.release(self._hand.empty(system=not system, campaigns=not campaigns))
            if not system and not campaigns:
                await asyncio.sleep(POLL_SECONDS)
                continue
            try:
                found = await self._fill()
                self._failures = 0
            except StoreError as error:
                await self._trouble(error)
                continue
            if not found:
                await asyncio.sleep(POLL_SECONDS if self._held() == self._hand.shelved else BUSY_SECONDS)

    async def _fill(self) -> bool:
        found: list[Claim] = []
        room = self._most_held() - self._held() + self._hand.shelved
        if self._sends(system=True) and room > 0 and clock.monotonic() >= self._system_at:
            found += await self._take(self._claims.take_system, room)
            self._system_at = clock.monotonic() + (0.0 if found else POLL_SECONDS)
        room -= len(found) + int(self._most_held() * SYSTEM_ROOM)
        # By quarters: a claim of one row costs the database nearly what one of many does, and a hand that
        # is filled only when it is half empty runs out.
        if self._sends(system=False) and room > 0 and room >= self._most_held() // 4:
            found += await self._take(self._claims.take_campaigns, room)
        return bool(found)

    def _sends(self, *, system: bool) -> bool:
        return (self._options.sends_system or not system) and self._relays.serve(system=system)

    def _held(self) -> int:
        """Deliveries that are claimed and not recorded: what a host that never returns leaves in doubt."""
        in_flight = sum(sender.in_flight for sender in self._senders)
        return len(self._hand) + in_flight + self._outbox.count

    async def _take(self, take: Callable[[int], list[Claim]], limit: int) -> list[Claim]:
        """Claim in a thread; a stop in the middle must not lose what the thread committed."""
        claiming = asyncio.ensure_future(asyncio.to_thread(self._claim_and_prepare, take, limit))
        try:
            claims = await asyncio.shield(claiming)
        except asyncio.CancelledError:
            await asyncio.wait([claiming])
            if not claiming.cancelled() and claiming.exception() is None:
                self._hand.add(claiming.result())
            raise
        self._hand.add(claims)
        return claims

    def _claim_and_prepare(self, take: Callable[[int], list[Claim]], limit: int) -> list[Claim]:
        claims = take(limit)
        try:
            self._messages.prepare(claims)
        except StoreError:
            log.messages_unprepared()  # each sender tries again, and waits if it must
        return claims

    def _most_held(self) -> int:
        rates = [rate for rate in (self._options.per_second, self._relays.per_second) if rate is not None]
        if not rates:
            return self._options.batch_size
        rate = min(rates)
        return min(self._options.batch_size, self._relays.connections + math.ceil(rate * HOLD_SECONDS))

    async def _trouble(self, error: StoreError) -> None:
        low, high = TROUBLE_SECONDS
        if self._failures == 0:
            log.claiming_waits(reason=str(error))
        self._failures += 1
        await asyncio.sleep(min(high, low * 2 ** min(self._failures, 10)))

    async def _adapt(self) -> None:
        """Follow what is found out about speed; a relay's rest ends by time alone."""
        while True:
            self._adapt_now()
            await asyncio.sleep(ADAPT_SECONDS)

    def _adapt_now(self) -> None:
        self._relays.adapt(self._paced)

    async def _pace(self) -> None:
        await self._paced.run()
        await asyncio.Event().wait()  # this task ends when it is told to, or fails

    async def _beat(self) -> None:
        while True:
            started = clock.monotonic()
            try:
                if not await asyncio.to_thread(self._say_alive):
                    raise LeaseLost(worker=self._worker_id)
                self._lease_until = started + LEASE_SECONDS
                await asyncio.to_thread(self._take_over)
                if self._outages is not None:
                    await asyncio.to_thread(self._outages.look)
            except StoreError as error:
                log.heartbeat_missed(reason=str(error))
            await asyncio.sleep(BEAT_SECONDS)

    def _say_alive(self) -> bool:
        with self._store.write() as connection:
            return queries.beat(connection, self._worker_id, now=clock.now())

    def _take_over(self) -> None:
        recover(self._store, self._records, journals=self._journals, besides=self._worker_id)

    @property
    def _journals(self) -> Path:
        return self._journal.path.parent


async def _cancel(tasks: list[asyncio.Task[None]]) -> None:
    """End tasks; asked again, because a library under them may swallow a cancellation."""
    while pending := [task for task in tasks if not task.done()]:
        for task in pending:
            task.cancel()
        await asyncio.wait(pending, timeout=_ASK_AGAIN_SECONDS)
