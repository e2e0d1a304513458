"""Suppressions: who is not mailed, what it stops, and who may lift it (B20)."""

from __future__ import annotations

import pytest

from mailer.store.schema import Suppression
from mailer.store.vocabulary import SuppressionReason as R
from mailer.subscribers.lists import ListUnknown
from mailer.subscribers.model import StaffLift
from mailer.subscribers.suppressions import LiftRefused, SuppressionMissing
from tests.subscribers.conftest import ADA, BOB, START, Desk, seen


@pytest.mark.rule("C20")
def test_a_suppression_holds_a_keyed_hash_and_no_address(desk: Desk) -> None:
    desk.suppressions.add(ADA, R.MANUAL, note="asked by letter")
    (row,) = desk.rows(Suppression)
    assert row.email_hash == desk.hash() and "example" not in str(tuple(row))


def test_adding_it_twice_is_one_row_and_one_record(desk: Desk) -> None:
    assert desk.suppressions.add(ADA, R.MANUAL)
    assert not desk.suppressions.add(ADA, R.MANUAL)
    assert desk.events() == ["suppressed"]


def test_two_reasons_are_two_rows(desk: Desk) -> None:
    desk.suppressions.add(ADA, R.MANUAL)
    desk.suppressions.add(ADA, R.COMPLAINT)
    assert desk.reasons() == {("manual", 0), ("complaint", 0)}


@pytest.mark.rule("A69")
def test_suppressing_one_spelling_stops_the_other(desk: Desk) -> None:
    desk.suppressions.add(type(ADA)("ADA", "example.net"), R.MANUAL)
    desk.request(ADA)
    assert desk.waiting() == []


@pytest.mark.rule("A82")
def test_a_complaint_is_an_opt_out_from_every_list_at_once(desk: Desk) -> None:
    desk.join(ADA, "weekly")
    desk.join(ADA, "clearance")
    desk.suppressions.add(ADA, R.COMPLAINT)
    assert (desk.state(ADA, "weekly"), desk.state(ADA, "clearance")) == ("unsubscribed", "unsubscribed")


def test_a_hard_bounce_stops_mail_and_leaves_the_consent_as_it_is(desk: Desk) -> None:
    desk.join()
    desk.suppressions.add(ADA, R.HARD_BOUNCE)
    assert desk.state() == "confirmed" and desk.reasons() == {("hard_bounce", 0)}


@pytest.mark.parametrize("reason", list(R))
def test_any_suppression_settles_what_waits(desk: Desk, reason: R) -> None:
    desk.request()
    desk.suppressions.add(ADA, reason)
    assert desk.waiting() == []


def test_a_suppression_on_one_list_leaves_the_other_alone(desk: Desk) -> None:
    desk.join(ADA, "weekly")
    desk.join(ADA, "clearance")
    desk.suppressions.add(ADA, R.UNSUBSCRIBED, list_name="weekly")
    assert (desk.state(ADA, "weekly"), desk.state(ADA, "clearance")) == ("unsubscribed", "confirmed")
    assert desk.reasons() == {("unsubscribed", desk.list_id("weekly"))}


def test_an_unknown_list_suppresses_nothing(desk: Desk) -> None:
    with pytest.raises(ListUnknown, match="no list named 'monthly'"):
        desk.suppressions.add(ADA, R.MANUAL, list_name="monthly")
    assert desk.rows(Suppression) == []


@pytest.mark.rule("B20")
def test_staff_cannot_lift_an_opt_out(desk: Desk) -> None:
    desk.suppressions.add(ADA, R.UNSUBSCRIBED)
    with pytest.raises(LiftRefused, match="only their own new sign-up"):
        desk.suppressions.lift(ADA, R.UNSUBSCRIBED, why="the boss says so")
    assert desk.reasons() == {("unsubscribed", 0)}


