"""Confirm and opt-out at the same moment, in real threads: the opt-out always stands (D33)."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from threading import Barrier

import pytest

from mailer.addresses import EmailAddress
from mailer.store.schema import Delivery, Subscriber, Suppression
from mailer.subscribers.leaving import Scope
from tests.subscribers.conftest import ADA, Desk, seen

ROUNDS = 40


def at_once(*acts: Callable[[], object]) -> None:
    """Run every act in its own thread, all released together."""
    gate = Barrier(len(acts))

    def run(act: Callable[[], object]) -> object:
        gate.wait()
        return act()

    with ThreadPoolExecutor(len(acts)) as pool:
        for done in [pool.submit(run, act) for act in acts]:
            done.result()


def people(desk: Desk, count: int) -> list[EmailAddress]:
    """So many pending people."""
    cast = [EmailAddress(f"reader{number}", "example.com") for number in range(count)]
    for number, address in enumerate(cast):
        desk.joining.request("weekly", address, fields={}, evidence=seen(f"198.51.100.{number}"))
    desk.joining.process_requests()
    return cast


@pytest.mark.rule("D33")
@pytest.mark.parametrize("scope", ["list", "all"])
def test_confirm_against_unsubscribe_is_always_unsubscribed(desk: Desk, scope: Scope) -> None:
    for address in people(desk, ROUNDS):
        confirm, leave = desk.confirm_token(address), desk.leave_token(address)
        at_once(
            partial(desk.joining.confirm, confirm, seen()),
            partial(desk.leaving.leave, leave, scope=scope, via="one-click"),
        )
        assert desk.state(address) == "unsubscribed"
        assert desk.reasons(address), "and it is remembered"
        assert desk.subscription(address).confirm_nonce is None


@pytest.mark.rule("D33", "D10")
def test_confirm_against_not_me_is_always_blocked(desk: Desk) -> None:
    for address in people(desk, ROUNDS // 2):
        confirm, block = desk.confirm_token(address), desk.not_me_token(address)
        at_once(
            partial(desk.joining.confirm, confirm, seen()),
            partial(desk.joining.not_me, block, seen()),
        )
        assert desk.state(address) in {None, "unsubscribed"}
        assert ("not_me", 0) in desk.reasons(address)


@pytest.mark.rule("D3")
def test_one_link_pressed_four_times_at_once_confirms_once(desk: Desk) -> None:
    desk.request()
    token = desk.confirm_token()
    at_once(*[lambda: desk.joining.confirm(token, seen())] * 4)
    assert desk.events() == ["requested", "confirmed"]


@pytest.mark.rule("A13")
def test_four_one_clicks_at_once_are_one_event(desk: Desk) -> None:
    desk.join()
    token = desk.leave_token()
    at_once(*[lambda: desk.leaving.leave(token, scope="list", via="one-click")] * 4)
    assert desk.events().count("unsubscribed") == 1 and len(desk.rows(Suppression)) == 1


@pytest.mark.rule("D33")
def test_two_schedulers_judge_each_request_once(desk: Desk) -> None:
    for number in range(20):
        address = EmailAddress(f"reader{number}", "example.com")
        desk.joining.request("weekly", address, fields={}, evidence=seen(f"198.51.100.{number}"))
    at_once(desk.joining.process_requests, desk.joining.process_requests)
    assert len(desk.rows(Subscriber)) == 20 and len(desk.rows(Delivery)) == 20


@pytest.mark.rule("D8", "D33")
def test_two_schedulers_never_send_one_address_two_mails(desk: Desk) -> None:
    for _ in range(10):
        desk.joining.request("weekly", ADA, fields={}, evidence=seen())
    at_once(desk.joining.process_requests, desk.joining.process_requests)
    assert len(desk.rows(Delivery)) == 1 and len(desk.rows(Subscriber)) == 1


@pytest.mark.rule("D33")
def test_asking_back_against_leaving_all_never_ends_on_the_list(desk: Desk) -> None:
    desk.join()
    token = desk.leave_token()
    desk.leaving.leave(token, scope="list", via="page")
    desk.joining.ask_back(token, seen())
    at_once(
        desk.joining.process_requests,
        lambda: desk.leaving.leave(token, scope="all", via="page"),
    )
    assert desk.state() == "unsubscribed" and ("unsubscribed", 0) in desk.reasons()
