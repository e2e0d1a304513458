"""Leaving: at once, idempotent, for ever, and only what was asked."""

from __future__ import annotations

from dataclasses import asdict

import pytest
from sqlalchemy import delete, insert

from mailer.store.schema import Artefact, Campaign, Delivery, Subscriber, Subscription
from mailer.store.vocabulary import CampaignState, DeliveryKind, DeliveryState
from mailer.tokens import PROOF_TAG, LinkClaim, Purpose, TokenInvalid, sign_link
from tests.subscribers.conftest import ADA, BOB, START, Desk, seen

TAG = bytes.fromhex("c0ffee123456")


def queue_campaign_mail(desk: Desk, state: DeliveryState, list_name: str = "weekly") -> int:
    """One delivery of a campaign to Ada, in the given state."""
    waits = state in (DeliveryState.QUEUED, DeliveryState.DEFERRED)
    with desk.store.write() as connection:
        connection.execute(insert(Artefact).values(hash="a" * 64, content=b"", created_at=START))
        campaign = connection.execute(
            insert(Campaign)
            .values(
                tag=TAG,
                slug="week-47",
                subject="Week 47",
                list_id=desk.list_id(list_name),
                state=CampaignState.SENDING,
                artefact_hash="a" * 64,
                scheduled_at=START,
                timezone="UTC",
                expected_count=1,
                drift_approved=False,
                created_at=START,
                materialised_upto=0,
            )
            .returning(Campaign.id)
        ).scalar_one()
        return connection.execute(
            insert(Delivery)
            .values(
                stream=campaign,
                kind=DeliveryKind.CAMPAIGN,
                campaign_id=campaign,
                subscription_id=desk.subscription(ADA, list_name).id,
                domain="example.net",
                state=state,
                attempts=0,
                next_attempt_at=START if waits else None,
                created_at=START,
            )
            .returning(Delivery.id)
        ).scalar_one()


def delivery(desk: Desk, delivery_id: int) -> Delivery:
    found: Delivery = next(row for row in desk.rows(Delivery) if row.id == delivery_id)
    return found


def test_leaving_unsubscribes_and_remembers_the_no(desk: Desk) -> None:
    desk.join()
    view = desk.leaving.leave(desk.leave_token(), scope="list", via="one-click", evidence=seen())
    assert (view.state, view.list_title, view.language) == ("left", "Ohm & Volt Weekly", "en")
    assert desk.state() == "unsubscribed" and desk.subscription().unsubscribed_at == START
    assert desk.reasons() == {("unsubscribed", desk.list_id("weekly"))}


@pytest.mark.rule("F2", "A58")
@pytest.mark.parametrize("state", [DeliveryState.QUEUED, DeliveryState.DEFERRED])
def test_leaving_skips_what_waits_in_the_same_transaction(desk: Desk, state: DeliveryState) -> None:
    desk.join()
    waiting = queue_campaign_mail(desk, state)
    desk.leaving.leave(desk.leave_token(), scope="list", via="one-click")
    row = delivery(desk, waiting)
    assert (row.state, row.skip_reason, row.settled_at) == ("skipped", "unsubscribed", START)
    assert row.next_attempt_at is None


@pytest.mark.parametrize("state", [DeliveryState.ACCEPTED, DeliveryState.ATTEMPTING, DeliveryState.UNKNOWN])
def test_leaving_rewrites_no_history(desk: Desk, state: DeliveryState) -> None:
    desk.join()
    settled = queue_campaign_mail(desk, state)
    desk.leaving.leave(desk.leave_token(), scope="all", via="page")
    assert delivery(desk, settled).state == state


@pytest.mark.rule("A13")
def test_leaving_three_times_is_one_event(desk: Desk) -> None:
    desk.join()
    token = desk.leave_token()
    views = [desk.leaving.leave(token, scope="list", via="one-click") for _ in range(3)]
    assert {view.state for view in views} == {"left"}
    assert desk.events().count("unsubscribed") == 1


@pytest.mark.rule("A13", "A17")
def test_a_one_click_after_leaving_all_lists_adds_nothing(desk: Desk) -> None:
    desk.join()
    token = desk.leave_token()
    desk.leaving.leave(token, scope="all", via="page")
    desk.leaving.leave(token, scope="list", via="one-click")
    desk.leaving.leave(token, scope="all", via="page")
    assert desk.events().count("unsubscribed") == 1
    assert desk.reasons() == {("unsubscribed", 0)}


