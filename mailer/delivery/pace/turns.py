"""Turns of one mailbox provider in this worker: reserved in the background, taken without waiting (B12)."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

from mailer import clock
from mailer.delivery.pacing import AHEAD_SECONDS, late_seconds, window_count
from mailer.delivery.windows import Windows
from mailer.store import StoreError

# Who asks while turns are being reserved asks again after so long.
SOON_SECONDS = 0.05
TROUBLE_SECONDS = 1.0


class Turns:
    """`new_windows` makes the windows that all workers share, at a rate in messages per second."""

    def __init__(self, new_windows: Callable[[float], Windows]) -> None:
        self._new_windows = new_windows
        self._windows: Windows | None = None
        self._rate = 0.0
        self._turns: deque[float] = deque()
        self._free_at = 0.0  #: the first turn that nobody had when the windows were last asked
        self._ask_by = 0.0
        self._asked = 0  #: how often somebody was sent away since then
        self._reserving: asyncio.Task[None] | None = None

    def ask(self, rate: float) -> float:
        """0.0: a turn is taken. Else the seconds after which to ask again; some are being reserved meanwhile."""
        now = clock.monotonic()
        if rate != self._rate:
            self._rate, self._windows = rate, self._new_windows(rate)
            self._ask_by = 0.0
        late = late_seconds(1.0 / rate)
        while self._turns and self._turns[0] < now - late:
            self._turns.popleft()
        if self._turns and self._turns[0] <= now:
            self._turns.popleft()
            return 0.0
        if self._turns:
            return max(SOON_SECONDS / 5, self._turns[0] - now)
        self._asked += 1
        if self._reserving is None and now >= self._ask_at():
            self._reserving = asyncio.get_running_loop().create_task(self._reserve())
        return SOON_SECONDS if self._reserving else max(SOON_SECONDS / 5, self._ask_at() - now)

    def give_back(self) -> None:
        """A turn that was taken is not used after all."""
        self._turns.appendleft(clock.monotonic())

    def _ask_at(self) -> float:
        return min(self._free_at - AHEAD_SECONDS, self._ask_by)

    async def _reserve(self) -> None:
        assert self._windows is not None
        count = max(1, min(window_count(self._rate), self._asked))
        self._asked = 0
        try:
            window = await self._windows.reserve(count, ahead=AHEAD_SECONDS)
        except StoreError:
            self._free_at = self._ask_by = clock.monotonic() + TROUBLE_SECONDS
            return
        finally:
            self._reserving = None
        # Asked again by then, whatever was said: another worker may have died with its turns.
        self._free_at, self._ask_by = window.free_at, clock.monotonic() + 5.0
        interval = (window.free_at - window.first) / max(1, window.count)
        self._turns.extend(window.first + number * interval for number in range(window.count))
