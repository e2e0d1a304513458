"""The retry schedule of A54, with the arithmetic beside the numbers."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailer.delivery.retry import RetryPolicy, nominal_age, wait_after

HALF = 0.5  # jitter in the middle: no deviation for later waits
JITTERS = st.floats(min_value=0, max_value=1, exclude_max=True)


def waits(policy: RetryPolicy, jitter: float) -> list[timedelta]:
    """Every wait until the message expires."""
    found: list[timedelta] = []
    while (wait := wait_after(policy, len(found) + 1, jitter=jitter)) is not None:
        found.append(wait)
    return found


@pytest.mark.parametrize(
    ("attempts", "hours"),
    [
        (1, 0.5),  # first_retry_minutes = 30
        (2, 2.5),
        (3, 2.5),
        (44, 2.5),  # the 45th attempt falls at 0.5 + 43 * 2.5 = 108.0 h, the last within 108 h
        (45, None),  # the 46th would fall at 110.5 h
    ],
)
def test_the_default_schedule(attempts: int, hours: float | None) -> None:
    """A54: 30 min, then every 2.5 h, given up after four and a half days."""
    wait = wait_after(RetryPolicy(), attempts, jitter=HALF if attempts > 1 else 0.0)
    assert wait == (None if hours is None else timedelta(hours=hours))


@given(jitter=JITTERS)
def test_the_first_wait_is_never_shorter_than_thirty_minutes(jitter: float) -> None:
    """A54: and so at most two attempts fall in the first hour."""
    first, second, *_ = waits(RetryPolicy(), jitter)
    assert first >= timedelta(minutes=30)
    assert first + second > timedelta(hours=1)


@given(jitter=JITTERS)
def test_later_waits_are_two_to_three_hours(jitter: float) -> None:
    """A54."""
    for wait in waits(RetryPolicy(), jitter)[1:]:
        assert timedelta(hours=2) <= wait <= timedelta(hours=3)


@given(jitter=JITTERS)
def test_the_default_life_is_four_to_five_days_on_the_schedule(jitter: float) -> None:
    """A54: give up after 4 to 5 days."""
    attempts = len(waits(RetryPolicy(), jitter)) + 1
    assert timedelta(days=4) <= nominal_age(RetryPolicy(), attempts) <= timedelta(days=5)


@given(
    first=st.integers(1, 120),
    then=st.integers(1, 24),
    life=st.integers(1, 240),
    jitter=JITTERS,
)
def test_every_policy_ends(first: int, then: int, life: int, jitter: float) -> None:
    """No settings make a message that is tried for ever."""
    policy = RetryPolicy(timedelta(minutes=first), timedelta(hours=then), timedelta(hours=life))
    assert nominal_age(policy, len(waits(policy, jitter)) + 1) <= policy.give_up


def test_a_campaign_may_only_shorten_the_life() -> None:
    site = RetryPolicy()
    assert site.shortened(24).give_up == timedelta(hours=24)
    assert site.shortened(500).give_up == site.give_up
    assert site.shortened(None) is site


def test_a_life_shorter_than_the_first_wait_means_one_attempt() -> None:
    assert wait_after(RetryPolicy(give_up=timedelta(minutes=10)), 1, jitter=0.0) is None
