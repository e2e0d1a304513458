"""The purge of what was never confirmed (C7): what goes, what stays, and that it is on record."""

from __future__ import annotations

from pathlib import Path

import pytest

from mailer.addresses import EmailAddress
from mailer.audit import seal, verify
from mailer.store.schema import Delivery, LedgerEntry, SignupCount, SignupRequest, Subscriber, Subscription
from mailer.subscribers import purge
from mailer.subscribers.purge import purge_unconfirmed
from tests.subscribers.conftest import ADA, BOB, Desk, seen


def sweep(desk: Desk) -> int:
    return purge_unconfirmed(desk.store, desk.ledger)


@pytest.mark.rule("C7")
def test_an_unconfirmed_person_is_gone_after_the_life_of_the_link(desk: Desk) -> None:
    desk.request(ADA, first_name="Ada")
    assert sweep(desk) == 0
    desk.pass_time(days=7)
    assert sweep(desk) == 1
    assert desk.rows(Subscriber) == [] and desk.rows(Subscription) == []


@pytest.mark.rule("C7")
def test_nothing_the_purged_person_sent_is_left_in_the_ledger(desk: Desk) -> None:
    desk.request(ADA, first_name="Ada")
    desk.pass_time(hours=26)
    desk.request(ADA, first_name="Ada")
    desk.pass_time(days=8)
    sweep(desk)
    rows = desk.rows(LedgerEntry)
    assert [(row.event, row.payload) for row in rows[:2]] == [("requested", None), ("requested", None)]
    assert (rows[2].event, rows[2].subject) == ("purged", None)
    assert desk.payload("purged") == {"list": "weekly", "request": rows[1].id}


def test_what_was_still_queued_for_them_is_settled(desk: Desk) -> None:
    desk.request()
    desk.pass_time(days=7)
    sweep(desk)
    (delivery,) = desk.rows(Delivery)
    assert (delivery.state, delivery.skip_reason, delivery.subscription_id) == ("skipped", "stale", None)


def test_who_confirmed_in_time_stays(desk: Desk) -> None:
    desk.join(ADA)
    desk.request(BOB)
    desk.pass_time(days=30)
    assert sweep(desk) == 1
    assert desk.state(ADA) == "confirmed" and desk.state(BOB) is None


def test_a_person_confirmed_on_another_list_loses_only_the_pending_one(desk: Desk) -> None:
    desk.join(ADA, "weekly")
    desk.request(ADA, "clearance")
    desk.pass_time(days=7)
    sweep(desk)
    assert (desk.state(ADA, "weekly"), desk.state(ADA, "clearance")) == ("confirmed", None)
    kept = {row.event: row.payload is not None for row in desk.rows(LedgerEntry)[:2]}
    assert kept == {"requested": True, "confirmed": True}, "the evidence of the confirmed list stays (C3)"


def test_who_left_and_never_confirmed_again_is_remembered_as_having_left(desk: Desk) -> None:
    """Law 7: the purge forgets requests, not opt-outs."""
    desk.join()
    desk.leaving.leave(desk.leave_token(), scope="list", via="page")
    desk.request()
    token = desk.confirm_token()
    desk.pass_time(days=7)
    assert sweep(desk) == 1
    row = desk.subscription()
    assert (row.state, row.confirm_nonce, row.expires_at) == ("unsubscribed", None, None)
    assert desk.reasons() == {("unsubscribed", desk.list_id("weekly"))}
    assert desk.joining.look(token).state == "void"
    assert sweep(desk) == 0


@pytest.mark.rule("C4")
def test_the_chain_still_verifies_after_a_purge(desk: Desk, tmp_path: Path) -> None:
    head = tmp_path / "ledger.head"
    desk.request()
    desk.join(BOB)
    seal(desk.store, desk.secrets, head)
    desk.pass_time(days=8)
    sweep(desk)
    seal(desk.store, desk.secrets, head)
    assert not verify(desk.store, desk.secrets, head).findings


def test_a_pending_row_without_a_running_clock_waits(desk: Desk) -> None:
    """C29: imported without evidence and not invited yet; the C7 clock starts with the invitation."""
    desk.request()
    with desk.store.write() as connection:
        connection.exec_driver_sql("UPDATE subscriptions SET expires_at = NULL, confirm_nonce = NULL")
    desk.pass_time(days=365)
    assert sweep(desk) == 0 and desk.state() == "pending"


@pytest.mark.rule("D8", "C24")
def test_counters_that_no_window_reaches_are_deleted(desk: Desk) -> None:
    desk.request()
    desk.pass_time(days=29)
    sweep(desk)
    assert desk.rows(SignupCount)
    desk.pass_time(days=2)
    sweep(desk)
    assert desk.rows(SignupCount) == []


@pytest.mark.rule("C24")
def test_a_request_nobody_judged_for_a_week_is_forgotten(desk: Desk) -> None:
    desk.joining.request("weekly", ADA, fields={}, evidence=seen())
    desk.pass_time(days=6)
    sweep(desk)
    assert len(desk.rows(SignupRequest)) == 1
    desk.pass_time(days=2)
    sweep(desk)
    assert desk.rows(SignupRequest) == []


def test_many_rows_go_in_short_slices(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(purge, "SLICE", 4)
    for number in range(10):
        address = EmailAddress(f"reader{number}", "example.com")
        desk.joining.request("weekly", address, fields={}, evidence=seen(f"198.51.100.{number}"))
    desk.joining.process_requests()
    desk.pass_time(days=7)
    assert sweep(desk) == 10
    assert desk.rows(Subscriber) == [] and desk.events(None).count("purged") == 10
