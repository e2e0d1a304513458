"""Raw mails are forgotten once their retention is over; what nobody has read yet waits (C24)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from sqlalchemy import update

from mailer.bounces.intake import forgetting, keep, raw_of
from mailer.bounces.intake.forgetting import forget_old_mails
from mailer.bounces.intake.listing import list_mails
from mailer.store import Store
from mailer.store.schema_returns import ReturnedMail
from mailer.store.vocabulary import ReturnedState
from tests.bounces.intake.returned import kept, report

NOON = datetime(2026, 8, 1, 12, tzinfo=UTC)


def settle(store: Store, count: int) -> None:
    """These were read, the oldest first."""
    with store.write() as connection:
        ids = [row.id for row in kept(store)][:count]
        settled = update(ReturnedMail).where(ReturnedMail.id.in_(ids)).values(state=ReturnedState.SETTLED)
        connection.execute(settled)


@pytest.mark.rule("C24")
def test_a_mail_is_forgotten_the_day_after_its_last(store: Store) -> None:
    with time_machine.travel(NOON, tick=False) as now:
        keep(store, report(1), source="pipe", envelope_to="bounce@bounce.shop.example")
        settle(store, 1)
        now.shift(timedelta(days=90))
        assert forget_old_mails(store, keep_days=90) == 0
        now.shift(timedelta(seconds=1))
        assert forget_old_mails(store, keep_days=90) == 1
        assert forget_old_mails(store, keep_days=90) == 0
    (mail,) = kept(store)
    assert mail.raw is mail.envelope_to is None
    assert mail.digest  # the same mail still counts once
    with store.read() as connection:
        assert raw_of(connection, mail.id) is None
    assert [line.has_content for line in list_mails(store)] == [False]


def test_what_nobody_has_read_yet_is_not_forgotten(sqlite_store: Store) -> None:
    with time_machine.travel(NOON, tick=False) as now:
        keep(sqlite_store, report(1), source="pipe")
        keep(sqlite_store, report(2), source="pipe")
        settle(sqlite_store, 1)
        now.shift(timedelta(days=400))
        assert forget_old_mails(sqlite_store, keep_days=90) == 1
    assert [mail.raw is None for mail in kept(sqlite_store)] == [True, False]


def test_many_are_forgotten_slice_by_slice(sqlite_store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forgetting, "SLICE", 3)
    with time_machine.travel(NOON, tick=False) as now:
        for number in range(8):
            keep(sqlite_store, report(number), source="pipe")
        settle(sqlite_store, 7)
        now.shift(timedelta(days=2))
        assert forget_old_mails(sqlite_store, keep_days=1) == 7


def test_the_list_shows_the_newest_first_and_one_state_alone(sqlite_store: Store) -> None:
    for number in range(3):
        keep(sqlite_store, report(number), source="pipe")
    settle(sqlite_store, 1)
    assert [line.id for line in list_mails(sqlite_store, limit=2)] == [3, 2]
    assert [line.id for line in list_mails(sqlite_store, state=ReturnedState.SETTLED)] == [1]
