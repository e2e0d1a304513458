"""The rate limit as senders meet it, on a clock of the test's own: no burst, the long run, a fair share (B12).

`RateLimit` runs in a real event loop whose time only moves from one timer to the next, and which may
be late. So an hour of sending is a moment, and every law is about what `turn` gives out.
"""

from __future__ import annotations

import asyncio
import itertools
from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailer.delivery.pacing import SYSTEM_BURST, Share
from mailer.delivery.rate import RateLimit
from tests.delivery.fake_time import FakeTime, play

pytestmark = pytest.mark.rule("B12")

RATES = st.floats(min_value=0.5, max_value=500)
SHARES = st.floats(min_value=0.05, max_value=0.95)
#: Late timers: what a busy machine adds to each, in seconds, in turn.
LATENESS = st.lists(st.floats(min_value=0, max_value=0.2), min_size=1, max_size=6)


@dataclass
class Turn:
    """A turn that was given: when, and to which stream."""

    at: float
    system: bool


async def sending(limit: RateLimit, time: FakeTime, seen: list[Turn], *, system: bool, until: float) -> None:
    """A sender that always has the next mail: as busy as one can be."""
    while time.now < until:
        await limit.turn(system=system)
        seen.append(Turn(time.now, system))


def busy(
    rate: float, *, seconds: float, campaign: int, system: int, share: float, lateness: list[float]
) -> list[Turn]:
    """So many busy senders of each stream for so long."""

    async def story(time: FakeTime) -> list[Turn]:
        seen: list[Turn] = []
        limit, end = RateLimit(rate, system_share=share), time.now + seconds
        streams = [False] * campaign + [True] * system
        await asyncio.gather(*(sending(limit, time, seen, system=one, until=end) for one in streams))
        return [turn for turn in seen if turn.at < end]

    return play(story, lateness=lateness)


def most_within(turns: list[Turn], seconds: float) -> int:
    """The most turns in any window of that length (half open)."""
    most, first = 0, 0
    for last, turn in enumerate(turns):
        while turns[first].at <= turn.at - seconds:
            first += 1
        most = max(most, last - first + 1)
    return most


@settings(max_examples=60)
@given(rate=RATES, senders=st.integers(1, 6), lateness=LATENESS)
def test_no_instant_ever_sees_more_than_a_second_of_turns(
    rate: float, senders: int, lateness: list[float]
) -> None:
    """However late the timers are: what was missed is not made up all at once."""
    turns = busy(rate, seconds=min(20, 800 / rate), campaign=senders, system=0, share=0.2, lateness=lateness)
    assert most_within(turns, 1e-9) <= max(1, rate)


@settings(max_examples=60)
@given(rate=RATES, window=st.floats(min_value=1, max_value=10), lateness=LATENESS)
def test_no_window_holds_more_than_its_rate_and_one_second_more(
    rate: float, window: float, lateness: list[float]
) -> None:
    turns = busy(rate, seconds=min(20, 800 / rate), campaign=3, system=0, share=0.2, lateness=lateness)
    assert most_within(turns, window) <= rate * window + max(1, rate) + 1


@settings(max_examples=40)
@given(rate=RATES, lateness=st.lists(st.floats(min_value=0, max_value=0.02), min_size=1, max_size=6))
def test_the_long_run_holds_the_rate_within_two_percent(rate: float, lateness: list[float]) -> None:
    """Over a thousand turns, timers late by up to 20 ms: neither faster nor slower."""
    seconds = 1000 / rate
    turns = busy(rate, seconds=seconds, campaign=4, system=1, share=0.2, lateness=lateness)
    assert len(turns) == pytest.approx(1000, rel=0.02)


