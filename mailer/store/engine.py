"""Open the database and hand out read and write transactions; SQLite and PostgreSQL alike."""

from __future__ import annotations

import errno
import math
import os
import random
import sqlite3
import stat
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from functools import partial
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy import Connection, Dialect, Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import DBAPIError, InvalidatePoolError
from sqlalchemy.pool import ConnectionPoolEntry

from mailer import clock
from mailer.store.errors import StoreBusy, StoreError, StoreFull, StoreUnreachable
from mailer.store.waiting import WaitingRoom

# SQLite's own busy handler backs off to 100 ms and is unfair: a short writer that must
# get in (an opt-out) asks again every 1 to 2 ms instead, between two slices of a bulk writer.
_RETRY_SECONDS = (0.001, 0.002)
# The longest that a bulk writer stands back after a slice: others may write without end.
GIVE_WAY_SECONDS = 0.1
# An opt-out that cannot be written in this time answers 503, never 200 (D34).
PATIENCE_SECONDS = 10.0
# A write transaction whose process says nothing to PostgreSQL for so long is undone: it was suspended, or its
# host vanished, and others wait for its rows.
SILENT_SECONDS = 10.0
# A PostgreSQL whose host vanished is given up after a minute; the defaults of TCP would take two hours.
# What the address of the database says itself comes first.
_VANISHED_SERVER = {
    "keepalives_idle": "30",
    "keepalives_interval": "10",
    "keepalives_count": "3",
    "tcp_user_timeout": "60000",  # ms
}
# A pooled connection to PostgreSQL that rested for longer is asked whether it lives. Asked each time,
# a busy sender would spend more on the asking than on its claims.
IDLE_SECONDS = 0.5
# hide_parameters: an error that is logged must not carry the addresses of its statement (D25).
_EVERY_ENGINE: dict[str, Any] = {"pool_size": 10, "max_overflow": 20, "hide_parameters": True}
_PRIVATE = stat.S_IRUSR | stat.S_IWUSR
_PRAGMAS = (
    "foreign_keys = ON",
    "secure_delete = ON",
    # FULL: an opt-out or a claim that was answered for survives a power cut.
    "synchronous = FULL",
    "temp_store = MEMORY",
    "journal_mode = WAL",
    # 128 MB of log: a page that changes often is moved into the file once, not each time. Who is first to
    # commit beyond it does the moving, so bulk writers and the clockwork call `trim_log` long before.
    "wal_autocheckpoint = 32768",
)
_BUSY_CODES = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})
_UNUSABLE_CODES = frozenset(
    {sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_NOTADB}
)
# SQLSTATEs of PostgreSQL: serialization failure, deadlock, lock not available, a limit of time reached.
_BUSY_STATES = frozenset({"40001", "40P01", "55P03", "57014"})
_FULL_STATES = frozenset({"53100"})
# Connection exceptions, an administrator's end of a session, and the end of one that fell silent.
_LOST_STATES = ("08", "57P", "25P03")
# Read-only (a standby; or a hoster whose disk fills up), out of memory or connections, the disk fails.
_UNUSABLE_STATES = ("25006", "53", "58030")


