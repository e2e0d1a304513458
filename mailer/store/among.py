"""Ask for many rows by id with one value; an IN list would handle every id by itself, twice."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from sqlalchemy import ARRAY, BigInteger, Boolean, Dialect, String, bindparam
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.sql.operators import OperatorType
from sqlalchemy.types import TypeDecorator, TypeEngine


class _Ids(TypeDecorator[Sequence[int]]):
    """Row ids as one value: an array on PostgreSQL, JSON on SQLite."""

    impl = String
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """The type that the driver is given."""
        return dialect.type_descriptor(ARRAY(BigInteger) if dialect.name == "postgresql" else String())

    def process_bind_param(self, value: Sequence[int] | None, dialect: Dialect) -> Any:
        """The ids in the driver's form."""
        ids = list(value or ())
        return ids if dialect.name == "postgresql" else json.dumps(ids)


class among(FunctionElement[bool]):  # noqa: N801 - it reads as an operator, like `exists`
    """Whether a column is one of the ids in the parameter `ids`."""

    type = Boolean()
    inherit_cache = True

    def __init__(self, column: Any) -> None:
        super().__init__(column, bindparam("ids", type_=_Ids))

    def self_group(self, against: OperatorType | None = None) -> among:
        """As it is: SQLAlchemy would write `... = 1` for SQLite, which then reads the whole table."""
        return self


def _parts(element: among, compiler: SQLCompiler, **words: Any) -> tuple[str, str]:
    column, ids = (compiler.process(part, **words) for part in element.clauses)
    return column, ids


@compiles(among, "sqlite")
def _among_sqlite(element: among, compiler: SQLCompiler, **words: Any) -> str:
    column, ids = _parts(element, compiler, **words)
    return f"{column} IN (SELECT value FROM json_each({ids}))"  # noqa: S608 - of compiled parts


@compiles(among, "postgresql")
def _among_postgresql(element: among, compiler: SQLCompiler, **words: Any) -> str:
    column, ids = _parts(element, compiler, **words)
    return f"{column} = ANY ({ids})"
