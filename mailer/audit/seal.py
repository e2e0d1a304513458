"""Link new ledger rows into the chain, away from the people who wrote them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, bindparam, insert, select, text, update

from mailer import clock
from mailer.audit.digest import GENESIS, ranges_of, seal_hash
from mailer.audit.head import Head, write_head
from mailer.keyring import Secrets
from mailer.store import Store
from mailer.store.among import among
from mailer.store.bulk import SliceSize, Trimmer
from mailer.store.schema import LedgerEntry, Seal

#: Rows linked in the first transaction; the next are sized by how long it held SQLite's write lock.
SLICE_ROWS = 1000
_SMALLEST_SLICE, _LARGEST_SLICE = 100, 4000
# Any constant will do, as long as every sealer of one database uses the same.
_ADVISORY_LOCK = 0x6D61696C
_SEALED = update(LedgerEntry).where(among(LedgerEntry.id)).values(seal_id=bindparam("seal"))


def seal(
    store: Store,
    secrets: Secrets,
    head_path: Path,
    *,
    slice_rows: int | None = None,
    stopping: Callable[[], bool] = lambda: False,
) -> int:
    """Link every row that has no seal yet, `slice_rows` at a time if given; returns how many were linked.

    Two sealers take turns (SQLite's write lock, an advisory lock on PostgreSQL), so the
    chain never forks. A row that was still uncommitted simply joins a later seal, and so does
    what is left of a backlog (an import of a million rows) when `stopping` says to end.
    """
    total = 0
    with store.read() as connection:
        if not pending(connection):  # the usual case, every second: leave the write lock alone
            return total
    size = SliceSize(SLICE_ROWS, least=_SMALLEST_SLICE, most=_LARGEST_SLICE)
    trimmer = Trimmer(store)
    while True:
        wanted = slice_rows or size.rows
        with store.write() as connection:
            started = clock.monotonic()
            rows = _unsealed(store, connection, wanted)
            head = _link(connection, secrets, rows) if rows else None
        size.took(len(rows), clock.monotonic() - started)
        if head is None:
            return total
        write_head(head_path, head)
        total += len(rows)
        if len(rows) < wanted or stopping():
            return total
        store.let_others_write()
        trimmer.before_slice()


def pending(connection: Connection) -> bool:
    """Whether any row waits for its seal; cheap, read from a partial index."""
    found = connection.scalar(select(LedgerEntry.id).where(LedgerEntry.seal_id.is_(None)).limit(1))
    return found is not None


def _unsealed(store: Store, connection: Connection, limit: int) -> list[Any]:
    if not store.is_sqlite:
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _ADVISORY_LOCK})
    statement = (
        select(LedgerEntry.id, LedgerEntry.digest)
        .where(LedgerEntry.seal_id.is_(None))
        .order_by(LedgerEntry.id)
        .limit(limit)
    )
    return list(connection.execute(statement))


def _link(connection: Connection, secrets: Secrets, rows: list[Any]) -> Head:
    last = connection.execute(select(Seal.id, Seal.hash).order_by(Seal.id.desc()).limit(1)).first()
    number, previous = (last.id + 1, last.hash) if last else (1, GENESIS)
    ids = [row.id for row in rows]
    link = seal_hash(secrets.ledger_key, previous, [(row.id, row.digest) for row in rows])
    connection.execute(
        insert(Seal).values(
            id=number, ids=ranges_of(ids), previous=previous, hash=link, sealed_at=clock.now()
        )
    )
    connection.execute(_SEALED, {"ids": ids, "seal": number})
    return Head(number, link)
