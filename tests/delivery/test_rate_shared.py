"""One rate for a whole site: many workers on one table, in fake time and with real processes (B12)."""

from __future__ import annotations

import asyncio
import itertools
import subprocess
import sys
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import update

from mailer import clock
from mailer.delivery.pacing import Window, reserve
from mailer.delivery.rate import RateLimit
from mailer.delivery.windows import SiteWindows
from mailer.store import Store, StoreUnreachable
from mailer.store.schema import RateWindow
from tests.delivery.fake_time import FakeTime, play

pytestmark = pytest.mark.rule("B12")

ROOT = Path(__file__).parents[2]
RATES = st.floats(min_value=1 / 60, max_value=500)
#: A database's answer takes this long, in seconds, each in turn.
LATENCIES = st.lists(st.floats(min_value=0, max_value=0.03), min_size=1, max_size=5)


@dataclass
class Table:
    """The row that all workers share, behind a database that takes its time and has its own clock."""

    time: FakeTime
    rate: float
    latencies: list[float] = field(default_factory=lambda: [0.0])
    clock_ahead: float = 0.0  #: of the database's clock before ours
    is_away: bool = False
    free_at: float = 0.0
    asked: int = 0

    async def reserve(self, count: int, *, ahead: float) -> Window:
        latency = self.latencies[self.asked % len(self.latencies)]
        self.asked += 1
        await asyncio.sleep(latency)
        if self.is_away:
            raise StoreUnreachable
        now = self.time.now + self.clock_ahead
        window = reserve(self.free_at, now=now, interval=1 / self.rate, count=count, ahead=ahead)
        self.free_at = window.free_at
        await asyncio.sleep(latency)
        return Window(window.first - self.clock_ahead, window.count, window.free_at - self.clock_ahead)


@dataclass
class Site:
    """Workers with their senders, and when each turn was taken."""

    table: Table
    turns: list[float] = field(default_factory=list)

    def worker(self) -> RateLimit:
        return RateLimit(self.table.rate, system_share=0.2, windows=self.table)

    async def sender(
        self,
        limit: RateLimit,
        *,
        until: float,
        thinks: float = 0.0,
        begins: float = 0.0,
        system: bool = False,
    ) -> None:
        """Takes a turn whenever it has a mail to send, and has one again after it thought."""
        await asyncio.sleep(begins)
        while self.table.time.now < until:
            if thinks or not limit.try_turn(system=system):
                await limit.turn(system=system)
            self.turns.append(self.table.time.now)
            await asyncio.sleep(thinks)

    def most_beyond_the_rate(self) -> float:
        """By how many turns the fullest stretch of any length exceeds what the rate allows for it.

        The most of count - rate x length over all stretches is the best sum of a row of turns.
        """
        most = best = 0.0
        before = None
        for at in sorted(self.turns):
            best = 1 + max(0.0, best - (at - before) * self.table.rate if before is not None else 0.0)
            most, before = max(most, best), at
        return most


def run(
    rate: float,
    seconds: float,
    *senders: Sequence[dict[str, Any]],
    latencies: list[float] | None = None,
    lateness: list[float] | None = None,
    meanwhile: Any = None,
) -> Site:
    """One worker for each list of senders, for so many seconds."""

    async def story(time: FakeTime) -> Site:
        site = Site(Table(time, rate, latencies or [0.0]))
        tasks: list[Coroutine[Any, Any, None]] = [] if meanwhile is None else [meanwhile(site)]
        for group in senders:
            limit = site.worker()
            tasks += [site.sender(limit, until=time.now + seconds, **one) for one in group]
        await asyncio.gather(*tasks)
        return site

    return play(story, lateness=lateness)


WORKERS = st.lists(
    st.lists(
        st.fixed_dictionaries(
            {
                "thinks": st.floats(min_value=0.001, max_value=3),
                "begins": st.floats(0, 5),
                "system": st.booleans(),
            }
        ),
        min_size=1,
        max_size=4,
    ),
    min_size=1,
    max_size=4,
)


