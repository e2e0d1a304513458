"""The traces of a person in what came back: reports, raw messages, holds and scores (C20)."""

from __future__ import annotations

import zlib
from collections.abc import Collection

from sqlalchemy import Connection, delete, func, null, select, update

from mailer.addresses import EmailAddress
from mailer.store.schema import BounceScore, Hold, Report, ReturnedMail

_PAGE = 200


def last_mail(connection: Connection) -> int:
    """The newest message's id; 0 when there is none."""
    return connection.scalar(select(func.max(ReturnedMail.id))) or 0


def mails_naming(connection: Connection, address: EmailAddress, *, after_id: int = 0) -> list[int]:
    """Raw messages in which the address can be read; every one that is kept is looked into."""
    spellings = {
        spelling.lower().encode()
        for spelling in (address.key, str(address), f"{address.local}@{address.unicode_domain}")
    }
    found: list[int] = []
    while True:
        page = connection.execute(
            select(ReturnedMail.id, ReturnedMail.raw, ReturnedMail.size, ReturnedMail.envelope_to)
            .where(ReturnedMail.id > after_id, ReturnedMail.raw.is_not(None))
            .order_by(ReturnedMail.id)
            .limit(_PAGE)
        ).all()
        for row in page:
            text = _unpacked(row.raw, row.size) + (row.envelope_to or "").encode("utf-8", "replace")
            if any(spelling in text.lower() for spelling in spellings):
                found.append(row.id)
        if len(page) < _PAGE:
            return found
        after_id = page[-1].id


def mails_of(connection: Connection, email_hash: bytes) -> list[int]:
    """The messages that reports on this address were made of."""
    named = select(Report.mail_id).where(Report.email_hash == email_hash, Report.mail_id.is_not(None))
    return [one for one in connection.scalars(named.distinct()) if one is not None]


def blank_mails(connection: Connection, mail_ids: Collection[int]) -> int:
    """Keep that a message came and what it was; drop the message itself."""
    emptied = update(ReturnedMail).where(ReturnedMail.id.in_(mail_ids), ReturnedMail.raw.is_not(None))
    return connection.execute(emptied.values(raw=null(), envelope_to=null(), note=null())).rowcount


def blank_reports(connection: Connection, email_hash: bytes) -> None:
    """Keep what was reported; drop where: many people have a domain of their own, and so its servers."""
    reports = update(Report).where(Report.email_hash == email_hash)
    connection.execute(reports.values(domain="", provider=null()))
    connection.execute(update(Hold).where(Hold.email_hash == email_hash).values(provider=""))
    connection.execute(delete(BounceScore).where(BounceScore.email_hash == email_hash))


def _unpacked(raw: bytes, size: int) -> bytes:
    try:
        return zlib.decompressobj().decompress(raw, max(size, 1))
    except zlib.error:
        return b""
