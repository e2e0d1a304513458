"""Turns of one mailbox provider in this worker: reserved in the background, taken without waiting (B12)."""

from __future__ import annotations

import asyncio
from collections import deque

from mailer import clock
from mailer.delivery.pacing import AHEAD_SECONDS, late_seconds, window_count
from mailer.delivery.windows import Windows
from mailer.store import StoreError

# Who asks while turns are being reserved asks again after so long.
SOON_SECONDS = 0.02
LEAST_SECONDS = 0.01
TROUBLE_SECONDS = 1.0
# Asked again by then, whatever was said: another worker may have died with its turns.
NAP_SECONDS = 5.0


class Turns:
    """Reserved in `windows`, which all workers share."""

    def __init__(self, windows: Windows) -> None:
        self._windows = windows
        self._turns: deque[float] = deque()
        self._free_at = 0.0  #: the first turn that nobody had when the windows were last asked
        self._ask_by = 0.0
        self._asked = 0  #: how often somebody was sent away since then
        self._count = 0  #: turns reserved last, all taken so far
        self._reserving: asyncio.Task[None] | None = None

    def ask(self, rate: float) -> float:
        """0.0: a turn is taken. Else the seconds after which to ask again; some are being reserved meanwhile.

        `rate` is that of all workers, in messages per second.
        """
        now = clock.monotonic()
        if self._windows.interval != 1.0 / rate:
            self._windows.interval = 1.0 / rate
            self._ask_by = 0.0
        late = late_seconds(1.0 / rate)
        while self._turns and self._turns[0] < now - late:
            self._turns.popleft()
            self._count = 0
        if self._turns and self._turns[0] <= now:
            self._turns.popleft()
            self._look_ahead(now, rate)
            return 0.0
        self._asked += 1
        self._look_ahead(now, rate)
        if self._turns:
            return max(LEAST_SECONDS, self._turns[0] - now)
        return SOON_SECONDS if self._reserving else max(LEAST_SECONDS, self.wait())

    def wait(self) -> float:
        """Seconds to the first turn that may be free, by what is known: a worker that died may have left others."""
        return max(0.0, self._free_at - AHEAD_SECONDS - clock.monotonic())

    def _look_ahead(self, now: float, rate: float) -> None:
        """Reserve what is wanted soon: twice as many as last time if all of those were taken."""
        if self._reserving is None and now >= self._ask_at() and len(self._turns) <= self._count // 2:
            self._count = max(1, min(window_count(rate), max(self._asked, 2 * self._count)))
            self._reserving = asyncio.get_running_loop().create_task(self._reserve(self._count))

    def give_back(self) -> None:
        """A turn that was taken is not used after all."""
        self._turns.appendleft(clock.monotonic())

    def _ask_at(self) -> float:
        return min(self._free_at - AHEAD_SECONDS, self._ask_by)

    async def _reserve(self, count: int) -> None:
        self._asked = 0
        try:
            window = await self._windows.reserve(count, ahead=AHEAD_SECONDS)
        except StoreError:
            self._free_at = self._ask_by = clock.monotonic() + TROUBLE_SECONDS
            return
        finally:
            self._reserving = None
        self._free_at, self._ask_by = window.free_at, clock.monotonic() + NAP_SECONDS
        interval = (window.free_at - window.first) / max(1, window.count)
        self._turns.extend(window.first + number * interval for number in range(window.count))
