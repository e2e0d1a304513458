"""Which delivery a message that came back is about, and whether it proves that (A74, A79).

Only what this site alone could have made is proof: the tag of a return path, a Message-ID or
ENVID of ours together with its recipient, a signed link. An address that is merely named proves nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, bindparam, select

from mailer.addresses import AddressInvalid, parse_address
from mailer.bounces.deciding.carried import link_in, tags_in, text_in
from mailer.bounces.model import Kind, Reading
from mailer.keyring import Secrets
from mailer.return_path import decode_return_path
from mailer.store.schema import Campaign, Delivery, Subscriber, Subscription
from mailer.store.vocabulary import DeliveryState
from mailer.tokens import LinkClaim, Tokens

#: Of a person's deliveries the newest so many are compared with an id.
_LATEST = 100
#: Recipients of one report that are looked up.
_RECIPIENTS = 20
#: Our own Message-IDs: only such a one is looked for among all deliveries.
_OURS = re.compile(r"[0-9a-f]{16,64}@[!-?A-~]{1,255}")


@dataclass(frozen=True, slots=True)
class Match:
    """A delivery that a message is about."""

    delivery_id: int
    campaign_id: int | None
    subscription_id: int | None
    attempted_at: datetime | None
    domain: str
    relay: str | None
    matched_by: str  #: "verp", "envid", "message_id", "link" or "address"
    email_hash: bytes | None = None
    email_key: str = ""
    list_id: int | None = None
    origin: str | None = None
    confirmed_at: datetime | None = None
    state: DeliveryState | None = None
    subscription_tag: bytes | None = None

    @property
    def is_proven(self) -> bool:
        """Whether nobody else could have made the message."""
        return self.matched_by != "address"


class Correlator:
    """Finds deliveries by what a message carries, the strongest proof first."""

    def __init__(self, secrets: Secrets, tokens: Tokens) -> None:
        self._secrets = secrets
        self._tokens = tokens

    def find(
        self, connection: Connection, reading: Reading, *, raw: bytes = b"", envelope_to: str | None = None
    ) -> Match | None:
        """The delivery, or None. Raises StoreError."""
        if match := self.tagged(connection, reading, envelope_to=envelope_to):
            return match
        named = list(dict.fromkeys(one.recipient for one in reading.bounces if one.recipient))
        if match := self._by_message(connection, reading, named[:_RECIPIENTS]):
            return match
        carried = text_in(raw)
        if reading.kind is Kind.COMPLAINT and (match := self._by_tag_inside(connection, carried)):
            return match
        if (claim := link_in(carried, self._tokens)) and (match := _by_link(connection, claim)):
            return match
        if reading.kind is Kind.COMPLAINT and (match := _by_message_id_alone(connection, reading)):
            return match
        return _by_address(connection, named[:_RECIPIENTS])

    def tagged(
        self, connection: Connection, reading: Reading, *, envelope_to: str | None = None
    ) -> Match | None:
        """The delivery whose return path a message came to (A71)."""
        for address in (envelope_to or "", *reading.addressed_to):
            delivery_id = decode_return_path(self._secrets, address)
            if delivery_id is not None and (match := by_id(connection, delivery_id)) is not None:
                return match
        return None

    def _by_tag_inside(self, connection: Connection, carried: bytes) -> Match | None:
        """Of a complaint that hides its reader, the return path of what it returns (RFC 6590)."""
        found = {decode_return_path(self._secrets, tag) for tag in tags_in(carried)} - {None}
        ids = [one for one in found if one is not None]
        # Two tags: somebody has put two messages into one report, and it is about neither for sure.
        return by_id(connection, ids[0]) if len(ids) == 1 else None

    def _by_message(self, connection: Connection, reading: Reading, named: Iterable[str]) -> Match | None:
        if not reading.envelope_id and not reading.message_id:
            return None
        for address in named:
            for row in _deliveries_to(connection, address):
                if row.message_id is None:
                    continue
                if reading.envelope_id and row.message_id.partition("@")[0] == reading.envelope_id:
                    return _match(row, "envid")
                if reading.message_id and row.message_id == reading.message_id:
                    return _match(row, "message_id")
        return None


_COLUMNS = (
    Delivery.id,
    Delivery.campaign_id,
    Delivery.subscription_id,
    Delivery.attempted_at,
    Delivery.domain,
    Delivery.relay,
    Delivery.message_id,
    Subscriber.email_hash,
    Subscriber.email_key,
    Subscription.list_id,
    Subscription.source,
    Subscription.confirmed_at,
    Subscription.tag.label("subscription_tag"),
    Delivery.state,
)
_FOUND = (
    select(*_COLUMNS)
    .select_from(Delivery)
    .outerjoin(Subscription, Subscription.id == Delivery.subscription_id)
    .outerjoin(Subscriber, Subscriber.id == Subscription.subscriber_id)
)

_BY_ID = _FOUND.where(Delivery.id == bindparam("delivery"))


def by_id(connection: Connection, delivery_id: int, matched_by: str = "verp") -> Match | None:
    """A delivery whose number is proven. Raises StoreError."""
    row = connection.execute(_BY_ID, {"delivery": delivery_id}).first()
    return None if row is None else _match(row, matched_by)


def _by_link(connection: Connection, claim: LinkClaim) -> Match | None:
    person = _FOUND.where(Subscription.tag == claim.subscription_tag, Delivery.attempted_at.is_not(None))
    if claim.campaign_tag:
        campaign = select(Campaign.id).where(Campaign.tag == claim.campaign_tag).scalar_subquery()
        person = person.where(Delivery.campaign_id == campaign)
    row = connection.execute(person.order_by(Delivery.id.desc()).limit(1)).first()
    return None if row is None else _match(row, "link")


def _by_message_id_alone(connection: Connection, reading: Reading) -> Match | None:
    """A complaint with nothing else in it (A82). Such are rare: to find one reads all deliveries."""
    if not _OURS.fullmatch(reading.message_id):
        return None
    row = connection.execute(_FOUND.where(Delivery.message_id == reading.message_id).limit(1)).first()
    return None if row is None else _match(row, "message_id")


def _by_address(connection: Connection, named: Iterable[str]) -> Match | None:
    for address in named:
        for row in _deliveries_to(connection, address, limit=1):
            return _match(row, "address")
    return None


def _deliveries_to(
    connection: Connection, address: str, *, limit: int = _LATEST
) -> list[Row[*tuple[Any, ...]]]:
    try:
        key = parse_address(address).key
    except AddressInvalid:
        return []
    ids = list(
        connection.scalars(
            select(Subscription.id)
            .join(Subscriber, Subscriber.id == Subscription.subscriber_id)
            .where(Subscriber.email_key == key)
        )
    )
    if not ids:
        return []
    sent = Delivery.subscription_id.in_(ids), Delivery.attempted_at.is_not(None)
    statement = _FOUND.where(*sent).order_by(Delivery.id.desc()).limit(limit)
    return list(connection.execute(statement))


def _match(row: Row[*tuple[Any, ...]], matched_by: str) -> Match:
    return Match(
        row.id,
        row.campaign_id,
        row.subscription_id,
        row.attempted_at,
        row.domain,
        row.relay,
        matched_by,
        email_hash=None if row.email_hash is None else bytes(row.email_hash),
        email_key=row.email_key or "",
        list_id=row.list_id,
        origin=row.source,
        confirmed_at=row.confirmed_at,
        state=row.state,
        subscription_tag=row.subscription_tag,
    )
