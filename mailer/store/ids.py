"""Ids for rows that are about to be written, so that a bulk INSERT need not be asked for them."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, func, select, text

from mailer.store.schema import Base

# Materialised: the name of the sequence is looked up once, not for every id.
_SEQUENCE = text(
    "WITH sequence AS MATERIALIZED (SELECT pg_get_serial_sequence(:name, 'id') AS name)"
    " SELECT nextval(sequence.name) FROM sequence, generate_series(1, :count)"
)
# Ids of an AUTOINCREMENT table are never used twice, not even after a row is deleted.
_HIGHEST_EVER = text("SELECT seq FROM sqlite_sequence WHERE name = :name")


def next_ids(connection: Connection, table: type[Base], count: int) -> Sequence[int]:
    """The next `count` ids of a table whose key is `id`, ascending, inside a write transaction.

    On SQLite they are free because the one write lock is held; on PostgreSQL the sequence gives them.
    """
    if not count:
        return ()
    name = table.__tablename__
    if connection.dialect.name == "postgresql":
        return sorted(connection.scalars(_SEQUENCE, {"name": name, "count": count}))
    rows = Base.metadata.tables[name]
    if rows.dialect_options["sqlite"]["autoincrement"]:
        highest = connection.scalar(_HIGHEST_EVER, {"name": name})
    else:
        highest = connection.scalar(select(func.max(rows.c.id)))
    first = (highest or 0) + 1
    return range(first, first + count)
