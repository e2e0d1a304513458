"""The rate limit is smooth, exact and fair to system mail; a route that is down is probed with patience."""

from __future__ import annotations

import asyncio
import itertools
from unittest import mock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailer import clock
from mailer.delivery.pacing import (
    CATCH_UP_SECONDS,
    SYSTEM_AHEAD_SECONDS,
    WINDOW_SECONDS,
    Share,
    Window,
    late_seconds,
    reserve,
    window_count,
)
from mailer.delivery.rate import RateLimit
from mailer.delivery.route import Route, probe_wait
from mailer.delivery.sender import Sender
from tests.delivery.fake_time import FakeTime, play
from tests.delivery.world import relay

RATES = st.floats(min_value=1 / 60, max_value=5000)


@pytest.mark.parametrize(("rate", "count"), [(1 / 60, 1), (1, 1), (10, 1), (100, 15), (5000, 750)])
def test_at_least_one_turn_and_at_most_a_short_window_is_reserved_at_once(rate: float, count: int) -> None:
    assert window_count(rate) == count  # 0.15 s worth


@pytest.mark.parametrize(("interval", "late"), [(0.001, 0.3), (0.25, 0.3), (0.5, 0.5), (1, 1), (60, 1)])
def test_a_turn_may_be_taken_a_moment_late_at_a_low_rate_up_to_a_second(interval: float, late: float) -> None:
    """A hiccup must not cost a sender of one mail a minute a whole minute."""
    assert late_seconds(interval) == late


@pytest.mark.rule("B12")
@pytest.mark.parametrize(
    ("free_at", "first", "count", "why"),
    [
        (1000.05, 1000.05, 5, "the next turns, right behind those of others"),
        (1000.1, 1000.1, 5, "as far ahead as may be"),
        (1000.11, 1000.11, 0, "too far ahead: not yet"),
        (999.9, 999.9, 5, "missed by a late timer, made up for"),
        (999.7, 1000.0, 5, "idle time, of which nothing is saved up"),
        (0.0, 1000.0, 5, "the first turns ever"),
        (1000.71, 1000.35, 0, "the clock was set back: as if all were reserved that may be"),
        (90_000.0, 1000.35, 0, "by a day"),
    ],
)
def test_what_is_reserved_follows_what_others_have(
    free_at: float, first: float, count: int, why: str
) -> None:
    window = reserve(free_at, now=1000.0, interval=0.01, count=5, ahead=0.1)
    assert window == Window(pytest.approx(first), count, pytest.approx(first + count * 0.01)), why


@given(
    rate=RATES,
    asks=st.lists(
        st.tuples(st.floats(min_value=0, max_value=2), st.integers(1, 1000), st.sampled_from([0.1, 0.2])),
        max_size=60,
    ),
)
def test_turns_of_all_workers_lie_an_interval_apart(
    rate: float, asks: list[tuple[float, int, float]]
) -> None:
    """Whoever asks, whenever: no turn is given twice, none before its time, none far ahead."""
    now, free_at, turns = 1000.0, 0.0, [0.0]
    for pause, count, ahead in asks:
        now += pause
        window = reserve(
            free_at, now=now, interval=1 / rate, count=min(count, window_count(rate)), ahead=ahead
        )
        free_at = window.free_at
        assert window.first >= now - CATCH_UP_SECONDS
        assert free_at <= now + SYSTEM_AHEAD_SECONDS + max(WINDOW_SECONDS, 1 / rate) or not window.count
        turns += [window.first + number / rate for number in range(window.count)]
    assert all(later - sooner >= 1 / rate - 1e-6 for sooner, later in itertools.pairwise(turns))


@given(rate=RATES, step=st.floats(min_value=-1e9, max_value=1e9))
def test_a_stepped_clock_stops_nobody_for_long(rate: float, step: float) -> None:
    """Whatever the clock shows: at most twice as far as turns are reserved ahead, and the turns go on."""
    window = reserve(1000.0, now=1000.0 + step, interval=1 / rate, count=1, ahead=0.1)
    furthest = SYSTEM_AHEAD_SECONDS + max(WINDOW_SECONDS, 1 / rate)
    assert window.first <= 1000.0 + step + 2 * furthest + 1e-3


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


def test_a_turn_that_is_given_back_is_the_next_ones() -> None:
    async def story(time: FakeTime) -> list[bool]:
        limit = RateLimit(1 / 60, system_share=0.2)
        await limit.turn(system=False)
        first = limit.try_turn(system=False)
        limit.give_back()
        waiting = asyncio.create_task(limit.turn(system=False))
        await asyncio.sleep(0.1)
        return [first, waiting.done(), limit.try_turn(system=False)]

    assert play(story) == [False, True, False]


def test_a_relays_turn_is_not_spent_on_a_message_for_which_the_site_has_none() -> None:
    """Else a relay at half the site's rate would get less than it takes."""

    async def story(time: FakeTime) -> bool:
        site, one = RateLimit(1 / 60, system_share=0.2), relay(1)
        one.limit = RateLimit(1 / 60, system_share=0.2)
        sender = Sender(mock.Mock(rate=site), one, system_only=False)
        await one.limit.turn(system=False)
        one.limit.give_back()
        assert not sender._try_turn(mock.Mock(is_system=False))  # the site's first turn is not reserved yet
        return one.limit.try_turn(system=False)

    assert play(story)


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


def test_a_limit_that_is_lifted_lets_everybody_go_at_once() -> None:
    async def story() -> None:
        limit = RateLimit(0.01, system_share=0.2)
        waiting = [asyncio.create_task(limit.turn(system=n == 0)) for n in range(10)]
        await asyncio.sleep(0.05)
        assert sum(task.done() for task in waiting) == 1
        limit.set_rate(None)
        await asyncio.wait_for(asyncio.gather(*waiting), 1)

    asyncio.run(story())


def test_a_rate_that_is_found_later_holds_from_then_on() -> None:
    async def story() -> float:
        limit = RateLimit(None, system_share=0.2)
        for _ in range(1000):
            await limit.turn(system=False)
        limit.set_rate(50.0)
        started = clock.monotonic()
        for _ in range(20):
            await limit.turn(system=False)
        return clock.monotonic() - started

    assert asyncio.run(story()) >= 0.35  # 19 turns after the first


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
