"""Keep what came back, raw and once, before anything is done with it."""

from __future__ import annotations

import hashlib
import zlib

from sqlalchemy import Connection, select

from mailer import clock
from mailer.store import Store
from mailer.store.bulk import insert_or_ignore
from mailer.store.schema_returns import ReturnedMail
from mailer.store.vocabulary import ReturnedState

#: Longer names of sources are cut (the column's width).
_SOURCE_LENGTH = 64


def keep(
    store: Store,
    raw: bytes,
    *,
    source: str,
    envelope_to: str | None = None,
    digest: bytes | None = None,
    note: str | None = None,
) -> bool:
    """Store one message that came back; False: the very same is here already.

    `source`: "imap:<name>", "pop3:<name>", "maildir:<name>", "pipe", "file", "listener" or
    "webhook:<provider>". `envelope_to`: the address it was delivered to, where the source knows.
    `digest`: 32 bytes by which it counts once; by default those of its content. `note`: what a person
    should know about it. Committed when this returns; raises StoreError, and then nothing is kept.
    """
    # Before the transaction: an opt-out must not wait while a large mail is packed.
    packed = zlib.compress(raw)
    row = {
        "received_at": clock.now(),
        "source": source[:_SOURCE_LENGTH],
        "digest": digest or digest_of(raw),
        "size": len(raw),
        "raw": packed,
        "envelope_to": None if envelope_to is None else _storable(envelope_to),
        "state": ReturnedState.WAITING,
        "note": note,
    }
    with store.write() as connection:
        statement = insert_or_ignore(connection, ReturnedMail).values(row).returning(ReturnedMail.id)
        return connection.scalar(statement) is not None


def digest_of(raw: bytes) -> bytes:
    """By which a message is known again, whether its lines end as on the wire or as in a file."""
    return hashlib.sha256(raw.replace(b"\r\n", b"\n")).digest()


def raw_of(connection: Connection, mail_id: int) -> bytes | None:
    """The message as it came; None for an unknown one, and once its retention is over."""
    row = connection.execute(
        select(ReturnedMail.raw, ReturnedMail.size).where(ReturnedMail.id == mail_id)
    ).one_or_none()
    if row is None or row.raw is None:
        return None
    # Never more than was put in, whoever wrote the row.
    return zlib.decompressobj().decompress(row.raw, max(row.size, 1))[: row.size]


def _storable(text: str) -> str:
    """Text as PostgreSQL takes it: no NUL, no half of a character."""
    return text.replace("\0", "\ufffd").encode("utf-8", "replace").decode()
