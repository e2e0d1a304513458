"""Prove the ledger: name every row that was altered, added behind its back, or is missing."""

from __future__ import annotations

import hmac
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, func, literal_column, select

from mailer.audit.digest import GENESIS, commitment, ids_of, row_digest, seal_hash
from mailer.audit.head import Head, read_head
from mailer.keyring import Secrets
from mailer.store import Store
from mailer.store.schema import Base, LedgerEntry, Seal


def _raw(table: type[Base], names: Iterable[str]) -> Select[Any]:
    """Columns as the driver hands them over: a value that the schema's types cannot read is a finding, not a crash."""
    columns: list[ColumnElement[Any]] = [literal_column(name) for name in names]
    return select(*columns).select_from(table)


_ROWS = _raw(LedgerEntry, LedgerEntry.__table__.c.keys())
_SEALS = _raw(Seal, ("id", "ids", "previous", "hash"))


@dataclass(frozen=True, slots=True)
class Finding:
    """One fault of the ledger, in a sentence."""

    row: int | None  #: ledger id; None when a whole seal is at fault
    message: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """What `verify` read and what it found."""

    rows: int
    seals: int
    findings: tuple[Finding, ...]


def verify(store: Store, secrets: Secrets, head_path: Path) -> Verdict:
    """Read the whole ledger once, in id order per seal, and check every digest and every link.

    Sealing may go on meanwhile: everything is read from one snapshot, and the head before it, so
    that the head on record is never newer than the seals it is compared with.
    """
    check = _Check(secrets.ledger_key)
    head = read_head(head_path)
    with store.read() as connection:
        if not store.is_sqlite:
            connection.execution_options(isolation_level="REPEATABLE READ")
        for seal in connection.execute(_SEALS.order_by(Seal.id)).all():
            check.seal(seal, _rows_of(connection, seal))
        for row in _unsealed(connection):
            check.row(row)
        check.count(connection.scalar(select(func.count(LedgerEntry.id))) or 0)
    check.head(head)
    return Verdict(check.rows, check.seals, tuple(check.findings))


class _Check:
    """The running state of one verification."""

    def __init__(self, key: bytes) -> None:
        self._key = key
        self._hashes: dict[int, bytes] = {}
        self._previous = GENESIS
        self.findings: list[Finding] = []
        self.rows = 0
        self.seals = 0

    def row(self, row: Any) -> None:
        self.rows += 1
        if not _equal(lambda: _digest_of(self._key, row), row.digest):
            self._report(row.id, f"Row {row.id} ({row.event}) was altered: its digest does not match.")
        elif row.payload is not None and not _equal(
            lambda: commitment(row.salt or b"", row.payload), row.commitment
        ):
            self._report(
                row.id, f"Row {row.id} ({row.event}) was altered: its payload is not the one recorded."
            )

    def seal(self, seal: Any, rows: Iterator[Any]) -> None:
        self.seals += 1
        if seal.id != self.seals:
            self._report(None, f"Seal {self.seals} is missing: the chain goes on with seal {seal.id}.")
            self.seals = seal.id
        found: list[tuple[int, bytes]] = []
        for row in rows:
            self.row(row)
            found.append((row.id, row.digest))
        before = len(self.findings)
        self._compare_ids(seal, [row_id for row_id, _ in found])
        if not _equal(lambda: seal.previous, self._previous):
            self._report(None, f"Seal {seal.id} does not continue the seal before it.")
        if len(self.findings) == before and not _equal(
            lambda: seal_hash(self._key, seal.previous, found), seal.hash
        ):
            self._report(None, f"Seal {seal.id} over rows {seal.ids} does not match them.")
        self._previous = seal.hash
        self._hashes[seal.id] = seal.hash

    def count(self, rows: int) -> None:
        if rows > self.rows:
            self._report(None, f"{rows - self.rows} rows claim a seal that does not cover them.")

    def head(self, head: Head | None) -> None:
        if head is None:
            if self.seals:
                self._report(None, "The head of the chain is not on record outside the database.")
        elif head.seal not in self._hashes:
            self._report(
                None, f"The tail was cut: seal {head.seal} is on record outside the database and is gone."
            )
        elif not _equal(lambda: head.hash, self._hashes[head.seal]):
            self._report(None, f"Seal {head.seal} differs from the one on record outside the database.")

    def _compare_ids(self, seal: Any, found: list[int]) -> None:
        expected = _ids_of(seal)
        if not expected:
            self._report(None, f"Seal {seal.id} was altered: it does not say which rows it covers.")
            return
        for row_id in sorted(set(expected) - set(found)):
            self._report(row_id, f"Row {row_id} is missing: seal {seal.id} covers it.")
        for row_id in sorted(set(found) - set(expected)):
            self._report(row_id, f"Row {row_id} claims seal {seal.id}, which does not cover it.")

    def _report(self, row: int | None, message: str) -> None:
        self.findings.append(Finding(row, message))


def _rows_of(connection: Connection, seal: Any) -> Iterator[Any]:
    """The rows that name this seal, read by primary key from where the seal says they are."""
    ids = _ids_of(seal) or [0]
    within = LedgerEntry.id.between(ids[0], ids[-1])
    return _stream(connection, _ROWS.where(within, LedgerEntry.seal_id == seal.id))


def _ids_of(seal: Any) -> Sequence[int]:
    """The ids a seal says it covers; none when it says nothing that `ranges_of` could have written."""
    try:
        return ids_of(seal.ids)
    except (TypeError, ValueError):
        return ()


def _digest_of(key: bytes, row: Any) -> bytes:
    at = datetime.fromisoformat(f"{row.at}+00:00") if isinstance(row.at, str) else row.at
    return row_digest(key, row.stream, row.event, at, subject=row.subject, commitment=row.commitment)


def _equal(computed: Callable[[], bytes], stored: Any) -> bool:
    """Whether what is stored is what it should be; a value of a type or size never written is not."""
    try:
        return hmac.compare_digest(computed(), stored)
    except (TypeError, ValueError, AttributeError, OverflowError):
        return False


def _unsealed(connection: Connection) -> Iterator[Any]:
    return _stream(connection, _ROWS.where(LedgerEntry.seal_id.is_(None)))


def _stream(connection: Connection, statement: Select[Any]) -> Iterator[Any]:
    ordered = statement.order_by(LedgerEntry.id)
    yield from connection.execute(ordered, execution_options={"yield_per": 1000})