class Store:
    """One database. Transactions roll back unless their block ends without an exception."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.dialect = engine.dialect.name
        #: Of a process that writes all the time, and for nobody who waits: whoever else waits goes first.
        self.gives_way = False
        self._wrote_at = -math.inf  #: clock.monotonic() of the last commit
        self._room = WaitingRoom(Path(engine.url.database or "").parent)

    @property
    def is_sqlite(self) -> bool:
        """Whether this is the embedded database."""
        return self.dialect == "sqlite"

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A read transaction: one consistent snapshot on SQLite, read committed on PostgreSQL."""
        with _translated(), self.engine.connect() as connection:
            yield connection

    @contextmanager
    def write(self, *, patience_seconds: float = PATIENCE_SECONDS) -> Iterator[Connection]:
        """A write transaction, durable once the block ends.

        On SQLite it waits for the one write lock at most `patience_seconds`.
        Raises StoreBusy, StoreFull or StoreUnreachable; then nothing was changed.
        """
        with _translated(), self.engine.connect() as connection:
            if self.is_sqlite:
                connection = connection.execution_options(mailer_write=True)
                self._begin_immediate(connection, patience_seconds)
            else:
                connection.begin()
                limit = round(SILENT_SECONDS * 1000)
                connection.exec_driver_sql(f"SET LOCAL idle_in_transaction_session_timeout = {limit}")
            yield connection
            connection.commit()
            self._wrote_at = clock.monotonic()

    def let_others_write(self) -> None:
        """Between two slices of a bulk writer: SQLite's one write lock goes to all who wait for it first.

        Whoever leaves a list now is among them; who gives way himself, a sender, has had a chance since
        the last slice. Not for longer than GIVE_WAY_SECONDS; PostgreSQL has no such lock.
        """
        if self.is_sqlite:
            free_until = self._wrote_at + 2 * max(_RETRY_SECONDS)
            time.sleep(max(0.0, free_until - clock.monotonic()))
            self._stand_back()

    def _stand_back(self) -> None:
        deadline = clock.monotonic() + GIVE_WAY_SECONDS
        while not self._room.is_empty() and clock.monotonic() < deadline:
            time.sleep(min(_RETRY_SECONDS))

    def _begin_immediate(self, connection: Connection, patience_seconds: float) -> None:
        connection.begin()
        driver = connection.connection.driver_connection
        assert isinstance(driver, sqlite3.Connection)

        def begin() -> None:
            if self.gives_way:
                self._stand_back()
            driver.execute("BEGIN IMMEDIATE")

        try:
            begin()
        except sqlite3.OperationalError as error:
            if not _is_busy(error):
                raise
            with nullcontext() if self.gives_way else self._room.entered():
                _retry_busy(begin, patience_seconds)

    def ping(self) -> None:
        """Return if the database answers; raises StoreUnreachable, StoreBusy or StoreFull if not."""
        with self.read() as connection:
            connection.exec_driver_sql("SELECT 1")

    def empty_log(self, *, patience_seconds: float = PATIENCE_SECONDS) -> bool:
        """Move SQLite's write-ahead log into the file and cut it to nothing, so that old pages are gone.

        False when readers of old pages outlasted the patience. PostgreSQL needs no such step: True.
        """
        if not self.is_sqlite:
            return True
        with _translated(), self.engine.connect() as connection:
            driver = connection.connection.driver_connection
            assert isinstance(driver, sqlite3.Connection)
            deadline = clock.monotonic() + patience_seconds
            while driver.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]:
                if clock.monotonic() > deadline:
                    return False
                time.sleep(random.uniform(*_RETRY_SECONDS))
        return True

    def trim_log(self) -> int:
        """Move SQLite's log into the file, so that whoever writes next begins it anew; nobody waits for long.

        Most is moved while others write. For the last of it they are kept out for some milliseconds,
        unless somebody writes at that moment or reads what was written before: then the log goes on.
        Returns the pages that it held; 0 on PostgreSQL, which looks after its own.
        """
        if not self.is_sqlite:
            return 0
        with _translated(), self.engine.connect() as connection:
            driver = connection.connection.driver_connection
            assert isinstance(driver, sqlite3.Connection)
            _, pages, _ = driver.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
            driver.execute("PRAGMA wal_checkpoint(RESTART)").fetchone()
            return int(pages)

    def apart(self, *settings: str) -> Store:
        """The same database through connections of its own, each prepared by these statements as well."""
        engine = _make_engine(self.engine.url)

        def prepare(connection: sqlite3.Connection | psycopg.Connection, _record: Any) -> None:
            for setting in settings:
                connection.execute(setting)
            connection.commit()

        event.listen(engine, "connect", prepare)
        return Store(engine)

    def dispose(self) -> None:
        """Close every pooled connection."""
        self.engine.dispose()


def open_store(url: str | URL, *, root: Path) -> Store:
    """Open the database at `url`; a relative SQLite path is below `root`, created 0600 in 0700.

    Raises StoreUnreachable when the folder cannot be made.
    """
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite":
        return Store(_make_engine(parsed))
    path = root / (parsed.database or "data/mailer.db")
    _make_private(path)
    return Store(_make_engine(parsed.set(database=str(path))))


