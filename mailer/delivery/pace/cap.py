"""What holds one mailbox provider's mail back in this worker: a stop, a share of connections, turns (B11, B12)."""

from __future__ import annotations

from mailer.delivery.pace.controller import Pace
from mailer.delivery.pace.ear import Ear
from mailer.delivery.pace.turns import Turns

# When all connections of a provider's share are busy.
BUSY_SECONDS = 0.2
# No dialogue lasts longer: what was let through before that and never ended is forgotten.
FORGOTTEN_SECONDS = 900.0
# Until another worker's turn at the connections is over, nobody need ask again sooner.
NO_SHARE_SECONDS = 10.0
# What is put back comes again at most so long after the first that may go: more may be taken by then.
MOST_LATER_SECONDS = 7200.0
# Places are twice as many as there are turns now: where the rate rises, it must find mail.
PLACES_PER_TURN = 2.0


class Cap:
    """One provider; times are seconds of the clock that all hosts share."""

    def __init__(self, turns: Turns) -> None:
        self.pace = Pace()
        self.rate: float | None = None  #: messages per second of all workers; None: no limit
        self.connections: int | None = None  #: that this worker may use at once
        self.ear = Ear()
        self._turns = turns
        self._busy: dict[int, tuple[float, bool]] = {}  #: by claim: since when, and whether it took a turn
        self._last_place = 0.0

    def is_needed(self, now: float) -> bool:
        """Whether it holds anything back, or must know what is sent."""
        return self.rate is not None or self.pace != Pace() or self._until > now

    @property
    def _until(self) -> float:
        return max(self.pace.until, self.ear.closed_until)

    def ask(self, now: float, *, system: bool, claim: int = 0) -> float:
        """0.0: go, and this claim counts as gone. Else the seconds after which to ask again.

        System mail waits for a stop only: it is little, and somebody waits for it.
        """
        if now < self._until:
            return self._until - now
        takes_turn = self.rate is not None and not system
        if not system and self.connections is not None and (wait := self._wait_for_connection(now)):
            return wait
        if takes_turn and self.rate is not None and (wait := self._turns.ask(self.rate)):
            return wait
        self._busy[claim] = (now, takes_turn)
        return 0.0

    def _wait_for_connection(self, now: float) -> float:
        if not self.connections:
            return NO_SHARE_SECONDS
        self._busy = {claim: one for claim, one in self._busy.items() if one[0] >= now - FORGOTTEN_SECONDS}
        return BUSY_SECONDS if len(self._busy) >= self.connections else 0.0

    def ended(self, claim: int = 0) -> bool:
        """This claim, if it was let through, has its outcome. Whether it had taken a turn."""
        return self._busy.pop(claim, _UNCOUNTED)[1]

    def give_back(self, claim: int = 0) -> None:
        """This claim was let through and did not go."""
        if self.ended(claim) and self.rate is not None:
            self._turns.give_back()

    def later(self, now: float) -> float:
        """The next free place in the queue, in seconds from now: what is put back comes again then."""
        soonest = max(now, self._until)
        if self.connections == 0:
            soonest = max(soonest, now + NO_SHARE_SECONDS)
        if self.rate is not None:
            soonest = max(soonest, now + self._turns.wait())
        begin = max(soonest, self._last_place)
        if begin - soonest > MOST_LATER_SECONDS:
            # More mail than places: the later half of them is handed out again, so that not all is due at once.
            begin = soonest + MOST_LATER_SECONDS / 2
        self._last_place = begin + (1.0 / (PLACES_PER_TURN * self.rate) if self.rate else BUSY_SECONDS)
        return begin - now


_UNCOUNTED = (0.0, False)
