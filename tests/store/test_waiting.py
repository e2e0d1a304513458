"""Bulk writers and senders let everybody else go first who waits for SQLite's one write lock."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import insert, select

from mailer import clock
from mailer.store import Store, StoreBusy, engine, open_store
from mailer.store.schema import MailingList
from mailer.store.waiting import WaitingRoom

PATIENCE_SECONDS = 60.0


def _add(store: Store, name: str) -> None:
    with store.write(patience_seconds=PATIENCE_SECONDS) as connection:
        row = {"name": name, "list_id": f"{name}.shop.example", "title": name, "created_at": clock.now()}
        connection.execute(insert(MailingList), [row])


def _names(store: Store) -> list[str]:
    with store.read() as connection:
        return list(connection.scalars(select(MailingList.name).order_by(MailingList.id)))


def _room_of(store: Store) -> WaitingRoom:
    return WaitingRoom(Path(str(store.engine.url.database)).parent)


def _until(room: WaitingRoom, *, empty: bool) -> None:
    """Wait for an event that comes in milliseconds."""
    pause = threading.Event()
    deadline = clock.monotonic() + PATIENCE_SECONDS
    while room.is_empty() is not empty:
        assert clock.monotonic() < deadline
        pause.wait(0.001)


def test_a_room_is_empty_until_somebody_waits_and_when_they_are_gone(tmp_path: Path) -> None:
    room = WaitingRoom(tmp_path)
    assert room.is_empty()
    with room.entered():
        assert not room.is_empty()
        with room.entered():
            assert not room.is_empty()
        assert not room.is_empty()
    assert room.is_empty()


def test_who_waits_in_another_process_is_seen_and_forgotten_when_it_is_killed(tmp_path: Path) -> None:
    wait = (
        "import sys, time; from pathlib import Path; from mailer.store.waiting import WaitingRoom\n"
        "with WaitingRoom(Path(sys.argv[1])).entered(): print('in', flush=True); time.sleep(600)\n"
    )
    with subprocess.Popen([sys.executable, "-c", wait, str(tmp_path)], stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"in\n"
        assert not WaitingRoom(tmp_path).is_empty()
        other.kill()
    assert WaitingRoom(tmp_path).is_empty()


def test_a_folder_that_is_not_there_has_nobody_waiting(tmp_path: Path) -> None:
    room = WaitingRoom(tmp_path / "gone")
    with room.entered():
        assert room.is_empty()


def test_a_writer_who_finds_the_lock_taken_waits_in_the_room(sqlite_store: Store) -> None:
    room = _room_of(sqlite_store)
    with ThreadPoolExecutor(1) as pool:
        with sqlite_store.write():
            assert room.is_empty()
            other = pool.submit(_add, sqlite_store, "other")
            _until(room, empty=False)
        other.result(PATIENCE_SECONDS)
    assert room.is_empty()
    assert _names(sqlite_store) == ["other"]


@pytest.mark.rule("F2")
def test_all_who_wait_write_before_the_next_slice(
    sqlite_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "GIVE_WAY_SECONDS", PATIENCE_SECONDS)
    inside = threading.Semaphore(0)
    entered = WaitingRoom.entered

    @contextmanager
    def counted(room: WaitingRoom) -> Iterator[None]:
        with entered(room):
            inside.release()
            yield

    monkeypatch.setattr(WaitingRoom, "entered", counted)
    with ThreadPoolExecutor(4) as pool:
        with sqlite_store.write():
            leaving = [pool.submit(_add, sqlite_store, f"person-{number}") for number in range(4)]
            for _ in leaving:
                assert inside.acquire(timeout=PATIENCE_SECONDS)
        sqlite_store.let_others_write()
        _add(sqlite_store, "slice")
        for one in leaving:
            one.result(PATIENCE_SECONDS)
    assert len(_names(sqlite_store)) == 5
    assert _names(sqlite_store)[-1] == "slice"


def test_a_slice_stands_back_for_a_while_not_for_ever(
    sqlite_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "GIVE_WAY_SECONDS", 0.02)
    with _room_of(sqlite_store).entered():
        sqlite_store.let_others_write()  # returns though somebody waits
        _add(sqlite_store, "slice")
    assert _names(sqlite_store) == ["slice"]


def _pauses(store: Store, monkeypatch: pytest.MonkeyPatch, *, seconds_since: float) -> list[float]:
    """What a bulk writer sleeps between two slices, so long after the first of them was written."""
    now, slept = [1000.0], []
    monkeypatch.setattr(clock, "monotonic", lambda: now[0])
    monkeypatch.setattr("time.sleep", slept.append)
    _add(store, "slice")
    now[0] += seconds_since
    store.let_others_write()
    return slept


def test_senders_get_a_gap_between_two_slices(sqlite_store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    assert _pauses(sqlite_store, monkeypatch, seconds_since=0.001) == [pytest.approx(0.003)]


def test_who_read_a_file_since_the_last_slice_has_left_a_gap_already(
    sqlite_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert _pauses(sqlite_store, monkeypatch, seconds_since=0.02) == [0.0]


def test_postgresql_has_no_lock_to_stand_back_from(postgresql_store: Store) -> None:
    with postgresql_store.write(), postgresql_store.write():
        postgresql_store.let_others_write()
    assert _names(postgresql_store) == []


def test_who_gives_way_begins_after_those_who_wait(
    sqlite_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "GIVE_WAY_SECONDS", PATIENCE_SECONDS)
    sqlite_store.gives_way = True
    with ThreadPoolExecutor(1) as pool:
        with _room_of(sqlite_store).entered():
            sender = pool.submit(_add, sqlite_store, "sender")
            with open_store(sqlite_store.engine.url, root=Path()).write():
                pass  # the lock is free, and not taken
            assert _names(sqlite_store) == []
        sender.result(PATIENCE_SECONDS)
    assert _names(sqlite_store) == ["sender"]


def test_who_gives_way_does_not_hold_up_others_by_waiting(sqlite_store: Store) -> None:
    other = open_store(sqlite_store.engine.url, root=Path())
    sqlite_store.gives_way = True
    with pytest.raises(StoreBusy), other.write(), sqlite_store.write(patience_seconds=0.05):
        pass
    with ThreadPoolExecutor(1) as pool:
        with other.write():
            sender = pool.submit(_add, sqlite_store, "sender")
            threading.Event().wait(0.02)
            assert _room_of(sqlite_store).is_empty()
        sender.result(PATIENCE_SECONDS)
    assert _names(sqlite_store) == ["sender"]