@pytest.mark.rule("A17")
def test_one_click_leaves_the_other_list_alone(desk: Desk) -> None:
    desk.join(ADA, "weekly")
    desk.join(ADA, "clearance")
    view = desk.leaving.leave(desk.leave_token(ADA, "weekly"), scope="list", via="one-click")
    assert view.other_lists
    assert (desk.state(ADA, "weekly"), desk.state(ADA, "clearance")) == ("unsubscribed", "confirmed")


@pytest.mark.rule("A17")
def test_all_lists_clears_both_and_covers_lists_never_joined(desk: Desk) -> None:
    desk.join(ADA, "weekly")
    desk.join(ADA, "clearance")
    other = queue_campaign_mail(desk, DeliveryState.QUEUED, "clearance")
    view = desk.leaving.leave(desk.leave_token(ADA, "weekly"), scope="all", via="page")
    assert (view.state, view.other_lists) == ("left", False)
    assert (desk.state(ADA, "weekly"), desk.state(ADA, "clearance")) == ("unsubscribed", "unsubscribed")
    assert delivery(desk, other).state == "skipped"
    assert desk.reasons() == {("unsubscribed", 0)}


def test_this_list_first_then_all_lists_are_two_wishes_and_two_events(desk: Desk) -> None:
    desk.join()
    token = desk.leave_token()
    desk.leaving.leave(token, scope="list", via="page")
    desk.leaving.leave(token, scope="all", via="page")
    assert desk.events().count("unsubscribed") == 2


def test_leaving_touches_nobody_else(desk: Desk) -> None:
    desk.join(ADA)
    desk.join(BOB)
    desk.leaving.leave(desk.leave_token(ADA), scope="all", via="page")
    assert desk.state(BOB) == "confirmed" and desk.reasons(BOB) == set()


@pytest.mark.rule("A16")
def test_looking_a_thousand_times_changes_nothing(desk: Desk) -> None:
    desk.join()
    token, before = desk.leave_token(), desk.subscription()
    assert {desk.leaving.look(token).state for _ in range(100)} == {"subscribed"}
    assert desk.subscription() == before and desk.reasons() == set()


@pytest.mark.rule("D4", "D23")
def test_the_view_never_says_who_the_holder_is(desk: Desk) -> None:
    desk.join()
    assert "example" not in str(asdict(desk.leaving.look(desk.leave_token())))


@pytest.mark.rule("A13", "C10")
def test_the_link_of_an_erased_holder_says_gone_and_still_names_the_list(desk: Desk) -> None:
    desk.join()
    queue_campaign_mail(desk, DeliveryState.ACCEPTED)
    token = desk.leave_token(campaign=TAG)
    with desk.store.write() as connection:
        connection.execute(delete(Subscription))
        connection.execute(delete(Subscriber))
    for view in (desk.leaving.look(token), desk.leaving.leave(token, scope="all", via="one-click")):
        assert (view.state, view.list_title, view.other_lists) == ("gone", "Ohm & Volt Weekly", False)
    assert desk.events().count("unsubscribed") == 0


@pytest.mark.rule("C10")
def test_a_link_whose_campaign_and_holder_are_unknown_is_gone_all_the_same(desk: Desk) -> None:
    token = sign_link(desk.tokens, Purpose.UNSUBSCRIBE, LinkClaim(bytes([7] * 16), TAG))
    view = desk.leaving.leave(token, scope="list", via="one-click")
    assert (view.state, view.list_title) == ("gone", "")


@pytest.mark.rule("C10")
def test_a_link_of_a_list_that_left_the_settings_still_works(desk: Desk) -> None:
    desk.join()
    with desk.store.write() as connection:
        connection.exec_driver_sql("UPDATE lists SET removed_at = created_at")
    assert desk.leaving.leave(desk.leave_token(), scope="list", via="one-click").state == "left"


@pytest.mark.rule("A90")
def test_the_link_of_a_proof_acts_on_nothing(desk: Desk) -> None:
    desk.join()
    token = sign_link(desk.tokens, Purpose.UNSUBSCRIBE, LinkClaim(PROOF_TAG, b""))
    assert desk.leaving.look(token).state == "proof"
    assert desk.leaving.leave(token, scope="all", via="one-click").state == "proof"
    desk.joining.ask_back(token, seen())
    assert desk.joining.process_requests() == 0
    assert desk.state() == "confirmed"


@pytest.mark.rule("D1")
def test_a_confirm_token_cannot_unsubscribe(desk: Desk) -> None:
    desk.request()
    with pytest.raises(TokenInvalid):
        desk.leaving.leave(desk.confirm_token(), scope="list", via="page")