def _make_engine(url: URL) -> Engine:
    if url.get_backend_name() != "sqlite":
        limits = {"connect_timeout": str(round(PATIENCE_SECONDS)), **_VANISHED_SERVER}
        own = {name: value for name, value in limits.items() if name not in url.query}
        engine = create_engine(url.update_query_dict(own), **_EVERY_ENGINE)
        event.listen(engine, "checkin", _note_idle)
        event.listen(engine, "checkout", partial(_ask_idle, engine.dialect))
        return engine
    engine = create_engine(
        url,
        # check_same_thread: the pool hands a connection to one thread at a time.
        connect_args={"timeout": 0, "check_same_thread": False, "isolation_level": None},
        **_EVERY_ENGINE,
    )
    event.listen(engine, "connect", _configure_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _note_idle(_connection: Any, record: ConnectionPoolEntry) -> None:
    record.info["idle_since"] = clock.monotonic()


def _ask_idle(dialect: Dialect, connection: Any, record: ConnectionPoolEntry, _proxy: Any) -> None:
    """Hand out no connection that died while nobody used it: its server was restarted, say."""
    if clock.monotonic() - record.info.get("idle_since", math.inf) < IDLE_SECONDS:
        return
    try:
        dialect.do_ping(connection)
    except psycopg.Error as error:
        raise InvalidatePoolError from error  # all that are as old: the pool makes new ones


def _make_private(path: Path) -> None:
    """Create the file 0600 before SQLite does, which would follow the umask (D28).

    A file that is there is not opened: to close it again would give up every lock that SQLite holds on
    it in this process (fcntl locks end with any descriptor), and with them the log of another connection.
    """
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with suppress(FileExistsError):
            os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, _PRIVATE))
        if path.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        if not os.access(path, os.R_OK | os.W_OK, effective_ids=True):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    except OSError as error:
        raise StoreUnreachable(
            f"The database {path} cannot be opened: {error.strerror}. Check the folder's owner and mode.",
            path=str(path),
        ) from error


def _configure_sqlite(connection: sqlite3.Connection, _record: Any) -> None:
    # Each of them may read the file, and finds it locked while another process makes it or closes it.
    for pragma in _PRAGMAS:
        _retry_busy(partial(connection.execute, f"PRAGMA {pragma}"), PATIENCE_SECONDS)


def _begin_sqlite(connection: Connection) -> None:
    if connection.get_execution_options().get("mailer_write"):
        return
    driver = connection.connection.driver_connection
    assert isinstance(driver, sqlite3.Connection)
    driver.execute("BEGIN")
    # The snapshot is taken here: while another process makes the log, or sweeps it up, nobody can read.
    _retry_busy(lambda: driver.execute("SELECT 1 FROM sqlite_schema LIMIT 1").fetchall(), PATIENCE_SECONDS)


def _retry_busy(action: Callable[[], object], patience_seconds: float) -> None:
    deadline = clock.monotonic() + patience_seconds
    while True:
        try:
            action()
            return
        except sqlite3.OperationalError as error:
            if not _is_busy(error) or clock.monotonic() > deadline:
                raise
        time.sleep(random.uniform(*_RETRY_SECONDS))


def _is_busy(error: BaseException | None) -> bool:
    return (getattr(error, "sqlite_errorcode", 0) & 0xFF) in _BUSY_CODES


@contextmanager
def _translated() -> Iterator[None]:
    """Wrap the drivers' errors in ours, the cause kept."""
    try:
        yield
    except (sqlite3.Error, DBAPIError) as error:
        translated = _as_store_error(error.orig if isinstance(error, DBAPIError) else error)
        if translated is None:
            raise
        raise translated from error


def _as_store_error(error: BaseException | None) -> StoreError | None:
    """Our word for a driver's error; None when it is a fault of the statement, not of the store."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    state = getattr(error, "sqlstate", None) or ""
    if code in _BUSY_CODES or state in _BUSY_STATES:
        return StoreBusy()
    if code == sqlite3.SQLITE_FULL or state in _FULL_STATES:
        return StoreFull()
    if code in _UNUSABLE_CODES or state.startswith(_UNUSABLE_STATES):
        return StoreUnreachable(f"The database cannot be used: {error}.")
    # psycopg has no SQLSTATE for a connection that failed or broke.
    if state.startswith(_LOST_STATES) or (isinstance(error, psycopg.OperationalError) and not state):
        return StoreUnreachable(f"The database cannot be reached: {str(error).strip()}.")
    return None
