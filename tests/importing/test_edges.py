"""Edges that a changed line of the importer showed to be untested."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import delete, update

from mailer.store.schema import Subscription, Suppression
from mailer.store.vocabulary import ALL_LISTS, SubscriptionState
from mailer.subscribers.importing.invitations import Pacer

if TYPE_CHECKING:
    from tests.importing.conftest import MakeFile, Office

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)


@pytest.mark.rule("B20")
def test_a_file_named_after_cleaned_addresses_is_believed_without_its_time_column(
    sqlite_office: Office, make_file: MakeFile
) -> None:
    path = make_file("Email Address,LEID,EUID\nada@shop.example,1,2\n", name="cleaned_members_export.csv")
    sqlite_office.run(path)
    assert sqlite_office.suppressions("ada@shop.example") == {("hard_bounce", ALL_LISTS)}


def test_an_invitation_of_long_ago_does_not_date_the_next_ones_back() -> None:
    pacer = Pacer(60, NOW)
    pacer.start_after(NOW - timedelta(days=1))
    assert pacer.peek(2) == [NOW, NOW + timedelta(minutes=1)]


def test_invitations_that_still_wait_are_not_overtaken() -> None:
    pacer = Pacer(60, NOW)
    pacer.start_after(NOW + timedelta(hours=2))
    assert pacer.peek(1) == [NOW + timedelta(hours=2, minutes=1)]


def test_the_lines_of_a_report_are_the_first_of_the_file_whatever_order_rows_are_written_in(
    sqlite_office: Office, make_file: MakeFile
) -> None:
    path = make_file("email\n" + "".join(f"p{number}@shop.example\n" for number in range(700)))
    assert sqlite_office.run(path).examples == {"confirmed": [2, 3, 4, 5, 6]}
    again = sqlite_office.run(path)
    assert again.examples == {"already.confirmed": [2, 3, 4, 5, 6]}
    assert again.rows == 700


@pytest.mark.rule("B20")
def test_nothing_is_learned_about_who_left_when_only_the_subscription_remembers_it(
    sqlite_office: Office, make_file: MakeFile
) -> None:
    sqlite_office.run(make_file("email\nada@shop.example\n"))
    with sqlite_office.store.write() as connection:
        connection.execute(update(Subscription).values(state=SubscriptionState.UNSUBSCRIBED))
        connection.execute(delete(Suppression))
    report = sqlite_office.run(make_file("email,Country\nada@shop.example,UK\n"))
    assert (report.counts, report.fields_filled) == ({"kept_out.unsubscribed": 1}, 0)
    row = sqlite_office.subscription("ada@shop.example")
    assert row is not None
    assert row.fields == {}
