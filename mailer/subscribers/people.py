"""What is stored about one person, for the staff who ask by the full address; each look is on record (F4)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from mailer.addresses import EmailAddress
from mailer.audit import Ledger
from mailer.audit.read import Filter, Record, records
from mailer.errors import MailerError
from mailer.keyring import Secrets, address_hash
from mailer.store import Store
from mailer.store.vocabulary import Stream, SubscriptionState, SuppressionReason
from mailer.subscribers import queries


class PersonUnknown(MailerError):
    """Nobody with this address is stored, and it is not suppressed."""


@dataclass(frozen=True, slots=True)
class SubscriptionView:
    """Where a person stands on one list."""

    list_name: str
    state: SubscriptionState
    source: str
    requested_at: datetime
    confirmed_at: datetime | None
    unsubscribed_at: datetime | None
    link_until: datetime | None  #: a confirm link is alive until then

    @property
    def since(self) -> datetime:
        """When they came to stand where they stand."""
        since = {
            SubscriptionState.PENDING: self.requested_at,
            SubscriptionState.CONFIRMED: self.confirmed_at,
            SubscriptionState.UNSUBSCRIBED: self.unsubscribed_at,
        }
        return since[self.state] or self.requested_at


@dataclass(frozen=True, slots=True)
class SuppressionView:
    """Why a person is not mailed, and on which list (None: on every list)."""

    reason: SuppressionReason
    list_name: str | None
    source: str
    note: str | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class PersonView:
    """Everything stored about one address; only suppressions remain of an erased one."""

    email: str
    language: str | None
    fields: Mapping[str, Any]
    created_at: datetime | None
    subscriptions: tuple[SubscriptionView, ...]
    suppressions: tuple[SuppressionView, ...]
    history: tuple[Record, ...]  #: the consent record, oldest first


class People:
    """Looks people up."""

    def __init__(self, store: Store, secrets: Secrets, ledger: Ledger) -> None:
        self._store = store
        self._secrets = secrets
        self._ledger = ledger

    def show(self, address: EmailAddress) -> PersonView:
        """What is stored about an address. Raises PersonUnknown."""
        email_hash = address_hash(self._secrets, address)
        with self._store.write() as connection:
            view = _view(connection, address, email_hash)
            if view is None:
                raise PersonUnknown()
            self._ledger.append(
                connection, stream=Stream.AUDIT, event="subscriber_shown", payload={}, subject=email_hash
            )
        return view

    def reasons(self, address: EmailAddress, *, list_name: str) -> list[SuppressionReason]:
        """Why an address is not mailed on a list, if it is not."""
        email_hash = address_hash(self._secrets, address)
        with self._store.read() as connection:
            found = queries.list_by_name(connection, list_name)
            return sorted(queries.reasons_in_scope(connection, email_hash, list_id=found.id)) if found else []


def _view(connection: Connection, address: EmailAddress, email_hash: bytes) -> PersonView | None:
    person = queries.person_by_key(connection, address.key)
    suppressions = queries.suppressions_of(connection, email_hash)
    if person is None and not suppressions:
        return None
    joined = queries.subscriptions_of_person(connection, person.id) if person else []
    consent = records(connection, Filter(stream=Stream.CONSENT, subject=email_hash))
    return PersonView(
        email=person.email if person else str(address),
        language=person.language if person else None,
        fields=person.fields if person else {},
        created_at=person.created_at if person else None,
        subscriptions=tuple(_subscription(row) for row in joined),
        suppressions=tuple(
            SuppressionView(row.reason, row.list, row.source, row.note, row.created_at)
            for row in suppressions
        ),
        history=tuple(sorted(consent, key=lambda record: record.id)),
    )


def _subscription(row: Any) -> SubscriptionView:
    return SubscriptionView(
        list_name=row.list,
        state=row.state,
        source=row.source,
        requested_at=row.requested_at,
        confirmed_at=row.confirmed_at,
        unsubscribed_at=row.unsubscribed_at,
        link_until=row.expires_at if row.confirm_nonce else None,
    )
