"""The ledger proves what happened, names what was touched, and forgets a payload without breaking."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from mailer.audit import Entry, Ledger, seal, verify
from mailer.audit.digest import ids_of, ranges_of
from mailer.audit.head import Head, read_head, write_head
from mailer.audit.ledger import erase_payloads
from mailer.audit.read import Filter, records
from mailer.audit.seal import pending
from mailer.keyring import Secrets
from mailer.store import Store
from mailer.store.schema import LedgerEntry
from mailer.store.vocabulary import Stream

ADA = b"a" * 32


@pytest.fixture
def head(tmp_path: Path) -> Path:
    return tmp_path / "ledger.head"


@pytest.fixture
def record(store: Store, ledger: Ledger) -> Callable[[int], list[int]]:
    """Append so many consent records about Ada."""

    def append(count: int) -> list[int]:
        entries = [
            Entry(Stream.CONSENT, "requested", {"number": n, "words": "Grüße"}, ADA) for n in range(count)
        ]
        with store.write() as connection:
            return ledger.append_many(connection, entries)

    return append


def _tamper(store: Store, statement: str) -> None:
    """Change the ledger as someone with the database's own rights could: triggers off."""
    with store.write() as connection:
        if store.is_sqlite:
            for table in ("ledger", "seals"):
                for verb in ("update", "delete"):
                    connection.exec_driver_sql(f"DROP TRIGGER {table}_{verb}")
        else:
            connection.exec_driver_sql("SET LOCAL session_replication_role = replica")
        connection.exec_driver_sql(statement)


def _messages(store: Store, secrets: Secrets, head: Path) -> list[str]:
    return [finding.message for finding in verify(store, secrets, head).findings]


def test_ids_come_back_in_the_order_given(record: Callable[[int], list[int]]) -> None:
    ids = record(50)
    assert ids == sorted(ids) and len(set(ids)) == 50


@pytest.mark.rule("C4", "D27")
def test_an_untouched_ledger_verifies(
    store: Store, secrets: Secrets, head: Path, record: Callable[[int], list[int]]
) -> None:
    record(25)
    assert seal(store, secrets, head, slice_rows=10) == 25
    record(3)
    verdict = verify(store, secrets, head)
    assert (verdict.rows, verdict.seals, verdict.findings) == (28, 3, ())


def test_sealing_is_done_when_nothing_waits(
    store: Store, secrets: Secrets, head: Path, record: Callable[[int], list[int]]
) -> None:
    record(1)
    with store.read() as connection:
        assert pending(connection)
    seal(store, secrets, head)
    with store.read() as connection:
        assert not pending(connection)
    assert seal(store, secrets, head) == 0


@pytest.mark.rule("C4")
@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("event = 'confirmed'", "Row 7 (confirmed) was altered: its digest"),
        ("at = '2020-01-01 00:00:00'", "Row 7 (requested) was altered: its digest"),
        ("subject = NULL", "Row 7 (requested) was altered: its digest"),
        ("payload = '{}'", "Row 7 (requested) was altered: its payload"),
        ("seal_id = NULL", "Row 7 is missing: seal 1 covers it."),
    ],
)
def test_an_altered_row_is_named(
    store: Store,
    secrets: Secrets,
    head: Path,
    record: Callable[[int], list[int]],
    *,
    change: str,
    said: str,
) -> None:
    record(12)
    seal(store, secrets, head)
    _tamper(store, f"UPDATE ledger SET {change} WHERE id = 7")
    assert any(message.startswith(said) for message in _messages(store, secrets, head))


@pytest.mark.rule("C4")
def test_a_missing_row_is_named(
    store: Store, secrets: Secrets, head: Path, record: Callable[[int], list[int]]
) -> None:
    record(12)
    seal(store, secrets, head)
    _tamper(store, "DELETE FROM ledger WHERE id = 7")
    assert _messages(store, secrets, head) == ["Row 7 is missing: seal 1 covers it."]


def test_a_cut_tail_is_found_by_the_head_outside_the_database(
    store: Store, secrets: Secrets, head: Path, record: Callable[[int], list[int]]
) -> None:
    record(4)
    seal(store, secrets, head)
    record(4)
    seal(store, secrets, head)
    _tamper(store, "DELETE FROM ledger WHERE seal_id = 2")
    if store.is_sqlite:
        with store.write() as connection:
            connection.exec_driver_sql("DELETE FROM seals WHERE id = 2")
    else:
        _tamper(store, "DELETE FROM seals WHERE id = 2")
    assert _messages(store, secrets, head) == [
        "The tail was cut: seal 2 is on record outside the database and is gone."
    ]


