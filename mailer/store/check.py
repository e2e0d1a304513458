"""Is the database sound: its schema, its own integrity check, who may read its files."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from mailer.store import migrate
from mailer.store.engine import Store


@dataclass(frozen=True, slots=True)
class StoreReport:
    """What `check_store` found; no fault means sound."""

    dialect: str
    revision: str | None
    faults: tuple[str, ...]


def check_store(store: Store) -> StoreReport:
    """Read the whole database once; each fault is a sentence with a remedy."""
    revision = migrate.current_revision(store)
    faults = list(_schema_faults(revision))
    if store.is_sqlite:
        faults += [*_integrity_faults(store), *_mode_faults(store)]
    return StoreReport(store.dialect, revision, tuple(faults))


def _schema_faults(revision: str | None) -> Iterator[str]:
    wanted = migrate.newest_revision()
    if revision != wanted:
        yield f"The schema is {revision or 'missing'}, this version needs {wanted}; run: mailer db upgrade"


def _integrity_faults(store: Store) -> Iterator[str]:
    with store.read() as connection:
        for (line,) in connection.exec_driver_sql("PRAGMA integrity_check(20)"):
            if line != "ok":
                yield f"SQLite says: {line}. Restore a backup."
        for table, row_id, parent, _ in connection.exec_driver_sql("PRAGMA foreign_key_check"):
            yield f"Row {row_id} of {table} points to a row of {parent} that is not there. Restore a backup."


def _mode_faults(store: Store) -> Iterator[str]:
    """Files that others may read (D28)."""
    database = Path(store.engine.url.database or "")
    for path in sorted(database.parent.glob(f"{database.name}*")):
        mode = stat.S_IMODE(path.stat().st_mode)
        if mode & 0o077:
            yield f"{path} has mode {mode:04o}, others may read it; run: chmod 600 {path}"
