"""Ops hear of a relay that is down for more than a minute, once, and when it is back."""

from __future__ import annotations

import pytest

from mailer.alerts import Alert
from mailer.delivery.outages import TOLD_AFTER_SECONDS, Outages
from mailer.delivery.relays import Relays
from mailer.store import StoreUnreachable
from tests.delivery.fake_time import FakeTime, fake_clock
from tests.delivery.world import relay


def test_a_relay_that_is_down_for_a_minute_is_told_once_and_so_is_its_return() -> None:
    told: list[Alert] = []
    with fake_clock(FakeTime([0.0])) as time:
        main, spare = relay(1, name="main"), relay(2, name="spare", weight=0)
        outages = Outages(Relays([main, spare]), told.append)
        main.route.failed("The relay answered 421.")
        for _ in range(20):
            outages.look()
            time.now += TOLD_AFTER_SECONDS / 10
        (down,) = told
        assert (down.kind, down.about, down.facts["others"]) == ("relay_down", "main", ["spare"])
        assert "answered 421. Mail goes through spare meanwhile." in down.text
        main.route.opened()
        outages.look()
        outages.look()
    assert [alert.kind for alert in told] == ["relay_down", "relay_up"]


def test_a_relay_that_is_restarted_is_no_news() -> None:
    told: list[Alert] = []
    with fake_clock(FakeTime([0.0])) as time:
        main = relay(1, name="main")
        outages = Outages(Relays([main]), told.append)
        for _ in range(10):
            main.route.failed("away")
            time.now += TOLD_AFTER_SECONDS - 1
            outages.look()
            main.route.opened()
            main.route.closed()
            time.now += 1
            outages.look()
    assert told == []


def test_without_another_relay_ops_are_told_that_all_mail_waits() -> None:
    told: list[Alert] = []
    with fake_clock(FakeTime([0.0])) as time:
        main = relay(1, name="main")
        main.route.failed("away")
        time.now += TOLD_AFTER_SECONDS
        Outages(Relays([main]), told.append).look()
    assert "All mail waits until it is back." in told[0].text


def test_what_could_not_be_written_down_is_told_when_it_can() -> None:
    told: list[Alert] = []
    is_away = [True]

    def send(alert: Alert) -> None:
        if is_away[0]:
            raise StoreUnreachable
        told.append(alert)

    with fake_clock(FakeTime([0.0])) as time:
        main = relay(1, name="main")
        outages = Outages(Relays([main]), send)
        main.route.failed("away")
        time.now += TOLD_AFTER_SECONDS
        with pytest.raises(StoreUnreachable):
            outages.look()
        is_away[0] = False
        outages.look()
    assert [alert.kind for alert in told] == ["relay_down"]
