"""The rate limit is smooth, exact and fair to system mail; a route that is down is probed with patience."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailer import clock
from mailer.delivery.rate import CATCH_UP_SECONDS, Pace, RateLimit, Share
from mailer.delivery.route import Route, probe_wait

RATES = st.floats(min_value=1 / 60, max_value=5000)


def run(pace: Pace, *, seconds: float, lateness: float = 0.0) -> list[float]:
    """Turns taken as soon as they are due, with a timer that is late."""
    now, taken = 0.0, []
    while now < seconds:
        now += pace.wait_seconds(now) + lateness
        if now >= seconds:
            break
        pace.take(now)
        taken.append(now)
    return taken


@given(rate=st.floats(min_value=1, max_value=200), lateness=st.floats(min_value=0, max_value=0.004))
def test_a_minute_holds_the_rate_within_two_percent(rate: float, lateness: float) -> None:
    """Also with a timer that is up to 4 ms late."""
    taken = run(Pace(rate, now=0.0), seconds=60.0, lateness=lateness)
    assert abs(len(taken) - rate * 60) <= max(2.0, 0.02 * rate * 60)


@given(rate=RATES, idle=st.floats(min_value=0, max_value=3600))
def test_no_idle_time_is_saved_up_for_a_burst(rate: float, idle: float) -> None:
    """B12: never more than one second's worth at once."""
    pace = Pace(rate, now=0.0)
    burst = 0
    while pace.wait_seconds(idle) == 0 and burst < 10_000:
        pace.take(idle)
        burst += 1
    assert burst <= rate * CATCH_UP_SECONDS + 2


@given(rate=RATES)
def test_waiting_as_told_is_enough(rate: float) -> None:
    pace = Pace(rate, now=100.0)
    pace.take(100.0)
    assert pace.wait_seconds(100.0 + pace.wait_seconds(100.0)) < 1e-6


@pytest.mark.parametrize("share", [0.1, 0.2, 0.5])
def test_a_flood_of_system_mail_gets_its_share_and_no_more(share: float) -> None:
    turns = Share(share)
    chosen = [turns.choose_system(system_waits=True, campaign_waits=True) for _ in range(1000)]
    assert sum(chosen) == pytest.approx(1000 * share, abs=10)


def test_one_system_mail_goes_first_and_nobody_waits_for_nobody() -> None:
    turns = Share(0.2)
    assert turns.choose_system(system_waits=True, campaign_waits=True)
    assert turns.choose_system(system_waits=True, campaign_waits=False)
    assert not turns.choose_system(system_waits=False, campaign_waits=True)


def test_an_unlimited_rate_never_waits() -> None:
    async def story() -> None:
        limit = RateLimit(None, system_share=0.2)
        for _ in range(1000):
            await limit.turn(system=False)

    asyncio.run(story())


def test_many_senders_share_one_rate_and_a_cancelled_one_takes_no_turn() -> None:
    async def story() -> float:
        limit = RateLimit(100.0, system_share=0.2)
        started = clock.monotonic()
        waiting = [asyncio.create_task(limit.turn(system=n % 5 == 0)) for n in range(40)]
        await asyncio.sleep(0)
        for task in waiting[30:]:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
        return clock.monotonic() - started

    # 30 turns at 100/s: 0.29 s after the first.
    assert 0.25 <= asyncio.run(story()) <= 0.6


@pytest.mark.parametrize(
    ("failures", "seconds"), [(1, 1), (2, 2), (3, 4), (4, 8), (5, 16), (6, 32), (7, 60), (8, 60), (5000, 60)]
)
def test_a_route_is_probed_after_one_second_doubling_to_sixty(failures: int, seconds: float) -> None:
    assert probe_wait(failures) == seconds


def test_a_route_is_down_only_when_nothing_stands() -> None:
    async def story() -> None:
        route = Route()
        assert not route.is_down
        route.opened()
        route.failed("full up")
        assert not route.is_down
        route.closed()
        assert route.is_down
        assert route.reason == "full up"
        route.opened()
        assert not route.is_down
        route.closed()
        assert not route.is_down

    asyncio.run(story())


def test_a_greeting_does_not_end_an_outage_that_came_after_it() -> None:
    """A relay that says 421 to every MAIL must not be hammered once a second."""

    async def story() -> float:
        route = Route()
        for _ in range(2):
            route.opened()
            route.failed("reply 421 to MAIL", late=True)
            route.closed()
        started = clock.monotonic()
        await asyncio.wait_for(route.permission(), 5)
        return clock.monotonic() - started

    assert 1.8 <= asyncio.run(story()) <= 3.0


def test_who_waits_for_a_probe_is_woken_when_the_route_is_up() -> None:
    async def story() -> None:
        route = Route()
        for _ in range(6):
            route.failed("away")
        waiting = asyncio.create_task(route.permission())
        await asyncio.sleep(0.05)
        assert not waiting.done()
        route.opened()
        await asyncio.wait_for(waiting, 1)

    asyncio.run(story())
