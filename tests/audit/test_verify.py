"""`verify` against somebody with the database's own rights: whatever was touched is named, nothing else is."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing, suppress
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, event, text

from mailer.audit import Entry, Finding, Ledger, Verdict, seal, verify
from mailer.audit.digest import GENESIS, MAX_SEALED_ROWS, ids_of, ranges_of, seal_hash
from mailer.audit.head import Head, read_head, write_head
from mailer.audit.ledger import erase_payloads
from mailer.keyring import Secrets, create_secrets
from mailer.store import Store
from mailer.store.vocabulary import Stream

ADA = b"a" * 32


@pytest.fixture
def head(tmp_path: Path) -> Path:
    """Where the head is kept outside the database."""
    return tmp_path / "ledger.head"


@pytest.fixture
def record(store: Store, ledger: Ledger) -> Callable[[int], list[int]]:
    """Append so many records about Ada."""

    def append(count: int) -> list[int]:
        entries = [Entry(Stream.CONSENT, "requested", {"number": number}, ADA) for number in range(count)]
        with store.write() as connection:
            return ledger.append_many(connection, entries)

    return append


@pytest.fixture
def chain(
    store: Store, secrets: Secrets, head: Path, record: Callable[[int], list[int]]
) -> Callable[..., Verdict]:
    """Two seals over rows 1-4 and 5-8; calling it tampers as told and verifies."""
    record(4)
    seal(store, secrets, head)
    record(4)
    seal(store, secrets, head)

    def tampered(*statements: str, **values: object) -> Verdict:
        tamper(store, *statements, **values)
        return verify(store, secrets, head)

    return tampered


def tamper(store: Store, *statements: str, **values: object) -> None:
    """Run statements with the triggers and constraints off."""
    if store.is_sqlite:
        with closing(sqlite3.connect(str(store.engine.url.database))) as connection, connection:
            for table, verb in product(("ledger", "seals"), ("update", "delete")):
                connection.execute(f"DROP TRIGGER IF EXISTS {table}_{verb}")
            for statement in statements:
                connection.execute(statement, values)
        return
    with store.write() as writing:
        writing.exec_driver_sql("SET LOCAL session_replication_role = replica")
        for statement in statements:
            writing.execute(text(statement), values)


def rows_of(verdict: Verdict) -> list[int | None]:
    return [finding.row for finding in verdict.findings]


def said(verdict: Verdict) -> list[str]:
    return [finding.message for finding in verdict.findings]


# --- what a row may hold ----------------------------------------------------------------------------


@pytest.mark.rule("C4")
@pytest.mark.parametrize(
    "change",
    [
        "stream = 'audit'",
        "stream = 'gossip'",
        "stream = ''",
        "event = ''",
        "subject = :long",
        "subject = :other",
        "commitment = :other",
        "at = '1970-01-01 00:00:00+00:00'",
    ],
)
def test_a_row_with_a_value_that_was_never_written_is_named(
    chain: Callable[..., Verdict], change: str
) -> None:
    """A word that the vocabulary lacks or a subject of 300 bytes is a finding, not a crash."""
    values = {"long": bytes(300), "other": b"b" * 32}
    used = {name: value for name, value in values.items() if f":{name}" in change}
    assert rows_of(chain(f"UPDATE ledger SET {change} WHERE id = 3", **used)) == [3]


@pytest.mark.rule("C4")
@pytest.mark.parametrize(
    "change",
    [
        "at = 'some day'",
        "at = 5",
        "salt = 'text'",
        "payload = x'ff'",
        "subject = 'text'",
        "commitment = 12",
        "event = x'00ff'",
    ],
)
def test_a_value_of_a_type_that_sqlite_lets_in_is_named(
    sqlite_store: Store, secrets: Secrets, ledger: Ledger, head: Path, change: str
) -> None:
    with sqlite_store.write() as connection:
        ledger.append_many(connection, [Entry(Stream.AUDIT, "export", {"number": n}) for n in range(5)])
    seal(sqlite_store, secrets, head)
    tamper(sqlite_store, f"UPDATE ledger SET {change} WHERE id = 3")
    assert rows_of(verify(sqlite_store, secrets, head)) == [3]


@pytest.mark.rule("C4")
def test_an_altered_digest_breaks_its_row_and_its_seal(chain: Callable[..., Verdict]) -> None:
    verdict = chain("UPDATE ledger SET digest = :other WHERE id = 3", other=b"d" * 32)
    assert said(verdict) == [
        "Row 3 (requested) was altered: its digest does not match.",
        "Seal 1 over rows 1-4 does not match them.",
    ]


@pytest.mark.rule("C4")
def test_a_payload_put_back_after_its_erasure_is_named(store: Store, chain: Callable[..., Verdict]) -> None:
    with store.write() as connection:
        erase_payloads(connection, [3])
    verdict = chain("UPDATE ledger SET payload = :payload WHERE id = 3", payload='{"number":2}')
    assert said(verdict) == ["Row 3 (requested) was altered: its payload is not the one recorded."]


def test_two_altered_rows_are_two_findings(chain: Callable[..., Verdict]) -> None:
    assert rows_of(chain("UPDATE ledger SET event = 'confirmed' WHERE id IN (2, 7)")) == [2, 7]


def test_a_row_moved_to_another_id_is_missed_where_it_was_and_named_where_it_is(
    chain: Callable[..., Verdict],
) -> None:
    verdict = chain("UPDATE ledger SET id = 50 WHERE id = 3")
    assert said(verdict) == [
        "Row 3 is missing: seal 1 covers it.",
        "1 rows claim a seal that does not cover them.",
    ]


def test_two_rows_that_changed_places_break_their_seal(chain: Callable[..., Verdict]) -> None:
    """Their digests say nothing of the id; the seal does."""
    verdict = chain(
        "UPDATE ledger SET id = 90 WHERE id = 2",
        "UPDATE ledger SET id = 2 WHERE id = 3",
        "UPDATE ledger SET id = 3 WHERE id = 90",
    )
    assert said(verdict) == ["Seal 1 over rows 1-4 does not match them."]


def test_a_row_put_back_without_its_seal_is_missed(chain: Callable[..., Verdict]) -> None:
    assert said(chain("UPDATE ledger SET seal_id = NULL WHERE id = 4")) == [
        "Row 4 is missing: seal 1 covers it."
    ]


def test_a_row_that_claims_a_seal_between_the_rows_of_that_seal_is_named(
    store: Store, secrets: Secrets, head: Path, record: Callable[[int], list[int]]
) -> None:
    """A rolled-back record left a gap; a row slipped into it is no row of the seal."""
    record(4)
    tamper(store, "DELETE FROM ledger WHERE id = 2")
    seal(store, secrets, head)
    tamper(
        store,
        "INSERT INTO ledger (id, stream, event, at, subject, payload, salt, commitment, digest, seal_id) "
        "SELECT 2, stream, event, at, subject, payload, salt, commitment, digest, 1 FROM ledger WHERE id = 1",
    )
    assert said(verify(store, secrets, head)) == ["Row 2 claims seal 1, which does not cover it."]


# --- what a seal may hold ---------------------------------------------------------------------------


@pytest.mark.rule("C4")
@pytest.mark.parametrize("ids", ["", "all of them", "4-1", "1-4,", "-4", "1-99999999999", "1;4"])
def test_a_seal_that_does_not_say_which_rows_it_covers_is_named(
    chain: Callable[..., Verdict], ids: str
) -> None:
    verdict = chain("UPDATE seals SET ids = :ids WHERE id = 1", ids=ids)
    assert said(verdict) == [
        "Seal 1 was altered: it does not say which rows it covers.",
        "4 rows claim a seal that does not cover them.",
    ]


@pytest.mark.rule("C4")
def test_a_seal_that_gives_up_a_row_does_not_hide_that_row(chain: Callable[..., Verdict]) -> None:
    verdict = chain("UPDATE seals SET ids = '1-3' WHERE id = 1")
    assert said(verdict) == [
        "Seal 1 over rows 1-3 does not match them.",
        "1 rows claim a seal that does not cover them.",
    ]


def test_a_seal_that_claims_the_rows_of_the_next_one_misses_them(chain: Callable[..., Verdict]) -> None:
    assert said(chain("UPDATE seals SET ids = '1-5' WHERE id = 1")) == ["Row 5 is missing: seal 1 covers it."]


def test_an_altered_link_is_named_and_so_is_the_seal_after_it(chain: Callable[..., Verdict]) -> None:
    verdict = chain("UPDATE seals SET hash = :other WHERE id = 1", other=b"h" * 32)
    assert said(verdict) == [
        "Seal 1 over rows 1-4 does not match them.",
        "Seal 2 does not continue the seal before it.",
    ]


def test_a_seal_that_begins_a_new_chain_is_named(chain: Callable[..., Verdict]) -> None:
    """With a link computed over GENESIS instead: it must not matter that its own rows match."""
    assert said(chain("UPDATE seals SET previous = :genesis WHERE id = 2", genesis=GENESIS)) == [
        "Seal 2 does not continue the seal before it.",
    ]


def test_a_removed_seal_is_named_and_its_rows_are_counted(chain: Callable[..., Verdict]) -> None:
    assert said(chain("DELETE FROM seals WHERE id = 1")) == [
        "Seal 1 is missing: the chain goes on with seal 2.",
        "Seal 2 does not continue the seal before it.",
        "4 rows claim a seal that does not cover them.",
    ]


@pytest.mark.rule("C4")
def test_a_ledger_emptied_with_its_seals_is_found_by_the_head(chain: Callable[..., Verdict]) -> None:
    assert said(chain("DELETE FROM ledger", "DELETE FROM seals")) == [
        "The tail was cut: seal 2 is on record outside the database and is gone."
    ]


def test_the_keys_of_another_site_prove_nothing(
    store: Store, chain: Callable[..., Verdict], head: Path, tmp_path: Path
) -> None:
    """A site restored with the wrong secrets.toml: every row is in question, and it says so."""
    assert chain().findings == ()
    verdict = verify(store, create_secrets(tmp_path / "other.toml"), head)
    assert {row for row in rows_of(verdict) if row} == set(range(1, 9))


def test_a_forger_who_can_read_the_database_cannot_make_a_seal(
    store: Store, secrets: Secrets, chain: Callable[..., Verdict], tmp_path: Path
) -> None:
    """Everything but the key is in the database; a link made with another key does not hold."""
    stranger = create_secrets(tmp_path / "stranger.toml")
    with store.read() as connection:
        rows = connection.execute(text("SELECT id, digest FROM ledger WHERE seal_id = 2 ORDER BY id")).all()
        previous = connection.execute(text("SELECT previous FROM seals WHERE id = 2")).scalar_one()
    forged = seal_hash(
        stranger.ledger_key, bytes(previous), [(row.id, bytes(row.digest)) for row in rows[:3]]
    )
    verdict = chain(
        "DELETE FROM ledger WHERE id = 8",
        "UPDATE seals SET ids = '5-7', hash = :forged WHERE id = 2",
        forged=forged,
    )
    assert said(verdict) == [
        "Seal 2 over rows 5-7 does not match them.",
        "Seal 2 differs from the one on record outside the database.",
    ]


# --- the head ---------------------------------------------------------------------------------------


def test_an_empty_ledger_needs_no_head(store: Store, secrets: Secrets, head: Path) -> None:
    assert verify(store, secrets, head) == Verdict(0, 0, ())


def test_a_head_of_another_chain_is_named(chain: Callable[..., Verdict], head: Path) -> None:
    head.unlink()
    write_head(head, Head(2, b"x" * 32))
    assert said(chain()) == ["Seal 2 differs from the one on record outside the database."]


def test_a_head_that_lags_behind_is_no_finding(chain: Callable[..., Verdict], head: Path) -> None:
    """A sealer that was killed between its commit and the file; the next one writes it."""
    before = head.read_bytes()
    assert chain().findings == ()
    head.write_bytes(before.replace(b'"seal": 2', b'"seal": 1'))
    assert said(chain()) == ["Seal 1 differs from the one on record outside the database."]


@pytest.mark.parametrize(
    "content",
    ["", "{}", "[]", "null", '{"seal": 1}', '{"seal": 1, "hash": "zz"}', '{"seal": "x", "hash": ""}', "é"],
)
def test_a_damaged_head_is_none(head: Path, content: str) -> None:
    head.write_text(content, encoding="utf-8")
    assert read_head(head) is None


def test_a_damaged_head_is_replaced_by_the_next_seal(
    store: Store, secrets: Secrets, head: Path, record: Callable[[int], list[int]]
) -> None:
    head.write_text("{", encoding="ascii")
    record(1)
    seal(store, secrets, head)
    assert verify(store, secrets, head).findings == ()


def test_nothing_but_the_head_and_its_lock_stays_beside_it(head: Path) -> None:
    write_head(head, Head(1, b"1" * 32))
    write_head(head, Head(2, b"2" * 32))
    assert sorted(path.name for path in head.parent.iterdir() if path.name.startswith("ledger")) == [
        "ledger.head",
        "ledger.head.lock",
    ]


# --- while people go on working ---------------------------------------------------------------------


def _once_before(store: Store, words: str, act: Callable[[], object]) -> Callable[[], None]:
    """Call `act` just before the first statement that holds `words`; returns what takes it off again."""
    waiting = [act]

    def look(_connection: Connection, _cursor: Any, statement: str, *_more: Any) -> None:
        if words in statement and waiting:
            waiting.pop()()

    event.listen(store.engine, "before_cursor_execute", look)
    return lambda: event.remove(store.engine, "before_cursor_execute", look)


@pytest.mark.rule("C4", "D27")
@pytest.mark.parametrize("moment", ["FROM seals", "FROM ledger", "count("])
def test_sealing_in_the_middle_of_a_verification_is_no_finding(
    store: Store, secrets: Secrets, head: Path, record: Callable[[int], list[int]], moment: str
) -> None:
    """`mailer audit verify` is typed while the scheduler seals every second."""
    record(3)
    seal(store, secrets, head)
    record(3)

    def meanwhile() -> None:
        seal(store, secrets, head)
        record(2)
        seal(store, secrets, head)

    remove = _once_before(store, moment, meanwhile)
    try:
        verdict = verify(store, secrets, head)
    finally:
        remove()
    assert verdict.findings == ()
    assert verify(store, secrets, head) == Verdict(8, 3, ())


def test_an_erasure_in_the_middle_of_a_verification_is_no_finding(
    store: Store, secrets: Secrets, head: Path, record: Callable[[int], list[int]]
) -> None:
    ids = record(6)
    seal(store, secrets, head)

    def erase() -> None:
        with store.write() as connection:
            erase_payloads(connection, ids)

    remove = _once_before(store, "FROM ledger", erase)
    try:
        assert verify(store, secrets, head).findings == ()
    finally:
        remove()


def test_a_record_committed_late_joins_a_later_seal(
    postgresql_store: Store, secrets: Secrets, ledger: Ledger, head: Path
) -> None:
    """Its id is lower than ids that are sealed already; only where several write at once."""
    slow, quick = postgresql_store.write(), postgresql_store.write()
    with slow as first:
        ledger.append(first, stream=Stream.AUDIT, event="import", payload={})
        with quick as second:
            ledger.append(second, stream=Stream.AUDIT, event="export", payload={})
        assert seal(postgresql_store, secrets, head) == 1
    assert seal(postgresql_store, secrets, head) == 1
    assert verify(postgresql_store, secrets, head) == Verdict(2, 2, ())


def test_a_seal_that_fails_leaves_no_head_that_runs_ahead(
    store: Store, secrets: Secrets, head: Path, record: Callable[[int], list[int]]
) -> None:
    """The transaction is rolled back; the file outside must not tell of a seal that never was."""
    record(2)

    def fail() -> None:
        raise ConnectionAbortedError

    remove = _once_before(store, "UPDATE ledger", fail)
    with suppress(ConnectionAbortedError):
        seal(store, secrets, head)
    remove()
    assert read_head(head) is None
    assert seal(store, secrets, head) == 2


# --- the ids of a seal ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ids", "ranges"),
    [
        ([1], "1"),
        ([1, 2], "1-2"),
        ([1, 2, 3, 7], "1-3,7"),
        ([2, 4, 6], "2,4,6"),
        ([9, 10, 12, 13], "9-10,12-13"),
    ],
)
def test_ids_are_written_as_ranges(ids: list[int], ranges: str) -> None:
    assert ranges_of(ids) == ranges
    assert ids_of(ranges) == ids


def test_a_range_is_read_up_to_the_most_that_one_seal_covers() -> None:
    assert len(ids_of(f"1-{MAX_SEALED_ROWS}")) == MAX_SEALED_ROWS
    with pytest.raises(ValueError, match=f"1-{MAX_SEALED_ROWS + 1}"):
        ids_of(f"1-{MAX_SEALED_ROWS + 1}")


def test_a_finding_reads_as_a_sentence(chain: Callable[..., Verdict]) -> None:
    (finding,) = chain("DELETE FROM ledger WHERE id = 6").findings
    assert finding == Finding(6, "Row 6 is missing: seal 2 covers it.")


@pytest.mark.rule("C4")
def test_a_row_moved_with_its_seals_word_for_it_breaks_the_seal(chain: Callable[..., Verdict]) -> None:
    """The order is kept and the seal says the new id; the link still knows the old one."""
    verdict = chain("UPDATE ledger SET id = 40 WHERE id = 4", "UPDATE seals SET ids = '1-3,40' WHERE id = 1")
    assert said(verdict) == ["Seal 1 over rows 1-3,40 does not match them."]
