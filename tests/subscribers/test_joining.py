"""Joining: request, judge, look, confirm; what each leaves behind."""

from __future__ import annotations

import hashlib
import logging

import pytest

from mailer.store.schema import Delivery, LedgerEntry, SignupRequest, Subscriber, Subscription
from mailer.store.vocabulary import SuppressionReason
from mailer.subscribers.fields import FieldInvalid
from mailer.subscribers.joining import token_id
from mailer.subscribers.links import sign_confirm
from mailer.subscribers.lists import ListUnknown
from mailer.subscribers.model import SignupVerdict
from mailer.tokens import TokenInvalid, TokenMissing
from tests.subscribers.conftest import ADA, BOB, START, Desk, seen


def test_a_request_is_only_kept_until_it_is_judged(desk: Desk) -> None:
    desk.joining.request("weekly", ADA, fields={}, evidence=seen())
    assert len(desk.rows(SignupRequest)) == 1
    assert desk.rows(Subscriber) == [] and desk.rows(Delivery) == []


@pytest.mark.rule("D7")
def test_a_request_writes_the_same_row_for_new_confirmed_and_blocked_addresses(desk: Desk) -> None:
    desk.join(ADA)
    desk.suppressions.add(BOB, SuppressionReason.NOT_ME)
    new = type(ADA)("cleo", "example.com")
    before = len(desk.events(None))
    for address in (ADA, BOB, new):
        desk.joining.request("weekly", address, fields={}, evidence=seen())
    shapes = {(row.list_name, row.language, str(row.evidence)) for row in desk.rows(SignupRequest)}
    assert len(shapes) == 1
    assert len(desk.events(None)) == before


def test_a_request_for_an_unknown_list_names_the_lists_there_are(desk: Desk) -> None:
    with pytest.raises(ListUnknown, match="the lists are: weekly, clearance"):
        desk.joining.request("monthly", ADA, fields={}, evidence=seen())


def test_a_field_with_a_line_break_is_refused_before_anything_is_kept(desk: Desk) -> None:
    with pytest.raises(FieldInvalid, match="first_name"):
        desk.joining.request("weekly", ADA, fields={"first_name": "Ada\nBcc: x"}, evidence=seen())
    assert desk.rows(SignupRequest) == []


@pytest.mark.rule("F1", "C5")
def test_a_judged_request_is_pending_with_one_confirmation_mail_queued(desk: Desk) -> None:
    desk.request()
    assert desk.state() == "pending"
    (delivery,) = desk.waiting()
    assert (delivery.stream, delivery.kind, delivery.domain) == (0, "confirmation", "example.net")
    assert delivery.next_attempt_at == START
    assert desk.rows(SignupRequest) == []


@pytest.mark.rule("C3")
def test_the_ledger_proves_the_request(desk: Desk) -> None:
    desk.request()
    (record,) = desk.rows(LedgerEntry)
    said = desk.payload("requested")
    words = seen().wording
    assert (record.event, record.at, record.subject) == ("requested", START, desk.hash())
    assert said["wording"] == words and said["wording_sha256"] == hashlib.sha256(words.encode()).hexdigest()
    assert (said["ip"], said["list"], said["language"]) == ("192.0.2.7", "weekly", "en")
    assert (said["form_url"], said["policy_version"]) == (seen().form_url, "2026-11-01")
    assert said["delivery"] == desk.waiting()[0].id


@pytest.mark.rule("A12", "D25")
def test_no_record_in_the_ledger_holds_the_address(desk: Desk) -> None:
    desk.join()
    desk.leaving.leave(desk.leave_token(), scope="all", via="page", evidence=seen())
    assert not any("example.net" in (row.payload or "") for row in desk.rows(LedgerEntry))


def test_looking_at_a_confirm_link_shows_the_list_and_changes_nothing(desk: Desk) -> None:
    desk.request()
    before = desk.subscription()
    view = desk.joining.look(desk.confirm_token())
    assert (view.list_title, view.list_name, view.state) == ("Ohm & Volt Weekly", "weekly", "waiting")
    assert desk.subscription() == before and desk.events() == ["requested"]


def test_confirming_confirms(desk: Desk) -> None:
    desk.request()
    view = desk.joining.confirm(desk.confirm_token(), seen())
    row = desk.subscription()
    assert view.state == "already"
    assert (desk.state(), row.confirmed_at, row.confirm_nonce, row.expires_at) == (
        "confirmed",
        START,
        None,
        None,
    )


@pytest.mark.rule("C3")
def test_the_ledger_proves_the_confirmation(desk: Desk) -> None:
    desk.request()
    token, request = desk.confirm_token(), desk.subscription().consent_id
    desk.joining.confirm(token, seen("198.51.100.9"))
    said = desk.payload("confirmed")
    assert (said["ip"], said["token_id"], said["request"]) == ("198.51.100.9", token_id(token), request)
    assert token not in str(desk.rows(LedgerEntry))


