"""Migrations on a database that people are in: no row is lost on the way up, and the rules hold afterwards."""

from __future__ import annotations

import shutil
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, insert, inspect, select, text
from sqlalchemy.exc import DBAPIError

from mailer.audit import Ledger, seal, verify
from mailer.bundled import bundled
from mailer.keyring import Secrets
from mailer.store import SchemaOutdated, Store, migrate, open_store
from mailer.store.check import check_store
from mailer.store.schema import (
    AlertSending,
    Artefact,
    Base,
    BounceScore,
    Campaign,
    Delivery,
    Freeze,
    Hold,
    MailingList,
    Medium,
    PaceRow,
    Policy,
    ProviderRow,
    RaisedAlert,
    RateWindow,
    Report,
    ReturnedMail,
    SignupCount,
    SignupRequest,
    StaffLimit,
    StaffMember,
    StaffSession,
    Subscriber,
    Subscription,
    Suppression,
    Worker,
)
from mailer.store.vocabulary import Stream

NOW = datetime(2026, 11, 22, 9, 0, 0, 5, tzinfo=UTC)
TAG, HASH = bytes(range(16)), bytes(range(32))

#: One row of every table that a running site writes, in the order in which they lean on each other.
ROWS: list[tuple[type[Base], dict[str, Any]]] = [
    (MailingList, {"name": "weekly", "list_id": "w.lists.shop.example", "title": "Wöchentlich", "created_at": NOW}),
    (
        Subscriber,
        {
            "email": "Zoë@shop.example", "email_key": "zoë@shop.example", "email_hash": HASH, "domain": "shop.example",
            "language": "de", "fields": {"first_name": 'Zoë "Z"', "age": 3}, "created_at": NOW, "updated_at": NOW,
        },
    ),
    (
        Subscription,
        {
            "subscriber_id": 1, "list_id": 1, "tag": TAG, "state": "confirmed", "source": "form", "requested_at": NOW,
            "confirmed_at": NOW,
        },
    ),
    (
        Suppression,
        {"email_hash": HASH, "list_id": 0, "reason": "complaint", "source": "x", "note": "ß", "created_at": NOW},
    ),
    (
        SignupRequest,
        {"list_name": "weekly", "email": "a@b.example", "language": "en", "received_at": NOW},
    ),
    (SignupCount, {"key_hash": HASH, "window_at": NOW, "count": 2}),
    (Policy, {"version": "2026-11-22", "language": "en", "sha256": "0" * 64, "source": "# Us", "published_at": NOW}),
    (Artefact, {"hash": "a" * 64, "content": b"\0\xff{}", "created_at": NOW}),
    (Medium, {"hash": "b" * 64, "content_type": "image/png", "content": b"\x89PNG", "created_at": NOW}),
    (
        Campaign,
        {
            "tag": b"sixsix", "slug": "week-48", "subject": "Ten LEDs", "list_id": 1, "state": "finished",
            "artefact_hash": "a" * 64, "scheduled_at": NOW, "timezone": "Europe/Berlin", "expected_count": 1,
            "created_at": NOW,
        },
    ),
    (
        Delivery,
        {
            "stream": 1, "kind": "campaign", "campaign_id": 1, "subscription_id": 1, "domain": "shop.example",
            "state": "accepted", "created_at": NOW, "reply_code": 250, "digest": HASH,
        },
    ),
    (Worker, {"host": "a", "pid": 1, "journal": "/srv/j", "started_at": NOW, "heartbeat_at": NOW}),
    (RateWindow, {"route": "main", "next_at": NOW}),
    (
        ReturnedMail,
        {"received_at": NOW, "source": "pipe", "digest": HASH, "size": 2, "raw": b"\0x", "state": "waiting"},
    ),
    (
        Report,
        {
            "received_at": NOW, "kind": "complaint", "campaign_id": 1, "delivery_id": 1, "domain": "shop.example",
            "mail_id": 1, "severity": "complaint", "effect": "suppressed", "email_hash": HASH,
        },
    ),
    (Hold, {"email_hash": HASH, "report_id": 1, "provider": "google", "held_at": NOW, "due_at": NOW}),
    (BounceScore, {"email_hash": HASH, "score": 1.5, "first_at": NOW, "last_at": NOW}),
    (
        Freeze,
        {"scope": "provider", "key": "google", "reason": "blocked", "opened_at": NOW, "last_at": NOW, "facts": {}},
    ),
    (
        RaisedAlert,
        {"kind": "test", "cause": "test", "hour_at": NOW, "raised_at": NOW, "subject": "ß", "text": "x"},
    ),
    (AlertSending, {"alert_id": 1, "channel": "mail", "send_at": NOW}),
    (PaceRow, {"key": "relay:main", "limit": 0.1, "until": NOW, "updated_at": NOW, "memory": {"a": 1.5}}),
    (ProviderRow, {"domain": "shop.example", "provider": "google", "expires_at": NOW}),
    (StaffMember, {"name": "ada", "role": "viewer", "totp_step": 7, "created_at": NOW}),
    (StaffSession, {"token_hash": bytes(32), "staff_id": 1, "created_at": NOW, "seen_at": NOW, "expires_at": NOW}),
    (StaffLimit, {"key_hash": bytes(32), "free_at": NOW, "known_until": NOW}),
]  # fmt: skip


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.real)])
def filled(request: pytest.FixtureRequest, tmp_path: Path, secrets: Secrets) -> Iterator[Store]:
    """A database of its own with a row in every table, two ledger records and a seal."""
    if request.param == "sqlite":
        template = request.getfixturevalue("_sqlite_template")
        shutil.copy(template, tmp_path / "filled.db")
        (tmp_path / "filled.db").chmod(0o600)
        url = "sqlite:///filled.db"
    else:
        url = _new_database(request.getfixturevalue("postgresql_url"), "filled")
    store = open_store(url, root=tmp_path)
    migrate.require_current(store)
    with store.write() as connection:
        for table, row in ROWS:
            connection.execute(insert(table), [row])
        for event in ("requested", "confirmed"):
            Ledger(secrets).append(connection, stream=Stream.CONSENT, event=event, payload={"list": "weekly"})
    seal(store, secrets, tmp_path / "head")
    yield store
    store.dispose()