@settings(max_examples=40)
@given(rate=RATES, idle=st.floats(min_value=0, max_value=86_400))
def test_a_quiet_day_is_not_saved_up(rate: float, idle: float) -> None:
    """Many mails after a pause leave as slowly as they always do."""

    async def story(time: FakeTime) -> list[Turn]:
        seen: list[Turn] = []
        limit = RateLimit(rate, system_share=0.2)
        await limit.turn(system=False)
        time.now += idle
        end = time.now + 100 / rate
        await asyncio.gather(*(sending(limit, time, seen, system=False, until=end) for _ in range(5)))
        return seen

    turns = play(story)
    assert most_within(turns, 1e-9) <= max(1, rate)
    # A burst of a second at the very most, then the rate.
    assert len(turns) <= 100 + max(1, rate) + 5


@settings(max_examples=40)
@given(rate=RATES, share=SHARES, campaign=st.integers(1, 8), system=st.integers(1, 8))
def test_both_streams_get_their_share_when_both_are_busy(
    rate: float, share: float, campaign: int, system: int
) -> None:
    """It does not matter how many senders wait in either: the share decides."""
    turns = busy(rate, seconds=400 / rate, campaign=campaign, system=system, share=share, lateness=[0.0])
    # A lone sender asks again only after its turn, so now and then nobody of its stream is waiting.
    if campaign > 1 and system > 1:
        given_to_system = sum(turn.system for turn in turns)
        assert given_to_system == pytest.approx(len(turns) * share, abs=SYSTEM_BURST + 2)
    assert {turn.system for turn in turns} == {True, False}


@given(share=SHARES, waits=st.lists(st.tuples(st.booleans(), st.booleans()), max_size=200))
def test_system_mail_is_never_passed_over_longer_than_its_share_says(
    share: float, waits: list[tuple[bool, bool]]
) -> None:
    """Whatever came before: while system mail waits, at most 1/share turns in a row go to campaigns."""
    turns, passed = Share(share), 0
    for system_waits, campaign_waits in waits:
        chosen = turns.choose_system(system_waits=system_waits, campaign_waits=campaign_waits)
        assert system_waits or not chosen, "no turn for nobody"
        assert chosen or campaign_waits or not system_waits, "no turn for nobody"
        passed = passed + 1 if system_waits and not chosen else 0
        assert passed <= 1 / share + 1


@settings(max_examples=40)
@given(rate=RATES, crowd=st.integers(5, 60))
def test_a_confirmation_passes_the_queue_of_a_campaign(rate: float, crowd: int) -> None:
    """It waits for at most the one turn that is next, not for all who came before."""

    async def story(time: FakeTime) -> list[Turn]:
        seen: list[Turn] = []
        limit = RateLimit(rate, system_share=0.2)

        async def one(*, system: bool) -> None:
            await limit.turn(system=system)
            seen.append(Turn(time.now, system))

        waiting = [asyncio.create_task(one(system=False)) for _ in range(crowd)]
        await asyncio.sleep(0)
        await asyncio.gather(*waiting, one(system=True))
        return seen

    turns = play(story)
    assert any(turn.system for turn in turns[:2])


@settings(max_examples=40)
@given(rate=RATES, cancelled=st.sets(st.integers(0, 19)))
def test_who_gives_up_takes_no_turn_and_holds_nobody_up(rate: float, cancelled: set[int]) -> None:
    async def story(time: FakeTime) -> list[Turn]:
        seen: list[Turn] = []
        limit = RateLimit(rate, system_share=0.2)

        async def one(number: int) -> None:
            await limit.turn(system=number % 5 == 0)
            seen.append(Turn(time.now, number % 5 == 0))

        waiting = [asyncio.create_task(one(number)) for number in range(20)]
        await asyncio.sleep(0)
        for number in cancelled:
            waiting[number].cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
        return seen

    turns = play(story)
    # The first turn is due at once and may be given before its owner gives up.
    assert 20 - len(cancelled) <= len(turns) <= 21 - len(cancelled)
    gaps = [later.at - sooner.at for sooner, later in itertools.pairwise(turns)]
    assert all(gap <= 1 / rate + 1e-6 for gap in gaps[1:])
