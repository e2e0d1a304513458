"""SQLite's log beside the file: moved between slices, by those whom nobody waits for."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from sqlalchemy import Connection, func, insert, select

from mailer import clock
from mailer.store import Store
from mailer.store.bulk import SliceSize, Trimmer, bulk_store
from mailer.store.schema import Artefact

#: Rows of about one page each.
PAGE = bytes(3000)


def write_pages(store: Store, count: int, start: int = 0) -> None:
    rows = [
        {"hash": f"{number:064x}", "content": PAGE, "created_at": clock.now()}
        for number in range(start, start + count)
    ]
    with store.write() as connection:
        connection.execute(insert(Artefact), rows)


def artefacts(connection: Connection) -> int:
    return connection.execute(select(func.count()).select_from(Artefact)).scalar_one()


def log_file(store: Store) -> Path:
    return Path(f"{store.engine.url.database}-wal")


def test_trimming_says_how_long_the_log_was_and_loses_nothing(sqlite_store: Store) -> None:
    sqlite_store.trim_log()
    write_pages(sqlite_store, 300)
    assert sqlite_store.trim_log() >= 300
    write_pages(sqlite_store, 1, start=300)
    assert sqlite_store.trim_log() < 50, "the log began anew"
    with sqlite_store.read() as connection:
        assert artefacts(connection) == 301


def test_there_is_nothing_to_trim_on_postgresql(postgresql_store: Store) -> None:
    assert postgresql_store.trim_log() == 0


def test_a_log_is_trimmed_while_another_connection_is_in_a_write(sqlite_store: Store) -> None:
    write_pages(sqlite_store, 10)
    with sqlite_store.write() as connection:
        trimming = threading.Thread(target=sqlite_store.trim_log)
        trimming.start()
        trimming.join(timeout=5)
        assert not trimming.is_alive(), "who trims has waited for who writes"
        assert artefacts(connection) == 10


def test_a_bulk_writer_keeps_the_log_short(sqlite_store: Store) -> None:
    """Whose commit finds more than `wal_autocheckpoint` pages moves them all before it answers."""
    with bulk_store(sqlite_store) as store:
        trimmer = Trimmer(store)
        for number in range(40):
            trimmer.before_slice()
            write_pages(store, 50, start=50 * number)
        size = log_file(store).stat().st_size
    assert size < 1000 * 4096, "2000 pages were written in all"
    with sqlite_store.read() as connection:
        assert artefacts(connection) == 2000


def test_a_reader_of_old_pages_holds_up_the_log_and_no_writer(sqlite_store: Store) -> None:
    write_pages(sqlite_store, 1)
    with sqlite_store.read() as reader, bulk_store(sqlite_store) as store:
        assert artefacts(reader) == 1
        trimmer = Trimmer(store)
        for number in range(16):
            trimmer.before_slice()
            write_pages(store, 10, start=1 + 10 * number)
        assert artefacts(reader) == 1
    with sqlite_store.read() as connection:
        assert artefacts(connection) == 161


def test_only_the_bulk_writer_does_without_a_flush_for_each_commit(store: Store) -> None:
    question = "PRAGMA synchronous" if store.is_sqlite else "SHOW synchronous_commit"
    normal, full = (1, 2) if store.is_sqlite else ("off", "on")
    with bulk_store(store) as own:
        with own.write() as connection:
            assert connection.exec_driver_sql(question).scalar_one() == normal
        with store.write() as connection:
            assert connection.exec_driver_sql(question).scalar_one() == full
    with store.write() as connection:
        assert connection.exec_driver_sql(question).scalar_one() == full


def test_a_bulk_writer_keeps_every_other_rule_of_a_connection(sqlite_store: Store) -> None:
    with bulk_store(sqlite_store) as own, own.write() as connection:
        for pragma in ("foreign_keys", "secure_delete"):
            assert connection.exec_driver_sql(f"PRAGMA {pragma}").scalar_one() == 1
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar_one() == "wal"


@pytest.mark.parametrize(
    ("rows", "seconds", "wanted"),
    [
        (200, 0.025, 200),  # half of 50 ms: just right
        (200, 0.0125, 300),  # 400 would fit: halfway
        (200, 0.050, 150),  # 100 would fit
        (200, 9.000, 100),  # next to none would fit
        (200, 0.0, 1000),  # the most there may be
        (1, 9.000, 100),
    ],
)
def test_a_slice_goes_halfway_to_the_size_that_fits(rows: int, seconds: float, wanted: int) -> None:
    size = SliceSize(200, least=50, most=1000)
    size.took(rows, seconds)
    assert size.rows == wanted


def test_a_slice_never_gets_smaller_than_pays(sqlite_store: Store) -> None:
    size = SliceSize(200, least=50, most=1000)
    for _ in range(20):
        size.took(size.rows, 9.0)
    assert size.rows == 50
