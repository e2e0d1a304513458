"""Write rows beside what is there already, and many at once at the driver's own speed.

An ORM-shaped `executemany` converts every value of every row by itself and builds a dictionary for
each; here a column is converted as a whole, and a value that repeats (a time, a state) only once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import psycopg
from sqlalchemy import Connection, Dialect, LargeBinary, insert
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DBAPIError
from sqlalchemy.types import TypeEngine

from mailer.store.engine import Store
from mailer.store.schema import Base
from mailer.store.types import EnumText, UtcDateTime

Convert = Callable[[Any], Any]

#: How long one slice of a bulk writer may hold SQLite's write lock; an opt-out waits for one at most.
LOCK_SECONDS = 0.05
# On PostgreSQL nobody waits for a slice but whoever means a row of it: small slices would only cost.
_ROW_LOCK_SECONDS = 0.5
# Slices after which SQLite's log is moved into the file: each changes some hundred pages, and beyond the
# 32768 of `wal_autocheckpoint` somebody else's commit would have to do it.
_TRIM_EVERY = 8
_BULK_SQLITE = (
    "PRAGMA synchronous = NORMAL",
    "PRAGMA cache_size = -32768",  # KiB; the default of 2 MB reads every index page again for each slice
    "PRAGMA wal_autocheckpoint = 0",  # the Trimmer does it, outside of the slices
)
_BULK_POSTGRESQL = (
    "SET synchronous_commit = off",
    # A table that is just being filled has no statistics, and a thousand hashes look like most of it.
    "SET enable_seqscan = off",
)


@dataclass(frozen=True, slots=True)
class _Plan:
    """The INSERT of one table and set of columns, as the driver takes it."""

    sql: str  #: INSERT on SQLite, COPY on PostgreSQL
    order: tuple[int, ...]  #: which given column stands at each place of a positional statement
    converters: tuple[Convert | None, ...]  #: one for each given column
    repeating: tuple[bool, ...]  #: columns in which most values are the same few


@contextmanager
def bulk_store(store: Store) -> Iterator[Store]:
    """The same database for a writer of very many rows, whose commits are not flushed to disk one by one.

    A power cut may take the last of them, never one from the middle; a commit through `store` makes all
    before it durable. So it suits only work that is done again when its end is not on record.
    """
    own = store.apart(*(_BULK_SQLITE if store.is_sqlite else _BULK_POSTGRESQL))
    try:
        yield own
    finally:
        own.dispose()


def lock_seconds(store: Store) -> float:
    """How long one slice may hold what others wait for."""
    return LOCK_SECONDS if store.is_sqlite else _ROW_LOCK_SECONDS


class SliceSize:
    """How many rows a slice takes so that it holds its lock for well under `seconds`."""

    def __init__(self, first: int, *, least: int, most: int, seconds: float = LOCK_SECONDS) -> None:
        self.rows = first
        self._least, self._most, self._seconds = least, most, seconds * 0.5

    def took(self, rows: int, seconds: float) -> None:
        """So many rows took so long, from the lock to the commit."""
        fitting = rows * self._seconds / max(seconds, 1e-6)
        # Halfway to the size that would fit: one slow disk flush must not make all slices tiny.
        self.rows = int(min(max((self.rows + fitting) / 2, self._least), self._most))


class Trimmer:
    """Calls `Store.trim_log` between slices, when nobody waits."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._slices = 0

    def before_slice(self) -> None:
        """The others have written, and the next slice is about to."""
        self._slices += 1
        if self._slices % _TRIM_EVERY == 0:
            self._store.trim_log()


def dialect_insert(connection: Connection, table: type[Base]) -> Any:
    """An INSERT in the words of this database, which know ON CONFLICT."""
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    return dialect.insert(table)


def insert_or_ignore(connection: Connection, table: type[Base]) -> Any:
    """An INSERT that leaves an existing row alone; ask it to return a column to learn whether it was new."""
    return dialect_insert(connection, table).on_conflict_do_nothing()


def insert_rows(
    connection: Connection, table: type[Base], names: Sequence[str], rows: Sequence[Sequence[Any]]
) -> None:
    """Insert `rows`, whose values stand in the order of `names`, in one statement."""
    if not rows:
        return
    plan = _plan(connection.dialect, table, tuple(names))
    columns = [
        converted(column, convert, repeating)
        for column, convert, repeating in zip(
            zip(*rows, strict=True), plan.converters, plan.repeating, strict=True
        )
    ]
    ordered = zip(*(columns[place] for place in plan.order), strict=True)
    if connection.dialect.name == "postgresql":
        _copy(connection, plan.sql, ordered)
    else:
        connection.exec_driver_sql(plan.sql, list(ordered))


def present(connection: Connection, table: type[Base], column: str, values: Sequence[bytes]) -> list[bytes]:
    """Which of these values an indexed column holds, asked for in the driver's own words.

    Most of what an import asks for is not there, and an expanded IN list would cost more than the answer.
    """
    if not values:
        return []
    sql = f"SELECT {column} FROM {table.__tablename__} WHERE {column}"  # noqa: S608 - no input
    if connection.dialect.name == "postgresql":
        found = connection.exec_driver_sql(f"{sql} = ANY (%s)", (list(values),))
    else:
        marks = ",".join("?" * len(values))
        found = connection.exec_driver_sql(f"{sql} IN ({marks})", tuple(values))
    return list({row[0] for row in found})


def _copy(connection: Connection, sql: str, rows: Iterable[tuple[Any, ...]]) -> None:
    """PostgreSQL's own way for many rows; a failure is the error that an INSERT would be."""
    driver = connection.connection.driver_connection
    assert isinstance(driver, psycopg.Connection)
    try:
        with driver.cursor() as cursor, cursor.copy(sql) as copy:
            for row in rows:
                copy.write_row(row)
    except psycopg.Error as error:
        raise DBAPIError.instance(
            sql, None, error, psycopg.Error, hide_parameters=True, dialect=connection.dialect
        ) from error


def converted(column: Iterable[Any], convert: Convert | None, repeating: bool) -> Iterable[Any]:
    """A column as the driver takes it; of a `repeating` one each distinct value is converted once."""
    if convert is None:
        return column
    if not repeating:
        return [convert(value) for value in column]
    known: dict[Any, Any] = {}
    return [known[value] if value in known else known.setdefault(value, convert(value)) for value in column]


@lru_cache(maxsize=64)
def _plan(dialect: Dialect, table: type[Base], names: tuple[str, ...]) -> _Plan:
    columns = Base.metadata.tables[table.__tablename__].c
    types = [columns[name].type for name in names]
    if dialect.name == "postgresql":
        sql, placed = f"COPY {table.__tablename__} ({', '.join(names)}) FROM STDIN", list(names)
    else:
        compiled = insert(table).compile(dialect=dialect, column_keys=list(names))
        sql, placed = str(compiled), compiled.positiontup or list(names)
    return _Plan(
        sql=sql,
        order=tuple(names.index(name) for name in placed),
        converters=tuple(converter(kind, dialect) for kind in types),
        repeating=tuple(isinstance(kind, UtcDateTime | EnumText) for kind in types),
    )


def converter(kind: TypeEngine[Any], dialect: Dialect) -> Convert | None:
    """What makes of a value of this type what the driver takes; None: it takes it as it is."""
    if dialect.name == "sqlite" and isinstance(kind, LargeBinary):
        return None  # the driver takes bytes as they are
    return kind.dialect_impl(dialect).bind_processor(dialect)
