"""Which relay may take the next campaign mail, so that each has its share; pure: times are passed in.

Senders pull, so the one that is quicker would have more. A relay that is ahead of its share by a few
messages waits for the others; one that lets them wait for long is left out until it takes again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

# How far the relays may drift apart: 1.6 % of a batch of 500, and seldom a wait.
SLACK = 8.0
# A server that says nothing is waited for up to ten minutes; the others are not held for so long.
PATIENCE_SECONDS = 5.0


class Shares:
    """Counts what each relay took since the relays that share last changed."""

    def __init__(self) -> None:
        self._weights: dict[str, int] = {}
        self._taken: dict[str, int] = {}  #: of those that keep up; what is not here is not counted
        self._total = 0
        self._sum = 0
        self._slack = SLACK
        self._waiting: set[str] = set()  #: who was told to wait
        self._waiting_since: float | None = None

    def share_among(self, weights: Mapping[str, int]) -> None:
        """These relays share from now on; what was taken before counts no more."""
        # Where nobody has a weight, all that stand by have the same.
        self._weights = dict(weights) if any(weights.values()) else dict.fromkeys(weights, 1)
        self._begin(self._weights)

    def take(self, name: str, *, now: float) -> bool:
        """Whether this relay may take one; it is then counted."""
        if name not in self._taken and name in self._weights:
            self._begin([*self._taken, name])  # it was left out, and is back
        if name not in self._taken or len(self._taken) == 1:
            return True
        lead = self._lead(name)
        if lead + 1 - self._weights[name] / self._sum > self._slack and not self._is_too_long(name, now):
            return False
        if lead < 0:
            self._waiting_since = None
        if name in self._taken:
            self._taken[name] += 1
            self._total += 1
        return True

    def gave_back(self, name: str) -> None:
        """It could not send what it took."""
        if self._taken.get(name):
            self._taken[name] -= 1
            self._total -= 1

    def freed(self) -> bool:
        """Whether somebody who was told to wait need not any more; asked after each `take`."""
        if not self._waiting or all(self._lead(name) > self._slack / 2 for name in self._waiting):
            return False
        self._waiting.clear()
        return True

    def _lead(self, name: str) -> float:
        """By how many messages a relay is ahead of its share."""
        return self._taken[name] - self._total * self._weights[name] / self._sum

    def _is_too_long(self, name: str, now: float) -> bool:
        """Whether the others have had their time: they are then left out until they take again."""
        if self._waiting_since is None:
            self._waiting_since = now
        if now - self._waiting_since < PATIENCE_SECONDS:
            self._waiting.add(name)
            return False
        self._begin([one for one in self._taken if self._lead(one) >= 0])
        return True

    def _begin(self, names: Iterable[str]) -> None:
        self._taken = dict.fromkeys(names, 0)
        self._total = 0
        self._sum = sum(self._weights[name] for name in self._taken)
        # What several are ahead together one may be behind.
        self._slack = max(1.0, SLACK / max(1, len(self._taken) - 1))
        self._waiting.clear()
        self._waiting_since = None
