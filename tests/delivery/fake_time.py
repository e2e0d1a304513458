"""An event loop whose time only moves from one timer to the next: an hour of sending is a moment."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar
from unittest import mock

from mailer import clock

T = TypeVar("T")


@dataclass
class FakeTime:
    """Seconds that pass only when the loop has nothing to do but wait."""

    lateness: list[float]
    now: float = 1000.0
    _sleeps: int = field(default=0)

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        """Until the next timer, and as much longer as this machine is late."""
        self.now += seconds + self.lateness[self._sleeps % len(self.lateness)]
        self._sleeps += 1


class FakeTimeLoop(asyncio.SelectorEventLoop):
    """A loop that jumps to its next timer instead of waiting for it."""

    def __init__(self, time: FakeTime) -> None:
        super().__init__(_Jump(time))
        self._fake = time

    def time(self) -> float:
        return self._fake.now


class _Jump(selectors.DefaultSelector):
    def __init__(self, time: FakeTime) -> None:
        super().__init__()
        self._fake = time

    def select(self, timeout: float | None = None) -> list[Any]:
        if timeout is None:
            raise AssertionError("the loop would wait for ever: nobody is given a turn")
        if timeout > 0:
            self._fake.sleep(timeout)
        return super().select(0)


@contextmanager
def fake_clock(time: FakeTime) -> Iterator[FakeTime]:
    """The program's monotonic clock shows this time as well."""
    with mock.patch.object(clock, "monotonic", time.monotonic):
        yield time


def play(story: Callable[[FakeTime], Coroutine[Any, Any, T]], *, lateness: list[float] | None = None) -> T:
    """Run the story in fake time; timers are late by these seconds, in turn."""
    with fake_clock(FakeTime(lateness or [0.0])) as time:
        loop = FakeTimeLoop(time)
        try:
            return loop.run_until_complete(story(time))
        finally:
            loop.close()
