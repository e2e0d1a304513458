"""Give many rows their values in one go: one statement on PostgreSQL, an `executemany` on SQLite.

SQLAlchemy's own `executemany` converts every value of every row by itself, which takes longer than
the database does.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from functools import cached_property
from itertools import repeat
from typing import Any

from sqlalchemy import (
    JSON,
    ColumnElement,
    Connection,
    LargeBinary,
    Text,
    Update,
    bindparam,
    cast,
    column,
    func,
)
from sqlalchemy.dialects import sqlite
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.types import TypeEngine

from mailer.store.bulk import converted, converter
from mailer.store.types import UtcDateTime

#: What the columns of a row are in the statement, by name.
Given = Mapping[str, ColumnElement[Any]]


class RowUpdate:
    """An UPDATE that takes its values from rows; a parameter it names besides is the same for all.

    The first column is the id of the row.
    """

    def __init__(self, columns: Mapping[str, TypeEngine[Any]], build: Callable[[Given], Update]) -> None:
        self._names = tuple(columns)
        self._forms = tuple(_JSON_FORMS.get(type(kind)) for kind in columns.values())
        self._each = build({name: bindparam(f"given_{name}", type_=kind) for name, kind in columns.items()})
        rows = func.json_to_recordset(cast(bindparam("rows", type_=Text), JSON))
        table = rows.table_valued(*(column(name, kind) for name, kind in columns.items()))
        given = dict(table.render_derived("given", with_types=True).c)
        # Always true; but of rows for which this holds PostgreSQL expects one, and looks it up by its id.
        # Of a hundred it may think that to read the table is less.
        key = given[self._names[0]]
        self._all = build(given).where(key == key + 0)

    def run(self, connection: Connection, rows: Sequence[Sequence[Any]], **same: Any) -> None:
        """Update the rows; the values of each stand in the order of the columns."""
        if not rows:
            return
        if connection.dialect.name == "postgresql":
            connection.execute(self._all, {"rows": self._as_json(rows), **same})
        else:
            given = dict(zip(self._names, zip(*rows, strict=True), strict=True))
            connection.exec_driver_sql(str(self._compiled), list(self._placed(given, same, len(rows))))

    def _as_json(self, rows: Iterable[Sequence[Any]]) -> str:
        columns = [
            converted(column, form, repeating=True)
            for column, form in zip(zip(*rows, strict=True), self._forms, strict=True)
        ]
        return json.dumps([dict(zip(self._names, row, strict=True)) for row in zip(*columns, strict=True)])

    @cached_property
    def _compiled(self) -> SQLCompiler:
        compiled = self._each.compile(dialect=sqlite.dialect())
        assert isinstance(compiled, SQLCompiler)
        return compiled

    def _placed(self, given: Mapping[str, Any], same: Mapping[str, Any], count: int) -> Iterable[Any]:
        """The rows with their values where the statement has its places."""
        compiled = self._compiled
        fixed = {**compiled.params, **same}
        columns = []
        for name in compiled.positiontup or ():
            values = given.get(name.removeprefix("given_")) or repeat(fixed[name], count)
            convert = converter(compiled.binds[name].type, compiled.dialect)
            columns.append(converted(values, convert, repeating=True))
        return zip(*columns, strict=True)


def _time(value: datetime | None) -> str | None:
    return None if value is None else value.isoformat()


def _bytes(value: bytes | None) -> str | None:
    return None if value is None else f"\\x{value.hex()}"


#: What JSON has no form for, as PostgreSQL reads it.
_JSON_FORMS: Mapping[type, Callable[[Any], Any]] = {UtcDateTime: _time, LargeBinary: _bytes}
