"""Read the ledger: by stream, by event, by the keyed hash of an address."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select

from mailer.store.schema import LedgerEntry
from mailer.store.vocabulary import Stream


@dataclass(frozen=True, slots=True)
class Filter:
    """Which records; None means any."""

    stream: Stream | None = None
    event: str | None = None
    subject: bytes | None = None  #: keyed hash of an address


@dataclass(frozen=True, slots=True)
class Record:
    """One ledger row as it was written."""

    id: int
    at: datetime
    stream: Stream
    event: str
    payload: dict[str, Any] | None  #: None once erased


def records(connection: Connection, wanted: Filter, *, limit: int | None = None) -> list[Record]:
    """Matching records, newest first."""
    statement = select(
        LedgerEntry.id, LedgerEntry.at, LedgerEntry.stream, LedgerEntry.event, LedgerEntry.payload
    ).order_by(LedgerEntry.id.desc())
    if wanted.stream is not None:
        statement = statement.where(LedgerEntry.stream == wanted.stream)
    if wanted.event is not None:
        statement = statement.where(LedgerEntry.event == wanted.event)
    if wanted.subject is not None:
        statement = statement.where(LedgerEntry.subject == wanted.subject)
    return [
        Record(
            row.id, row.at, row.stream, row.event, None if row.payload is None else json.loads(row.payload)
        )
        for row in connection.execute(statement.limit(limit))
    ]
