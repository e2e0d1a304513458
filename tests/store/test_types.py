"""Columns mean the same on both databases: instants, words, tags and documents."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import create_engine, delete, insert, select, text
from sqlalchemy.exc import IntegrityError, StatementError

from mailer.store import Store
from mailer.store.schema import Base, Campaign, Delivery, LedgerEntry, Subscriber, Suppression
from mailer.store.types import EnumText, UtcDateTime
from mailer.store.vocabulary import ALL_LISTS, CampaignState, DeliveryState, Stream, SuppressionReason

ZONES = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
INSTANTS = st.datetimes(datetime(1971, 1, 1), datetime(2200, 1, 1), timezones=ZONES)
ON_SQLITE = create_engine("sqlite://").dialect
LAW = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def _suppressions(instants: list[datetime]) -> list[dict[str, object]]:
    return [
        {
            "email_hash": number.to_bytes(32, "big"),
            "list_id": ALL_LISTS,
            "reason": SuppressionReason.MANUAL,
            "source": "test",
            "created_at": instant,
        }
        for number, instant in enumerate(instants)
    ]


@LAW
@given(st.lists(INSTANTS, min_size=2, max_size=8))
def test_the_database_orders_instants_as_time_does(store: Store, instants: list[datetime]) -> None:
    """SQLite keeps text: it must sort as the instants do, whatever zone each was given in."""
    with store.write() as connection:
        connection.execute(delete(Suppression))
        connection.execute(insert(Suppression), _suppressions(instants))
        ordered = connection.scalars(select(Suppression.created_at).order_by(Suppression.created_at)).all()
    assert ordered == sorted(instants)
    assert all(instant.tzinfo is UTC for instant in ordered)


@LAW
@given(st.lists(INSTANTS, min_size=1, max_size=8), INSTANTS)
def test_the_database_compares_instants_as_time_does(
    store: Store, instants: list[datetime], bound: datetime
) -> None:
    """What is due, what has expired: one comparison, made by the database."""
    with store.write() as connection:
        connection.execute(delete(Suppression))
        connection.execute(insert(Suppression), _suppressions(instants))
        due = connection.scalars(select(Suppression.created_at).where(Suppression.created_at <= bound)).all()
    assert sorted(due) == sorted(instant for instant in instants if instant <= bound)


@given(INSTANTS)
def test_an_instant_is_the_same_when_it_comes_back(instant: datetime) -> None:
    kind = UtcDateTime()
    stored = kind.process_bind_param(instant, ON_SQLITE)
    assert stored is not None and stored.tzinfo is None
    assert kind.process_result_value(stored, ON_SQLITE) == instant


def test_a_time_without_a_zone_is_refused_before_it_is_stored() -> None:
    with pytest.raises(ValueError, match="must be aware"):
        UtcDateTime().process_bind_param(datetime(2026, 11, 22), ON_SQLITE)


def test_no_instant_stays_none() -> None:
    kind = UtcDateTime()
    assert kind.process_bind_param(None, ON_SQLITE) is None
    assert kind.process_result_value(None, ON_SQLITE) is None


@pytest.mark.parametrize("enum", [CampaignState, DeliveryState, Stream, SuppressionReason])
def test_every_word_of_the_vocabulary_is_stored_by_its_value(enum: type[CampaignState]) -> None:
    kind = EnumText(enum)
    for member in enum:
        stored = kind.process_bind_param(member, ON_SQLITE)
        assert stored == member.value and len(stored) <= 32
        assert kind.process_result_value(stored, ON_SQLITE) is member


def test_a_word_may_be_given_as_text() -> None:
    assert EnumText(CampaignState).process_bind_param("paused", ON_SQLITE) == "paused"
    assert EnumText(CampaignState).process_bind_param(None, ON_SQLITE) is None


def test_a_word_that_the_vocabulary_lacks_is_refused(store: Store) -> None:
    row = _suppressions([datetime(2026, 1, 1, tzinfo=UTC)])[0] | {"reason": "rude"}
    with pytest.raises(StatementError, match="rude"), store.write() as connection:
        connection.execute(insert(Suppression), [row])


def test_a_state_reads_in_plain_words_in_the_database_itself(store: Store) -> None:
    with store.write() as connection:
        connection.execute(insert(Suppression), _suppressions([datetime(2026, 1, 1, tzinfo=UTC)]))
        assert connection.execute(text("SELECT reason FROM suppressions")).scalar_one() == "manual"


DOCUMENTS = st.dictionaries(
    st.text(st.characters(categories=("L", "N", "P", "S")), max_size=8),
    st.none()
    | st.booleans()
    | st.integers(-(2**31), 2**31)
    | st.text(st.characters(exclude_categories=["C"]), max_size=20),
    max_size=4,
)


@LAW
@given(DOCUMENTS)
def test_merge_fields_come_back_as_they_were(store: Store, fields: dict[str, object]) -> None:
    now = datetime(2026, 11, 22, tzinfo=UTC)
    person = {
        "email": "a@b.example", "email_key": "a@b.example", "email_hash": bytes(32), "domain": "b.example",
        "language": "en", "fields": fields, "created_at": now, "updated_at": now,
    }  # fmt: skip
    with store.write() as connection:
        connection.execute(delete(Subscriber))
        connection.execute(insert(Subscriber), [person])
        assert connection.scalar(select(Subscriber.fields)) == fields


# --- what the schema itself refuses -----------------------------------------------------------------


def _delivery(**changes: object) -> dict[str, object]:
    now = datetime(2026, 11, 22, tzinfo=UTC)
    plain = {
        "stream": 0, "kind": "proof", "domain": "b.example", "state": "queued", "next_attempt_at": now,
        "created_at": now,
    }  # fmt: skip
    return plain | changes


@pytest.mark.parametrize("state", list(DeliveryState))
def test_a_delivery_has_a_next_try_exactly_while_it_waits(store: Store, state: DeliveryState) -> None:
    """The index that claims read and the state can never tell two stories."""
    waiting = state in (DeliveryState.QUEUED, DeliveryState.DEFERRED)
    right = _delivery(state=state) if waiting else _delivery(state=state, next_attempt_at=None)
    wrong = _delivery(state=state, next_attempt_at=None) if waiting else _delivery(state=state)
    with store.write() as connection:
        connection.execute(insert(Delivery), [right])
    with pytest.raises(IntegrityError, match="due_iff_waiting"), store.write() as connection:
        connection.execute(insert(Delivery), [wrong])


def test_an_address_is_suppressed_once_for_each_list_and_reason(store: Store) -> None:
    (row,) = _suppressions([datetime(2026, 1, 1, tzinfo=UTC)])
    with store.write() as connection:
        connection.execute(insert(Suppression), [row, row | {"list_id": 3}, row | {"reason": "complaint"}])
    with pytest.raises(IntegrityError), store.write() as connection:
        connection.execute(insert(Suppression), [row])


def test_ids_of_the_ledger_are_never_used_twice(sqlite_store: Store) -> None:
    """A row cut off the end could otherwise be replaced by another of its number."""
    row = {
        "stream": "audit",
        "event": "x",
        "at": datetime(2026, 1, 1, tzinfo=UTC),
        "commitment": b"",
        "digest": b"",
    }
    with sqlite_store.write() as connection:
        connection.exec_driver_sql("DROP TRIGGER ledger_delete")
        connection.execute(insert(LedgerEntry), [row])
        connection.execute(delete(LedgerEntry))
        connection.execute(insert(LedgerEntry), [row])
        assert connection.scalar(select(LedgerEntry.id)) == 2


def test_every_table_and_column_is_known_by_a_name_that_both_databases_take() -> None:
    for table in Base.metadata.sorted_tables:
        for name in (table.name, *table.c.keys()):
            assert name == name.lower() and name.isidentifier() and len(name) <= 63
    assert Campaign.__tablename__ == "campaigns"
