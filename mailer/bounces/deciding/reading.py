"""Reads what is kept, by whoever brought it; nothing that is in a message stops those after it (A79)."""

from __future__ import annotations

import zlib

from sqlalchemy import Connection

from mailer.bounces.intake import raw_of
from mailer.bounces.model import Bounce, Reading
from mailer.bounces.reading import classify
from mailer.bounces.verdict import Evidence, decide
from mailer.bounces.webhooks.reading import PREFIX
from mailer.bounces.webhooks.reading import reading as webhook_reading
from mailer.maillog import EventLog

log = EventLog("bounces")


def is_webhook(source: str) -> bool:
    """Whether a provider's proven call brought it."""
    return source.startswith(PREFIX)


def raw_or_none(connection: Connection, mail_id: int) -> bytes | None:
    """The message, empty once its retention is over; None: what is stored cannot be unpacked."""
    try:
        return raw_of(connection, mail_id) or b""
    except zlib.error:
        return None


def reading_of(source: str, raw: bytes, *, mail_id: int) -> Reading | None:
    """What a message says; None: the reader failed at it, which is logged."""
    try:
        return webhook_reading(source, raw) if is_webhook(source) else classify(raw)
    except Exception as error:  # noqa: BLE001 - one message that trips the reader must not stop the others
        log.unreadable(mail=mail_id, error=type(error).__name__)
        return None


def of_refusal(code: int | None, status: str | None, reply: str | None) -> Bounce:
    """The verdict on a reply that refuses a recipient to our face: a bounce like any other."""
    words = f"{code or ''} {reply or ''}".strip()
    return decide(Evidence(None, status=status or "", diagnostic=words))
