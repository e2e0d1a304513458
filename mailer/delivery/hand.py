"""The claims a worker holds but has not sent: system mail first, each read again before it goes (law 3)."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable

from mailer import clock
from mailer.delivery.claim import Claim, Claims


class Hand:
    """Two queues, one for each stream; senders take from them, the claimer fills them."""

    def __init__(self, claims: Claims) -> None:
        self._claims = claims
        self._system: deque[Claim] = deque()
        self._campaign: deque[Claim] = deque()
        self._arrived = asyncio.Event()
        self._rereading = asyncio.Lock()

    @property
    def system_count(self) -> int:
        """System mails in hand."""
        return len(self._system)

    @property
    def campaign_count(self) -> int:
        """Campaign mails in hand."""
        return len(self._campaign)

    def add(self, claims: Iterable[Claim]) -> None:
        """Put claims in."""
        for claim in claims:
            (self._system if claim.is_system else self._campaign).append(claim)
        self._arrived.set()

    def put_back(self, claim: Claim) -> None:
        """Return a claim that could not be offered to the server; it goes next."""
        (self._system if claim.is_system else self._campaign).appendleft(claim)
        self._arrived.set()

    def take_now(self, *, system_only: bool) -> Claim | None:
        """The next claim, if there is one."""
        if self._system:
            return self._system.popleft()
        return None if system_only or not self._campaign else self._campaign.popleft()

    async def take(self, *, system_only: bool, patience_seconds: float) -> Claim | None:
        """The next claim, or None when none came in time."""
        deadline = clock.monotonic() + patience_seconds
        while True:
            if (claim := self.take_now(system_only=system_only)) is not None:
                return claim
            # Everyone who waits is woken, finds nothing or something, and asks again.
            self._arrived.clear()
            try:
                # Not wait_for: until Python 3.12 it can swallow a cancellation.
                async with asyncio.timeout(max(0.0, deadline - clock.monotonic())):
                    await self._arrived.wait()
            except TimeoutError:
                return None

    def empty(self) -> list[int]:
        """Take everything out; the ids are to be released."""
        ids = [claim.id for queue in (self._system, self._campaign) for claim in queue]
        self._system.clear()
        self._campaign.clear()
        return ids

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
            (self._system if claim.is_system else self._campaign).appendleft(claim)
