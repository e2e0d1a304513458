"""Bulk writes: the same values as one INSERT at a time, ids known beforehand, on both databases."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from sqlalchemy import Connection, delete, insert, select
from sqlalchemy.exc import IntegrityError

from mailer.store import Store
from mailer.store.bulk import insert_rows, present
from mailer.store.ids import next_ids
from mailer.store.schema import Base, LedgerEntry, Subscriber, Suppression
from mailer.store.vocabulary import SuppressionReason

NAMES = ("email", "email_key", "email_hash", "domain", "language", "fields", "created_at", "updated_at")
EARLY = datetime(2026, 11, 22, 9, 30, 0, 123456, tzinfo=UTC)


def person(number: int, **fields: Any) -> tuple[Any, ...]:
    """One row of a subscriber, in the order of NAMES."""
    email = f"p{number}@shop.example"
    later = (EARLY + timedelta(seconds=number)).astimezone(timezone(timedelta(hours=2)))
    return (email, email, bytes([number]) * 32, "shop.example", "de", fields, EARLY, later)


def stored(connection: Connection) -> list[tuple[Any, ...]]:
    columns = [getattr(Subscriber, name) for name in NAMES]
    return [tuple(row) for row in connection.execute(select(*columns).order_by(Subscriber.id))]


def test_rows_are_read_back_as_they_were_given(store: Store) -> None:
    rows = [person(1), person(2, name='Zoë "Z"', age=3), person(3, member=True, empty=None)]
    with store.write() as connection:
        insert_rows(connection, Subscriber, NAMES, rows)
    with store.read() as connection:
        assert stored(connection) == rows


def test_a_bulk_write_stores_what_single_writes_store(store: Store) -> None:
    with store.write() as connection:
        insert_rows(connection, Subscriber, NAMES, [person(1, a=1)])
        bulk = stored(connection)
        connection.execute(delete(Subscriber))
        connection.execute(insert(Subscriber), dict(zip(NAMES, person(1, a=1), strict=True)))
        assert stored(connection) == bulk


def test_the_order_of_the_names_is_the_callers(store: Store) -> None:
    backwards = tuple(reversed(NAMES))
    with store.write() as connection:
        insert_rows(connection, Subscriber, backwards, [tuple(reversed(person(1)))])
        assert stored(connection) == [person(1)]


def test_states_and_nothing_are_converted_too(store: Store) -> None:
    names = ("email_hash", "list_id", "reason", "source", "note", "created_at")
    row = (bytes(32), 0, SuppressionReason.MANUAL, "test", None, EARLY)
    with store.write() as connection:
        insert_rows(connection, Suppression, names, [row])
        columns = [getattr(Suppression, name) for name in names]
        assert [tuple(found) for found in connection.execute(select(*columns))] == [row]


def test_no_rows_are_no_statement(store: Store) -> None:
    with store.write() as connection:
        insert_rows(connection, Subscriber, NAMES, [])
        assert stored(connection) == []


def test_a_naive_time_is_refused(store: Store) -> None:
    with store.write() as connection, pytest.raises(ValueError, match="aware"):
        insert_rows(connection, Subscriber, NAMES, [(*person(1)[:-1], datetime(2026, 1, 1))])


def test_ids_follow_each_other_and_none_is_given_twice(store: Store) -> None:
    with store.write() as connection:
        first = list(next_ids(connection, Subscriber, 3))
        rows = [(row_id, *person(number)) for number, row_id in enumerate(first, start=1)]
        insert_rows(connection, Subscriber, ("id", *NAMES), rows)
        assert first == sorted(set(first))
        inserted = (
            insert(Subscriber).values(dict(zip(NAMES, person(9), strict=True))).returning(Subscriber.id)
        )
        single = connection.scalar(inserted)
        assert single > first[-1]
        assert next(iter(next_ids(connection, Subscriber, 1))) > single


def test_which_values_are_there_is_told_once_each(store: Store) -> None:
    with store.write() as connection:
        insert_rows(connection, Subscriber, NAMES, [person(number) for number in range(1, 6)])
        suppressed = [(bytes([3]) * 32, scope, "manual", "test", None, EARLY) for scope in (0, 1)]
        names = ("email_hash", "list_id", "reason", "source", "note", "created_at")
        insert_rows(connection, Suppression, names, suppressed)
        asked = [bytes([number]) * 32 for number in (2, 3, 9)]
        assert sorted(present(connection, Subscriber, "email_hash", asked)) == asked[:2]
        assert present(connection, Suppression, "email_hash", asked) == [asked[1]]
        assert present(connection, Subscriber, "email_hash", []) == []


def test_text_that_a_bulk_format_could_stumble_over_comes_back_as_it_was(store: Store) -> None:
    """PostgreSQL is given rows as text: tabs, backslashes, its sign for NULL, its sign for the end."""
    hard = ("a\tb", "\\N", "\\.", 'x"y', "line\nbreak", "'", "straße \U0001f9ea", "")
    rows = [person(number, note=text) for number, text in enumerate(hard, start=1)]
    with store.write() as connection:
        insert_rows(connection, Subscriber, NAMES, rows)
        assert stored(connection) == rows


def test_a_row_that_is_there_already_is_an_error_that_quotes_no_value(store: Store) -> None:
    with store.write() as connection:
        insert_rows(connection, Subscriber, NAMES, [person(1)])
    with pytest.raises(IntegrityError) as caught, store.write() as connection:
        insert_rows(connection, Subscriber, NAMES, [person(2), person(1)])
    assert "parameters" not in str(caught.value) or "hidden" in str(caught.value)
    with store.read() as connection:
        assert [row[0] for row in stored(connection)] == ["p1@shop.example"]


def test_no_ids_are_no_statement(store: Store) -> None:
    with store.read() as connection:
        assert list(next_ids(connection, Subscriber, 0)) == []


def test_ids_of_the_ledger_go_on_where_the_last_batch_ended(store: Store) -> None:
    names = ("id", "stream", "event", "at", "commitment", "digest")
    taken: list[int] = []
    for _ in range(2):
        with store.write() as connection:
            ids = next_ids(connection, LedgerEntry, 2)
            rows = [(row_id, "audit", "export", EARLY, bytes(32), bytes(32)) for row_id in ids]
            insert_rows(connection, LedgerEntry, names, rows)
            taken.extend(ids)
    assert taken == sorted(set(taken))
    assert len(taken) == 4


def test_every_table_with_ids_can_be_asked(store: Store) -> None:
    with store.write() as connection:
        for mapper in Base.registry.mappers:
            if "id" in mapper.columns and mapper.columns["id"].autoincrement is True:
                assert len(next_ids(connection, mapper.class_, 2)) == 2
