"""Erasure on request (C20): what goes, what stays as a keyed hash, and that nothing else is touched."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from mailer.addresses import EmailAddress, parse_address
from mailer.audit import seal, verify
from mailer.store.schema import Delivery, LedgerEntry, SignupRequest, Subscriber, Subscription, Suppression
from mailer.store.vocabulary import Stream, SuppressionReason
from mailer.subscribers.erasure import STRONGER, Erased, Erasure, ErasureRefused
from mailer.subscribers.importing import Declaration, ImportOptions, Imports
from tests.subscribers.conftest import ADA, BOB, Desk, seen
from tests.subscribers.erasing import WHY

# --- the person -------------------------------------------------------------------------------------


@pytest.mark.rule("C20")
def test_the_person_their_fields_and_their_subscriptions_are_gone(desk: Desk, erasure: Erasure) -> None:
    desk.join(ADA, "weekly", first_name="Ada")
    desk.join(ADA, "clearance")
    done = erasure.erase(ADA, why=WHY)
    assert desk.rows(Subscriber) == [] and desk.rows(Subscription) == []
    assert (done.found, done.subscriptions) == (True, 2)


def test_everybody_else_stays_as_they_were(desk: Desk, erasure: Erasure) -> None:
    desk.join(ADA)
    desk.join(BOB, first_name="Bob")
    desk.joining.request("clearance", BOB, fields={}, evidence=seen())
    before = desk.subscription(BOB), desk.events(BOB), desk.rows(SignupRequest)
    erasure.erase(ADA, why=WHY)
    assert (desk.subscription(BOB), desk.events(BOB), desk.rows(SignupRequest)) == before
    assert all(row.payload for row in desk.rows(LedgerEntry) if row.subject == desk.hash(BOB))
    assert desk.reasons(BOB) == set()


def test_the_address_is_found_in_any_spelling(desk: Desk, erasure: Erasure) -> None:
    desk.join(ADA)
    assert erasure.erase(parse_address("ADA@EXAMPLE.NET"), why=WHY).found
    assert desk.rows(Subscriber) == []


@pytest.mark.rule("C20")
def test_sign_ups_that_nobody_judged_yet_are_gone(desk: Desk, erasure: Erasure) -> None:
    for address in ("ada@example.net", "ADA@example.net", "ada@example.netz.example", "bada@example.net"):
        desk.joining.request("weekly", parse_address(address), fields={}, evidence=seen())
    done = erasure.erase(ADA, why=WHY)
    assert (done.found, done.requests, done.subscriptions) == (True, 2, 0)
    assert [row.email for row in desk.rows(SignupRequest)] == ["ada@example.netz.example", "bada@example.net"]


@pytest.mark.parametrize("local", ["100%", "under_score", "back'tick`"])
def test_characters_that_mean_something_to_a_database_mean_nothing_here(
    desk: Desk, erasure: Erasure, local: str
) -> None:
    mine, other = EmailAddress(local, "example.net"), EmailAddress(f"{local}x", "example.net")
    for address in (mine, other):
        desk.joining.request("weekly", address, fields={}, evidence=seen())
    assert erasure.erase(mine, why=WHY).requests == 1
    assert [row.email for row in desk.rows(SignupRequest)] == [str(other)]


# --- the ledger -------------------------------------------------------------------------------------


@pytest.mark.rule("C20", "C4")
def test_no_record_about_the_person_says_anything_and_the_chain_still_verifies(
    desk: Desk, erasure: Erasure, tmp_path: Path
) -> None:
    head = tmp_path / "ledger.head"
    desk.join(first_name="Ada")
    desk.leaving.leave(desk.leave_token(), scope="list", via="page", evidence=seen())
    seal(desk.store, desk.secrets, head)
    done = erasure.erase(ADA, why=WHY)
    seal(desk.store, desk.secrets, head)
    rows = [row for row in desk.rows(LedgerEntry) if row.event != "erased"]
    assert [row.event for row in rows] == ["requested", "confirmed", "unsubscribed"]
    assert [(row.payload, row.salt) for row in rows] == [(None, None)] * 3
    assert done.records == 3
    assert not verify(desk.store, desk.secrets, head).findings


@pytest.mark.rule("D27")
def test_one_record_keeps_that_it_was_done_and_why_without_an_address(desk: Desk, erasure: Erasure) -> None:
    desk.join()
    erasure.erase(ADA, why=f"  {WHY} ")
    (row,) = [row for row in desk.rows(LedgerEntry) if row.event == "erased"]
    assert (row.stream, row.subject) == (Stream.CONSENT, desk.hash())
    assert desk.payload("erased") == {
        "why": WHY,
        "subscriptions": 1,
        "requests": 0,
        "skipped": 0,
        "in_flight": 0,
        "mails": 0,
        "deliveries": 1,
        "records": 2,
    }


@pytest.mark.parametrize("why", ["", "  ", "ada@example.net asked", "ADA@Example.net asked"])
def test_a_reason_is_needed_and_must_not_hold_the_address(desk: Desk, erasure: Erasure, why: str) -> None:
    desk.join()
    with pytest.raises(ErasureRefused):
        erasure.erase(ADA, why=why)
    assert desk.state() == "confirmed"


def test_nothing_is_erased_when_the_record_cannot_be_written(
    desk: Desk, erasure: Erasure, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One transaction: all of it or nothing."""
    desk.join()
    before = desk.rows(LedgerEntry), desk.rows(Subscription), desk.rows(Delivery)

    def broken(*_: object, **__: object) -> int:
        raise RuntimeError("the disk is gone")

    monkeypatch.setattr(desk.ledger, "append", broken)
    with pytest.raises(RuntimeError):
        erasure.erase(ADA, why=WHY)
    assert (desk.rows(LedgerEntry), desk.rows(Subscription), desk.rows(Delivery)) == before
    assert desk.reasons() == set()


