"""The arithmetic of one smooth rate for many workers; pure: times are seconds of any one clock, passed in.

Turns lie `interval` apart on one line that all workers of a site share. A worker reserves a short
window of them, the next one that nobody has, and takes each turn at its time or a little later.
So however many workers there are, a stretch of L seconds sees at most rate x (L + 1 s) + 1 turns.
"""

from __future__ import annotations

from dataclasses import dataclass

# What is reserved at once: a few transactions a second, whatever the rate.
WINDOW_SECONDS = 0.15
# How far ahead turns are reserved. System mail asks first, so it passes other workers' campaigns too.
AHEAD_SECONDS = 0.1
SYSTEM_AHEAD_SECONDS = 0.2
# Turns that a late timer or a slow database missed can still be reserved; after more than this the
# time was idle, and none of it is made up for.
CATCH_UP_SECONDS = 0.2
# How long after its time a turn may be taken; at a low rate it is one interval, up to a second. Then it
# is lost. These four make less than a second: the most that can come at once when a clock is stepped.
LATE_SECONDS = 0.3
MAX_LATE_SECONDS = 1.0
# So many system mails in a row may go before all campaign mail; then their share decides.
SYSTEM_BURST = 5.0


@dataclass(frozen=True, slots=True)
class Window:
    """Reserved turns, at `first` and every interval after it."""

    first: float
    count: int  #: 0: it is too early to reserve any
    free_at: float  #: the first turn that nobody has reserved


def window_count(rate: float) -> int:
    """The most turns that are reserved at once, at so many per second."""
    return max(1, int(rate * WINDOW_SECONDS))


def late_seconds(interval: float) -> float:
    """How long after its time a turn may be taken."""
    return min(MAX_LATE_SECONDS, max(LATE_SECONDS, interval))


def reserve(free_at: float, *, now: float, interval: float, count: int, ahead: float) -> Window:
    """The next `count` turns from `free_at` on; none if they begin more than `ahead` seconds from now."""
    furthest = SYSTEM_AHEAD_SECONDS + max(WINDOW_SECONDS, interval)
    if free_at > now + 2 * furthest:
        # Nobody reserves so far ahead: the clock was set back. By then every turn of before is over.
        free_at = now + furthest
    first = free_at if free_at >= now - CATCH_UP_SECONDS else now
    if first > now + ahead:
        return Window(first, 0, first)
    return Window(first, count, first + count * interval)


class Share:
    """Whose turn it is when both streams wait."""

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
