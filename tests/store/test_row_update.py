"""Many rows are updated, and asked for, in one statement that means the same on both databases."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import BigInteger, LargeBinary, Text, bindparam, insert, select, update

from mailer.store import Store
from mailer.store.among import among
from mailer.store.row_update import Given, RowUpdate
from mailer.store.schema import Suppression
from mailer.store.types import EnumText, UtcDateTime
from mailer.store.vocabulary import SuppressionReason

NOW = datetime(2026, 11, 22, 9, 0, 0, 5, tzinfo=UTC)
WORDS = ["plain", 'quoted " and \\ and ß', "", None, "{}", "👍", "two\nlines"]


def _change(given: Given) -> Any:
    return (
        update(Suppression)
        .where(Suppression.id == given["id"], Suppression.list_id == bindparam("list"))
        .values(note=given["note"], created_at=given["at"], reason=given["reason"], email_hash=given["hash"])
    )


CHANGE = RowUpdate(
    {
        "id": BigInteger(),
        "note": Text(),
        "at": UtcDateTime(),
        "reason": EnumText(SuppressionReason),
        "hash": LargeBinary(),
    },
    _change,
)


@pytest.fixture
def rows(store: Store) -> Store:
    """Ten suppressions of list 1, ten of list 2."""
    with store.write() as connection:
        for number in range(20):
            row = {
                "email_hash": bytes([number]) * 32,
                "list_id": 1 + number // 10,
                "reason": SuppressionReason.MANUAL,
                "source": "test",
                "created_at": NOW,
            }
            connection.execute(insert(Suppression).values(row))
    return store


def _stored(store: Store) -> dict[int, Any]:
    with store.read() as connection:
        return {row.id: row for row in connection.execute(select(Suppression.__table__))}


def _run(store: Store, changes: list[tuple[Any, ...]], *, list_id: int = 1) -> None:
    with store.write() as connection:
        CHANGE.run(connection, changes, list=list_id)


@pytest.mark.parametrize("note", WORDS)
def test_text_arrives_as_it_was(rows: Store, note: str | None) -> None:
    _run(rows, [(1, note, NOW, SuppressionReason.COMPLAINT, b"\0\xff")])
    assert _stored(rows)[1].note == note


def test_each_row_gets_its_own_values_and_no_other_row_changes(rows: Store) -> None:
    before = _stored(rows)
    at = [NOW + timedelta(microseconds=number) for number in range(5)]
    _run(rows, [(n + 1, f"n{n}", at[n], SuppressionReason.NOT_ME, bytes([n, 255])) for n in range(5)])
    after = _stored(rows)
    for number in range(5):
        row = after[number + 1]
        assert (row.note, row.created_at, row.reason, bytes(row.email_hash)) == (
            f"n{number}",
            at[number],
            SuppressionReason.NOT_ME,
            bytes([number, 255]),
        )
    assert {id_: after[id_] for id_ in range(6, 21)} == {id_: before[id_] for id_ in range(6, 21)}


def test_a_time_of_another_zone_is_stored_as_the_same_instant(rows: Store) -> None:
    _run(rows, [(1, None, NOW.astimezone(ZoneInfo("Asia/Kolkata")), SuppressionReason.MANUAL, b"x")])
    assert _stored(rows)[1].created_at == NOW


def test_what_is_the_same_for_all_rows_is_given_once(rows: Store) -> None:
    before = _stored(rows)
    _run(rows, [(1, "x", NOW, SuppressionReason.MANUAL, b"x")], list_id=2)
    assert _stored(rows) == before
    _run(rows, [(11, "x", NOW, SuppressionReason.MANUAL, b"x")], list_id=2)
    assert _stored(rows)[11].note == "x"


def test_no_rows_is_no_statement(rows: Store) -> None:
    before = _stored(rows)
    _run(rows, [])
    assert _stored(rows) == before


@pytest.mark.parametrize("ids", [[], [3], [1, 5, 20], [7, 7], [1, 999]])
def test_rows_are_asked_for_by_any_number_of_ids(rows: Store, ids: list[int]) -> None:
    statement = select(Suppression.id).where(among(Suppression.id)).order_by(Suppression.id)
    with rows.read() as connection:
        found = list(connection.scalars(statement, {"ids": ids}))
    assert found == sorted({id_ for id_ in ids if id_ <= 20})


def test_ids_go_with_other_conditions(rows: Store) -> None:
    statement = select(Suppression.id).where(among(Suppression.id), Suppression.list_id == 2)
    with rows.read() as connection:
        assert list(connection.scalars(statement, {"ids": [9, 10, 11]})) == [11]
