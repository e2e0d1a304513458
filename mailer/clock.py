"""The one source of time: aware UTC for people and rows, a monotonic clock for ages."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

# CLOCK_BOOTTIME goes on counting while the machine or the process is suspended;
# an age that forgets a suspension would let a stale claim through (law 3).
_AGE_CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)

# What `now` says instead of the system's clock, inside `steered` only.
_steered: datetime | None = None


def now() -> datetime:
    """The current instant, aware, in UTC."""
    return _steered or datetime.now(UTC)


def monotonic() -> float:
    """Seconds since an arbitrary start, never stepped, counting suspension."""
    return time.clock_gettime(_AGE_CLOCK)


@contextmanager
def steered(start: datetime) -> Iterator[Callable[[datetime], None]]:
    """For a simulation: in this process `now` stands at `start`, and moves where the callable is told.

    Every thread sees it; `monotonic` goes on as always. Raises ValueError for a naive instant, for a
    step backwards, and inside another `steered`.
    """
    global _steered

    def move(instant: datetime) -> None:
        global _steered
        if instant.tzinfo is None or (_steered is not None and instant < _steered):
            raise ValueError("A steered clock takes aware instants, and never goes back.")
        _steered = instant.astimezone(UTC)

    if _steered is not None:
        raise ValueError("The clock is steered already.")
    move(start)
    try:
        yield move
    finally:
        _steered = None
