"""Deliveries as staff read them: a list shows no address, one alone shows the server's reply in full."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Row

from mailer.addresses import AddressInvalid, parse_address
from mailer.delivery import listing
from mailer.delivery.listing import Wanted
from mailer.errors import MailerError
from mailer.store import Store

# Rows per transaction of a long list: what is in memory at once.
PAGE_ROWS = 1_000
_ADDRESS = re.compile(r"[^\s<>()\[\],:;\"']+@(?=[^\s<>()\[\],:;\"']+)")


class DeliveryMissing(MailerError):
    """There is no delivery with this id."""


@dataclass(frozen=True, slots=True)
class DeliveryView:
    """One delivery."""

    id: int
    kind: str
    campaign: str | None
    masked: str  #: `a…@example.net`; the domain alone once a sign-up lapsed; "erased" (D23)
    state: str
    skip_reason: str | None
    attempts: int
    next_attempt_at: datetime | None
    attempted_at: datetime | None
    settled_at: datetime | None
    reply_code: int | None
    status: str | None
    reply: str | None
    relay: str | None  #: "host:port" that the last attempt went to
    message_id: str | None
    digest: str | None  #: SHA-256 of the bytes that left, hex
    created_at: datetime

    @property
    def words(self) -> str:
        """The state, and why a skipped one was skipped."""
        return f"{self.state} ({self.skip_reason})" if self.skip_reason else self.state

    @property
    def answer(self) -> str:
        """The last reply's code and status, or our words where there was none; its text may hold an address."""
        return (self.reply or "") if self.reply_code is None else reply_code(self.reply_code, self.status)

    def as_facts(self) -> dict[str, object]:
        """Names and values for a person to read; times are UTC."""
        words = reply_words(self.reply_code, self.status, self.reply or "")
        code = "" if self.reply_code is None else reply_code(self.reply_code, self.status)
        return {
            "recipient": self.masked,
            "message": self.campaign or self.kind,
            "state": self.words,
            "tries": self.attempts,
            "reply": f"{code} {words}".strip() or None,
            "relay": self.relay,
            "queued at": short_time(self.created_at),
            "last try": short_time(self.attempted_at),
            "next try": short_time(self.next_attempt_at),
            "settled at": short_time(self.settled_at),
            "message id": self.message_id,
            "digest": self.digest,
        }


def reply_code(code: int, status: str | None) -> str:
    """A reply's code and its enhanced status, where the server gave one."""
    return f"{code} {status}" if status else str(code)


def reply_words(code: int | None, status: str | None, reply: str) -> str:
    """A reply's words without the code and the status that many servers repeat before them."""
    words = reply.strip()
    for said in (str(code or ""), status or ""):
        if said and re.match(rf"{re.escape(said)}(?![\w.])", words):
            words = words[len(said) :].lstrip(" -")
    return words


def short_time(instant: datetime | None) -> str | None:
    """A time to the minute; the zone stands in the heading."""
    return None if instant is None else f"{instant:%Y-%m-%d %H:%M}"


def deliveries(store: Store, wanted: Wanted, *, limit: int | None = None) -> Iterator[DeliveryView]:
    """Deliveries, newest first, read page by page; their replies show no address."""
    below: int | None = None
    left = limit
    while left is None or left > 0:
        size = PAGE_ROWS if left is None else min(left, PAGE_ROWS)
        with store.read() as connection:
            rows = listing.page(connection, wanted, below=below, limit=size)
        for row in rows:
            found = _view(row)
            yield replace(found, reply=_without_address(found.reply))
        if len(rows) < size:
            return
        below = rows[-1].id
        left = None if left is None else left - len(rows)


def delivery(store: Store, delivery_id: int) -> DeliveryView:
    """One delivery. Raises DeliveryMissing."""
    with store.read() as connection:
        row = listing.one(connection, delivery_id)
    if row is None:
        raise DeliveryMissing(f"There is no delivery {delivery_id}.", delivery=delivery_id)
    return _view(row)


def _view(row: Row[Any]) -> DeliveryView:
    return DeliveryView(
        id=row.id,
        kind=row.kind.value,
        campaign=row.campaign,
        masked=_masked(row),
        state=row.state.value,
        skip_reason=row.skip_reason.value if row.skip_reason else None,
        attempts=row.attempts,
        next_attempt_at=row.next_attempt_at,
        attempted_at=row.attempted_at,
        settled_at=row.settled_at,
        reply_code=row.reply_code,
        status=row.status,
        reply=row.reply,
        relay=row.relay,
        message_id=row.message_id,
        digest=bytes(row.digest).hex() if row.digest else None,
        created_at=row.created_at,
    )


def _masked(row: Row[Any]) -> str:
    if not row.domain:
        return "erased"
    try:
        return parse_address(row.email).masked if row.email else f"…@{row.domain}"
    except AddressInvalid:
        return f"…@{row.domain}"


def _without_address(reply: str | None) -> str | None:
    """A server's words without the local parts that many repeat in them (D23)."""
    return reply and _ADDRESS.sub("…@", reply)