def test_a_seal_taken_out_of_the_middle_is_named(
    store: Store, secrets: Secrets, head: Path, record: Callable[[int], list[int]]
) -> None:
    for _ in range(3):
        record(2)
        seal(store, secrets, head)
    _tamper(store, "UPDATE ledger SET seal_id = 1 WHERE seal_id = 2")
    said = _messages(store, secrets, head)
    assert "Row 3 is missing: seal 2 covers it." in said
    assert "2 rows claim a seal that does not cover them." in said


def test_a_row_written_without_the_key_is_named(
    store: Store, secrets: Secrets, head: Path, record: Callable[[int], list[int]]
) -> None:
    record(2)
    columns = "stream, event, at, payload, salt, commitment, digest"
    _tamper(
        store,
        f"INSERT INTO ledger ({columns}) SELECT stream, 'confirmed', at, payload, salt, commitment, digest"
        " FROM ledger WHERE id = 1",
    )
    assert _messages(store, secrets, head) == ["Row 3 (confirmed) was altered: its digest does not match."]


def test_a_lost_head_is_said(
    store: Store, secrets: Secrets, head: Path, record: Callable[[int], list[int]]
) -> None:
    record(2)
    seal(store, secrets, head)
    head.unlink()
    assert _messages(store, secrets, head) == ["The head of the chain is not on record outside the database."]


@pytest.mark.rule("C4")
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE ledger SET event = 'confirmed'",
        "UPDATE ledger SET payload = '{}'",
        "UPDATE ledger SET seal_id = 1 WHERE seal_id IS NOT NULL AND id = 1 OR event = 'x'; UPDATE seals SET ids = '1'",
        "DELETE FROM ledger",
        "DELETE FROM seals",
    ],
)
def test_the_database_itself_refuses_an_edit(
    store: Store, secrets: Secrets, head: Path, record: Callable[[int], list[int]], *, statement: str
) -> None:
    record(3)
    seal(store, secrets, head)
    with pytest.raises(DBAPIError, match="append-only"), store.write() as connection:
        for part in statement.split("; "):
            connection.execute(text(part))


@pytest.mark.rule("C20")
def test_an_erased_payload_is_gone_and_the_chain_still_verifies(
    store: Store, secrets: Secrets, head: Path, record: Callable[[int], list[int]]
) -> None:
    ids = record(6)
    seal(store, secrets, head)
    with store.write() as connection:
        assert erase_payloads(connection, ids[:3]) == 3
    with store.read() as connection:
        rows = connection.execute(
            select(LedgerEntry.payload, LedgerEntry.salt).order_by(LedgerEntry.id)
        ).all()
    assert [tuple(row) for row in rows[:3]] == [(None, None)] * 3
    assert rows[3].payload == '{"number":3,"words":"Grüße"}'
    assert _messages(store, secrets, head) == []


def test_a_record_rolled_back_with_its_change_leaves_a_gap_that_is_no_finding(
    store: Store, secrets: Secrets, ledger: Ledger, head: Path, record: Callable[[int], list[int]]
) -> None:
    record(2)
    with pytest.raises(LookupError), store.write() as connection:
        ledger.append(connection, stream=Stream.AUDIT, event="schedule", payload={})
        raise LookupError
    record(2)
    seal(store, secrets, head)
    assert _messages(store, secrets, head) == []


def test_sealers_in_parallel_never_fork_the_chain(
    store: Store, secrets: Secrets, head: Path, record: Callable[[int], list[int]]
) -> None:
    record(60)
    threads = [
        threading.Thread(target=seal, args=(store, secrets, head), kwargs={"slice_rows": 7}) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    verdict = verify(store, secrets, head)
    assert (verdict.rows, verdict.findings) == (60, ())


def test_one_persons_history_is_read_by_the_keyed_hash(
    store: Store, ledger: Ledger, record: Callable[[int], list[int]]
) -> None:
    record(2)
    with store.write() as connection:
        ledger.append(connection, stream=Stream.CONSENT, event="confirmed", payload={}, subject=b"b" * 32)
    with store.read() as connection:
        assert [each.event for each in records(connection, Filter(subject=ADA))] == ["requested", "requested"]
        assert [each.payload for each in records(connection, Filter(event="confirmed"))] == [{}]
        assert [each.id for each in records(connection, Filter(stream=Stream.CONSENT), limit=1)] == [3]


def test_an_older_head_never_replaces_a_newer_one(head: Path) -> None:
    write_head(head, Head(3, b"3" * 32))
    write_head(head, Head(2, b"2" * 32))
    assert read_head(head) == Head(3, b"3" * 32)
    assert head.stat().st_mode & 0o777 == 0o600


@given(st.sets(st.integers(min_value=1, max_value=400), min_size=1))
def test_ranges_name_exactly_the_ids_they_were_made_from(ids: set[int]) -> None:
    assert ids_of(ranges_of(sorted(ids))) == sorted(ids)