@pytest.mark.rule("C10", "C11")
def test_a_link_of_three_years_ago_works(desk: Desk) -> None:
    desk.join()
    token = desk.leave_token()
    desk.pass_time(days=3 * 365)
    assert desk.leaving.leave(token, scope="list", via="one-click").state == "left"


@pytest.mark.rule("D27")
def test_the_record_says_which_way_the_opt_out_came(desk: Desk) -> None:
    desk.join()
    desk.leaving.leave(
        desk.leave_token(campaign=TAG), scope="list", via="one-click", evidence=seen("192.0.2.99")
    )
    said = desk.payload("unsubscribed")
    assert (said["via"], said["scope"], said["list"]) == ("one-click", "list", "weekly")
    assert (said["campaign"], said["ip"]) == (TAG.hex(), "192.0.2.99")


def test_leaving_before_confirming_drops_the_confirmation_mail_too(desk: Desk) -> None:
    desk.request()
    desk.leaving.leave(desk.leave_token(), scope="list", via="page")
    assert desk.waiting() == [] and desk.state() == "unsubscribed"


def test_a_leave_that_fails_half_way_leaves_everything_as_it_was(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """D33, D34: one transaction; the page answers 503, not 200."""
    desk.join()
    waiting = queue_campaign_mail(desk, DeliveryState.QUEUED)

    def broken(*_args: object, **_kwargs: object) -> int:
        raise RuntimeError("the disk is gone")

    monkeypatch.setattr(desk.ledger, "append_many", broken)
    with pytest.raises(RuntimeError):
        desk.leaving.leave(desk.leave_token(), scope="list", via="one-click")
    assert desk.state() == "confirmed" and desk.reasons() == set()
    assert delivery(desk, waiting).state == "queued"


@pytest.mark.rule("A10", "A13")
def test_many_leave_in_one_transaction_each_as_they_asked(desk: Desk) -> None:
    """Ada presses twice in one moment, Bob leaves every list, somebody's link is from a proof."""
    desk.join()
    desk.join(BOB)
    desk.join(BOB, "clearance")
    ada, bob = desk.leave_token(), desk.leave_token(BOB)
    leaving = desk.leaving
    proof = sign_link(desk.tokens, Purpose.UNSUBSCRIBE, LinkClaim(PROOF_TAG))
    gone = sign_link(desk.tokens, Purpose.UNSUBSCRIBE, LinkClaim(b"n" * 16))
    wishes = [
        leaving.wish(ada, scope="list", via="one-click"),
        leaving.wish(proof, scope="list", via="one-click"),
        leaving.wish(bob, scope="all", via="page"),
        leaving.wish(ada, scope="list", via="one-click", evidence=seen()),
        leaving.wish(gone, scope="list", via="one-click"),
    ]
    assert [view.state for view in leaving.leave_together(wishes)] == [
        "left",
        "proof",
        "left",
        "left",
        "gone",
    ]
    assert desk.state() == desk.state(BOB) == desk.state(BOB, "clearance") == "unsubscribed"
    assert desk.reasons() == {("unsubscribed", desk.list_id("weekly"))}
    assert desk.reasons(BOB) == {("unsubscribed", 0)}
    assert desk.events().count("unsubscribed") == desk.events(BOB).count("unsubscribed") == 1


@pytest.mark.rule("A13")
def test_who_left_already_leaves_no_second_record_among_others(desk: Desk) -> None:
    desk.join()
    desk.join(BOB)
    leaving, ada, bob = desk.leaving, desk.leave_token(), desk.leave_token(BOB)
    leaving.leave(ada, scope="list", via="one-click")
    again = [leaving.wish(token, scope="list", via="one-click") for token in (bob, ada)]
    assert [view.state for view in leaving.leave_together(again)] == ["left", "left"]
    assert desk.events().count("unsubscribed") == desk.events(BOB).count("unsubscribed") == 1


def test_nobody_leaves_when_one_transaction_for_many_fails(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """D34: what is answered is committed; what is not committed is not answered for anybody."""
    desk.join()
    desk.join(BOB)
    wishes = [
        desk.leaving.wish(token, scope="list", via="page")
        for token in (desk.leave_token(), desk.leave_token(BOB))
    ]

    def broken(*_args: object, **_kwargs: object) -> int:
        raise RuntimeError("the disk is gone")

    monkeypatch.setattr(desk.ledger, "append_many", broken)
    with pytest.raises(RuntimeError):
        desk.leaving.leave_together(wishes)
    assert desk.state() == desk.state(BOB) == "confirmed"
    assert desk.reasons() == desk.reasons(BOB) == set()
