"""After an erasure nothing in the database, its log or its tables tells of the person (C20, C21)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import time_machine
from sqlalchemy import insert, select, update

from mailer import clock
from mailer.addresses import EmailAddress
from mailer.keyring import Secrets
from mailer.settings import Settings
from mailer.store import Store
from mailer.store.schema import Delivery, LedgerEntry, SignupRequest, Subscriber, Subscription, Suppression
from mailer.store.vocabulary import DeliveryState, SuppressionReason
from mailer.subscribers import traces
from mailer.subscribers.erasure import Erasure
from mailer.subscribers.lists import sync_lists
from tests.subscribers.conftest import ADA, START, Desk, make_desk, seen
from tests.subscribers.erasing import WHY, deliver, proof

#: What must not be found anywhere afterwards: the address in each spelling, and the name.
TRACES = (b"Ada@example.net", b"ada@example.net", b"Lovelace-Byron", b"Ada")


def neighbours(desk: Desk, numbers: range) -> None:
    for number in numbers:
        address = EmailAddress(f"reader{number}", f"host{number}.example")
        evidence = seen(f"198.51.100.{number}")
        desk.joining.request("weekly", address, fields={"first_name": "Reader"}, evidence=evidence)
    desk.joining.process_requests()


def everything_about_ada(desk: Desk) -> None:
    """Every place that could hold her, filled, among people who stay."""
    neighbours(desk, range(60))
    desk.join(ADA, "weekly", first_name="Ada Lovelace-Byron")
    desk.join(ADA, "clearance")
    deliver(desk, DeliveryState.REJECTED, reply="550 <Ada@example.net> unknown")
    proof(desk, DeliveryState.ACCEPTED, "Ada@example.net")
    desk.suppressions.add(ADA, SuppressionReason.HARD_BOUNCE, note="<ada@example.net> is unknown")
    desk.joining.request("weekly", ADA, fields={"first_name": "Ada Lovelace-Byron"}, evidence=seen())
    with desk.store.write() as connection:
        # A row that outgrows its page is moved; the bytes it leaves behind must not stay.
        fields = {"first_name": "Ada Lovelace-Byron " * 400}
        connection.execute(update(Subscriber).where(Subscriber.email_key == ADA.key).values(fields=fields))
    neighbours(desk, range(60, 90))


def bytes_of(store: Store) -> dict[str, bytes]:
    path = Path(str(store.engine.url.database))
    files = {suffix: path.with_name(path.name + suffix) for suffix in ("", "-wal", "-shm")}
    return {suffix: file.read_bytes() for suffix, file in files.items() if file.exists()}


@pytest.fixture
def sqlite_desk(sqlite_store: Store, settings: Settings, secrets: Secrets) -> Iterator[Desk]:
    """The desk on SQLite alone: there is a file to look into."""
    with time_machine.travel(START, tick=False) as stopped:
        sync_lists(sqlite_store, settings)
        yield make_desk(sqlite_store, settings, secrets, stopped)


@pytest.mark.rule("C20", "C21")
def test_neither_the_file_nor_its_log_holds_the_address_or_the_name(sqlite_desk: Desk) -> None:
    everything_about_ada(sqlite_desk)
    before = b"".join(bytes_of(sqlite_desk.store).values())
    assert all(trace in before for trace in TRACES), "or this test would show nothing"
    done = Erasure(sqlite_desk.store, sqlite_desk.secrets, sqlite_desk.ledger).erase(ADA, why=WHY)
    assert done.overwritten
    after = bytes_of(sqlite_desk.store)
    assert [(suffix, trace) for suffix, held in after.items() for trace in TRACES if trace in held] == []
    assert b"reader42@host42.example" in after[""], "the others are still there"


@pytest.mark.rule("C21")
def test_a_reader_of_the_old_state_is_waited_for_and_then_named(
    sqlite_desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    sqlite_desk.join()
    store = sqlite_desk.store
    monkeypatch.setattr(store, "empty_log", lambda: Store.empty_log(store, patience_seconds=0.05))
    erasure = Erasure(store, sqlite_desk.secrets, sqlite_desk.ledger)
    with store.read() as reader:
        reader.execute(select(Subscriber.id)).all()
        assert not erasure.erase(ADA, why=WHY).overwritten
    assert erasure.erase(ADA, why=WHY).overwritten, "the second run finishes the first"
    assert b"ada@example.net" not in b"".join(bytes_of(store).values())


def test_no_table_holds_the_address_or_the_name(desk: Desk, erasure: Erasure) -> None:
    """The same on both databases, read row by row."""
    everything_about_ada(desk)
    erasure.erase(ADA, why=WHY)
    tables = [Subscriber, Subscription, SignupRequest, Suppression, Delivery, LedgerEntry]
    held = "\n".join(repr(tuple(row)) for table in tables for row in desk.rows(table))
    assert "reader42@host42.example" in held
    assert not [trace for trace in TRACES if trace.decode() in held]


def test_a_subscription_being_imported_at_this_moment_is_erased_too(postgresql_store: Store) -> None:
    """The person's row is locked whole, so whoever refers to it finishes first."""
    now = clock.now()
    with postgresql_store.write() as connection:
        statement = insert(Subscriber).values(
            email="ada@example.net",
            email_key="ada@example.net",
            email_hash=bytes(32),
            domain="example.net",
            language="en",
            fields={},
            created_at=now,
            updated_at=now,
        )
        person = connection.execute(statement.returning(Subscriber.id)).scalar_one()
    with postgresql_store.write() as connection:
        holder = traces.lock_holder(connection, bytes(32))
        assert holder is not None and holder.subscriber_id == person
        with postgresql_store.read() as other:
            free = other.execute(select(Subscriber.id).with_for_update(skip_locked=True, key_share=True))
            assert free.all() == []
