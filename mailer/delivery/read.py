"""Deliveries as staff read them: no full address, the server's reply in full."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row

from mailer.addresses import AddressInvalid, parse_address
from mailer.delivery import listing
from mailer.errors import MailerError
from mailer.store import Store
from mailer.store.vocabulary import DeliveryState


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


def deliveries(
    store: Store, *, state: DeliveryState | None, campaign: str | None, limit: int
) -> list[DeliveryView]:
    """Deliveries, newest first."""
    with store.read() as connection:
        rows = listing.rows(connection, state=state, campaign=campaign, limit=limit)
    return [_view(row) for row in rows]


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
