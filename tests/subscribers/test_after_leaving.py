"""After somebody has left: silence, at once, and for as long as they do not ask themselves."""

from __future__ import annotations

import pytest

from tests.subscribers.conftest import ADA, Desk


@pytest.mark.rule("C34")
@pytest.mark.parametrize(("scope", "via"), [("list", "one-click"), ("list", "page"), ("all", "page")])
def test_no_mail_says_goodbye(desk: Desk, scope: str, via: str) -> None:
    """The page is the confirmation; a mail would be one more."""
    desk.join()
    desk.leaving.leave(desk.leave_token(), scope=scope, via=via)
    desk.joining.process_requests()
    assert desk.waiting() == []


@pytest.mark.rule("B6", "C11")
def test_an_opt_out_holds_as_soon_as_it_was_answered(desk: Desk) -> None:
    """No job has to run first: the state is written before the call returns."""
    desk.join()
    desk.leaving.leave(desk.leave_token(), scope="list", via="one-click")
    assert desk.state() == "unsubscribed"
    assert desk.reasons(ADA) == {("unsubscribed", desk.list_id("weekly"))}


@pytest.mark.rule("B6", "C10")
def test_the_link_of_who_left_goes_on_answering(desk: Desk) -> None:
    desk.join()
    token = desk.leave_token()
    desk.leaving.leave(token, scope="all", via="page")
    desk.clock.shift(400 * 86_400)
    assert desk.leaving.look(token).state == "left"
