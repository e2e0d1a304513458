"""Write rows beside what is there already, and many at once at the driver's own speed.

An ORM-shaped `executemany` converts every value of every row by itself and builds a dictionary for
each; here a column is converted as a whole, and a value that repeats (a time, a state) only once.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, Dialect, LargeBinary, insert
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.types import TypeEngine

from mailer.store.engine import Store
from mailer.store.schema import Base
from mailer.store.types import EnumText, UtcDateTime

Convert = Callable[[Any], Any]

#: Twice as long as a short writer waits before it asks for the lock again (engine._RETRY_SECONDS).
BREATH_SECONDS = 0.004


@dataclass(frozen=True, slots=True)
class _Plan:
    """The INSERT of one table and set of columns, as the driver takes it."""

    sql: str
    order: tuple[int, ...]  #: which given column stands at each place of a positional statement
    names: tuple[str, ...]
    converters: tuple[Convert | None, ...]  #: one for each given column
    repeating: tuple[bool, ...]  #: columns in which most values are the same few
    positional: bool


def breathe(store: Store) -> None:
    """Pause between two slices of a bulk writer: SQLite's one write lock goes to whoever leaves a list now."""
    if store.is_sqlite:
        time.sleep(BREATH_SECONDS)


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
        _converted(column, convert, repeating)
        for column, convert, repeating in zip(
            zip(*rows, strict=True), plan.converters, plan.repeating, strict=True
        )
    ]
    parameters: list[Any]
    if plan.positional:
        parameters = list(zip(*(columns[place] for place in plan.order), strict=True))
    else:
        parameters = [dict(zip(plan.names, row, strict=True)) for row in zip(*columns, strict=True)]
    connection.exec_driver_sql(plan.sql, parameters)


def _converted(column: Iterable[Any], convert: Convert | None, repeating: bool) -> Iterable[Any]:
    if convert is None:
        return column
    if not repeating:
        return [convert(value) for value in column]
    known: dict[Any, Any] = {}
    return [known[value] if value in known else known.setdefault(value, convert(value)) for value in column]


@lru_cache(maxsize=64)
def _plan(dialect: Dialect, table: type[Base], names: tuple[str, ...]) -> _Plan:
    columns = Base.metadata.tables[table.__tablename__].c
    compiled = insert(table).compile(dialect=dialect, column_keys=list(names))
    placed = compiled.positiontup or list(names)
    types = [columns[name].type for name in names]
    return _Plan(
        sql=str(compiled),
        order=tuple(names.index(name) for name in placed),
        names=names,
        converters=tuple(_converter(kind, dialect) for kind in types),
        repeating=tuple(isinstance(kind, UtcDateTime | EnumText) for kind in types),
        positional=dialect.positional,
    )


def _converter(kind: TypeEngine[Any], dialect: Dialect) -> Convert | None:
    if dialect.name == "sqlite" and isinstance(kind, LargeBinary):
        return None  # the driver takes bytes as they are
    return kind.dialect_impl(dialect).bind_processor(dialect)
