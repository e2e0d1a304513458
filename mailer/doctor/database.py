"""The database: it answers, its schema is this version's, its pages are sound, its disk has room (D28)."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy.exc import DBAPIError

from mailer import clock
from mailer.doctor.model import Finding, Unasked, Verdict
from mailer.doctor.scene import Scene
from mailer.store import Store, migrate
from mailer.store.errors import StoreError

_PATIENCE_SECONDS = 6.0
_STEPS = 100_000  # of SQLite's machine between two looks at the clock
_LEAST_FREE = 1 << 30
_BIG_LOG = 1 << 30
_SUBJECT = "the database"


@dataclass(frozen=True, slots=True)
class DatabaseFacts:
    """How it is."""

    dialect: str
    newest: str
    revision: str | None = None
    trouble: str = ""
    faults: tuple[str, ...] | None = ()  #: of the quick check; None: it was too large to be read in time
    journal_mode: str = "wal"
    log_bytes: int = 0
    free_bytes: int | None = None
    size_bytes: int = 0


async def gather(scene: Scene) -> Sequence[DatabaseFacts | Unasked]:
    """Ask it, in a thread."""
    if scene.store is None:
        reason = "There is none yet; the first start makes it."
        return [Unasked(_SUBJECT, reason, "Run: mailer up")]
    return [await asyncio.to_thread(_ask, scene.store, scene.database_file)]


def _ask(store: Store, file: Path | None) -> DatabaseFacts:
    newest = migrate.newest_revision()
    try:
        revision = migrate.current_revision(store)
        if file is None:
            return DatabaseFacts(store.dialect, newest, revision)
        faults, mode = _read_through(store)
    except StoreError as error:
        return DatabaseFacts(store.dialect, newest, trouble=str(error))
    except (DBAPIError, sqlite3.Error) as error:
        # Too damaged to be asked how damaged it is; the words of the driver, not the statement.
        words = error.orig if isinstance(error, DBAPIError) else error
        return DatabaseFacts(store.dialect, newest, newest, faults=(str(words),))
    log = file.with_name(f"{file.name}-wal")
    return DatabaseFacts(
        store.dialect,
        newest,
        revision,
        faults=faults,
        journal_mode=mode,
        log_bytes=log.stat().st_size if log.exists() else 0,
        free_bytes=shutil.disk_usage(file.parent).free,
        size_bytes=file.stat().st_size,
    )


def _read_through(store: Store) -> tuple[tuple[str, ...] | None, str]:
    """The faults of SQLite's quick check, and the mode of its journal."""
    deadline = clock.monotonic() + _PATIENCE_SECONDS
    with store.read() as connection:
        driver = connection.connection.driver_connection
        assert isinstance(driver, sqlite3.Connection)
        mode = str(driver.execute("PRAGMA journal_mode").fetchone()[0])
        driver.set_progress_handler(lambda: int(clock.monotonic() > deadline), _STEPS)
        try:
            lines = [str(line) for (line,) in driver.execute("PRAGMA quick_check(5)")]
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_INTERRUPT:
                raise
            return None, mode
        finally:
            driver.set_progress_handler(None, 0)
    return tuple(line for line in lines if line != "ok"), mode


def judge(facts: DatabaseFacts) -> Iterator[Finding]:
    """What stops it, what may."""
    if facts.trouble:
        yield Finding(
            _SUBJECT, Verdict.FAILURE, facts.trouble, "See that it runs and that its address is right."
        )
        return
    if facts.revision != facts.newest:
        reason = f"Its schema is {facts.revision or 'missing'}, this version needs {facts.newest}."
        yield Finding(_SUBJECT, Verdict.FAILURE, reason, "Make a backup, stop mailer, run: mailer db upgrade")
    for fault in facts.faults or ():
        yield Finding(_SUBJECT, Verdict.FAILURE, f"It is damaged: {fault[:200]}.", "Restore a backup.")
    if facts.journal_mode != "wal":
        reason = f"Its journal is {facts.journal_mode}, not WAL: readers and writers wait for each other."
        yield Finding(_SUBJECT, Verdict.WARNING, reason, "Keep it on a local disk, not on a network's.")
    if facts.log_bytes > _BIG_LOG:
        reason = f"Its log has grown to {facts.log_bytes >> 20} MiB."
        yield Finding(
            _SUBJECT, Verdict.WARNING, reason, "Something reads for hours; end it, then restart mailer."
        )
    if facts.free_bytes is not None and facts.free_bytes < max(_LEAST_FREE, facts.size_bytes):
        reason = f"Its disk has {facts.free_bytes >> 20} MiB left."
        yield Finding(_SUBJECT, Verdict.WARNING, reason, "Make room; when it is full, sending stops.")
    if facts.faults is None:
        reason = f"Too large ({facts.size_bytes >> 20} MiB) to be read through in passing."
        yield Finding(_SUBJECT, Verdict.NOTE, reason, "Run at a quiet hour: mailer db check")
    elif facts.revision == facts.newest and not facts.faults:
        sound = "pages sound, " if facts.dialect == "sqlite" else ""
        yield Finding(_SUBJECT, Verdict.OK, f"{facts.dialect}, {sound}schema {facts.revision}.")
