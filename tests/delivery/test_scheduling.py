"""The clockwork: ticks run, broken ones run again, two schedulers start a campaign once (A89)."""

from __future__ import annotations

import logging
import threading
import time
from pathlib import Path

import pytest

from mailer.scheduling import Scheduler, Tick, materialise
from mailer.store import StoreBusy
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


def test_two_schedulers_write_one_audience_once(tmp_path: Path) -> None:
    """A89: conditional updates decide, not the scheduler's memory."""
    running = RunningSite(tmp_path, 2525, people=25).build()
    with running.open() as one, running.open() as two:
        first, second = one.scheduler(), two.scheduler()
        first.start()
        second.start()
        running.wait(lambda: len(running.rows()) == 25)
        time.sleep(0.5)
        first.stop()
        second.stop()
        assert len(running.rows()) == 25
        started = one.campaigns.status("parts")
        assert started.audience == 25
        assert started.state.value == "sending"
