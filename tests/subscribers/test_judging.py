"""The whole table of B20 played through: every state, every suppression, every scope; who is mailed, who comes back."""

from __future__ import annotations

from itertools import product

import pytest

from mailer.addresses import EmailAddress
from mailer.store.schema import Delivery, SignupCount, Subscriber
from mailer.store.vocabulary import SuppressionReason as R
from mailer.subscribers import caps
from mailer.subscribers.judging import Judge, Signup
from mailer.subscribers.model import LIFTED_BY_CONFIRMING, SILENCING, SignupVerdict
from tests.subscribers.conftest import ADA, Desk, seen

STANDS = ("absent", "pending", "confirmed", "unsubscribed")


def bring(desk: Desk, stand: str) -> None:
    """Put Ada where the case wants her, and let a month pass so that no cap is in the way."""
    if stand == "pending":
        desk.request()
    if stand in {"confirmed", "unsubscribed"}:
        desk.join()
    if stand == "unsubscribed":
        desk.leaving.leave(desk.leave_token(), scope="list", via="page")
    desk.pass_time(days=31)


def judge(desk: Desk, **changes: object) -> SignupVerdict:
    """Judge one more sign-up of Ada for the weekly list."""
    signup = Signup("weekly", ADA, seen(), source="form", **changes)  # type: ignore[arg-type]  # one helper for all
    with desk.store.write() as connection:
        return Judge(desk.settings, desk.secrets, desk.ledger).judge(connection, signup)


@pytest.mark.rule("B20")
@pytest.mark.parametrize(("stand", "reason"), list(product(STANDS, R)))
def test_a_signup_is_answered_by_mail_iff_the_table_says_so(desk: Desk, stand: str, reason: R) -> None:
    bring(desk, stand)
    desk.suppressions.add(ADA, reason)
    verdict = judge(desk)
    assert verdict is (SignupVerdict.SILENCED if reason in SILENCING else SignupVerdict.INVITED)
    assert len(desk.invited()) == (reason not in SILENCING)


@pytest.mark.rule("B20")
@pytest.mark.parametrize(("stand", "reason"), list(product(STANDS, R)))
def test_a_suppression_on_another_list_is_no_hindrance(desk: Desk, stand: str, reason: R) -> None:
    bring(desk, stand)
    desk.suppressions.add(ADA, reason, list_name="clearance")
    expected = SignupVerdict.ALREADY if stand == "confirmed" else SignupVerdict.INVITED
    assert judge(desk) is expected


@pytest.mark.rule("B20")
@pytest.mark.parametrize("reason", sorted(LIFTED_BY_CONFIRMING))
@pytest.mark.parametrize("stand", STANDS)
def test_confirming_afterwards_lifts_it_and_nothing_else(desk: Desk, stand: str, reason: R) -> None:
    bring(desk, stand)
    desk.suppressions.add(ADA, reason, list_name="weekly")
    desk.suppressions.add(ADA, reason, list_name="clearance")
    judge(desk)
    desk.joining.confirm(desk.confirm_token(), seen())
    assert desk.state() == "confirmed"
    assert desk.reasons() == {(reason.value, desk.list_id("clearance"))}


def test_a_confirmed_person_with_an_imported_opt_out_stays_off_until_they_confirm_again(desk: Desk) -> None:
    desk.join()
    with desk.store.write() as connection:
        connection.exec_driver_sql("UPDATE subscriptions SET confirm_nonce = NULL")
    desk.suppressions.add(ADA, R.UNSUBSCRIBED, source="import:old tool")
    assert desk.state() == "unsubscribed"
    desk.pass_time(days=2)
    assert judge(desk) is SignupVerdict.INVITED
    desk.joining.confirm(desk.confirm_token(), seen())
    assert desk.state() == "confirmed" and desk.reasons() == {("unsubscribed", desk.list_id("clearance"))}


# --- what counts, and what does not ---


def test_a_silenced_signup_counts_against_no_cap(desk: Desk) -> None:
    desk.suppressions.add(ADA, R.MANUAL)
    judge(desk)
    assert sum(row.count for row in desk.rows(SignupCount)) == 0


def test_a_capped_signup_stores_nobody(desk: Desk) -> None:
    for number in range(desk.settings.privacy.per_ip_hour):
        desk.joining.request("weekly", EmailAddress(f"r{number}", "example.com"), fields={}, evidence=seen())
    desk.joining.process_requests()
    people = len(desk.rows(Subscriber))
    assert judge(desk) is SignupVerdict.CAPPED
    assert len(desk.rows(Subscriber)) == people and desk.events() == []


@pytest.mark.rule("D8")
def test_staff_are_not_held_up_by_the_network_or_domain_cap(desk: Desk) -> None:
    for number in range(desk.settings.privacy.per_ip_hour):
        desk.joining.request("weekly", EmailAddress(f"r{number}", "example.com"), fields={}, evidence=seen())
    desk.joining.process_requests()
    assert judge(desk, capped_by=caps.STAFF) is SignupVerdict.INVITED


def test_a_signup_without_an_ip_is_still_capped_by_address(desk: Desk) -> None:
    desk.joining.request("weekly", ADA, fields={}, evidence=seen(None))
    desk.joining.request("weekly", ADA, fields={}, evidence=seen(None))
    desk.joining.process_requests()
    assert len(desk.rows(Delivery)) == 1


# --- a second request while the first one waits ---


def test_an_unsent_older_confirmation_mail_gives_way_to_the_newer(desk: Desk) -> None:
    """C5: never two confirmation mails for one person on the way."""
    desk.request()
    desk.pass_time(hours=26)
    desk.request()
    older, newer = desk.rows(Delivery)
    assert (older.state, older.skip_reason) == ("skipped", "stale")
    assert newer.state == "queued" and len(desk.invited()) == 1


def test_a_second_request_starts_the_life_of_the_row_anew(desk: Desk) -> None:
    desk.request()
    first = desk.subscription()
    desk.pass_time(hours=26)
    desk.request()
    second = desk.subscription()
    assert second.expires_at > first.expires_at and second.requested_at > first.requested_at
    assert (second.id, second.tag) == (first.id, first.tag), "opt-out links of earlier mails stay good"
    assert second.confirm_nonce != first.confirm_nonce and second.consent_id > first.consent_id


@pytest.mark.rule("C10")
def test_coming_back_keeps_the_tag_so_that_old_opt_out_links_work(desk: Desk) -> None:
    desk.join()
    old_link = desk.leave_token()
    desk.leaving.leave(old_link, scope="list", via="one-click")
    desk.join()
    assert desk.state() == "confirmed"
    assert desk.leaving.leave(old_link, scope="list", via="one-click").state == "left"
    assert desk.state() == "unsubscribed" and desk.events().count("unsubscribed") == 2


@pytest.mark.rule("A12")
def test_tags_and_nonces_are_random(desk: Desk) -> None:
    for number in range(15):
        desk.joining.request("weekly", EmailAddress(f"r{number}", "example.com"), fields={}, evidence=seen())
    desk.joining.process_requests()
    rows = [desk.subscription(EmailAddress(f"r{number}", "example.com")) for number in range(15)]
    assert len({row.tag for row in rows}) == len({row.confirm_nonce for row in rows}) == 15
    assert all(len(row.tag) == 16 and len(row.confirm_nonce) == 8 for row in rows)
