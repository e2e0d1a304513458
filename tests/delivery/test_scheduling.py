"""The clockwork: ticks run, broken ones run again, two schedulers start a campaign once (A89)."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import time_machine
from sqlalchemy import select, update

from mailer.application import Site
from mailer.scheduling import Scheduler, Tick, materialise
from mailer.store import Store, StoreBusy
from mailer.store.schema import Delivery, LedgerEntry
from mailer.store.vocabulary import DeliveryState
from tests.faults.running import RunningSite


class Counter:
    """A tick that counts, and fails as often as told."""

    def __init__(self, failures: int = 0, error: type[Exception] = StoreBusy) -> None:
        self.runs = 0
        self.failures = failures
        self.error = error
        self.enough = threading.Event()

    def __call__(self) -> None:
        self.runs += 1
        if self.runs >= self.failures + 3:
            self.enough.set()
        if self.runs <= self.failures:
            raise self.error()


def test_ticks_run_at_once_and_again() -> None:
    counter = Counter()
    scheduler = Scheduler([Tick("count", 0.05, counter)])
    scheduler.start()
    assert counter.enough.wait(5)
    scheduler.stop()
    runs = counter.runs
    time.sleep(0.15)
    assert counter.runs == runs


@pytest.mark.parametrize("error", [StoreBusy, RuntimeError])
def test_a_tick_that_fails_is_run_again_and_said_once(
    error: type[Exception], caplog: pytest.LogCaptureFixture
) -> None:
    counter = Counter(failures=3, error=error)
    scheduler = Scheduler([Tick("count", 0.05, counter)])
    with caplog.at_level(logging.WARNING, "mailer.scheduling"):
        scheduler.start()
        assert counter.enough.wait(5)
        scheduler.stop()
    assert [record.message for record in caplog.records] == ["tick_failed", "tick_recovered"]


def test_one_broken_tick_does_not_stop_the_others() -> None:
    broken, good = Counter(failures=100, error=RuntimeError), Counter()
    scheduler = Scheduler([Tick("broken", 0.05, broken), Tick("good", 0.05, good)])
    scheduler.start()
    assert good.enough.wait(5)
    scheduler.stop()


@pytest.mark.rule("A89")
@pytest.mark.parametrize("days", [-1, 1, -4000, 4000])
def test_ticks_go_on_when_the_clock_is_stepped_and_make_up_for_nothing(days: int) -> None:
    """They follow the time that passes, not the time of day."""
    often, hourly = Counter(), Counter()
    scheduler = Scheduler([Tick("often", 0.1, often), Tick("hourly", 3600, hourly)])
    with time_machine.travel(datetime.now(UTC)) as traveller:
        scheduler.start()
        assert often.enough.wait(5)
        before = often.runs
        traveller.shift(timedelta(days=days))
        time.sleep(1.5)
        scheduler.stop()
    assert 3 <= often.runs - before <= 16
    # Once at the start, and once at the step: it is harmless, and the only way to be sure.
    assert hourly.runs <= 2


def test_a_stop_ends_a_long_materialisation_between_two_slices(tmp_path: Path) -> None:
    class Endless:
        slices = 0

        def unmaterialised(self) -> list[int]:
            return [1]

        def materialise_slice(self, campaign_id: int) -> bool:
            self.slices += 1
            return True

    campaigns, stopping = Endless(), threading.Event()
    thread = threading.Thread(target=materialise, args=(campaigns, stopping))
    thread.start()
    time.sleep(0.1)
    stopping.set()
    thread.join(2)
    assert not thread.is_alive()
    assert campaigns.slices > 1


def _url(store: Store) -> str | None:
    """Where a running site finds the same PostgreSQL; None: it makes a SQLite file of its own."""
    return None if store.is_sqlite else store.engine.url.render_as_string(hide_password=False)


@pytest.mark.rule("A89")
def test_two_schedulers_start_write_and_finish_a_campaign_once(tmp_path: Path, store: Store) -> None:
    """Two hosts, one database: conditional updates decide, not the schedulers' memory."""
    running = RunningSite(tmp_path / "site", 2525, people=25, url=_url(store))
    running.root.mkdir()
    running.build()
    with running.open() as one, running.open() as two, _ticking(one), _ticking(two):
        running.wait(lambda: len(running.rows()) == 25)
        time.sleep(0.6)
        assert len(running.rows()) == 25
        assert one.campaigns.status("parts").audience == 25
        assert one.campaigns.status("parts").state.value == "sending"
        with one.store.write() as connection:
            connection.execute(update(Delivery).values(state=DeliveryState.ACCEPTED, next_attempt_at=None))
        running.wait(lambda: one.campaigns.status("parts").state.value == "finished")
        with one.store.read() as connection:
            told = connection.scalars(select(LedgerEntry.event)).all()
    assert (told.count("send_started"), told.count("send_finished")) == (1, 1)


@contextmanager
def _ticking(site: Site) -> Iterator[None]:
    scheduler = site.scheduler()
    scheduler.start()
    try:
        yield
    finally:
        scheduler.stop()
