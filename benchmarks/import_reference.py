"""What an import is measured against: the rows it made, loaded into empty tables by each database's own loader.

The same three tables (people, subscriptions, consent ledger) with the same indexes, triggers and keys.
Of SQLite's `.import`: it knows neither NULL nor a NUL byte, so an empty text stands for the one, in the
conditions of the partial indexes too, and a byte of value 1 for the other: the rows have the same size.
"""

from __future__ import annotations

import resource
import shutil
import sqlite3
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import psycopg

#: In the order in which they refer to each other.
TABLES = ("subscribers", "ledger", "subscriptions")
_MADE = {"subscribers": "", "ledger": "WHERE stream = 'consent' AND event = 'imported'", "subscriptions": ""}
# What the import gives itself, so that the reference lacks nothing.
_PRAGMAS = ("journal_mode = WAL", "synchronous = FULL", "cache_size = -32768")


@dataclass(frozen=True, slots=True)
class Loaded:
    """What the loader took, in seconds; `cpu` is None where a server did the work."""

    seconds: float
    cpu: float | None


def has_shell() -> bool:
    """Whether SQLite's own command is installed."""
    return shutil.which("sqlite3") is not None


def load_sqlite(made: Path, folder: Path) -> Loaded:
    """Export what is in `made`, then time `sqlite3 .import` of it into a new file."""
    folder.mkdir()
    with sqlite3.connect(f"file:{made}?mode=ro", uri=True) as connection:
        (folder / "schema.sql").write_text(_schema(connection))
        for table in TABLES:
            _export(connection, f"SELECT * FROM {table} {_MADE[table]}", folder / f"{table}.csv")
    steps = [f"PRAGMA {pragma}" for pragma in _PRAGMAS] + [".read schema.sql", ".mode csv"]
    steps += [f".import {table}.csv {table}" for table in TABLES]
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run(["sqlite3", "-bail", "new.db", *steps], cwd=folder, check=True, stdout=subprocess.DEVNULL)
    seconds, after = time.perf_counter() - started, resource.getrusage(resource.RUSAGE_CHILDREN)
    _compare(lambda table: _count_sqlite(made, table), lambda table: _count_sqlite(folder / "new.db", table))
    shutil.rmtree(folder)
    return Loaded(seconds, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)


def load_postgres(made: str, empty: str, folder: Path) -> Loaded:
    """Export what is in the database `made`, then time `COPY` of it into the migrated, `empty` one."""
    folder.mkdir()
    with psycopg.connect(made) as connection, connection.cursor() as cursor:
        for table in TABLES:
            query = f"COPY (SELECT * FROM {table} {_MADE[table]}) TO STDOUT"
            with (folder / table).open("wb") as file, cursor.copy(query.encode()) as copy:
                file.writelines(map(bytes, copy))
    with psycopg.connect(empty) as target:
        started = time.perf_counter()
        with target.cursor() as cursor:
            for table in TABLES:
                with (
                    (folder / table).open("rb") as file,
                    cursor.copy(f"COPY {table} FROM STDIN".encode()) as copy,
                ):
                    while block := file.read(1 << 16):
                        copy.write(block)
        target.commit()
        seconds = time.perf_counter() - started
    shutil.rmtree(folder)
    return Loaded(seconds, None)


def _schema(connection: sqlite3.Connection) -> str:
    names = ", ".join(f"'{table}'" for table in TABLES)
    found = connection.execute(
        f"SELECT sql FROM sqlite_master WHERE tbl_name IN ({names}) AND sql IS NOT NULL"
        " ORDER BY type = 'trigger', type = 'index'"
    )
    text = ";\n".join(row[0] for row in found) + ";\n"
    return text.replace("seal_id IS NULL", "seal_id = ''").replace(
        "expires_at IS NOT NULL", "expires_at <> ''"
    )


def _export(connection: sqlite3.Connection, query: str, path: Path) -> None:
    with path.open("wb") as file:
        for row in connection.execute(query):
            file.write(b",".join(map(_cell, row)) + b"\n")


def _cell(value: object) -> bytes:
    if value is None:
        return b""
    text = value.replace(b"\0", b"\1") if isinstance(value, bytes) else str(value).encode()
    return b'"' + text.replace(b'"', b'""') + b'"'


def _count_sqlite(path: Path, table: str) -> int:
    with sqlite3.connect(path) as connection:
        return int(connection.execute(f"SELECT count(*) FROM {table} {_MADE[table]}").fetchone()[0])


def _compare(made: Callable[[str], int], loaded: Callable[[str], int]) -> None:
    for table in TABLES:
        assert made(table) == loaded(table) > 0, f"the reference has not the same {table}"
