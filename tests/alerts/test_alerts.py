"""Ops are told once per cause and hour, on every way apart, across restarts, and never of a subscriber."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from sqlalchemy import select

from mailer.alerts import Alert, Alerts
from mailer.alerts.model import WAITS, Notice, next_try
from mailer.alerts.sending import KEPT, NotTaken, forget_old, recent, send_due, try_all
from mailer.store import Store
from mailer.store.schema import AlertSending, RaisedAlert

NOON = datetime(2026, 11, 22, 12, 0, 1, tzinfo=UTC)
DOWN = Alert("relay_down", "The relay main is down", "It answers nothing.", {"relay": "main"}, about="main")


class Way:
    """A way to ops that can be closed."""

    def __init__(self, *, opens_after: int = 0) -> None:
        self.taken: list[Notice] = []
        self.tries = 0
        self.opens_after = opens_after

    def __call__(self, notice: Notice) -> None:
        self.tries += 1
        if self.tries <= self.opens_after:
            raise NotTaken("The other side is away.")
        self.taken.append(notice)


def sendings(store: Store) -> dict[str, Any]:
    """What is known of each way."""
    with store.read() as connection:
        return {row.channel: row for row in connection.execute(select(AlertSending))}


@pytest.fixture
def alerts(store: Store) -> Alerts:
    """On both databases, two ways."""
    return Alerts(store, ("mail", "webhook"))


# --- raising --------------------------------------------------------------------------------------


def test_what_is_raised_is_sent_on_every_way(store: Store, alerts: Alerts) -> None:
    assert alerts.send(DOWN)
    mail, webhook = Way(), Way()
    assert send_due(store, {"mail": mail, "webhook": webhook}) == 2
    (notice,) = mail.taken
    assert (notice.kind, notice.subject, notice.facts) == (
        "relay_down",
        "The relay main is down",
        {"relay": "main"},
    )
    assert webhook.taken == [notice]
    assert send_due(store, {"mail": mail, "webhook": webhook}) == 0


def test_one_cause_is_told_once_an_hour(store: Store, alerts: Alerts) -> None:
    with time_machine.travel(NOON, tick=False) as traveller:
        assert alerts.send(DOWN)
        traveller.shift(timedelta(minutes=59))
        assert not alerts.send(DOWN)
        traveller.shift(timedelta(minutes=1))
        assert alerts.send(DOWN)
    with store.read() as connection:
        assert len(connection.execute(select(RaisedAlert.id)).all()) == 2


def test_another_cause_is_another_alert(alerts: Alerts) -> None:
    assert alerts.send(DOWN)
    assert alerts.send(Alert("relay_down", "The relay spare is down", "", about="spare"))
    assert alerts.send(Alert("relay_slow", "The relay main is slow", "", about="main"))


def test_what_is_told_once_is_told_once_for_all_hours(alerts: Alerts) -> None:
    once = Alert("complaints_rising", "Five readers", "", about="7", once=True)
    with time_machine.travel(NOON) as traveller:
        assert alerts.send(once)
        traveller.shift(timedelta(days=3))
        assert not alerts.send(once)


def test_many_hosts_that_notice_at_once_tell_it_once(store: Store, alerts: Alerts) -> None:
    told: list[bool] = []
    threads = [threading.Thread(target=lambda: told.append(alerts.send(DOWN))) for _ in range(6)]
    with time_machine.travel(NOON):
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert sorted(told) == [False] * 5 + [True]
    assert len(sendings(store)) == 2


def test_an_alert_holds_only_if_what_it_tells_of_does(store: Store, alerts: Alerts) -> None:
    with pytest.raises(RuntimeError), store.write() as connection:
        alerts.raise_in(connection, DOWN)
        raise RuntimeError("the pause failed")
    assert recent(store, 10) == []


def test_without_a_way_it_is_still_on_the_list(store: Store) -> None:
    Alerts(store, ()).send(DOWN)
    (shown,) = recent(store, 10)
    assert (shown["subject"], shown["ways"]) == ("The relay main is down", [])


# --- sending --------------------------------------------------------------------------------------


def test_one_way_that_is_closed_holds_nothing_else_up(store: Store, alerts: Alerts) -> None:
    alerts.send(DOWN)
    mail, webhook = Way(opens_after=99), Way()
    assert send_due(store, {"mail": mail, "webhook": webhook}) == 1
    found = sendings(store)
    assert (found["mail"].tries, found["mail"].failure) == (1, "The other side is away.")
    assert found["webhook"].sent_at is not None and found["webhook"].send_at is None


def test_one_that_cannot_even_be_made_holds_no_other_up(store: Store, alerts: Alerts) -> None:
    alerts.send(DOWN)
    alerts.send(Alert("relay_down", "The relay spare is down", "", about="spare"))
    taken: list[str] = []

    def picky(notice: Notice) -> None:
        if "main" in notice.subject:
            raise ValueError("a fault of ours")
        taken.append(notice.subject)

    assert send_due(store, {"mail": picky}) == 1
    assert taken == ["The relay spare is down"]
    assert {way["failure"] for way in recent(store, 10)[1]["ways"]} == {
        None,
        "It could not be made (ValueError).",
    }


def test_a_closed_way_is_tried_later_and_later_and_by_whoever_runs_then(store: Store, alerts: Alerts) -> None:
    """Each try is of a new process: nothing is remembered but in the database."""
    with time_machine.travel(NOON, tick=False) as traveller:
        alerts.send(DOWN)
        mail = Way(opens_after=3)
        for wait in WAITS[:3]:
            send_due(store, {"mail": mail})
            traveller.shift(wait - timedelta(seconds=1))
            assert send_due(store, {"mail": mail}) == 0
            traveller.shift(timedelta(seconds=1))
        assert send_due(store, {"mail": mail}) == 1
    assert mail.tries == 4
    assert sendings(store)["mail"].failure is None


def test_after_a_day_it_is_given_up_and_that_is_shown(store: Store, alerts: Alerts) -> None:
    never = Way(opens_after=10**6)
    with time_machine.travel(NOON, tick=False) as traveller:
        alerts.send(DOWN)
        for _ in range(len(WAITS) + 5):
            send_due(store, {"mail": never})
            traveller.shift(timedelta(days=1))
    assert never.tries == len(WAITS) + 1
    (shown,) = recent(store, 10)
    assert [(way["channel"], way["state"]) for way in shown["ways"]] == [
        ("mail", "given up"),
        ("webhook", "waits"),
    ]


def test_tries_stretch_over_about_a_day() -> None:
    assert timedelta(hours=20) < sum(WAITS, timedelta()) < timedelta(hours=28)
    assert next_try(len(WAITS), NOON) == NOON + WAITS[-1]
    assert next_try(len(WAITS) + 1, NOON) is None


def test_a_process_that_dies_while_it_sends_is_followed_by_another(store: Store, alerts: Alerts) -> None:
    class Died(BaseException):
        pass

    def dying(_notice: Notice) -> None:
        raise Died()

    with time_machine.travel(NOON, tick=False) as traveller:
        alerts.send(DOWN)
        with pytest.raises(Died):
            send_due(store, {"mail": dying})
        mail = Way()
        assert send_due(store, {"mail": mail}) == 0
        traveller.shift(timedelta(minutes=6))
        assert send_due(store, {"mail": mail}) == 1


def test_two_hosts_that_tick_together_send_it_once(store: Store, alerts: Alerts) -> None:
    alerts.send(DOWN)
    both = threading.Barrier(2)
    mail = Way()

    def tick() -> None:
        both.wait()
        send_due(store, {"mail": mail})

    threads = [threading.Thread(target=tick) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert mail.tries == 1


def test_a_way_that_is_no_longer_in_the_settings_is_left_alone(store: Store, alerts: Alerts) -> None:
    alerts.send(DOWN)
    assert send_due(store, {}) == 0
    assert send_due(store, {"mail": Way()}) == 1


def test_old_alerts_are_forgotten_with_their_sendings(store: Store, alerts: Alerts) -> None:
    with time_machine.travel(NOON) as traveller:
        alerts.send(DOWN)
        assert forget_old(store) == 0
        traveller.shift(KEPT + timedelta(hours=1))
        assert forget_old(store) == 1
    assert sendings(store) == {} and recent(store, 10) == []


def test_the_newest_is_listed_first(store: Store, alerts: Alerts) -> None:
    for name in ("a", "b", "c"):
        alerts.send(Alert("relay_down", name, "", about=name))
    assert [shown["subject"] for shown in recent(store, 2)] == ["c", "b"]


# --- trying ---------------------------------------------------------------------------------------


def test_a_test_goes_past_the_queue_and_says_of_each_way_whether_it_was_taken() -> None:
    ways: dict[str, Callable[[Notice], None]] = {"mail": Way(), "webhook": Way(opens_after=1)}
    assert try_all(ways, site="Ohm & Volt") == {"mail": None, "webhook": "The other side is away."}


def test_the_hour_of_an_alert_is_of_the_clock() -> None:
    assert DOWN.hour(NOON) == NOON.replace(second=0)
    assert DOWN.cause == "relay_down:main"
    assert len(Alert("k", "s", "t", about="x" * 500).cause) == 128