@pytest.mark.rule("D3")
def test_a_confirm_link_acts_once(desk: Desk) -> None:
    desk.request()
    token = desk.confirm_token()
    for _ in range(3):
        assert desk.joining.confirm(token, seen()).state == "already"
    assert desk.events() == ["requested", "confirmed"]


@pytest.mark.rule("D3")
def test_a_confirm_link_is_void_after_an_opt_out(desk: Desk) -> None:
    desk.request()
    token = desk.confirm_token()
    desk.joining.confirm(token, seen())
    desk.leaving.leave(desk.leave_token(), scope="list", via="one-click")
    assert desk.joining.look(token).state == "void"
    assert desk.joining.confirm(token, seen()).state == "void"
    assert desk.state() == "unsubscribed"


@pytest.mark.rule("D3")
def test_an_unused_confirm_link_is_void_after_an_opt_out(desk: Desk) -> None:
    desk.request()
    token = desk.confirm_token()
    desk.leaving.leave(desk.leave_token(), scope="list", via="page")
    assert desk.joining.confirm(token, seen()).state == "void"


@pytest.mark.rule("D3", "C7")
def test_a_confirm_link_expires_with_its_row(desk: Desk) -> None:
    desk.request()
    token = desk.confirm_token()
    desk.pass_time(days=7)
    assert desk.joining.look(token).state == "expired"
    assert desk.joining.confirm(token, seen()).state == "expired"
    desk.pass_time(seconds=1)
    assert desk.joining.look(token).state == "expired", "the token's own age says the same"
    assert desk.state() == "pending"


@pytest.mark.rule("D3")
def test_a_newer_confirmation_mail_voids_the_older_link(desk: Desk) -> None:
    desk.request()
    old = desk.confirm_token()
    desk.pass_time(hours=26)
    desk.request()
    assert desk.joining.look(old).state == "void"
    assert desk.joining.look(desk.confirm_token()).state == "waiting"


def test_a_link_to_a_row_that_is_gone_is_void(desk: Desk) -> None:
    view = desk.joining.confirm(sign_confirm(desk.tokens, bytes([1] * 16), nonce=bytes(8)), seen())
    assert (view.state, view.list_title) == ("void", "")


def test_tokens_of_another_purpose_or_none_are_refused(desk: Desk) -> None:
    desk.request()
    with pytest.raises(TokenInvalid):
        desk.joining.look(desk.leave_token())
    with pytest.raises(TokenMissing):
        desk.joining.confirm("", seen())


def test_fields_and_language_are_taken_over_when_they_are_confirmed_not_before(desk: Desk) -> None:
    desk.join(ADA, first_name="Ada")
    desk.joining.request("clearance", ADA, fields={"first_name": "Eve"}, evidence=seen(language="de"))
    desk.pass_time(hours=26)
    desk.joining.process_requests()
    (person,) = desk.rows(Subscriber)
    assert (person.fields, person.language) == ({"first_name": "Ada"}, "en")
    view = desk.joining.look(desk.confirm_token(ADA, "clearance"))
    assert view.language == "de"
    desk.joining.confirm(desk.confirm_token(ADA, "clearance"), seen(language="de"))
    (person,) = desk.rows(Subscriber)
    assert (person.fields, person.language) == ({"first_name": "Eve"}, "de")


@pytest.mark.rule("A69")
def test_two_spellings_of_one_address_are_one_person(desk: Desk) -> None:
    desk.request(ADA)
    desk.pass_time(hours=26)
    desk.request(type(ADA)("ada", "example.net"))
    (person,) = desk.rows(Subscriber)
    assert person.email == "Ada@example.net"


def test_a_confirmed_person_who_signs_up_again_gets_no_mail(desk: Desk) -> None:
    desk.join()
    desk.pass_time(days=40)
    desk.request()
    assert desk.waiting() == [] and desk.events() == ["requested", "confirmed"]


@pytest.mark.rule("B20")
@pytest.mark.parametrize("reason", ["complaint", "not_me", "hard_bounce", "manual"])
def test_a_silenced_address_gets_no_confirmation_mail(desk: Desk, reason: str) -> None:
    desk.suppressions.add(ADA, SuppressionReason(reason))
    desk.request()
    assert desk.waiting() == [] and desk.rows(Subscriber) == []


@pytest.mark.rule("B20")
def test_who_left_comes_back_by_a_confirmed_signup_only(desk: Desk) -> None:
    desk.join()
    desk.leaving.leave(desk.leave_token(), scope="list", via="page")
    desk.request()
    assert desk.state() == "unsubscribed" and len(desk.invited()) == 1
    desk.joining.confirm(desk.confirm_token(), seen())
    assert desk.state() == "confirmed" and desk.reasons() == set()
    assert desk.payload("confirmed")["lifted"] == ["unsubscribed"]


