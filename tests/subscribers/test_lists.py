"""The lists table follows the settings and forgets nothing (law 6)."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest
import time_machine

from mailer.settings import Settings
from mailer.store import Store
from mailer.store.schema import MailingList
from mailer.subscribers.lists import ListIdChanged, sync_lists
from tests.subscribers.conftest import ADA, START, Desk


def renamed(settings: Settings, **changes: str) -> Settings:
    """The settings with another title or list_id for `weekly`."""
    weekly = settings.lists["weekly"].model_copy(update=changes)
    return settings.model_copy(update={"lists": {**settings.lists, "weekly": weekly}})


def without_clearance(settings: Settings) -> Settings:
    return settings.model_copy(update={"lists": {"weekly": settings.lists["weekly"]}})


def test_every_list_of_the_settings_has_a_row(desk: Desk) -> None:
    rows = {row.name: (row.list_id, row.title, row.removed_at) for row in desk.rows(MailingList)}
    assert rows == {
        "weekly": ("weekly.lists.shop.example", "Ohm & Volt Weekly", None),
        "clearance": ("clearance.lists.shop.example", "Clearance bin", None),
    }


def test_a_second_start_changes_nothing(desk: Desk) -> None:
    before = desk.rows(MailingList)
    desk.pass_time(days=1)
    sync_lists(desk.store, desk.settings)
    assert desk.rows(MailingList) == before


def test_a_new_title_is_followed(desk: Desk) -> None:
    sync_lists(desk.store, renamed(desk.settings, title="Ohm & Volt every Friday"))
    assert desk.rows(MailingList)[0].title == "Ohm & Volt every Friday"


@pytest.mark.rule("A22")
def test_another_list_id_is_refused_with_the_place_and_nothing_changes(desk: Desk) -> None:
    before = desk.rows(MailingList)
    with pytest.raises(ListIdChanged, match=r"\[lists.weekly\] list_id is \"w.shop.example\""):
        sync_lists(desk.store, renamed(desk.settings, title="New", list_id="w.shop.example"))
    assert desk.rows(MailingList) == before


@pytest.mark.rule("C10")
def test_a_removed_list_is_marked_and_takes_nobody_with_it(desk: Desk) -> None:
    desk.join(ADA, "clearance")
    sync_lists(desk.store, without_clearance(desk.settings))
    assert {row.name: row.removed_at for row in desk.rows(MailingList)} == {
        "weekly": None,
        "clearance": START,
    }
    assert desk.state(ADA, "clearance") == "confirmed"
    assert (
        desk.leaving.leave(desk.leave_token(ADA, "clearance"), scope="list", via="one-click").state == "left"
    )


def test_a_list_that_comes_back_is_the_same_list(desk: Desk) -> None:
    before = desk.rows(MailingList)
    sync_lists(desk.store, without_clearance(desk.settings))
    sync_lists(desk.store, desk.settings)
    assert desk.rows(MailingList) == before


def test_two_processes_starting_at_once_write_each_list_once(store: Store, settings: Settings) -> None:
    with time_machine.travel(datetime(2026, 11, 23, tzinfo=UTC)), ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: sync_lists(store, settings), range(8)))
    with store.read() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM lists").scalar_one() == 2
