"""A database in trouble: locked, read-only, full, stopped. One sentence each, nothing half done, and it recovers."""

from __future__ import annotations

import os
import socket
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import psycopg
import pytest
from sqlalchemy import func, insert, select, text
from sqlalchemy.exc import DBAPIError, IntegrityError

from mailer import clock
from mailer.store import Store, StoreBusy, StoreError, StoreFull, StoreUnreachable, engine, open_store
from mailer.store.schema import MailingList
from tests.postgres import find_binaries, running_postgres
from tests.real import require_real


def _row(name: str) -> dict[str, object]:
    return {"name": name, "list_id": f"{name}.lists.shop.example", "title": name, "created_at": clock.now()}


def _add(store: Store, name: str) -> None:
    with store.write() as connection:
        connection.execute(insert(MailingList), [_row(name)])


def _count(store: Store) -> int:
    with store.read() as connection:
        return connection.scalar(select(func.count(MailingList.id))) or 0


def _database(store: Store) -> str:
    return str(store.engine.url.database)


@contextmanager
def _held(path: str, *statements: str) -> Iterator[sqlite3.Connection]:
    """Another process's connection, as far as SQLite's locks go, in the middle of something."""
    with closing(sqlite3.connect(path, isolation_level=None, timeout=0)) as other:
        for statement in statements:
            other.execute(statement)
        yield other


# --- SQLite: locked ---------------------------------------------------------------------------------


