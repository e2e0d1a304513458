"""The claims a worker holds but has not sent: system mail first, each provider in its turn, each fresh (law 3)."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable, Collection, Iterable

from mailer import clock
from mailer.delivery.claim import Claim, Claims
from mailer.delivery.paced import Paced, Unpaced
from mailer.delivery.relays import Relay
from mailer.delivery.shelf import Shelf

# A relay that waits for others to catch up looks again this often whether they are too slow.
_LOOK_SECONDS = 1.0


class Hand:
    """Two queues, one for each stream; senders take from them, the claimer fills them.

    `postpone` gives a claim back to the database, to be due after so many seconds.
    """

    def __init__(
        self,
        claims: Claims,
        paced: Paced | None = None,
        *,
        postpone: Callable[[int, float], None] = lambda _id, _seconds: None,
    ) -> None:
        self.postpone = postpone
        self._claims = claims
        self._paced = paced or Unpaced()
        self._system: deque[Claim] = deque()
        self._campaign: deque[Claim] = deque()
        self._shelf = Shelf()
        self._arrived = asyncio.Event()
        self._rereading = asyncio.Lock()

    def __len__(self) -> int:
        return len(self._system) + len(self._campaign) + len(self._shelf)

    @property
    def shelved(self) -> int:
        """Of these so many wait for their provider's turn: they keep nobody from claiming more."""
        return len(self._shelf)

    def add(self, claims: Iterable[Claim]) -> None:
        """Put claims in."""
        for claim in claims:
            self._queue(claim).append(claim)
        self._arrived.set()

    def put_back(self, claim: Claim, relay: Relay) -> None:
        """Return a claim that this relay could not be offered; it goes next, and to any other as well."""
        self.dropped(claim, relay)
        self._queue(claim).appendleft(claim)
        self._arrived.set()

    def dropped(self, claim: Claim, relay: Relay) -> None:
        """A claim that this relay took will not be offered to it: its turn is free again."""
        self._paced.give_back(claim.id)
        if relay.shares is not None and not claim.is_system:
            relay.shares.gave_back(relay.name)

    def look_again(self) -> None:
        """Wake all who wait: what they may take has changed."""
        self._arrived.set()

    def take_now(self, relay: Relay, *, system_only: bool) -> Claim | None:
        """The next claim for this relay, if there is one."""
        if self._shelf:
            self._look_at_shelf()
        if relay.takes_system and self._system and (claim := self._next(self._system)) is not None:
            return claim
        if system_only or not self._campaign or not relay.takes_campaigns or not relay.may_take_campaign():
            return None
        claim = self._next(self._campaign)
        if relay.shares is not None:
            if claim is None:
                relay.shares.gave_back(relay.name)
            if relay.shares.freed():
                self._arrived.set()
        return claim

    def _next(self, queue: deque[Claim]) -> Claim | None:
        """The first whose provider has a turn; those before it wait, here or in the database."""
        while queue:
            claim = queue.popleft()
            wait = self._paced.gate(claim.domain, system=claim.is_system, claim=claim.id)
            if not wait:
                return claim
            provider = self._paced.provider(claim.domain)
            if not self._shelf.put(claim, provider, now=clock.monotonic(), seconds=wait):
                # System mail has no place in the queue: it goes as soon as it may.
                self.postpone(claim.id, wait if claim.is_system else self._paced.later(claim.domain))
        return None

    def _look_at_shelf(self) -> None:
        """Those whose time has come are asked about again, before all others."""
        self._restore(self._shelf.pop_due(clock.monotonic()))

    async def take(self, relay: Relay, *, system_only: bool, patience_seconds: float) -> Claim | None:
        """The next claim for this relay, or None when none came in time or the relay is down."""
        deadline = clock.monotonic() + patience_seconds
        while not relay.route.is_down:
            if (claim := self.take_now(relay, system_only=system_only)) is not None:
                return claim
            # A connection that others may have now is not kept for the next mail.
            if (left := deadline - clock.monotonic()) <= 0 or relay.is_anothers:
                return None
            await self._arrival(left if relay.shares is None else min(left, _LOOK_SECONDS))
        return None

    async def wanted(self, relay: Relay, *, system_only: bool) -> None:
        """Wait until there is more for this relay than those will take who open a connection to it now.

        Or until it is down: then it is to be tried, mail or none.
        """
        while not relay.route.is_down and self._offered(relay, system_only=system_only) <= relay.connecting:
            await self._arrival(None)

    def _offered(self, relay: Relay, *, system_only: bool) -> int:
        if self._shelf:
            self._look_at_shelf()
        system = len(self._system) if relay.takes_system else 0
        return system + (len(self._campaign) if relay.takes_campaigns and not system_only else 0)

    async def _arrival(self, seconds: float | None) -> None:
        """Everyone who waits is woken, finds something or nothing, and asks again."""
        self._arrived.clear()
        if (at := self._shelf.next_at) is not None:
            left = max(0.0, at - clock.monotonic())
            seconds = left if seconds is None else min(seconds, left)
        with contextlib.suppress(TimeoutError):
            # Not wait_for: until Python 3.12 it can swallow a cancellation.
            async with asyncio.timeout(seconds):
                await self._arrived.wait()

    def empty(self, *, system: bool = True, campaigns: bool = True) -> list[int]:
        """Take everything of these streams out; the ids are to be released."""
        return self._remove(lambda claim: system if claim.is_system else campaigns)

    def let_go(self, streams: Collection[int]) -> list[int]:
        """Take the claims of these campaigns out, because they were paused; the ids are to be released."""
        return self._remove(lambda claim: claim.stream in streams)

    def _remove(self, goes: Callable[[Claim], bool]) -> list[int]:
        gone = [claim for queue in (self._system, self._campaign) for claim in queue if goes(claim)]
        self._system = deque(claim for claim in self._system if not goes(claim))
        self._campaign = deque(claim for claim in self._campaign if not goes(claim))
        return [claim.id for claim in (*gone, *self._shelf.remove(goes))]

    def _queue(self, claim: Claim) -> deque[Claim]:
        return self._system if claim.is_system else self._campaign

    async def fresh(self, claim: Claim) -> Claim | None:
        """The claim as it stands now if it may still leave, with all stale ones in hand read again beside it.

        None: it was put down (its person left, its campaign was paused). Raises StoreError.
        """
        if not claim.is_stale():
            return claim
        async with self._rereading:
            stale = [claim, *self._take_stale()]
            try:
                checked = await asyncio.to_thread(self._claims.recheck, stale)
            except BaseException:
                self._restore(stale[1:])
                raise
        mine = [found for found in checked.fresh if found.id == claim.id]
        self._restore([found for found in checked.fresh if found.id != claim.id])
        return mine[0] if mine else None

    def _take_stale(self) -> list[Claim]:
        stale = []
        for queue in (self._system, self._campaign):
            kept = [claim for claim in queue if not claim.is_stale()]
            stale += [claim for claim in queue if claim.is_stale()]
            queue.clear()
            queue.extend(kept)
        return stale

    def _restore(self, claims: Iterable[Claim]) -> None:
        for claim in reversed(list(claims)):
            self._queue(claim).appendleft(claim)
