"""The rate limit: turns of one rate for the whole site, with a share of them for system mail (B12)."""

from __future__ import annotations

import asyncio
from collections import deque

from mailer import clock
from mailer.delivery.pacing import (
    AHEAD_SECONDS,
    SYSTEM_AHEAD_SECONDS,
    WINDOW_SECONDS,
    Share,
    late_seconds,
    window_count,
)
from mailer.delivery.windows import OwnWindows, Windows
from mailer.maillog import EventLog
from mailer.store import StoreError

log = EventLog("delivery")

# The longest sleep before the table is asked again: another worker may have died with its turns.
NAP_SECONDS = 5.0
TROUBLE_SECONDS = (0.2, 5.0)
# Two clocks never agree to the last digit: who asked a hair too early must not ask in a spin.
REFUSED_SECONDS = 0.001


class RateLimit:
    """Hands out turns to the senders of one worker; `per_second` None: no limit.

    Turns are reserved in `windows`; default: of this process alone.
    """

    def __init__(
        self, per_second: float | None, *, system_share: float, windows: Windows | None = None
    ) -> None:
        self._share = Share(system_share)
        self._system: deque[asyncio.Future[None]] = deque()
        self._campaign: deque[asyncio.Future[None]] = deque()
        self.per_second = per_second
        rate = per_second or 1.0
        self._windows = windows or OwnWindows(rate)
        self._most = window_count(rate)
        self._late = late_seconds(1.0 / rate)
        self._turns: deque[float] = deque()  #: reserved and not taken
        self._taken: deque[float] = deque()  #: of the last moments: what this worker has use for
        self._free_at = 0.0  #: the first turn that nobody had when the table was last asked
        self._ask_by = 0.0  #: ask again then, whatever it said
        self._not_before = 0.0  #: no sooner than then, after trouble
        self._behind = 0  #: so many are reserved because fewer came too late
        self._failures = 0
        self._timer: asyncio.TimerHandle | None = None
        self._reserving: asyncio.Task[None] | None = None

    def set_rate(self, per_second: float | None) -> None:
        """Another rate from now on; turns that are reserved keep their times."""
        if per_second == self.per_second:
            return
        self.per_second = per_second
        if per_second is None:
            for waiter in (*self._system, *self._campaign):
                if not waiter.done():
                    waiter.set_result(None)
            return
        self._windows.interval = 1.0 / per_second
        self._most = window_count(per_second)
        self._late = late_seconds(1.0 / per_second)

    def try_turn(self, *, system: bool) -> bool:
        """Whether a turn is free this instant; it is then taken. False: wait for it with `turn`."""
        if self.per_second is None:
            return True
        now = clock.monotonic()
        if self._waiting() or not self._is_due(now):
            return False
        self._take(now)
        self._share.choose_system(system_waits=system, campaign_waits=not system)
        return True

    def give_back(self) -> None:
        """A turn that was taken is not used after all: whoever waits has it."""
        if self.per_second is not None:
            self._turns.appendleft(clock.monotonic())
            self._work()

    async def turn(self, *, system: bool) -> None:
        """Wait for a turn."""
        if self.per_second is None:
            return
        waiter = asyncio.get_running_loop().create_future()
        (self._system if system else self._campaign).append(waiter)
        self._work()
        await waiter

    def _work(self) -> None:
        """Give out what is due, reserve what is wanted, and sleep until one of them can go on."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        now = clock.monotonic()
        while (waiting := self._waiting()) and self._is_due(now):
            self._take(now)
            system = self._share.choose_system(
                system_waits=bool(self._system), campaign_waits=bool(self._campaign)
            )
            (self._system if system else self._campaign).popleft().set_result(None)
        if not waiting:
            return
        wakes = [self._turns[0]] if self._turns else []
        if self._reserving is None and len(self._turns) < max(waiting, self._demand(now) // 3):
            if now >= self._ask_at():
                count = min(self._most, max(waiting, self._demand(now) // 2, self._behind))
                self._reserving = asyncio.get_running_loop().create_task(self._reserve(count))
            else:
                wakes.append(self._ask_at())
        if wakes:
            self._timer = asyncio.get_running_loop().call_later(min(wakes) - now, self._work)

    async def _reserve(self, count: int) -> None:
        try:
            window = await self._windows.reserve(count, ahead=self._ahead())
        except StoreError as error:
            low, high = TROUBLE_SECONDS
            if not self._failures:
                log.turns_wait(reason=str(error))
            self._not_before = clock.monotonic() + min(high, low * 2.0 ** min(self._failures, 10))
            self._failures += 1
        else:
            self._failures = 0
            now = clock.monotonic()
            self._free_at, self._ask_by = window.free_at, now + NAP_SECONDS
            if not window.count:
                self._not_before = now + REFUSED_SECONDS
            # Turns that were due before they came: the answers take longer than so few turns last.
            self._behind = 2 * count if window.count and window.first < now else 0
            interval = (window.free_at - window.first) / max(1, window.count)
            self._turns.extend(window.first + number * interval for number in range(window.count))
        finally:
            self._reserving = None
        self._work()

    def _ahead(self) -> float:
        return SYSTEM_AHEAD_SECONDS if self._system else AHEAD_SECONDS

    def _ask_at(self) -> float:
        """When the next turns may be reserved."""
        return max(self._not_before, min(self._free_at - self._ahead(), self._ask_by))

    def _demand(self, now: float) -> int:
        """How many turns were taken within a window's time."""
        while self._taken and self._taken[0] < now - WINDOW_SECONDS:
            self._taken.popleft()
        return len(self._taken)

    def _is_due(self, now: float) -> bool:
        """Whether there is a turn for this instant; those that nobody took in time are lost."""
        while self._turns and self._turns[0] < now - self._late:
            self._turns.popleft()
        return bool(self._turns) and self._turns[0] <= now

    def _take(self, now: float) -> None:
        self._turns.popleft()
        self._taken.append(now)

    def _waiting(self) -> int:
        """How many senders wait; those that gave up have left."""
        for waiters in (self._system, self._campaign):
            while waiters and waiters[0].done():
                waiters.popleft()
        return len(self._system) + len(self._campaign)
