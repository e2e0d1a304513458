"""Column types that mean the same on SQLite and on PostgreSQL."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Any, TypeVar

from sqlalchemy import JSON, BigInteger, DateTime, Dialect, Integer, LargeBinary, String
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import mapped_column
from sqlalchemy.types import TypeDecorator

E = TypeVar("E", bound=StrEnum)


class UtcDateTime(TypeDecorator[datetime]):
    """An aware UTC instant: `timestamptz` on PostgreSQL, sortable ISO text on SQLite."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Refuse a naive time; SQLite keeps no zone, so it is converted to UTC first."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a stored time must be aware")
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        """Return the instant aware, in UTC, whatever zone the session speaks."""
        if value is None:
            return None
        result: datetime = value
        return result.replace(tzinfo=UTC) if result.tzinfo is None else result.astimezone(UTC)


class EnumText(TypeDecorator[E]):
    """A `StrEnum` stored by its value, so that a row reads in plain words."""

    impl = String(32)
    cache_ok = True

    def __init__(self, enum: type[E]) -> None:
        super().__init__()
        self.enum = enum

    def process_bind_param(self, value: E | str | None, dialect: Dialect) -> str | None:
        """Accept the member or its value; anything else is a `ValueError`."""
        return None if value is None else self.enum(value).value

    def process_result_value(self, value: str | None, dialect: Dialect) -> E | None:
        """Return the member."""
        return None if value is None else self.enum(value)


Json = JSON().with_variant(JSONB(), "postgresql")
# SQLite autoincrements only a column declared INTEGER; PostgreSQL needs eight bytes.
BigId = BigInteger().with_variant(Integer(), "sqlite")

row_id = Annotated[int, mapped_column(BigId, primary_key=True, autoincrement=True)]
utc = Annotated[datetime, mapped_column(UtcDateTime)]
utc_or_none = Annotated[datetime | None, mapped_column(UtcDateTime)]
tag = Annotated[bytes, mapped_column(LargeBinary(16))]
keyed_hash = Annotated[bytes, mapped_column(LargeBinary(32))]
