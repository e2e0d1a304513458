"""What staff see of one person, and that they cannot look unseen."""

from __future__ import annotations

import pytest

from mailer.addresses import EmailAddress
from mailer.store.schema import LedgerEntry
from mailer.store.vocabulary import SuppressionReason as R
from mailer.subscribers.people import People, PersonUnknown
from tests.subscribers.conftest import ADA, BOB, START, Desk, seen


@pytest.fixture
def people(desk: Desk) -> People:
    return People(desk.store, desk.secrets, desk.ledger)


def test_a_member_is_shown_with_lists_fields_and_history(desk: Desk, people: People) -> None:
    desk.join(ADA, first_name="Ada")
    view = people.show(ADA)
    (weekly,) = view.subscriptions
    assert (view.email, view.language, view.fields) == ("Ada@example.net", "en", {"first_name": "Ada"})
    assert (weekly.list_name, weekly.state, weekly.confirmed_at) == ("weekly", "confirmed", START)
    assert [record.event for record in view.history] == ["requested", "confirmed"]


@pytest.mark.rule("A69")
def test_a_person_is_found_by_any_spelling(desk: Desk, people: People) -> None:
    desk.join(ADA)
    assert people.show(EmailAddress("ADA", "example.net")).email == "Ada@example.net"


def test_a_waiting_link_is_shown_until_it_is_used(desk: Desk, people: People) -> None:
    desk.request()
    assert people.show(ADA).subscriptions[0].link_until is not None
    desk.joining.confirm(desk.confirm_token(), seen())
    assert people.show(ADA).subscriptions[0].link_until is None


def test_since_follows_the_state(desk: Desk, people: People) -> None:
    desk.request()
    assert people.show(ADA).subscriptions[0].since == START
    desk.pass_time(hours=1)
    desk.joining.confirm(desk.confirm_token(), seen())
    confirmed = people.show(ADA).subscriptions[0].since
    desk.pass_time(hours=1)
    desk.leaving.leave(desk.leave_token(), scope="list", via="page")
    left = people.show(ADA).subscriptions[0].since
    assert START < confirmed < left


def test_suppressions_name_their_list(desk: Desk, people: People) -> None:
    desk.suppressions.add(ADA, R.MANUAL, note="asked by phone")
    desk.suppressions.add(ADA, R.UNSUBSCRIBED, list_name="clearance")
    shown = {(row.reason, row.list_name, row.note) for row in people.show(ADA).suppressions}
    assert shown == {(R.MANUAL, None, "asked by phone"), (R.UNSUBSCRIBED, "clearance", None)}


def test_a_stranger_is_unknown_and_nothing_is_recorded(desk: Desk, people: People) -> None:
    with pytest.raises(PersonUnknown):
        people.show(BOB)
    assert desk.rows(LedgerEntry) == []


@pytest.mark.rule("F4")
def test_every_look_is_one_record_without_the_address(desk: Desk, people: People) -> None:
    desk.join()
    people.show(ADA)
    people.show(ADA)
    looks = [row for row in desk.rows(LedgerEntry) if row.event == "subscriber_shown"]
    assert [(row.stream, row.subject, row.payload) for row in looks] == [("audit", desk.hash(), "{}")] * 2


def test_the_consent_record_does_not_fill_up_with_looks(desk: Desk, people: People) -> None:
    desk.join()
    people.show(ADA)
    assert [record.event for record in people.show(ADA).history] == ["requested", "confirmed"]


def test_the_reasons_in_scope_of_a_list(desk: Desk, people: People) -> None:
    desk.suppressions.add(ADA, R.MANUAL, list_name="weekly")
    desk.suppressions.add(ADA, R.COMPLAINT)
    assert people.reasons(ADA, list_name="weekly") == [R.COMPLAINT, R.MANUAL]
    assert people.reasons(ADA, list_name="clearance") == [R.COMPLAINT]
    assert people.reasons(ADA, list_name="no such list") == []