# --- what is remembered -----------------------------------------------------------------------------


@pytest.mark.rule("C20", "B20")
def test_the_no_stays_as_a_keyed_hash_for_every_list(desk: Desk, erasure: Erasure) -> None:
    desk.join()
    done = erasure.erase(ADA, why=WHY)
    assert desk.reasons() == {("unsubscribed", 0)}
    assert done.reasons == (SuppressionReason.UNSUBSCRIBED,)


@pytest.mark.parametrize("reason", sorted(SuppressionReason))
def test_only_a_no_of_their_own_that_is_stronger_makes_it_needless(
    desk: Desk, erasure: Erasure, reason: SuppressionReason
) -> None:
    """A block that staff may lift for good must not be all that keeps an erased person off the lists."""
    desk.join()
    desk.suppressions.add(ADA, reason)
    erasure.erase(ADA, why=WHY)
    expected = {(reason.value, 0)} if reason in STRONGER else {(reason.value, 0), ("unsubscribed", 0)}
    assert desk.reasons() == expected
    assert {SuppressionReason.COMPLAINT, SuppressionReason.NOT_ME} == STRONGER


def test_a_stronger_no_to_one_list_does_not_speak_for_the_others(desk: Desk, erasure: Erasure) -> None:
    desk.join()
    desk.suppressions.add(ADA, SuppressionReason.COMPLAINT, list_name="weekly")
    erasure.erase(ADA, why=WHY)
    assert desk.reasons() == {("complaint", desk.list_id("weekly")), ("unsubscribed", 0)}


def test_what_was_noted_beside_a_suppression_is_gone(desk: Desk, erasure: Erasure) -> None:
    desk.suppressions.add(ADA, SuppressionReason.MANUAL, note="Mrs Lovelace-Byron phoned")
    assert erasure.erase(ADA, why=WHY).found
    assert {row.note for row in desk.rows(Suppression)} == {None}


@pytest.mark.rule("C20", "B20")
def test_an_import_does_not_bring_them_back(desk: Desk, erasure: Erasure, tmp_path: Path) -> None:
    desk.join()
    erasure.erase(ADA, why=WHY)
    path = tmp_path / "old.csv"
    path.write_text("Email\nada@example.net\nbob@example.org\n", encoding="utf-8")
    vouched = Declaration(by="Eve", consent_date=date(2024, 5, 1), evidence="paper forms, folder 7")
    imports = Imports(desk.store, desk.settings, desk.secrets, desk.ledger)
    imports.run(path, "weekly", options=ImportOptions(declaration=vouched))
    assert (desk.state(ADA), desk.state(BOB)) == (None, "confirmed")
    assert [row.email for row in desk.rows(Subscriber)] == ["bob@example.org"]


@pytest.mark.rule("B20")
def test_their_own_confirmed_sign_up_does(desk: Desk, erasure: Erasure) -> None:
    desk.join()
    erasure.erase(ADA, why=WHY)
    desk.pass_time(days=2)
    desk.join()
    assert desk.state() == "confirmed"
    assert desk.reasons() == {("unsubscribed", desk.list_id("clearance"))}, "for this list alone"


@pytest.mark.rule("B20")
def test_after_a_complaint_not_even_a_sign_up_does(desk: Desk, erasure: Erasure) -> None:
    desk.join()
    desk.suppressions.add(ADA, SuppressionReason.COMPLAINT)
    erasure.erase(ADA, why=WHY)
    desk.pass_time(days=2)
    desk.request()
    assert desk.state() is None and desk.waiting() == []


# --- links ------------------------------------------------------------------------------------------


@pytest.mark.rule("C20")
def test_old_unsubscribe_links_answer_gone_and_change_nothing(desk: Desk, erasure: Erasure) -> None:
    """Law 6: links never die."""
    desk.join()
    token = desk.leave_token()
    erasure.erase(ADA, why=WHY)
    before = desk.events(None)
    assert desk.leaving.look(token).state == "gone"
    assert desk.leaving.leave(token, scope="all", via="one-click").state == "gone"
    assert desk.events(None) == before


def test_a_confirm_link_in_the_mailbox_is_void(desk: Desk, erasure: Erasure) -> None:
    desk.request()
    token = desk.confirm_token()
    erasure.erase(ADA, why=WHY)
    assert desk.joining.look(token).state == "void"
    assert desk.joining.confirm(token, seen()).state == "void"
    assert desk.rows(Subscriber) == []


# --- nothing there ----------------------------------------------------------------------------------


def test_an_address_that_is_not_stored_leaves_no_trace(desk: Desk, erasure: Erasure) -> None:
    assert erasure.erase(ADA, why=WHY) == Erased(found=False)
    assert desk.events(None) == [] and desk.rows(Suppression) == []


def test_erasing_twice_is_harmless(desk: Desk, erasure: Erasure) -> None:
    desk.join()
    erasure.erase(ADA, why=WHY)
    before = desk.events(None), desk.reasons()
    again = erasure.erase(ADA, why=WHY)
    assert again == Erased(found=False, reasons=(SuppressionReason.UNSUBSCRIBED,))
    assert (desk.events(None), desk.reasons()) == before
    assert desk.payload("erased")["why"] == WHY
