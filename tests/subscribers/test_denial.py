""" "Not me, never mail this address": blocks for good and takes back what was asked in that name."""

from __future__ import annotations

import pytest

from mailer.store.schema import Delivery, Subscriber
from mailer.tokens import TokenInvalid
from tests.subscribers.conftest import ADA, BOB, Desk, seen


@pytest.mark.rule("D10")
def test_not_me_removes_the_pending_row_and_the_unsent_mail(desk: Desk) -> None:
    desk.request()
    desk.joining.not_me(desk.not_me_token(), seen())
    assert desk.state() is None and desk.rows(Subscriber) == []
    (delivery,) = desk.rows(Delivery)
    assert (delivery.state, delivery.skip_reason, delivery.subscription_id) == ("skipped", "suppressed", None)
    assert desk.reasons() == {("not_me", 0)}


@pytest.mark.rule("D10")
def test_after_not_me_no_signup_on_any_list_sends_anything(desk: Desk) -> None:
    desk.request()
    desk.joining.not_me(desk.not_me_token(), seen())
    desk.pass_time(days=60)
    desk.request(ADA, "weekly")
    desk.request(ADA, "clearance")
    assert desk.waiting() == [] and desk.rows(Subscriber) == []


@pytest.mark.rule("D10")
def test_not_me_works_for_an_address_nobody_is_stored_under(desk: Desk) -> None:
    desk.joining.not_me(desk.not_me_token(BOB), seen())
    assert desk.reasons(BOB) == {("not_me", 0)}


def test_not_me_ends_a_subscription_somebody_had_confirmed(desk: Desk) -> None:
    desk.join(ADA, "weekly")
    desk.request(ADA, "clearance")
    desk.joining.not_me(desk.not_me_token(), seen())
    assert (desk.state(ADA, "weekly"), desk.state(ADA, "clearance")) == ("unsubscribed", None)


def test_the_confirm_link_of_the_same_mail_is_void_afterwards(desk: Desk) -> None:
    desk.request()
    confirm = desk.confirm_token()
    desk.joining.not_me(desk.not_me_token(), seen())
    assert desk.joining.confirm(confirm, seen()).state == "void"


def test_pressing_it_again_changes_nothing(desk: Desk) -> None:
    desk.request()
    for _ in range(3):
        desk.joining.not_me(desk.not_me_token(), seen())
    assert desk.events() == ["requested", "not_me"]


def test_looking_says_whether_the_address_is_blocked_and_blocks_nothing(desk: Desk) -> None:
    token = desk.not_me_token()
    assert not desk.joining.look_not_me(token)
    assert desk.reasons() == set()
    desk.joining.not_me(token, seen())
    assert desk.joining.look_not_me(token)


def test_another_purposes_token_blocks_nobody(desk: Desk) -> None:
    desk.request()
    with pytest.raises(TokenInvalid):
        desk.joining.not_me(desk.leave_token(), seen())
