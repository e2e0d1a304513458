"""A steered clock: one time for the whole process, forwards only, and gone when it is over."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta, timezone

import pytest

from mailer import clock

START = datetime(2026, 10, 24, 9, tzinfo=UTC)


def test_inside_it_now_stands_still_until_it_is_moved() -> None:
    with clock.steered(START) as move:
        assert (clock.now(), clock.now()) == (START, START)
        move(START + timedelta(hours=1))
        assert clock.now() == START + timedelta(hours=1)


def test_every_thread_sees_the_same_time() -> None:
    seen: list[datetime] = []
    with clock.steered(START):
        thread = threading.Thread(target=lambda: seen.append(clock.now()))
        thread.start()
        thread.join()
    assert seen == [START]


def test_outside_of_it_the_time_is_that_of_the_system_again_whatever_happened() -> None:
    with pytest.raises(RuntimeError), clock.steered(START):
        raise RuntimeError
    assert abs(clock.now() - datetime.now(UTC)) < timedelta(minutes=1)


def test_ages_are_measured_as_always() -> None:
    before = clock.monotonic()
    with clock.steered(START) as move:
        move(START + timedelta(days=30))
        assert 0 <= clock.monotonic() - before < 3_600


def test_an_instant_of_another_zone_is_told_in_utc() -> None:
    with clock.steered(START.astimezone(timezone(timedelta(hours=2)))):
        assert clock.now().tzinfo is UTC and clock.now() == START


def test_it_never_goes_back() -> None:
    with clock.steered(START) as move, pytest.raises(ValueError, match="never goes back"):
        move(START - timedelta(seconds=1))


def test_it_takes_no_time_without_a_zone() -> None:
    with pytest.raises(ValueError, match="aware"), clock.steered(START.replace(tzinfo=None)):
        pass  # pragma: no cover - it is not entered


def test_nobody_steers_a_clock_that_is_steered() -> None:
    with clock.steered(START), pytest.raises(ValueError, match="steered already"), clock.steered(START):
        pass  # pragma: no cover - it is not entered
