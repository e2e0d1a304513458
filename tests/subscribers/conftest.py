"""A site's people desk on both databases, with a named cast and a clock that stands still."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from sqlalchemy import select

from mailer.addresses import EmailAddress, parse_address
from mailer.audit import Ledger
from mailer.keyring import Secrets, address_hash
from mailer.settings import Settings
from mailer.store import Store
from mailer.store.schema import (
    Base,
    Delivery,
    LedgerEntry,
    MailingList,
    Subscriber,
    Subscription,
    Suppression,
)
from mailer.subscribers.confirmation import ConfirmationRecipient, confirmation_recipients
from mailer.subscribers.erasure import Erasure
from mailer.subscribers.evidence import Evidence
from mailer.subscribers.joining import Joining
from mailer.subscribers.leaving import Leaving
from mailer.subscribers.links import sign_confirm, sign_not_me
from mailer.subscribers.lists import sync_lists
from mailer.subscribers.queries import decoded
from mailer.subscribers.suppressions import Suppressions
from mailer.tokens import LinkClaim, Purpose, Tokens, sign_link

ADA = parse_address("Ada@example.net")
BOB = parse_address("bob@example.org")
START = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)


def seen(ip: str | None = "192.0.2.7", *, language: str = "en") -> Evidence:
    """What the edge saw of one act."""
    return Evidence(
        ip=ip,
        user_agent="Mozilla/5.0",
        form_url="https://news.shop.example/subscribe/weekly",
        wording="Yes, send me Ohm & Volt Weekly every Friday.",
        policy_version="2026-11-01",
        language=language,
    )


@dataclass
class Desk:
    """Every service of the room over one store, and short words for what tests do with them."""

    store: Store
    settings: Settings
    secrets: Secrets
    tokens: Tokens
    ledger: Ledger
    clock: Any
    joining: Joining
    leaving: Leaving
    suppressions: Suppressions

    def request(self, address: EmailAddress = ADA, list_name: str = "weekly", **fields: str) -> None:
        """Sign up and have it judged."""
        self.joining.request(list_name, address, fields=fields, evidence=seen())
        self.joining.process_requests()

    def join(self, address: EmailAddress = ADA, list_name: str = "weekly", **fields: str) -> None:
        """Sign up and confirm."""
        self.request(address, list_name, **fields)
        self.joining.confirm(self.confirm_token(address, list_name), seen())

    def subscription(self, address: EmailAddress = ADA, list_name: str = "weekly") -> Any:
        """The row of one person on one list, or None."""
        query = (
            select(Subscription.__table__)
            .join(Subscriber, Subscriber.id == Subscription.subscriber_id)
            .join(MailingList, MailingList.id == Subscription.list_id)
            .where(Subscriber.email_key == address.key, MailingList.name == list_name)
        )
        with self.store.read() as connection:
            return connection.execute(query).first()

    def state(self, address: EmailAddress = ADA, list_name: str = "weekly") -> str | None:
        """The state of that row, or None."""
        row = self.subscription(address, list_name)
        return row.state.value if row else None

    def confirm_token(self, address: EmailAddress = ADA, list_name: str = "weekly") -> str:
        """The token of the confirm link alive for them."""
        row = self.subscription(address, list_name)
        return sign_confirm(self.tokens, row.tag, nonce=row.confirm_nonce)

    def leave_token(
        self, address: EmailAddress = ADA, list_name: str = "weekly", campaign: bytes = b""
    ) -> str:
        """The token of their opt-out link."""
        tag = self.subscription(address, list_name).tag
        return sign_link(self.tokens, Purpose.UNSUBSCRIBE, LinkClaim(tag, campaign))

    def not_me_token(self, address: EmailAddress = ADA) -> str:
        """The token of their not-me link."""
        return sign_not_me(self.tokens, self.hash(address))

    def hash(self, address: EmailAddress = ADA) -> bytes:
        """The keyed hash of an address."""
        return address_hash(self.secrets, address)

    def rows(self, table: type[Base]) -> list[Any]:
        """All rows of a table, by id where it has one."""
        order = [table.id] if hasattr(table, "id") else []
        with self.store.read() as connection:
            return list(connection.execute(select(table.__table__).order_by(*order)))

    def events(self, address: EmailAddress | None = ADA) -> list[str]:
        """What the ledger tells of one address, or of all."""
        rows = self.rows(LedgerEntry)
        return [row.event for row in rows if address is None or row.subject == self.hash(address)]

    def payload(self, event: str) -> dict[str, Any]:
        """What the latest record of that event says."""
        return decoded([row.payload for row in self.rows(LedgerEntry) if row.event == event][-1])

    def reasons(self, address: EmailAddress = ADA) -> set[tuple[str, int]]:
        """Every suppression of an address: reason and list id, 0 for all."""
        rows = self.rows(Suppression)
        return {(row.reason.value, row.list_id) for row in rows if row.email_hash == self.hash(address)}

    def list_id(self, name: str) -> int:
        """The id of a list."""
        return int(next(row.id for row in self.rows(MailingList) if row.name == name))

    def waiting(self) -> list[Any]:
        """The deliveries that would still leave."""
        return [row for row in self.rows(Delivery) if row.next_attempt_at is not None]

    def recipients(self) -> dict[int, Any]:
        """What delivery would be told about every delivery there is."""
        ids = [row.id for row in self.rows(Delivery)]
        with self.store.read() as connection:
            return dict(confirmation_recipients(connection, ids))

    def invited(self) -> list[ConfirmationRecipient]:
        """Whom a confirmation mail would reach now."""
        waiting = {row.id for row in self.waiting()}
        told = self.recipients()
        return [told[i] for i in waiting if isinstance(told[i], ConfirmationRecipient)]

    def pass_time(self, **span: float) -> None:
        """Let the clock jump."""
        self.clock.shift(timedelta(**span))


def make_desk(store: Store, settings: Settings, secrets: Secrets, clock: Any) -> Desk:
    """The services, wired as the application wires them."""
    ledger = Ledger(secrets)
    tokens = Tokens(secrets, confirm_seconds=settings.privacy.unconfirmed_days * 86400)
    return Desk(
        store=store,
        settings=settings,
        secrets=secrets,
        tokens=tokens,
        ledger=ledger,
        clock=clock,
        joining=Joining(store, settings, secrets, tokens, ledger),
        leaving=Leaving(store, settings, tokens, ledger),
        suppressions=Suppressions(store, settings, secrets, ledger),
    )


@pytest.fixture
def desk(store: Store, settings: Settings, secrets: Secrets) -> Iterator[Desk]:
    """The people desk of a new site, at START."""
    with time_machine.travel(START, tick=False) as clock:
        sync_lists(store, settings)
        yield make_desk(store, settings, secrets, clock)


@pytest.fixture
def erasure(desk: Desk) -> Erasure:
    """Erasure at the same desk."""
    return Erasure(desk.store, desk.secrets, desk.ledger)
