"""Ops are told when messages that belong to nobody grow, and not of everyday life (A79)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from mailer.alerts import Alerts
from mailer.alerts.sending import recent
from mailer.monitoring.unmatched import LEAST, Unmatched, grows
from mailer.store import Store
from tests.monitoring.conftest import START, returned


def watch(store: Store) -> Unmatched:
    """The watcher, with one way to ops."""
    return Unmatched(store, Alerts(store, ["mail"]))


def test_many_in_an_hour_are_told_once(store: Store, clock: Any) -> None:
    returned(store, LEAST, at=START - timedelta(minutes=30))
    assert watch(store).check()
    assert not watch(store).check()
    (alert,) = recent(store, 10)
    assert alert["kind"] == "unmatched_grows"
    assert alert["facts"] == {"last_hour": LEAST, "usual_per_hour": 0.0}
    assert "mailer bounce review" in alert["text"]


def test_a_few_are_everyday_life(store: Store, clock: Any) -> None:
    returned(store, LEAST - 1, at=START - timedelta(minutes=30))
    assert not watch(store).check()


@pytest.mark.parametrize("state", ["settled", "waiting", "unreadable", "dismissed"])
def test_only_what_waits_for_a_person_counts(store: Store, clock: Any, state: str) -> None:
    returned(store, 5 * LEAST, state, at=START - timedelta(minutes=30))
    assert not watch(store).check()


def test_as_many_as_every_hour_are_no_news(store: Store, clock: Any) -> None:
    for hour in range(25):
        returned(store, LEAST, at=START - timedelta(hours=hour, minutes=30))
    assert not watch(store).check()


@pytest.mark.parametrize(
    ("latest", "before", "news"),
    [
        (20, 0, True),
        (19, 0, False),
        (100, 24 * 30, True),  # 100 beside 30 an hour
        (89, 24 * 30, False),
        (90, 24 * 30, True),  # three times as many
    ],
)
def test_growth_is_three_times_the_day_before(latest: int, before: int, *, news: bool) -> None:
    assert grows(latest, before) is news
