"""The rate limit: a smooth token bucket, with a share of the turns for system mail (B12)."""

from __future__ import annotations

import asyncio
from collections import deque

from mailer import clock

# Turns missed by a late timer are made up within this time, so that the rate holds on average;
# more than that would be a burst.
CATCH_UP_SECONDS = 0.25
# So many system mails in a row may go before all campaign mail; then their share decides.
SYSTEM_BURST = 5.0


class Pace:
    """When the next turn is; pure, the time is passed in."""

    def __init__(self, per_second: float, *, now: float) -> None:
        self.interval = 1.0 / per_second
        self._next = now

    def wait_seconds(self, now: float) -> float:
        """How long until a turn may be taken; 0: now."""
        return max(0.0, self._next - now)

    def take(self, now: float) -> None:
        """Take the turn that `wait_seconds` said is due."""
        self._next = max(self._next, now - CATCH_UP_SECONDS) + self.interval


class Share:
    """Whose turn it is when both streams wait; pure."""

    def __init__(self, system_share: float) -> None:
        self._share = system_share
        self._credit = SYSTEM_BURST

    def choose_system(self, *, system_waits: bool, campaign_waits: bool) -> bool:
        """True: this turn is for system mail."""
        chosen = system_waits and (not campaign_waits or self._credit >= 1.0)
        if chosen and campaign_waits:
            self._credit -= 1.0
        self._credit = min(SYSTEM_BURST, self._credit + self._share)
        return chosen


class RateLimit:
    """Hands out turns to many senders; `per_second` None: no limit."""

    def __init__(self, per_second: float | None, *, system_share: float) -> None:
        self._pace = None if per_second is None else Pace(per_second, now=clock.monotonic())
        self._share = Share(system_share)
        self._system: deque[asyncio.Future[None]] = deque()
        self._campaign: deque[asyncio.Future[None]] = deque()
        self._timer: asyncio.TimerHandle | None = None

    def try_turn(self, *, system: bool) -> bool:
        """Whether a turn is free this instant; it is then taken. False: wait for it with `turn`."""
        if self._pace is None:
            return True
        if self._drop_cancelled() or self._pace.wait_seconds(clock.monotonic()) > 0:
            return False
        self._pace.take(clock.monotonic())
        self._share.choose_system(system_waits=system, campaign_waits=not system)
        return True

    async def turn(self, *, system: bool) -> None:
        """Wait for a turn."""
        if self._pace is None:
            return
        waiter = asyncio.get_running_loop().create_future()
        (self._system if system else self._campaign).append(waiter)
        if self._timer is None:
            self._grant()
        await waiter

    def _grant(self) -> None:
        self._timer = None
        assert self._pace is not None
        while self._drop_cancelled():
            now = clock.monotonic()
            wait = self._pace.wait_seconds(now)
            if wait > 0:
                self._timer = asyncio.get_running_loop().call_later(wait, self._grant)
                return
            self._pace.take(now)
            system = self._share.choose_system(
                system_waits=bool(self._system), campaign_waits=bool(self._campaign)
            )
            (self._system if system else self._campaign).popleft().set_result(None)

    def _drop_cancelled(self) -> bool:
        for waiters in (self._system, self._campaign):
            while waiters and waiters[0].done():
                waiters.popleft()
        return bool(self._system or self._campaign)
