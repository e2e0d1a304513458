"""How many a second there were lately, with the far past forgotten little by little."""

from __future__ import annotations

import math

# Long enough to even out bursts, short enough to know the rate at which somebody refused.
MEMORY_SECONDS = 20.0
# What began this instant has no rate yet: a burst of a moment counts as one of a second.
LEAST_SECONDS = 1.0


class Meter:
    """Counts events; times are seconds of any one clock."""

    __slots__ = ("_at", "_began_at", "_sum")

    def __init__(self, now: float) -> None:
        self._began_at = self._at = now
        self._sum = 0.0

    def add(self, count: int, *, now: float) -> None:
        """So many happened since the last call."""
        self._sum = self._sum * self._kept(now) + count
        self._at = now

    def rate(self, now: float) -> float:
        """Events per second."""
        age = max(LEAST_SECONDS, now - self._began_at)
        return self._sum * self._kept(now) / (MEMORY_SECONDS * -math.expm1(-age / MEMORY_SECONDS))

    def _kept(self, now: float) -> float:
        return math.exp(-max(0.0, now - self._at) / MEMORY_SECONDS)
