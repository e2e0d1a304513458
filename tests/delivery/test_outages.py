"""Ops hear of a relay that is down for more than a minute, once, and when it is back."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import select

from mailer.alerts import Alert, Alerts
from mailer.delivery import engine as engine_module
from mailer.delivery import outages as outages_module
from mailer.delivery import route as route_module
from mailer.delivery.outages import TOLD_AFTER_SECONDS, Outages
from mailer.delivery.relays import Relays
from mailer.delivery.worker import run_worker
from mailer.settings import load_settings
from mailer.site import SiteFolder
from mailer.store import Store, StoreUnreachable
from mailer.store.schema import RaisedAlert
from tests.delivery.fake_time import FakeTime, fake_clock
from tests.delivery.pace.crew import set_time
from tests.delivery.world import TinyMessages, World, relay, until
from tests.faults.running import free_port


def noted(told: list[Alert]) -> Callable[[Alert], bool]:
    """Ops, who hear everything."""

    def send(alert: Alert) -> bool:
        told.append(alert)
        return True

    return send


def test_a_relay_that_is_down_for_a_minute_is_told_once_and_so_is_its_return() -> None:
    told: list[Alert] = []
    with fake_clock(FakeTime([0.0])) as time:
        main, spare = relay(1, name="main"), relay(2, name="spare", weight=0)
        outages = Outages(Relays([main, spare]), noted(told))
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
        outages = Outages(Relays([main]), noted(told))
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
        Outages(Relays([main]), noted(told)).look()
    assert "All mail waits until it is back." in told[0].text


def test_a_second_outage_of_the_hour_is_told_in_the_next(store: Store) -> None:
    """They had been told that it is back."""
    alerts = Alerts(store, [])
    with set_time() as time:
        main = relay(1, name="main")
        outages = Outages(Relays([main]), alerts.send)
        for _ in range(2):
            main.route.failed("away")
            time.now += TOLD_AFTER_SECONDS + 240
            outages.look()
            main.route.opened()
            main.route.closed()
            outages.look()
        main.route.failed("away")
        for _ in range(80):
            time.now += TOLD_AFTER_SECONDS
            outages.look()
    with store.read() as connection:
        kinds = connection.scalars(select(RaisedAlert.kind).order_by(RaisedAlert.id)).all()
    assert list(kinds) == ["relay_down", "relay_up", "relay_down"]


def test_what_could_not_be_written_down_is_told_when_it_can() -> None:
    told: list[Alert] = []
    is_away = [True]

    def send(alert: Alert) -> bool:
        if is_away[0]:
            raise StoreUnreachable
        told.append(alert)
        return True

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


def test_a_worker_tells_of_a_relay_that_is_not_there(
    site_folder: SiteFolder, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Into the database, from where it is sent on whatever way is left."""
    monkeypatch.setattr(outages_module, "TOLD_AFTER_SECONDS", 0.1)
    monkeypatch.setattr(engine_module, "BEAT_SECONDS", 0.1)
    monkeypatch.setattr(route_module, "FIRST_PROBE_SECONDS", 0.1)
    settings = load_settings(site_folder.settings_path, {"MAILER_SMTP__MAIN__PORT": str(free_port())})
    World(store, tmp_path).build().queue_proof()

    def told() -> list[str]:
        with store.read() as connection:
            return list(connection.scalars(select(RaisedAlert.cause)))

    async def story() -> None:
        stop = asyncio.Event()
        working = run_worker(
            store,
            settings,
            messages=TinyMessages(),
            bounced=lambda _connection, _attempts: None,
            journals=tmp_path / "journals",
            stop=stop,
            alerts=Alerts(store, []),
        )
        task = asyncio.create_task(working)
        await until(lambda: told() == ["relay_down:main"])
        stop.set()
        await task

    asyncio.run(story())