def test_a_database_locked_as_a_whole_is_busy_for_readers_too(
    sqlite_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Some backup programs hold an exclusive lock; opening waits its patience and then says so."""
    monkeypatch.setattr(engine, "PATIENCE_SECONDS", 0.05)
    path = _database(sqlite_store)
    sqlite_store.dispose()
    with _held(path, "PRAGMA locking_mode = EXCLUSIVE", "BEGIN IMMEDIATE", "COMMIT") as other:
        with pytest.raises(StoreBusy, match="locked by another process"):
            sqlite_store.ping()
        other.close()
    sqlite_store.ping()


@pytest.mark.rule("D34")
def test_a_writer_gives_up_after_its_patience_and_not_much_later(sqlite_store: Store) -> None:
    with _held(_database(sqlite_store), "BEGIN IMMEDIATE"):
        start = clock.monotonic()
        with pytest.raises(StoreBusy), sqlite_store.write(patience_seconds=0.2):
            pass
        assert 0.2 <= clock.monotonic() - start < 5
    _add(sqlite_store, "weekly")


def test_readers_are_not_kept_waiting_by_a_writer(sqlite_store: Store) -> None:
    _add(sqlite_store, "weekly")
    with _held(_database(sqlite_store), "BEGIN IMMEDIATE", "DELETE FROM lists"):
        assert _count(sqlite_store) == 1


def test_a_reader_sees_one_moment_however_long_it_reads(sqlite_store: Store) -> None:
    with sqlite_store.read() as connection:
        before = connection.scalar(select(func.count(MailingList.id)))
        _add(sqlite_store, "weekly")
        assert connection.scalar(select(func.count(MailingList.id))) == before == 0
    assert _count(sqlite_store) == 1


def test_a_reader_cannot_become_a_writer_behind_the_lock(sqlite_store: Store) -> None:
    """A read transaction that writes would fail at random; it fails at once when its moment is past."""
    with pytest.raises(StoreBusy), sqlite_store.read() as connection:
        connection.execute(select(MailingList.id)).all()
        _add(sqlite_store, "weekly")
        connection.execute(insert(MailingList), [_row("other")])
    assert _count(sqlite_store) == 1


def test_what_a_reader_wrote_is_never_kept(store: Store) -> None:
    with store.read() as connection:
        connection.execute(insert(MailingList), [_row("weekly")])
    assert _count(store) == 0


def test_the_lock_is_free_again_after_a_failed_write(store: Store) -> None:
    with pytest.raises(ZeroDivisionError), store.write():
        _ = 1 / 0
    with store.write(patience_seconds=0.5) as connection:
        connection.execute(insert(MailingList), [_row("weekly")])
    assert _count(store) == 1


def test_two_short_writers_never_wait_for_more_than_each_other(sqlite_store: Store) -> None:
    """The lock is asked for every millisecond or two: no writer starves behind a busy one."""
    stop = threading.Event()

    def bulk() -> None:
        while not stop.is_set():
            with sqlite_store.write():
                stop.wait(0.01)
            stop.wait(0.005)

    thread = threading.Thread(target=bulk)
    thread.start()
    for number in range(10):
        _add(sqlite_store, f"list-{number}")
    assert thread.is_alive()
    stop.set()
    thread.join()
    assert _count(sqlite_store) == 10


# --- SQLite: not to be written to -------------------------------------------------------------------


def test_a_database_that_turned_read_only_is_unusable_for_writers_alone(sqlite_store: Store) -> None:
    _add(sqlite_store, "weekly")
    with pytest.raises(StoreUnreachable, match="cannot be used: attempt to write a readonly database"):
        with sqlite_store.write() as connection:
            connection.exec_driver_sql("PRAGMA query_only = ON")
            connection.execute(insert(MailingList), [_row("other")])
    assert _count(sqlite_store) == 1


_AS_NOBODY = """
import os, sys
from pathlib import Path
from mailer.store import StoreUnreachable, open_store
os.setegid(65534)
os.seteuid(65534)
try:
    open_store("sqlite:///mailer.db", root=Path(sys.argv[1]))
except StoreUnreachable as error:
    print(error)
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may become somebody else")
def test_a_file_of_another_user_is_named_with_what_to_look_at() -> None:
    with TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        database = Path(folder) / "mailer.db"
        database.touch(mode=0o600)
        done = _python(_AS_NOBODY, folder)
    assert done.stdout == (
        f"The database {database} cannot be opened: Permission denied. Check the folder's owner and mode.\n"
    ), done.stderr


def _python(script: str, *words: str) -> subprocess.CompletedProcess[str]:
    """Run a script in a process of its own, with the program at hand."""
    command = [sys.executable, "-c", script, *words]
    root = Path(__file__).parents[2]
    return subprocess.run(command, capture_output=True, text=True, timeout=30, check=False, cwd=root)


def test_a_database_that_was_taken_away_is_not_made_anew_in_silence(sqlite_store: Store) -> None:
    """An open site goes on with the file it opened; the next start finds an empty folder."""
    _add(sqlite_store, "weekly")
    Path(_database(sqlite_store)).unlink()
    assert _count(sqlite_store) == 1


# --- SQLite: full, damaged --------------------------------------------------------------------------


def test_after_a_full_disk_the_same_work_succeeds_once_there_is_room(sqlite_store: Store) -> None:
    with sqlite_store.write() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar()
    with pytest.raises(StoreFull), sqlite_store.write() as connection:
        connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")
        for number in range(500):
            connection.execute(insert(MailingList), [_row(f"list-{number}-" + "x" * 40)])
    with sqlite_store.write() as connection:
        connection.exec_driver_sql("PRAGMA max_page_count = 1000000")
        for number in range(500):
            connection.execute(insert(MailingList), [_row(f"list-{number}-" + "x" * 40)])
    assert _count(sqlite_store) == 500


_FULL_AT_COMMIT = """
import resource, sys
from pathlib import Path
from mailer.store import StoreError, open_store
store = open_store("sqlite:///mailer.db", root=Path(sys.argv[1]))
store.ping()
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
try:
    with store.write() as connection:
        connection.exec_driver_sql("CREATE TABLE filler (x)")
        connection.exec_driver_sql("INSERT INTO filler VALUES (zeroblob(100000))")
except StoreError as error:
    print(type(error).__name__)
"""


def test_a_disk_that_takes_no_more_at_the_commit_leaves_the_database_as_it_was(
    sqlite_store: Store, tmp_path: Path
) -> None:
    """The kernel refuses to let the write-ahead log grow: what a quota does."""
    _add(sqlite_store, "weekly")
    folder = Path(_database(sqlite_store)).parent
    sqlite_store.dispose()
    done = _python(_FULL_AT_COMMIT, str(folder))
    assert done.stdout.strip() in ("StoreFull", "StoreUnreachable"), done.stderr
    assert _count(sqlite_store) == 1
    with sqlite_store.read() as connection:
        assert connection.exec_driver_sql("PRAGMA integrity_check").scalar() == "ok"


@pytest.mark.parametrize("damage", [b"\0" * 4096, b"SQLite format 3\0" + b"\xff" * 5000, b"SQL"])
def test_a_damaged_file_is_never_taken_for_an_empty_database(tmp_path: Path, damage: bytes) -> None:
    (tmp_path / "mailer.db").write_bytes(damage)
    store = open_store("sqlite:///mailer.db", root=tmp_path)
    with pytest.raises(StoreUnreachable, match="The database cannot be used: "):
        store.ping()
    store.dispose()
    assert (tmp_path / "mailer.db").read_bytes() == damage


# --- both: faults of a statement are not faults of the store ----------------------------------------


def test_a_broken_rule_of_the_schema_is_no_store_error(store: Store) -> None:
    _add(store, "weekly")
    with pytest.raises(IntegrityError):
        _add(store, "weekly")
    assert _count(store) == 1


def test_a_mistaken_statement_is_no_store_error(store: Store) -> None:
    with pytest.raises(DBAPIError) as caught, store.read() as connection:
        connection.execute(text("SELECT nothing FROM nowhere"))
    assert not isinstance(caught.value, StoreError)


def test_a_store_error_keeps_its_cause(sqlite_store: Store) -> None:
    with _held(_database(sqlite_store), "BEGIN IMMEDIATE"):
        with pytest.raises(StoreBusy) as caught, sqlite_store.write(patience_seconds=0):
            pass
    assert isinstance(caught.value.__cause__, sqlite3.OperationalError)


def test_a_database_that_answers_is_said_to_by_saying_nothing(store: Store) -> None:
    assert store.ping() is None


# --- PostgreSQL: gone in the middle -----------------------------------------------------------------


def _end_all_others(store: Store) -> None:
    """End every other session, as an administrator or a fail-over does."""
    with store.engine.connect() as connection:
        connection.execute(
            text(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        )


@pytest.mark.real
def test_a_connection_cut_in_the_middle_leaves_nothing_and_the_next_one_works(
    postgresql_store: Store,
) -> None:
    other = open_store(postgresql_store.engine.url, root=Path("/"))
    with pytest.raises(StoreUnreachable, match="cannot be reached"), postgresql_store.write() as connection:
        connection.execute(insert(MailingList), [_row("weekly")])
        _end_all_others(other)
        connection.execute(insert(MailingList), [_row("other")])
    assert _count(postgresql_store) == 0
    _add(postgresql_store, "weekly")
    assert _count(postgresql_store) == 1
    other.dispose()


@pytest.mark.real
def test_a_connection_cut_before_the_commit_is_no_success(postgresql_store: Store) -> None:
    other = open_store(postgresql_store.engine.url, root=Path("/"))
    with pytest.raises(StoreUnreachable), postgresql_store.write() as connection:
        connection.execute(insert(MailingList), [_row("weekly")])
        _end_all_others(other)
    assert _count(postgresql_store) == 0
    other.dispose()


@pytest.mark.real
def test_idle_connections_that_were_cut_are_replaced_unnoticed(
    postgresql_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = open_store(postgresql_store.engine.url, root=Path("/"))
    _fill_the_pool(postgresql_store)
    _end_all_others(other)
    rested = clock.monotonic() + engine.IDLE_SECONDS
    monkeypatch.setattr(clock, "monotonic", lambda: rested)
    for number in range(5):
        _add(postgresql_store, f"list {number}")
    assert _count(postgresql_store) == 5
    other.dispose()


@pytest.mark.real
def test_of_busy_connections_that_were_cut_one_fails_and_the_others_are_replaced(
    postgresql_store: Store,
) -> None:
    """A restart of the server is one error for whoever is first, not one for each pooled connection."""
    other = open_store(postgresql_store.engine.url, root=Path("/"))
    _fill_the_pool(postgresql_store)
    _end_all_others(other)
    with pytest.raises(StoreUnreachable):
        _add(postgresql_store, "lost")
    for number in range(5):
        _add(postgresql_store, f"list {number}")
    assert _count(postgresql_store) == 5
    other.dispose()


def _fill_the_pool(store: Store, connections: int = 4) -> None:
    """Let several connections rest in the pool."""
    with ExitStack() as stack:
        for _ in range(connections):
            stack.enter_context(store.read()).execute(text("SELECT 1"))


@pytest.mark.real
def test_a_lock_that_another_host_holds_is_busy(postgresql_store: Store) -> None:
    _add(postgresql_store, "weekly")
    with postgresql_store.write() as first:
        first.execute(text("UPDATE lists SET title = 'first'"))
        with pytest.raises(StoreBusy, match="try again"), postgresql_store.write() as second:
            second.execute(text("SET LOCAL lock_timeout = '50ms'"))
            second.execute(text("UPDATE lists SET title = 'second'"))
    with postgresql_store.read() as connection:
        assert connection.scalar(select(MailingList.title)) == "first"


@pytest.mark.real
def test_what_a_host_held_when_it_fell_silent_is_free_again_soon(
    postgresql_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its power failed, or it was suspended, in the middle of a transaction; TCP would take two hours."""
    _add(postgresql_store, "weekly")
    monkeypatch.setattr(engine, "SILENT_SECONDS", 0.3)
    silent = open_store(postgresql_store.engine.url, root=Path("/"))
    with pytest.raises(StoreUnreachable, match="idle-in-transaction"), silent.write() as first:
        first.execute(text("UPDATE lists SET title = 'first'"))
        with postgresql_store.write() as second:
            second.execute(text("SET LOCAL lock_timeout = '20s'"))
            second.execute(text("UPDATE lists SET title = 'second'"))
    with silent.read() as connection:
        assert connection.scalar(select(MailingList.title)) == "second"
    silent.dispose()


@pytest.mark.real
def test_a_server_that_takes_the_call_and_says_nothing_is_unreachable(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(engine, "PATIENCE_SECONDS", 2.0)
    with closing(socket.create_server(("127.0.0.1", 0))) as mute:
        url = f"postgresql+psycopg://postgres@127.0.0.1:{mute.getsockname()[1]}/postgres"
        store = open_store(url, root=Path("/"))
        with pytest.raises(StoreUnreachable, match="cannot be reached"):
            store.ping()
        store.dispose()


@pytest.mark.real
def test_a_server_whose_host_vanished_is_given_up_while_its_answer_is_waited_for(
    postgresql_store: Store,
) -> None:
    """The client's own questions to the other end, and an end to what it sends again; yours go first."""
    own = postgresql_store.engine.url.update_query_dict({"keepalives_idle": "77"})
    store = open_store(own, root=Path("/"))
    with store.read() as connection:
        driver = connection.connection.driver_connection
        assert isinstance(driver, psycopg.Connection)
        with socket.socket(fileno=os.dup(driver.fileno())) as line:
            assert line.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
            assert line.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE) == 77
            assert line.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL) == 10
            assert line.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT) == 3
            assert line.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 60_000
    store.dispose()


@pytest.mark.real
def test_a_statement_that_its_limit_of_time_ended_is_busy(postgresql_store: Store) -> None:
    with pytest.raises(StoreBusy, match="try again"), postgresql_store.write() as connection:
        connection.execute(text("SET LOCAL statement_timeout = '50ms'"))
        connection.execute(text("SELECT pg_sleep(20)"))


@pytest.mark.real
def test_a_server_that_takes_no_writing_is_unusable(postgresql_store: Store) -> None:
    """A standby, or the disk of a hoster that fills up."""
    with pytest.raises(StoreUnreachable, match="cannot be used: cannot execute INSERT in a read-only"):
        with postgresql_store.write() as connection:
            connection.execute(text("SET TRANSACTION READ ONLY"))
            connection.execute(insert(MailingList), [_row("weekly")])
    _add(postgresql_store, "weekly")


@pytest.mark.real
def test_a_deadlock_is_busy_for_one_and_nothing_for_the_other(postgresql_store: Store) -> None:
    _add(postgresql_store, "a")
    _add(postgresql_store, "b")
    ready, refused = threading.Barrier(2), []

    def both(first: str, second: str) -> None:
        try:
            with postgresql_store.write() as connection:
                connection.execute(text("SET LOCAL deadlock_timeout = '50ms'"))
                connection.execute(text("UPDATE lists SET title = 'x' WHERE name = :name"), {"name": first})
                ready.wait(10)
                connection.execute(text("UPDATE lists SET title = 'y' WHERE name = :name"), {"name": second})
        except StoreBusy as error:
            refused.append(error)

    threads = [threading.Thread(target=both, args=pair) for pair in (("a", "b"), ("b", "a"))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(refused) == 1


@pytest.mark.real
def test_a_server_that_stopped_is_unreachable() -> None:
    """The store that reached it a moment ago says so in one sentence."""
    require_real("postgresql", found=find_binaries() is not None)
    with TemporaryDirectory(prefix="mailer-postgresql-") as folder:
        with running_postgres(Path(folder)) as url:
            store = open_store(url, root=Path("/"))
            store.ping()
        with pytest.raises(StoreUnreachable, match="cannot be reached"):
            store.ping()
        store.dispose()
