"""Transactions hold or leave nothing, on both databases; the lock is fair; the file is private."""

from __future__ import annotations

import stat
import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from sqlalchemy import func, insert, select
from sqlalchemy.exc import DBAPIError

from mailer import clock
from mailer.store import Store, StoreBusy, StoreFull, StoreUnreachable, open_store
from mailer.store.schema import MailingList


def _list_row(name: str) -> dict[str, object]:
    return {"name": name, "list_id": f"{name}.lists.shop.example", "title": name, "created_at": clock.now()}


def _count(store: Store) -> int:
    with store.read() as connection:
        return connection.scalar(select(func.count(MailingList.id))) or 0


def test_a_write_holds_once_its_block_ends(store: Store) -> None:
    with store.write() as connection:
        connection.execute(insert(MailingList), [_list_row("weekly")])
    assert _count(store) == 1


def test_an_exception_in_the_block_leaves_nothing_behind(store: Store) -> None:
    with pytest.raises(LookupError), store.write() as connection:
        connection.execute(insert(MailingList), [_list_row("weekly")])
        raise LookupError
    assert _count(store) == 0


def test_a_stored_time_comes_back_aware_and_in_utc(store: Store) -> None:
    berlin = timezone(timedelta(hours=1))
    row = _list_row("weekly") | {"created_at": datetime(2026, 11, 27, 9, 0, 0, 123456, tzinfo=berlin)}
    with store.write() as connection:
        connection.execute(insert(MailingList), [row])
    with store.read() as connection:
        stored = connection.scalar(select(MailingList.created_at))
    assert stored == datetime(2026, 11, 27, 8, 0, 0, 123456, tzinfo=UTC)
    assert stored.tzinfo is UTC


def test_a_naive_time_is_refused(store: Store) -> None:
    row = _list_row("weekly") | {"created_at": datetime(2026, 11, 27, 9)}  # naive: the point
    with pytest.raises(Exception, match="aware"), store.write() as connection:
        connection.execute(insert(MailingList), [row])


def test_parallel_writers_all_get_in(store: Store) -> None:
    def write(name: str) -> None:
        with store.write() as connection:
            connection.execute(insert(MailingList), [_list_row(name)])

    threads = [threading.Thread(target=write, args=(f"list-{number}",)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert _count(store) == 12


@pytest.mark.rule("D34")
def test_a_locked_database_is_one_sentence_and_changes_nothing(sqlite_store: Store) -> None:
    with (
        sqlite_store.write(),
        pytest.raises(StoreBusy, match="try again"),
        sqlite_store.write(patience_seconds=0.05) as connection,
    ):
        connection.execute(insert(MailingList), [_list_row("weekly")])
    assert _count(sqlite_store) == 0


def test_a_write_lock_held_by_another_process_is_waited_for(sqlite_store: Store, tmp_path: Path) -> None:
    hold = (
        "import sqlite3, sys, time\n"
        "held = sqlite3.connect(sys.argv[1], isolation_level=None)\n"
        "held.execute('BEGIN IMMEDIATE'); print('held', flush=True); time.sleep(0.3); held.execute('COMMIT')\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", hold, str(tmp_path / "data" / "mailer.db")], stdout=subprocess.PIPE
    ) as other:
        assert other.stdout is not None and other.stdout.readline() == b"held\n"
        with sqlite_store.write() as connection:
            connection.execute(insert(MailingList), [_list_row("weekly")])
    assert _count(sqlite_store) == 1


def test_a_full_disk_is_one_sentence_and_leaves_nothing_half_done(sqlite_store: Store) -> None:
    """A database that may not grow by a page stands in for the disk; SQLite reports both alike."""
    with pytest.raises(StoreFull, match="free some space"), sqlite_store.write() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar()
        connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")
        for number in range(1000):
            connection.execute(insert(MailingList), [_list_row(f"list-{number}-" + "x" * 40)])
    sqlite_store.dispose()
    assert _count(sqlite_store) == 0


@pytest.mark.rule("D28")
def test_the_database_file_and_its_folder_are_private_whatever_the_umask(tmp_path: Path) -> None:
    store = open_store("sqlite:///data/mailer.db", root=tmp_path)
    with store.write() as connection:
        connection.exec_driver_sql("CREATE TABLE t (x)")
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "data").iterdir()}
    store.dispose()
    assert set(modes.values()) == {0o600}, modes
    assert stat.S_IMODE((tmp_path / "data").stat().st_mode) == 0o700


@pytest.mark.rule("C21")
def test_opening_it_twice_in_one_process_leaves_the_first_one_sound(tmp_path: Path) -> None:
    """Closing any descriptor of a file gives up every POSIX lock that its process holds on it.

    The next process to close the database then takes itself for the last one, and removes the
    log below the first connection, which reads old pages and may write over new ones.
    """
    url = f"sqlite:///{tmp_path / 'mailer.db'}"
    first = open_store(url, root=tmp_path)
    with first.write() as connection:
        connection.exec_driver_sql("CREATE TABLE notes (words TEXT)")
    open_store(url, root=tmp_path).dispose()
    script = (
        "import sqlite3, sys\nother = sqlite3.connect(sys.argv[1])\n"
        "other.execute('INSERT INTO notes VALUES (?)', ('written elsewhere',))\nother.commit()\nother.close()\n"
    )
    subprocess.run([sys.executable, "-c", script, str(tmp_path / "mailer.db")], check=True, timeout=30)
    with first.read() as connection:
        assert connection.exec_driver_sql("SELECT words FROM notes").all() == [("written elsewhere",)]
    assert (tmp_path / "mailer.db-wal").exists()
    first.dispose()


def test_sqlite_overwrites_what_it_deletes_and_survives_a_power_cut(sqlite_store: Store) -> None:
    with sqlite_store.read() as connection:
        pragmas = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("secure_delete", "journal_mode", "synchronous", "foreign_keys")
        }
    assert pragmas == {"secure_delete": 1, "journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}


def test_a_file_that_is_no_database_is_named(tmp_path: Path) -> None:
    (tmp_path / "shopping.txt").write_text(
        "milk, eggs and a great deal of other things that are no database\n" * 20
    )
    store = open_store("sqlite:///shopping.txt", root=tmp_path)
    with pytest.raises(StoreUnreachable, match="not a database"), store.read() as connection:
        connection.exec_driver_sql("SELECT 1 FROM sqlite_master")
    store.dispose()


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file where the folder should be")
    with pytest.raises(StoreUnreachable, match="data/mailer.db cannot be opened"):
        open_store("sqlite:///data/mailer.db", root=tmp_path)


def test_a_server_that_is_not_there_is_named() -> None:
    store = open_store("postgresql+psycopg://nobody@127.0.0.1:9/none", root=Path("/"))
    with pytest.raises(StoreUnreachable, match="cannot be reached"), store.read():
        pass
    store.dispose()


@pytest.mark.rule("D25")
def test_an_error_that_may_be_logged_carries_no_value_of_its_statement(store: Store) -> None:
    row = _list_row("ada-at-example-net")
    with pytest.raises(DBAPIError) as raised, store.write() as connection:
        connection.execute(insert(MailingList), [row | {"title": None}])
    assert "INSERT INTO lists" in str(raised.value)
    assert "ada-at-example-net" not in str(raised.value.__cause__ or "").replace(str(raised.value.orig), "")
    assert "ada-at-example-net" not in str(raised.value).replace(str(raised.value.orig), "")
