"""Claims whose mailbox provider has no turn yet: a few of each wait here, so that they hold nobody else up."""

from __future__ import annotations

import heapq
import itertools
from collections import Counter
from collections.abc import Callable

from mailer.delivery.claim import Claim

# Of one provider: enough that its next turns find a message. They count as no room taken, whatever
# the rate: who waits must not keep a worker from claiming for others.
MOST_OF_ONE = 16
# Of all: what a worker that dies leaves to be taken over, besides what it sends.
MOST = 128
# What waits longer than this waits better in the database.
LONGEST_SECONDS = 5.0


class Shelf:
    """Ordered by when each may be asked about again; times are those of `clock.monotonic`."""

    def __init__(self) -> None:
        self._waiting: list[tuple[float, int, str, Claim]] = []
        self._of_one: Counter[str] = Counter()
        self._numbers = itertools.count()

    def __len__(self) -> int:
        return len(self._waiting)

    @property
    def next_at(self) -> float | None:
        """When the first may be asked about; None: there is none."""
        return self._waiting[0][0] if self._waiting else None

    def put(self, claim: Claim, provider: str, *, now: float, seconds: float) -> bool:
        """Keep a claim for so long; False: there is no room for it, or it would wait for too long."""
        full = len(self._waiting) >= MOST or self._of_one[provider] >= MOST_OF_ONE
        if full or seconds > LONGEST_SECONDS:
            return False
        self._of_one[provider] += 1
        heapq.heappush(self._waiting, (now + seconds, next(self._numbers), provider, claim))
        return True

    def pop_due(self, now: float) -> list[Claim]:
        """The claims whose time has come, in the order in which it came."""
        due = []
        while self._waiting and self._waiting[0][0] <= now:
            _, _, provider, claim = heapq.heappop(self._waiting)
            self._of_one[provider] -= 1
            due.append(claim)
        return due

    def remove(self, goes: Callable[[Claim], bool]) -> list[Claim]:
        """Take out the claims for which this is true."""
        gone = [entry for entry in self._waiting if goes(entry[3])]
        self._waiting = [entry for entry in self._waiting if not goes(entry[3])]
        heapq.heapify(self._waiting)
        self._of_one.subtract(provider for _, _, provider, _ in gone)
        return [claim for _, _, _, claim in gone]