@pytest.mark.parametrize("reason", [R.HARD_BOUNCE, R.MANUAL])
def test_staff_lift_what_is_not_the_persons_own_no(desk: Desk, reason: R) -> None:
    desk.suppressions.add(ADA, reason)
    assert (
        desk.suppressions.lift(ADA, reason, why="the mailbox works again, she wrote to us") is StaffLift.LIFTS
    )
    assert desk.reasons() == set()
    assert desk.payload("lifted")["why"] == "the mailbox works again, she wrote to us"


@pytest.mark.rule("B20")
@pytest.mark.parametrize("reason", [R.COMPLAINT, R.NOT_ME])
def test_after_a_complaint_or_not_me_it_takes_staff_and_the_person(desk: Desk, reason: R) -> None:
    desk.join()
    desk.suppressions.add(ADA, reason)
    lifted = desk.suppressions.lift(ADA, reason, why="letter of 20 November")
    assert lifted is StaffLift.CLEARS_THE_WAY
    assert desk.reasons() == {("unsubscribed", 0)} and desk.state() == "unsubscribed"
    desk.request()
    desk.joining.confirm(desk.confirm_token(), seen())
    assert desk.state() == "confirmed"


@pytest.mark.parametrize("why", ["", "  \n"])
def test_lifting_without_a_reason_is_refused(desk: Desk, why: str) -> None:
    desk.suppressions.add(ADA, R.MANUAL)
    with pytest.raises(LiftRefused, match="needs a reason"):
        desk.suppressions.lift(ADA, R.MANUAL, why=why)
    assert desk.reasons() == {("manual", 0)}


def test_lifting_what_is_not_there_says_so(desk: Desk) -> None:
    with pytest.raises(SuppressionMissing, match="not suppressed as manual"):
        desk.suppressions.lift(ADA, R.MANUAL, why="because")
    assert desk.events() == []


def test_lifting_one_reason_leaves_the_others(desk: Desk) -> None:
    desk.suppressions.add(ADA, R.MANUAL)
    desk.suppressions.add(ADA, R.HARD_BOUNCE)
    desk.suppressions.lift(ADA, R.MANUAL, why="no longer needed")
    assert desk.reasons() == {("hard_bounce", 0)}


@pytest.mark.rule("B20")
def test_the_table_says_what_a_confirmation_lifts(desk: Desk) -> None:
    """A hard bounce outlives the confirmation of a link that was mailed before it."""
    desk.request()
    token = desk.confirm_token()
    desk.suppressions.add(ADA, R.HARD_BOUNCE)
    desk.joining.confirm(token, seen())
    assert desk.state() == "confirmed" and desk.reasons() == {("hard_bounce", 0)}


def test_the_list_masks_addresses_and_names_scope_and_reason(desk: Desk) -> None:
    desk.join(ADA)
    desk.suppressions.add(ADA, R.UNSUBSCRIBED, list_name="weekly", note="by phone")
    desk.suppressions.add(BOB, R.MANUAL)
    ada, bob = desk.suppressions.list()
    assert (ada.masked, ada.list_name, ada.note, ada.created_at) == (
        "A…@example.net",
        "weekly",
        "by phone",
        START,
    )
    assert (bob.masked, bob.list_name, bob.reason) == (None, None, "manual")
    assert desk.hash(BOB).hex().startswith(bob.hash)


def test_the_list_can_be_cut_down_to_one_reason(desk: Desk) -> None:
    desk.suppressions.add(ADA, R.MANUAL)
    desk.suppressions.add(BOB, R.COMPLAINT)
    assert [row.reason for row in desk.suppressions.list(R.COMPLAINT)] == [R.COMPLAINT]


def test_the_list_is_read_page_by_page(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mailer.subscribers.suppressions._PAGE", 2)
    for number in range(5):
        desk.suppressions.add(type(ADA)(f"reader{number}", "example.com"), R.MANUAL)
    assert len(list(desk.suppressions.list())) == 5
