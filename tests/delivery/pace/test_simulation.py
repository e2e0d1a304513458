"""Relays with hidden limits, found by what they answer: near the limit, few deferrals, nobody else slowed."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailer.delivery.pace.controller import PROVIDER, ROUTE, Pace
from mailer.delivery.pace.signals import Refusal
from tests.delivery.pace.relays import PERHAPS, SLOW, Bucket, Limit, Relay, Run, Windowed, simulate

pytestmark = pytest.mark.rule("B12")

#: How servers count: a bucket of 1 to 60 seconds, or so many in each 10 to 60 seconds.
KINDS: dict[str, Callable[[Limit], Relay]] = {
    "bucket of a second": lambda limit: Bucket(limit, 1),
    "bucket of ten": lambda limit: Bucket(limit, 10),
    "bucket of a minute": lambda limit: Bucket(limit, 60),
    "window of ten seconds": lambda limit: Windowed(limit, 10),
    "window of a minute": lambda limit: Windowed(limit, 60),
}


def assert_found(run: Run, limit: float, *, begin: float, end: float, refusal: Refusal = SLOW) -> None:
    """Within a fifth of the hidden limit, fewer than one in a hundred deferred; two where it says only 451.

    Each of up to four workers must see three such answers before it believes them.
    """
    assert 0.8 * limit <= run.rate(begin, end) <= 1.2 * limit
    assert run.refused_share(begin, end) < (0.01 if refusal is SLOW else 0.02)


@settings(max_examples=30)
@given(
    kind=st.sampled_from(sorted(KINDS)),
    limit=st.floats(0.5, 100),
    fastest=st.floats(1.5, 20),
    workers=st.integers(1, 4),
    connections=st.integers(1, 6),
    answer_seconds=st.floats(0.002, 0.2),
)
def test_a_hidden_limit_is_found_and_kept(
    kind: str, limit: float, fastest: float, workers: int, connections: int, answer_seconds: float
) -> None:
    """Whatever the first rate was, up to twenty times too high; measured in the later half."""
    end = max(3000.0, 6000 / limit)
    run = simulate(
        KINDS[kind](lambda _: limit),
        rules=ROUTE,
        seconds=end,
        workers=workers,
        connections=connections + int(limit * fastest * answer_seconds / workers) + 1,
        fastest=limit * fastest,
        answer_seconds=answer_seconds,
    )
    assert_found(run, limit, begin=end / 2, end=end)


@settings(max_examples=15)
@given(
    kind=st.sampled_from(sorted(KINDS)),
    limit=st.sampled_from([2.0, 5.0, 20.0, 60.0]),
    workers=st.integers(1, 4),
)
def test_so_is_the_limit_of_a_relay_that_says_no_more_than_451(kind: str, limit: float, workers: int) -> None:
    """Without a word about rates; only that many get it, or several in a row, says what it means."""
    end = max(4000.0, 8000 / limit)
    run = simulate(
        KINDS[kind](lambda _: limit),
        rules=ROUTE,
        seconds=end,
        workers=workers,
        fastest=4 * limit,
        refusal=PERHAPS,
    )
    assert_found(run, limit, begin=end / 2, end=end, refusal=PERHAPS)


@pytest.mark.parametrize("kind", sorted(KINDS))
@pytest.mark.parametrize("refusal", [SLOW, PERHAPS], ids=["451 slow down", "451"])
def test_a_limit_that_steps_up_and_down_is_followed_also_across_restarts(kind: str, refusal: Refusal) -> None:
    """20 a second, then 60, then 6; the workers start afresh five times, and know only the table."""

    def limit(now: float) -> float:
        return 20.0 if now < 4000 else 60.0 if now < 8000 else 6.0

    run = simulate(
        KINDS[kind](limit),
        rules=ROUTE,
        seconds=13_000,
        refusal=refusal,
        restarts=(500, 3000, 5000, 8100, 11_000),
    )
    assert_found(run, 20.0, begin=2000, end=4000, refusal=refusal)
    assert_found(run, 60.0, begin=6000, end=8000, refusal=refusal)
    assert_found(run, 6.0, begin=9500, end=13_000, refusal=refusal)


def test_a_restart_does_not_search_again() -> None:
    """What was found is in the table: the first minutes after it are as good as any."""
    first = simulate(Windowed(lambda _: 20.0, 60), rules=ROUTE, seconds=3000)
    again = simulate(Windowed(lambda _: 20.0, 60), rules=ROUTE, seconds=600, pace=_aged(first.pace, 3000))
    assert_found(again, 20.0, begin=0, end=600)


def _aged(pace: Pace, seconds: float) -> Pace:
    """The same knowledge in a world whose clock begins at 0 again."""
    return Pace(
        pace.limit, pace.connections, pace.cause, pace.until - seconds, pace.ceiling, pace.since - seconds
    )


@pytest.mark.parametrize("kind", sorted(KINDS))
@pytest.mark.parametrize("limit", [0.5, 8.0])
def test_so_is_that_of_a_mailbox_provider_behind_the_relay(kind: str, limit: float) -> None:
    """More slowly: it is given minutes to feel a change, and asked for more every half minute at most."""
    run = simulate(KINDS[kind](lambda _: limit), rules=PROVIDER, seconds=30_000, fastest=20)
    assert_found(run, limit, begin=18_000, end=30_000)


def test_a_relay_that_never_refuses_is_never_slowed() -> None:
    run = simulate(Bucket(lambda _: 1e9, 60), rules=ROUTE, seconds=100, fastest=300)
    assert run.rate(0, 100) == pytest.approx(300, rel=0.05)
