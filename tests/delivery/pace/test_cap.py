"""One provider's cap in a worker: turns that all workers share, a share of connections, a stop."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailer.delivery.pace.cap import MOST_LATER_SECONDS, Cap
from mailer.delivery.pace.controller import PROVIDER, Pace
from mailer.delivery.pace.signals import Refusal, Says
from mailer.delivery.pace.turns import Turns
from mailer.delivery.pacing import Window, reserve
from mailer.delivery.shelf import LONGEST_SECONDS
from mailer.delivery.windows import OwnWindows
from mailer.store import StoreUnreachable
from tests.delivery.fake_time import FakeTime, play

pytestmark = pytest.mark.rule("B12")


@dataclass
class Shared:
    """One line of turns behind a database that takes its time."""

    time: FakeTime
    latency: float = 0.004
    interval: float = 1.0
    free_at: float = 0.0
    asked: int = 0
    is_away: bool = False

    async def reserve(self, count: int, *, ahead: float) -> Window:
        self.asked += 1
        await asyncio.sleep(self.latency)
        if self.is_away:
            raise StoreUnreachable
        window = reserve(self.free_at, now=self.time.now, interval=self.interval, count=count, ahead=ahead)
        self.free_at = window.free_at
        return window


@dataclass
class Line:
    """Workers of one site, and when each message went."""

    shared: Shared
    went: list[float] = field(default_factory=list)

    async def worker(self, rate: float, *, until: float) -> None:
        """Has always a message for this provider, and asks again when it was told to."""
        turns = Turns(OneOf(self.shared))
        while self.shared.time.now < until:
            if wait := turns.ask(rate):
                await asyncio.sleep(wait)
            else:
                self.went.append(self.shared.time.now)


class OneOf:
    """A worker's end of the shared line, with its own interval."""

    def __init__(self, shared: Shared) -> None:
        self._shared = shared
        self.interval = 1.0

    async def reserve(self, count: int, *, ahead: float) -> Window:
        self._shared.interval = self.interval
        return await self._shared.reserve(count, ahead=ahead)


@settings(max_examples=20)
@given(
    rate=st.sampled_from([0.01, 0.2, 1.0, 7.0, 40.0]),
    workers=st.integers(1, 4),
    latency=st.floats(0.001, 0.03),
)
def test_workers_share_the_turns_of_a_provider(rate: float, workers: int, latency: float) -> None:
    """Never more than the rate and a second's worth; nearly all turns are used."""

    async def story(time: FakeTime) -> Line:
        line = Line(Shared(time, latency))
        seconds = max(60.0, 30 / rate)
        await asyncio.gather(*(line.worker(rate, until=time.now + seconds) for _ in range(workers)))
        return line

    line = play(story)
    seconds = max(60.0, 30 / rate)
    assert 0.85 * rate * seconds - 2 <= len(line.went) <= rate * (seconds + 1) + 1
    assert line.shared.asked <= (seconds + 1) * 30 * workers


def test_while_the_database_is_away_nothing_goes_and_hardly_anybody_asks() -> None:
    async def story(time: FakeTime) -> Line:
        line = Line(Shared(time, is_away=True))
        await line.worker(5.0, until=time.now + 60)
        return line

    line = play(story)
    assert (line.went, line.shared.asked <= 70) == ([], True)


def capped(rate: float | None = None, connections: int | None = None) -> Cap:
    cap = Cap(Turns(OwnWindows(1.0)))
    cap.rate, cap.connections = rate, connections
    return cap


@pytest.mark.rule("B11")
def test_a_share_of_one_connection_lets_one_message_go_at_a_time() -> None:
    cap = capped(connections=1)
    assert cap.ask(1000.0, system=False) == 0.0
    assert cap.ask(1000.1, system=False) > 0
    cap.ended()
    assert cap.ask(1000.2, system=False) == 0.0


@pytest.mark.rule("B11")
def test_a_worker_without_a_share_sends_campaign_mail_back_to_the_queue() -> None:
    cap = capped(connections=0)
    assert cap.ask(1000.0, system=False) > LONGEST_SECONDS
    assert cap.later(1000.0) > LONGEST_SECONDS


