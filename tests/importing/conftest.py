"""What every import test leans on: the service on a fresh store, a file from text, a look at what is stored."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Row, Select, func, select

from mailer.addresses import parse_address
from mailer.audit import Ledger
from mailer.keyring import Secrets, address_hash
from mailer.settings import Settings
from mailer.store import Store
from mailer.store.schema import (
    Delivery,
    LedgerEntry,
    MailingList,
    Subscriber,
    Subscription,
    Suppression,
)
from mailer.subscribers.importing import Declaration, ImportOptions, ImportReport, Imports
from mailer.subscribers.lists import sync_lists

MakeFile = Callable[..., Path]

#: Somebody who vouches, and the evidence for rows that bring none.
EVE = Declaration(by="Eve", consent_date=date(2024, 5, 1), evidence="paper forms, folder 7")


@dataclass(frozen=True)
class Office:
    """The import service and eyes on what it did."""

    imports: Imports
    store: Store
    secrets: Secrets

    def run(self, path: Path, list_name: str = "weekly", **options: Any) -> ImportReport:
        """Import, with Eve vouching unless told otherwise."""
        options.setdefault("declaration", EVE)
        return self.imports.run(path, list_name, options=ImportOptions(**options))

    def hash(self, email: str) -> bytes:
        """How suppressions and the ledger know an address."""
        return address_hash(self.secrets, parse_address(email))

    def subscription(self, email: str, list_name: str = "weekly") -> Row[Any] | None:
        """The subscription with its person's columns, or None."""
        with self.store.read() as connection:
            return connection.execute(
                select(
                    Subscription, Subscriber.email, Subscriber.fields, Subscriber.language, Subscriber.domain
                )
                .join(Subscriber, Subscriber.id == Subscription.subscriber_id)
                .join(MailingList, MailingList.id == Subscription.list_id)
                .where(Subscriber.email_hash == self.hash(email), MailingList.name == list_name)
            ).first()

    def state(self, email: str, list_name: str = "weekly") -> str | None:
        """Where a person stands, or None."""
        row = self.subscription(email, list_name)
        return row.state.value if row else None

    def suppressions(self, email: str) -> set[tuple[str, int]]:
        """(reason, list id) of every suppression of an address."""
        with self.store.read() as connection:
            rows = connection.execute(
                select(Suppression.reason, Suppression.list_id).where(
                    Suppression.email_hash == self.hash(email)
                )
            )
            return {(row.reason.value, row.list_id) for row in rows}

    def ledger(self, event: str | None = None) -> list[Row[Any]]:
        """The ledger's rows, of one event or all."""
        query: Select[Any] = select(LedgerEntry.event, LedgerEntry.subject, LedgerEntry.payload).order_by(
            LedgerEntry.id
        )
        with self.store.read() as connection:
            if event is not None:
                query = query.where(LedgerEntry.event == event)
            return list(connection.execute(query).all())

    def count(self, table: Any) -> int:
        """How many rows a table has."""
        with self.store.read() as connection:
            return connection.execute(select(func.count()).select_from(table)).scalar_one()

    def deliveries(self) -> list[Row[Any]]:
        """Every delivery, in the order in which they are due."""
        with self.store.read() as connection:
            return list(connection.execute(select(Delivery.__table__).order_by(Delivery.next_attempt_at)))

    def everything(self) -> dict[str, list[tuple[Any, ...]]]:
        """Every row about people, to see that nothing changed."""
        tables = (Subscriber, Subscription, Suppression, Delivery)
        with self.store.read() as connection:
            return {
                table.__tablename__: [tuple(row) for row in connection.execute(select(table.__table__))]
                for table in tables
            }


def office_of(store: Store, settings: Settings, secrets: Secrets) -> Office:
    """The service on a store whose lists are in step."""
    sync_lists(store, settings)
    return Office(Imports(store, settings, secrets, Ledger(secrets)), store, secrets)


@pytest.fixture
def office(store: Store, settings: Settings, secrets: Secrets) -> Office:
    """The service, on both databases."""
    return office_of(store, settings, secrets)


@pytest.fixture
def sqlite_office(sqlite_store: Store, settings: Settings, secrets: Secrets) -> Office:
    """The service, on SQLite only: for what does not depend on the database."""
    return office_of(sqlite_store, settings, secrets)


@pytest.fixture
def postgresql_office(postgresql_store: Store, settings: Settings, secrets: Secrets) -> Office:
    """The service, on PostgreSQL only: for what needs two writers at once."""
    return office_of(postgresql_store, settings, secrets)


@pytest.fixture
def make_file(tmp_path: Path) -> MakeFile:
    """Write text or bytes into a file."""

    def make(content: str | bytes, name: str = "people.csv", encoding: str = "utf-8") -> Path:
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode(encoding))
        return path

    return make