@settings(max_examples=80)
@given(
    rate=RATES,
    workers=WORKERS,
    latencies=LATENCIES,
    lateness=st.lists(st.floats(0, 0.1), min_size=1, max_size=4),
)
def test_no_stretch_of_any_length_holds_more_than_its_rate_and_one_second_more(
    rate: float, workers: list[list[dict[str, Any]]], latencies: list[float], lateness: list[float]
) -> None:
    """Any number of workers, whatever they do between two mails, also at their start and after idling."""
    site = run(rate, min(60, 300 / rate), *workers, latencies=latencies, lateness=lateness)
    assert site.most_beyond_the_rate() <= rate + 1 + 1e-6


@settings(max_examples=25)
@given(
    rate=st.sampled_from([1 / 60, 0.2, 1, 3, 10, 47, 100, 200]),
    workers=st.integers(1, 4),
    connections=st.integers(1, 5),
    latencies=LATENCIES,
)
def test_a_minute_of_demand_holds_the_rate_within_two_percent(
    rate: float, workers: int, connections: int, latencies: list[float]
) -> None:
    """All of them busy; the only difference allowed beside it is the turn at either end."""
    minute = 60 if rate >= 1 else 60 * 60
    site = run(rate, minute, *[[{}] * connections] * workers, latencies=latencies)
    assert len(site.turns) == pytest.approx(rate * minute, rel=0.02, abs=1 + workers * connections)


@settings(max_examples=20)
@given(
    rate=st.sampled_from([5, 20, 100]),
    slow=st.lists(st.floats(min_value=0.005, max_value=1), min_size=1, max_size=6),
    latencies=LATENCIES,
)
def test_senders_that_think_leave_their_turns_to_those_that_do_not(
    rate: float, slow: list[float], latencies: list[float]
) -> None:
    """A worker reserves what it has use for: others are not slowed by what it does not take."""
    senders = [[{"thinks": seconds}] for seconds in slow]
    site = run(rate, 60, *senders, [{}] * 4, latencies=latencies)
    assert len(site.turns) == pytest.approx(rate * 60, rel=0.02, abs=10)


@settings(max_examples=30)
@given(rate=st.sampled_from([1 / 60, 0.5, 2, 50, 200]), step=st.floats(min_value=-200_000, max_value=200_000))
def test_a_stepped_clock_of_the_database_neither_stops_sending_nor_floods_the_relay(
    rate: float, step: float
) -> None:
    at, seconds = 1.7, max(10.0, 600 / max(rate, 1)) if rate >= 1 else 1200.0

    async def step_clock(site: Site) -> None:
        await asyncio.sleep(at)
        site.table.clock_ahead += step

    site = run(rate, seconds, [{}] * 3, [{}] * 2, meanwhile=step_clock)
    # A step costs at most twice what may be reserved ahead, forth and back, and lets one second's worth through.
    assert len(site.turns) >= rate * (seconds - 1.5) - 3
    assert site.most_beyond_the_rate() <= rate + 2 + 1e-6


def test_a_worker_that_dies_takes_hardly_a_turn_with_it() -> None:
    """What it had reserved is lost, less than half a second of turns; the others go on."""

    async def story(time: FakeTime) -> Site:
        site = Site(Table(time, 50, [0.005]))
        limits = [site.worker(), site.worker()]
        until = time.now + 20
        groups = [asyncio.gather(*(site.sender(limit, until=until) for _ in range(3))) for limit in limits]
        await asyncio.sleep(10)
        groups[0].cancel()
        await asyncio.gather(*groups, return_exceptions=True)
        return site

    site = play(story)
    assert 50 * 19.5 <= len(site.turns) <= 50 * 20 + 5
    assert site.most_beyond_the_rate() <= 20


def test_while_the_database_is_away_there_are_no_turns_and_nobody_asks_in_a_spin() -> None:
    async def outage(site: Site) -> None:
        site.table.is_away = True
        await asyncio.sleep(60)
        assert site.turns == []
        assert site.table.asked <= 20
        site.table.is_away = False

    site = run(100, 120, [{}] * 5, meanwhile=outage)
    assert 100 * 54 <= len(site.turns) <= 100 * 60 + 10


