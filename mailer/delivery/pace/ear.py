"""What one worker heard of one relay or provider since it last told the others, and what it does at once."""

from __future__ import annotations

from dataclasses import replace

from mailer.delivery.pace.controller import Heard, Rules
from mailer.delivery.pace.signals import Refusal, Says

# Replies that only may be about our speed are, when so many come in a row and nothing is taken between.
MAYBE_IN_A_ROW = 3


class Ear:
    """Times are seconds of the clock that all hosts share."""

    __slots__ = ("_in_row", "_maybe", "_refusal", "accepted", "closed_until")

    def __init__(self) -> None:
        self.accepted = 0
        self.closed_until = 0.0  #: heard here, and perhaps not yet known to all
        self._maybe = 0
        self._refusal: Refusal | None = None
        self._in_row = 0

    def took(self) -> None:
        """A message was accepted."""
        self.accepted += 1
        self.went_on()

    def went_on(self) -> None:
        """Something was accepted, and is counted elsewhere."""
        self._in_row = 0

    def refused(self, refusal: Refusal, *, now: float, rules: Rules) -> bool:
        """One was refused. True: nothing goes there for a moment, and others should hear of it at once."""
        if refusal.says is Says.MAYBE:
            self._in_row += 1
            if self._in_row < MAYBE_IN_A_ROW:
                self._keep(refusal, maybe=1)
                return False
            refusal = replace(refusal, says=Says.SLOWER)
        self._keep(refusal)
        self.closed_until = max(self.closed_until, now + max(rules.hold_seconds, refusal.wait_seconds))
        return True

    def tell(self, *, rate: float) -> Heard:
        """Everything since the last time; `rate` is that of all workers, in messages per second."""
        heard = Heard(self.accepted, self._maybe, self._refusal, rate)
        self.accepted, self._maybe, self._refusal = 0, 0, None
        return heard

    def told(self) -> None:
        """All know it now, and may forget it together; but for what was heard meanwhile."""
        if self._refusal is None:
            self.closed_until = 0.0

    def untold(self, heard: Heard) -> None:
        """The others could not be told: it is told again next time."""
        self.accepted += heard.accepted
        if heard.refusal is not None:
            self._keep(heard.refusal, maybe=heard.maybe)

    def _keep(self, refusal: Refusal, *, maybe: int = 0) -> None:
        self._maybe += maybe
        known = self._refusal
        if known is None or (refusal.says, refusal.wait_seconds) > (known.says, known.wait_seconds):
            self._refusal = refusal
