"""What holds one mailbox provider's mail back in this worker: a stop, a share of connections, turns (B11, B12)."""

from __future__ import annotations

from collections import deque

from mailer.delivery.pace.controller import Pace
from mailer.delivery.pace.ear import Ear
from mailer.delivery.pace.turns import Turns

# When all connections of a provider's share are busy.
BUSY_SECONDS = 0.2
# No dialogue lasts longer: what was let through before that and never ended is forgotten.
FORGOTTEN_SECONDS = 900.0
# What is put back comes again after at most so long.
MOST_LATER_SECONDS = 900.0


class Cap:
    """One provider; times are seconds of the clock that all hosts share."""

    def __init__(self, turns: Turns) -> None:
        self.pace = Pace()
        self.rate: float | None = None  #: messages per second of all workers; None: no limit
        self.connections: int | None = None  #: that this worker may use at once
        self.ear = Ear()
        self._turns = turns
        self._busy: deque[float] = deque()
        self._last_place = 0.0

    def is_needed(self, now: float) -> bool:
        """Whether it holds anything back, or must know what is sent."""
        return self.rate is not None or self.pace != Pace() or self._until > now

    @property
    def _until(self) -> float:
        return max(self.pace.until, self.ear.closed_until)

    def ask(self, now: float, *, system: bool) -> float:
        """0.0: go, and it counts as gone. Else the seconds after which to ask again.

        System mail waits for a stop only: it is little, and somebody waits for it.
        """
        if now < self._until:
            return self._until - now
        while self._busy and self._busy[0] < now - FORGOTTEN_SECONDS:
            self._busy.popleft()
        if self.connections is not None and len(self._busy) >= self.connections:
            return BUSY_SECONDS
        if self.rate is not None and not system and (wait := self._turns.ask(self.rate)):
            return wait
        self._busy.append(now)
        return 0.0

    def ended(self) -> None:
        """One that went has its outcome."""
        if self._busy:
            self._busy.popleft()

    def give_back(self) -> None:
        """One that was let through did not go."""
        self.ended()
        if self.rate is not None:
            self._turns.give_back()

    def later(self, now: float) -> float:
        """The next free place in the queue, in seconds from now: what is put back comes again then."""
        begin = max(now, self._until, self._last_place)
        self._last_place = min(
            begin + (1.0 / self.rate if self.rate else BUSY_SECONDS), now + MOST_LATER_SECONDS
        )
        return min(MOST_LATER_SECONDS, begin - now)