def test_system_mail_passes_the_campaign_of_another_worker() -> None:
    """At one mail a minute the next turn is its own, although campaign mail has waited for longer."""

    async def story(time: FakeTime) -> list[str]:
        site, order = Site(Table(time, 1 / 60, [0.002])), list[str]()

        async def one(limit: RateLimit, *, system: bool) -> None:
            await limit.turn(system=system)
            order.append("system" if system else "campaign")

        busy, other = site.worker(), site.worker()
        campaign = [asyncio.create_task(one(busy, system=False)) for _ in range(4)]
        await asyncio.sleep(90)
        await one(other, system=True)
        await asyncio.gather(*campaign)
        return order

    assert play(story) == ["campaign", "campaign", "system", "campaign", "campaign"]


def test_hardly_anything_is_asked_of_the_database() -> None:
    """Three busy workers need some dozen short transactions a second, whatever the rate; most write nothing."""
    for rate in (1 / 60, 1.0, 50.0, 400.0):
        site = run(rate, 20, *[[{}] * 4] * 3, latencies=[0.002])
        assert site.table.asked <= max(20, site.turns[-1] - site.turns[0]) * 50, rate


# --- real databases, real processes -----------------------------------------------------------

TAKER = """
import asyncio, sys, time
from pathlib import Path
from mailer.delivery.rate import RateLimit
from mailer.delivery.windows import SiteWindows
from mailer.store import open_store

url, rate, until = sys.argv[1], float(sys.argv[2]), time.time() + float(sys.argv[3])
store = open_store(url, root=Path("/"))

async def sender(limit):
    while time.time() < until:
        await limit.turn(system=False)
        print(time.time())

async def main():
    limit = RateLimit(rate, system_share=0.2, windows=SiteWindows(store, "main", rate=rate))
    await asyncio.gather(*(sender(limit) for _ in range(4)))

asyncio.run(main())
"""


def test_three_processes_share_one_rate(store: Store) -> None:
    """50 a second, whoever takes them; the stamps are those of the machine's clock."""
    rate, seconds = 50.0, 3.0
    url = store.engine.url.render_as_string(hide_password=False)
    command = [sys.executable, "-c", TAKER, url, str(rate), str(seconds)]
    takers = [subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT) for _ in range(3)]
    stamps = [[float(line) for line in taker.communicate()[0].split()] for taker in takers]
    assert [taker.returncode for taker in takers] == [0, 0, 0]
    assert all(stamps), "each of them had its share"
    # In no stretch more than the rate and one second more; that it is no less is for a quiet machine to show.
    turns = sorted(stamp for taken in stamps for stamp in taken)
    assert len(turns) > rate
    for first, last in itertools.combinations(range(0, len(turns), 5), 2):
        assert last - first + 1 <= rate * (turns[last] - turns[first] + 1) + 1


def test_each_route_has_turns_of_its_own(store: Store) -> None:
    async def story() -> list[Window]:
        sites = [SiteWindows(store, route, rate=1.0) for route in ("main", "other", "main")]
        return [await site.reserve(1, ahead=0.1) for site in sites]

    one, other, late = asyncio.run(story())
    assert (one.count, other.count, late.count) == (1, 1, 0)
    assert late.free_at == pytest.approx(one.free_at, abs=0.05)


def test_a_row_from_before_the_machine_started_again_is_no_obstacle(store: Store) -> None:
    """On SQLite instants count from the start of the machine, on PostgreSQL they are the database's."""

    async def story() -> list[Window]:
        windows = SiteWindows(store, "main", rate=100.0)
        found = [await windows.reserve(1, ahead=0.1)]
        far_ahead = clock.now() + timedelta(days=100)
        with store.write() as connection:
            connection.execute(update(RateWindow).values(next_at=far_ahead))
        found.append(await windows.reserve(1, ahead=0.1))
        await asyncio.sleep(0.4)
        return [*found, await windows.reserve(1, ahead=0.1)]

    before, refused, after = asyncio.run(story())
    assert (before.count, refused.count, after.count) == (1, 0, 1)
    assert after.first - before.first < 5