@pytest.mark.rule("B20", "A17")
def test_coming_back_to_one_list_keeps_the_no_to_the_others(desk: Desk) -> None:
    desk.join(ADA, "weekly")
    desk.leaving.leave(desk.leave_token(), scope="all", via="page")
    desk.request(ADA, "weekly")
    desk.joining.confirm(desk.confirm_token(), seen())
    assert desk.reasons() == {("unsubscribed", desk.list_id("clearance"))}


def test_a_request_for_a_list_that_left_the_settings_comes_to_nothing(desk: Desk) -> None:
    desk.joining.request("weekly", ADA, fields={}, evidence=seen())
    with desk.store.write() as connection:
        connection.exec_driver_sql("UPDATE lists SET removed_at = created_at WHERE name = 'weekly'")
    assert desk.joining.process_requests() == 1
    assert desk.rows(SignupRequest) == [] and desk.rows(Subscription) == []


def test_a_request_no_rule_foresaw_lets_the_others_pass_and_is_kept(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    desk.joining.request("weekly", ADA, fields={}, evidence=seen())
    with desk.store.write() as connection:
        connection.exec_driver_sql("UPDATE signup_requests SET email = 'broken'")
    desk.joining.request("weekly", BOB, fields={}, evidence=seen())
    with caplog.at_level(logging.ERROR):
        assert desk.joining.process_requests() == 1
        assert desk.joining.process_requests() == 0
    assert desk.state(BOB) == "pending" and len(desk.rows(SignupRequest)) == 1
    assert len(caplog.records) == 1 and "AddressInvalid at " in caplog.text
    assert "broken" not in caplog.text


def test_process_requests_stops_at_its_limit(desk: Desk) -> None:
    for address in (ADA, BOB):
        desk.joining.request("weekly", address, fields={}, evidence=seen())
    assert desk.joining.process_requests(limit=1) == 1
    assert desk.joining.process_requests(limit=1) == 1
    assert desk.joining.process_requests(limit=1) == 0


# --- asked back ---


def test_asking_back_sends_a_fresh_confirmation(desk: Desk) -> None:
    desk.join()
    token = desk.leave_token()
    desk.leaving.leave(token, scope="list", via="one-click")
    desk.joining.ask_back(token, seen())
    desk.joining.process_requests()
    assert desk.events() == ["requested", "confirmed", "unsubscribed", "resubscribe_requested"]
    assert desk.state() == "unsubscribed" and len(desk.invited()) == 1
    desk.joining.confirm(desk.confirm_token(), seen())
    assert desk.state() == "confirmed"


@pytest.mark.rule("D8")
def test_asking_back_is_capped_like_any_signup(desk: Desk) -> None:
    desk.join()
    token = desk.leave_token()
    desk.leaving.leave(token, scope="list", via="one-click")
    for _ in range(5):
        desk.joining.ask_back(token, seen())
    desk.joining.process_requests()
    assert desk.events().count("resubscribe_requested") == 1


def test_leaving_again_voids_what_was_asked_back(desk: Desk) -> None:
    desk.join()
    token = desk.leave_token()
    desk.leaving.leave(token, scope="list", via="page")
    desk.joining.ask_back(token, seen())
    desk.joining.process_requests()
    confirm = desk.confirm_token()
    desk.leaving.leave(token, scope="list", via="page")
    assert desk.joining.confirm(confirm, seen()).state == "void"
    assert desk.waiting() == [] and desk.events()[-1] == "unsubscribed"


# --- staff ---


def test_a_signup_by_staff_is_pending_like_any_other(desk: Desk) -> None:
    verdict = desk.joining.invite("weekly", ADA, fields={"first_name": "Ada"}, evidence=seen(None))
    assert verdict is SignupVerdict.INVITED
    assert desk.state() == "pending" and desk.subscription().source == "staff"


@pytest.mark.rule("B20")
def test_staff_are_told_when_an_address_is_silenced_or_on_the_list(desk: Desk) -> None:
    desk.join(ADA)
    desk.suppressions.add(BOB, SuppressionReason.COMPLAINT)
    assert desk.joining.invite("weekly", ADA, fields={}, evidence=seen(None)) is SignupVerdict.ALREADY
    assert desk.joining.invite("weekly", BOB, fields={}, evidence=seen(None)) is SignupVerdict.SILENCED


@pytest.mark.rule("D8")
def test_staff_cannot_send_one_address_two_confirmations_a_day(desk: Desk) -> None:
    desk.joining.invite("weekly", ADA, fields={}, evidence=seen(None))
    assert desk.joining.invite("weekly", ADA, fields={}, evidence=seen(None)) is SignupVerdict.CAPPED
