"""The one source of time: aware UTC for people and rows, a monotonic clock for ages."""

from __future__ import annotations

import time
from datetime import UTC, datetime

# CLOCK_BOOTTIME goes on counting while the machine or the process is suspended;
# an age that forgets a suspension would let a stale claim through (law 3).
_AGE_CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


def now() -> datetime:
    """The current instant, aware, in UTC."""
    return datetime.now(UTC)


def monotonic() -> float:
    """Seconds since an arbitrary start, never stepped, counting suspension."""
    return time.clock_gettime(_AGE_CLOCK)
