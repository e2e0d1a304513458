"""When a deferred delivery is tried again: a pure function of attempts made (RFC 5321 4.5.4.1, A54)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

# Retries of one hour's deferrals spread over +-20 %: 2.5 h becomes 2 to 3 h.
JITTER = 0.2


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """The three times of A54; the defaults are those of `[sending]`."""

    first: timedelta = timedelta(minutes=30)
    then: timedelta = timedelta(hours=2.5)
    give_up: timedelta = timedelta(hours=108)

    def shortened(self, give_up_hours: int | None) -> RetryPolicy:
        """The same schedule with a campaign's own, never longer, life."""
        if give_up_hours is None:
            return self
        return RetryPolicy(self.first, self.then, min(self.give_up, timedelta(hours=give_up_hours)))


def nominal_age(policy: RetryPolicy, attempts: int) -> timedelta:
    """How long after the first attempt the schedule puts attempt number `attempts` (1, 2, 3...)."""
    if attempts <= 1:
        return timedelta(0)
    return policy.first + policy.then * (attempts - 2)


def wait_after(policy: RetryPolicy, attempts: int, *, jitter: float) -> timedelta | None:
    """How long to wait after `attempts` (>= 1) failed attempts, or None: give up.

    `jitter` is drawn by the caller from [0, 1). The first wait is never shorter than
    the policy says, so that at most two attempts fall in the first hour. The life is
    counted on the schedule, not the wall clock: a sender that was switched off
    for a week owes its recipients the same number of attempts.
    """
    if nominal_age(policy, attempts + 1) > policy.give_up:
        return None
    if attempts == 1:
        return policy.first * (1 + JITTER * jitter)
    return policy.then * (1 + JITTER * (2 * jitter - 1))