@pytest.mark.rule("B11")
def test_system_mail_waits_for_no_connection() -> None:
    cap = capped(connections=1)
    cap.ask(1000.0, system=False, claim=1)
    assert cap.ask(1000.1, system=True, claim=2) == 0.0
    assert capped(connections=0).ask(1000.0, system=True) == 0.0


@pytest.mark.rule("B11")
def test_a_message_that_was_never_counted_frees_no_connection() -> None:
    cap = capped(connections=1)
    cap.ask(1000.0, system=False, claim=1)
    cap.ended(2)
    cap.give_back(3)
    assert cap.ask(1000.1, system=False, claim=4) > 0


def test_system_mail_that_did_not_go_gives_no_turn_back_because_it_took_none() -> None:
    async def story(time: FakeTime) -> list[float]:
        cap = capped(rate=0.01)
        while cap.ask(time.now, system=False):  # noqa: ASYNC110 - it asks as the hand does
            await asyncio.sleep(0.05)
        for number in range(5):
            assert cap.ask(time.now, system=True, claim=number) == 0.0
            cap.give_back(number)
        return [cap.ask(time.now, system=False) for _ in range(5)]

    assert min(play(story)) > 0


def test_who_waits_for_a_far_turn_is_told_how_far_it_is() -> None:
    async def story(time: FakeTime) -> float:
        cap = capped(rate=0.01)
        while cap.ask(time.now, system=False):  # noqa: ASYNC110 - it asks as the hand does
            await asyncio.sleep(0.05)
        await asyncio.sleep(1.0)
        cap.ask(time.now, system=False)
        await asyncio.sleep(1.0)
        return cap.ask(time.now, system=False)

    assert 90.0 < play(story) < 100.0


def test_what_went_and_never_ended_blocks_its_connection_for_a_quarter_of_an_hour_at_most() -> None:
    cap = capped(connections=1)
    cap.ask(1000.0, system=False)
    assert cap.ask(1899.0, system=False) > 0
    assert cap.ask(1901.0, system=False) == 0.0


def test_a_message_that_did_not_go_gives_turn_and_connection_back() -> None:
    async def story(time: FakeTime) -> tuple[float, float, float]:
        cap = capped(rate=1 / 60, connections=1)
        while cap.ask(time.now, system=False):  # noqa: ASYNC110 - it asks as the hand does
            await asyncio.sleep(0.05)
        held = cap.ask(time.now, system=False)
        cap.give_back()
        again = cap.ask(time.now, system=False)
        cap.ended()
        return held, again, cap.ask(time.now, system=False)

    held, again, later = play(story)
    assert held > 0
    assert again == 0.0
    assert later > 0


@pytest.mark.rule("B11")
def test_a_stop_holds_system_mail_too_and_a_rate_does_not() -> None:
    async def story(time: FakeTime) -> tuple[float, float]:
        cap = capped(rate=1 / 3600)
        first = cap.ask(time.now, system=True)
        cap.ear.refused(Refusal(Says.STOP, "x", 610.0), now=time.now, rules=PROVIDER)
        return first, cap.ask(time.now, system=True)

    assert play(story) == (0.0, 610.0)


def test_what_is_put_back_has_its_place_twice_as_dense_as_the_turns_that_are_known() -> None:
    cap = capped(rate=0.5)
    assert [cap.later(1000.0) for _ in range(4)] == [0.0, 1.0, 2.0, 3.0]
    cap.pace = Pace(until=1610.0)
    assert cap.later(1000.0) == 610.0


@pytest.mark.parametrize("stop", [0.0, 86_400.0])
def test_what_is_more_than_there_are_places_does_not_come_all_at_once(stop: float) -> None:
    """Also behind a stop that is longer than all places."""
    cap = capped(rate=1.0)
    cap.pace = Pace(until=1000.0 + stop)
    seconds = Counter(int(cap.later(1000.0)) for _ in range(100_000))
    assert stop <= min(seconds) <= max(seconds) <= stop + MOST_LATER_SECONDS
    assert max(seconds.values()) <= 2 * (1 + 100_000 // (MOST_LATER_SECONDS / 2))