def _new_database(shared: str, name: str) -> str:
    admin = create_engine(shared, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)"))
        connection.execute(text(f"CREATE DATABASE {name}"))
    admin.dispose()
    return f"{shared.rsplit('/', 1)[0]}/{name}"


def _everything(store: Store) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table."""
    with store.read() as connection:
        return {
            table.name: sorted((tuple(row) for row in connection.execute(select(table))), key=repr)
            for table in Base.metadata.sorted_tables
        }


def test_every_table_has_a_row_in_this_test(filled: Store) -> None:
    assert [name for name, rows in _everything(filled).items() if not rows] == []


def test_an_upgrade_of_what_is_up_to_date_touches_nothing(filled: Store) -> None:
    before = _everything(filled)
    migrate.upgrade(filled)
    assert _everything(filled) == before


def test_each_step_down_and_up_again_keeps_the_rows_of_the_tables_that_stay(filled: Store) -> None:
    """The first schema is where everything begins; every later one must carry the rows over, both ways."""
    before = _everything(filled)
    script = ScriptDirectory(str(bundled("alembic")))
    for revision in list(script.walk_revisions())[:-1]:
        migrate.downgrade(filled, str(revision.down_revision))
    with filled.read() as connection:
        stayed = inspect(connection).get_table_names()
    migrate.upgrade(filled)
    after = _everything(filled)
    assert {name: after[name] for name in before if name in stayed} == {
        name: rows for name, rows in before.items() if name in stayed
    }


def test_a_check_finds_a_filled_database_sound(filled: Store) -> None:
    assert check_store(filled).faults == ()


def test_the_ledger_still_refuses_an_edit_after_an_upgrade(filled: Store) -> None:
    migrate.upgrade(filled)
    for statement in ("UPDATE ledger SET event = 'x'", "DELETE FROM ledger", "DELETE FROM seals"):
        with pytest.raises(DBAPIError, match="append-only"), filled.write() as connection:
            connection.execute(text(statement))


def test_the_ledger_still_proves_itself_after_an_upgrade(
    filled: Store, secrets: Secrets, tmp_path: Path
) -> None:
    migrate.upgrade(filled)
    assert verify(filled, secrets, tmp_path / "head").findings == ()


def test_a_start_leaves_a_filled_database_as_it_is(filled: Store) -> None:
    before = _everything(filled)
    migrate.require_current(filled)
    assert _everything(filled) == before


def test_a_database_of_a_later_version_is_not_touched(filled: Store) -> None:
    """Somebody rolled the program back: it says so, and changes nothing."""
    before = _everything(filled)
    with filled.write() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(SchemaOutdated, match="at schema 9999") as refused:
        migrate.require_current(filled)
    assert refused.value.facts == {"found": "9999", "wanted": migrate.newest_revision()}
    assert _everything(filled) == before


def test_down_to_the_base_leaves_no_table_no_trigger_and_no_function(filled: Store) -> None:
    migrate.downgrade(filled, "base")
    with filled.read() as connection:
        assert set(inspect(connection).get_table_names()) <= {"alembic_version"}
        if filled.is_sqlite:
            left = connection.execute(text("SELECT name FROM sqlite_master WHERE type = 'trigger'"))
        else:
            left = connection.execute(
                text("SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace")
            )
        assert left.all() == []


def test_all_that_start_on_an_empty_database_make_one_schema(tmp_path: Path) -> None:
    """`mailer up` starts the pages and the senders at the same moment; one of them makes the log meanwhile."""
    stores = [open_store("sqlite:///new.db", root=tmp_path) for _ in range(6)]
    failed: list[BaseException] = []

    def start(store: Store) -> None:
        try:
            migrate.require_current(store)
        except BaseException as error:  # noqa: BLE001 - shown below, on the thread that asks
            failed.append(error)

    threads = [threading.Thread(target=start, args=(store,)) for store in stores]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for store in stores:
        store.dispose()
    assert failed == []


def test_both_databases_carry_every_index_of_the_models(filled: Store) -> None:
    """Also the partial ones, which claims and the seal read and nothing else."""
    with filled.read() as connection:
        found = {
            index["name"]
            for table in Base.metadata.sorted_tables
            for index in inspect(connection).get_indexes(table.name)
        }
    wanted = {index.name for table in Base.metadata.sorted_tables for index in table.indexes}
    assert wanted <= found


# --- mailer db check --------------------------------------------------------------------------------


def test_a_damaged_page_is_a_fault_with_its_remedy(sqlite_store: Store) -> None:
    path = str(sqlite_store.engine.url.database)
    sqlite_store.dispose()
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("PRAGMA writable_schema = ON")
        connection.execute("UPDATE sqlite_master SET rootpage = 3 WHERE name = 'ix_ledger_subject'")
    faults = check_store(sqlite_store).faults
    assert faults and all(fault.endswith("Restore a backup.") for fault in faults)


@pytest.mark.rule("D28")
@pytest.mark.parametrize(
    ("mode", "fault"), [(0o640, True), (0o620, True), (0o604, True), (0o600, False), (0o400, False)]
)
def test_the_database_must_be_private_to_its_owner(sqlite_store: Store, mode: int, fault: bool) -> None:
    path = Path(str(sqlite_store.engine.url.database))
    sqlite_store.ping()
    path.chmod(mode)
    told = f"{path} has mode {mode:04o}, others may read it; run: chmod 600 {path}"
    assert (told in check_store(sqlite_store).faults) is fault


def test_several_that_open_one_database_at_once_all_get_in(sqlite_store: Store) -> None:
    """While the last one closes it, SQLite holds the file for a moment."""
    path = Path(str(sqlite_store.engine.url.database))
    sqlite_store.dispose()
    failed: list[Exception] = []

    def open_and_close() -> None:
        for _ in range(10):
            store = open_store(f"sqlite:///{path}", root=path.parent)
            try:
                store.ping()
            except Exception as error:  # noqa: BLE001 - shown below, on the thread that asks
                failed.append(error)
            store.dispose()

    threads = [threading.Thread(target=open_and_close) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
