"""What delivery is told about a confirmation mail it has claimed: fill it, or skip it and why."""

from __future__ import annotations

import base64
from datetime import timedelta

import pytest
from sqlalchemy import delete

from mailer.store.schema import Subscriber, Subscription
from mailer.store.vocabulary import SuppressionReason
from mailer.subscribers.confirmation import ConfirmationRecipient
from tests.subscribers.conftest import ADA, START, Desk, seen


def the_only(desk: Desk) -> object:
    (told,) = desk.recipients().values()
    return told


def test_a_fresh_request_may_be_filled(desk: Desk) -> None:
    desk.joining.request("weekly", ADA, fields={}, evidence=seen(language="de"))
    desk.joining.process_requests()
    told = the_only(desk)
    assert isinstance(told, ConfirmationRecipient)
    assert (told.address, told.list_title, told.language) == (ADA, "Ohm & Volt Weekly", "de")
    assert told.expires_at == START + timedelta(days=7)


def test_its_links_confirm_and_block(desk: Desk) -> None:
    desk.request()
    (told,) = desk.invited()
    urls = told.urls(desk.tokens, base_url="https://news.shop.example/")
    assert urls.confirm_url.startswith("https://news.shop.example/confirm/")
    assert urls.not_me_url.startswith("https://news.shop.example/not-me/")
    assert desk.joining.look(urls.confirm_url.rpartition("/")[2]).state == "waiting"
    assert not desk.joining.look_not_me(urls.not_me_url.rpartition("/")[2])


@pytest.mark.rule("A12")
def test_its_links_decode_to_no_address_and_no_row_number(desk: Desk) -> None:
    desk.request()
    (told,) = desk.invited()
    urls = told.urls(desk.tokens, base_url="")
    for url in (urls.confirm_url, urls.not_me_url):
        body = url.rpartition("/")[2].split(".")[0][1:]
        decoded = base64.urlsafe_b64decode(body + "=" * (-len(body) % 4))
        assert b"ada" not in decoded.lower() and b"example" not in decoded


def test_a_mail_whose_request_was_confirmed_by_then_is_stale(desk: Desk) -> None:
    desk.join()
    assert the_only(desk) == "stale"


def test_a_mail_to_somebody_who_left_is_skipped(desk: Desk) -> None:
    desk.request()
    desk.leaving.leave(desk.leave_token(), scope="list", via="page")
    assert the_only(desk) == "unsubscribed"


@pytest.mark.rule("C7")
def test_a_mail_that_waited_longer_than_its_request_lives_is_stale(desk: Desk) -> None:
    desk.request()
    desk.pass_time(days=7)
    assert the_only(desk) == "stale"


def test_a_mail_to_an_erased_person_is_skipped(desk: Desk) -> None:
    desk.request()
    with desk.store.write() as connection:
        connection.execute(delete(Subscription))
        connection.execute(delete(Subscriber))
    assert the_only(desk) == "erased"


@pytest.mark.rule("B20")
@pytest.mark.parametrize("reason", ["complaint", "hard_bounce", "manual", "not_me"])
def test_a_suppression_that_silences_stops_a_mail_already_claimed(desk: Desk, reason: str) -> None:
    desk.request()
    desk.suppressions.add(ADA, SuppressionReason(reason))
    assert the_only(desk) == "suppressed"


def test_an_earlier_opt_out_does_not_stop_the_mail_that_was_asked_for(desk: Desk) -> None:
    desk.join()
    desk.leaving.leave(desk.leave_token(), scope="all", via="page")
    desk.request()
    (told,) = desk.invited()
    assert told.list_name == "weekly"


def test_a_suppression_on_another_list_does_not_count(desk: Desk) -> None:
    desk.request()
    desk.suppressions.add(ADA, SuppressionReason.MANUAL, list_name="clearance")
    assert isinstance(the_only(desk), ConfirmationRecipient)
