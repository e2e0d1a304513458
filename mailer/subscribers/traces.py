"""Every place where an address or its holder can be read, and the statement that empties it (C20).

What holds a keyed hash only is no trace: it stays so that a "no" is remembered (law 7), or, as the
counters against subscription bombing do, until it is 30 days old.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, delete, func, null, select, update

from mailer.addresses import AddressInvalid, EmailAddress, parse_address
from mailer.audit.ledger import erase_payloads
from mailer.store.schema import Delivery, LedgerEntry, SignupRequest, Subscriber, Subscription, Suppression
from mailer.store.vocabulary import SYSTEM_STREAM, DeliveryKind, DeliveryState

#: The one record that an erasure keeps readable: why it was done, and how much went.
ERASED_EVENT = "erased"
#: A payload that says nothing.
_EMPTY = "{}"


@dataclass(frozen=True, slots=True)
class Holder:
    """The rows of one person, locked."""

    subscriber_id: int
    subscription_ids: tuple[int, ...]


def lock_holder(connection: Connection, email_hash: bytes) -> Holder | None:
    """Lock the person behind an address hash with all they have; None when nobody is stored under it.

    Stronger than `lock_person_of_hash`: whoever is adding a subscription or a delivery for them
    right now finishes first, so that what they add is erased too.
    """
    person = connection.scalar(
        select(Subscriber.id).where(Subscriber.email_hash == email_hash).with_for_update()
    )
    if person is None:
        return None
    ids = connection.scalars(
        select(Subscription.id)
        .where(Subscription.subscriber_id == person)
        .order_by(Subscription.id)
        .with_for_update()
    )
    return Holder(person, tuple(ids))


def remove_holder(connection: Connection, holder: Holder) -> None:
    """Delete the person; subscriptions go with them, and deliveries lose the link (foreign keys)."""
    connection.execute(delete(Subscriber).where(Subscriber.id == holder.subscriber_id))


def remove_requests(connection: Connection, address: EmailAddress) -> int:
    """Delete the sign-ups of this address that nobody has judged yet."""
    rows = connection.execute(
        select(SignupRequest.id, SignupRequest.email).where(
            SignupRequest.email.endswith(f"@{address.domain}", autoescape=True)
        )
    )
    ids = [row.id for row in rows if _is(row.email, address)]
    return connection.execute(delete(SignupRequest).where(SignupRequest.id.in_(ids))).rowcount


def deliveries_of(connection: Connection, subscription_ids: Collection[int]) -> list[int]:
    """Every delivery that was ever meant for these subscriptions."""
    return list(connection.scalars(select(Delivery.id).where(Delivery.subscription_id.in_(subscription_ids))))


def last_delivery(connection: Connection) -> int:
    """The newest delivery's id; 0 when there is none."""
    return connection.scalar(select(func.max(Delivery.id))) or 0


def proofs_to(connection: Connection, address: EmailAddress, *, after_id: int = 0) -> list[int]:
    """Proofs addressed to this address; a proof has no subscription and names its addressee itself."""
    rows = connection.execute(
        select(Delivery.id, Delivery.context).where(
            Delivery.id > after_id,
            Delivery.stream == SYSTEM_STREAM,
            Delivery.kind == DeliveryKind.PROOF,
            Delivery.domain == address.domain,
        )
    )
    return [row.id for row in rows if _is(_addressee(row), address)]


def in_flight(connection: Connection, delivery_ids: Collection[int]) -> int:
    """How many of these a sender has in hand right now."""
    where = Delivery.id.in_(delivery_ids), Delivery.state == DeliveryState.ATTEMPTING
    return connection.scalar(select(func.count()).select_from(Delivery).where(*where)) or 0


def blank_deliveries(connection: Connection, delivery_ids: Collection[int]) -> None:
    """Keep that a message was sent and what came of it; drop who it was for, which a reply may quote."""
    connection.execute(
        update(Delivery)
        .where(Delivery.id.in_(delivery_ids))
        # The domain too: many people have one of their own. null(): None would be stored as JSON.
        .values(context=null(), reply=None, domain="")
    )


def blank_records(connection: Connection, email_hash: bytes) -> int:
    """Erase what the ledger says about this address; the records and the chain over them stay."""
    ids = connection.scalars(
        select(LedgerEntry.id).where(
            LedgerEntry.subject == email_hash,
            LedgerEntry.event != ERASED_EVENT,
            LedgerEntry.payload.is_not(None),
            LedgerEntry.payload != _EMPTY,
        )
    ).all()
    return erase_payloads(connection, ids)


def blank_notes(connection: Connection, email_hash: bytes) -> int:
    """Erase what staff or servers wrote beside the suppressions of this address."""
    return connection.execute(
        update(Suppression)
        .where(Suppression.email_hash == email_hash, Suppression.note.is_not(None))
        .values(note=None)
    ).rowcount


def _addressee(row: Row[*tuple[Any, ...]]) -> str:
    return str((row.context or {}).get("address", ""))


def _is(text: str, address: EmailAddress) -> bool:
    try:
        return parse_address(text).key == address.key
    except AddressInvalid:
        return False
