"""Append records to the ledger, inside the transaction of the change they tell of."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, update

from mailer import clock
from mailer.audit.digest import canonical, commitment, row_digest
from mailer.keyring import Secrets
from mailer.store.bulk import insert_rows
from mailer.store.ids import next_ids
from mailer.store.schema import LedgerEntry
from mailer.store.vocabulary import Stream

_SALT_BYTES = 16
_COLUMNS = ("id", "stream", "event", "at", "subject", "payload", "salt", "commitment", "digest")


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that happened: to a person's consent, or by a member of staff."""

    stream: Stream
    event: str
    payload: Mapping[str, object] = field(default_factory=dict)
    subject: bytes | None = None  #: keyed hash of the address it is about


class Ledger:
    """The writing end of the ledger; reading and proving are in `seal` and `verify`."""

    def __init__(self, secrets: Secrets) -> None:
        self._key = secrets.ledger_key

    def append(
        self,
        connection: Connection,
        *,
        stream: Stream,
        event: str,
        payload: Mapping[str, object],
        subject: bytes | None = None,
    ) -> int:
        """Append one record and return its id; it holds only if the caller's transaction does."""
        return self.append_many(connection, [Entry(stream, event, payload, subject)])[0]

    def append_many(self, connection: Connection, entries: Sequence[Entry]) -> list[int]:
        """Append records in one statement and return their ids in the same order."""
        if not entries:
            return []
        ids = next_ids(connection, LedgerEntry, len(entries))
        insert_rows(connection, LedgerEntry, _COLUMNS, self._rows(entries, ids))
        return list(ids)

    def _rows(self, entries: Sequence[Entry], ids: Sequence[int]) -> list[tuple[Any, ...]]:
        at = clock.now()
        salts = os.urandom(_SALT_BYTES * len(entries))
        rows = []
        for number, (row_id, entry) in enumerate(zip(ids, entries, strict=True)):
            salt = salts[number * _SALT_BYTES : (number + 1) * _SALT_BYTES]
            payload = canonical(entry.payload)
            committed = commitment(salt, payload)
            stream, event, subject = entry.stream, entry.event, entry.subject
            digest = row_digest(self._key, stream, event, at, subject=subject, commitment=committed)
            rows.append((row_id, stream, event, at, subject, payload, salt, committed, digest))
        return rows


def erase_payloads(connection: Connection, ids: Iterable[int]) -> int:
    """Erase what the records say, keep that they were made; the chain still verifies (C20)."""
    result = connection.execute(
        update(LedgerEntry).where(LedgerEntry.id.in_(list(ids))).values(payload=None, salt=None)
    )
    return result.rowcount
