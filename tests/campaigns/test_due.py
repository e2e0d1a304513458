"""What the clock does: start once, hold when the audience moved, finish when nothing is waiting (A89, E18)."""

from __future__ import annotations

import json
import threading
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from mailer import clock
from mailer.campaigns import queries
from mailer.campaigns.audience import materialise_slice
from mailer.campaigns.due import finish_done, start_due
from mailer.campaigns.model import drift_reason
from mailer.store.schema import Campaign, Delivery, LedgerEntry
from mailer.store.vocabulary import CampaignState, DeliveryState


def campaign(store, campaign_id):
    with store.read() as connection:
        return queries.campaign_by_id(connection, campaign_id)


def events(store):
    with store.read() as connection:
        found = connection.execute(select(LedgerEntry.event, LedgerEntry.payload).order_by(LedgerEntry.id))
        return [(event, json.loads(payload)) for event, payload in found]


def send_out(store, ledger, campaign_id):
    start_due(store, ledger, clock.now(), drift=1.0)
    while materialise_slice(store, campaign_id):
        pass


def settle(store, state=DeliveryState.ACCEPTED, **where):
    with store.write() as connection:
        connection.execute(
            update(Delivery).filter_by(**where).values(state=state, next_attempt_at=None)
            if where
            else update(Delivery).values(state=state, next_attempt_at=None)
        )


def test_a_campaign_does_not_start_before_its_time(store, ledger, crowd, campaign_row):
    crowd.join(2)
    campaign_id = campaign_row(expected=2, scheduled_at=clock.now() + timedelta(minutes=5))

    assert start_due(store, ledger, clock.now(), drift=0.05) == []
    assert campaign(store, campaign_id).state is CampaignState.SCHEDULED
    assert start_due(store, ledger, clock.now() + timedelta(minutes=5), drift=0.05) == [campaign_id]


@pytest.mark.rule("A89")
def test_a_campaign_missed_during_an_outage_starts_once_afterwards(store, ledger, crowd, campaign_row):
    crowd.join(2)
    campaign_id = campaign_row(expected=2, scheduled_at=clock.now() - timedelta(days=2))

    assert start_due(store, ledger, clock.now(), drift=0.05) == [campaign_id]
    assert start_due(store, ledger, clock.now(), drift=0.05) == []


@pytest.mark.rule("A89")
def test_of_several_schedulers_exactly_one_starts_a_campaign(store, ledger, crowd, campaign_row):
    crowd.join(3)
    campaign_id = campaign_row(expected=3)
    started: list[int] = []
    gate = threading.Barrier(4)

    def scheduler() -> None:
        gate.wait()
        started.extend(start_due(store, ledger, clock.now(), drift=0.05))

    threads = [threading.Thread(target=scheduler) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert started == [campaign_id]
    assert [event for event, _ in events(store)] == ["send_started"]


def test_the_start_is_on_record_with_the_size_of_the_audience(store, ledger, crowd, campaign_row):
    crowd.join(3)
    campaign_id = campaign_row(expected=3)
    start_due(store, ledger, clock.now(), drift=0.05)

    assert events(store) == [
        ("send_started", {"audience": 3, "campaign": campaign_id, "slug": "week-48"}),
    ]


@pytest.mark.rule("E18")
@pytest.mark.parametrize("expected", [18, 22])
def test_a_campaign_whose_audience_moved_too_far_is_paused_and_says_why(
    store, ledger, crowd, campaign_row, expected
):
    crowd.join(20)
    campaign_id = campaign_row(expected=expected)

    assert start_due(store, ledger, clock.now(), drift=0.05) == []
    held = campaign(store, campaign_id)
    assert held.state is CampaignState.PAUSED
    assert held.started_at is None
    assert held.reason == (
        f"The audience is 20 now; {expected} was approved, and it may not move by more than 5 %. "
        "If 20 is right, run `mailer campaign resume week-48 --expect 20`."
    )
    assert events(store)[0][0] == "pause"


@pytest.mark.parametrize(
    ("expected", "count", "held"),
    [
        (100, 105, False),  # exactly 5 %
        (100, 106, True),
        (100, 95, False),
        (100, 94, True),
        (3, 3, False),
        (3, 2, True),  # a third is more than 5 %
        (0, 0, False),
    ],
)
def test_the_drift_allowed_is_a_share_of_the_approved_count(expected, count, held):
    assert (drift_reason("x", expected=expected, count=count, drift=0.05) is not None) is held


def test_one_held_campaign_does_not_keep_another_from_starting(store, ledger, crowd, campaign_row):
    crowd.join(2)
    campaign_row(slug="moved", expected=50)
    ready = campaign_row(slug="ready", expected=2)

    assert start_due(store, ledger, clock.now(), drift=0.05) == [ready]


def test_a_campaign_finishes_when_every_row_is_settled(store, ledger, crowd, campaign_row):
    crowd.join(3)
    campaign_id = campaign_row(expected=3)
    send_out(store, ledger, campaign_id)
    assert finish_done(store, ledger) == []

    settle(store)

    assert finish_done(store, ledger) == [campaign_id]
    assert finish_done(store, ledger) == []
    done = campaign(store, campaign_id)
    assert (done.state, done.audience_count) == (CampaignState.FINISHED, 3)
    assert done.finished_at is not None
    assert events(store)[-1] == (
        "send_finished",
        {"audience": 3, "campaign": campaign_id, "outcomes": {"accepted": 3}, "slug": "week-48"},
    )


@pytest.mark.parametrize("state", [DeliveryState.ATTEMPTING, DeliveryState.DEFERRED, DeliveryState.QUEUED])
def test_a_campaign_does_not_finish_while_one_row_is_in_hand(store, ledger, crowd, campaign_row, state):
    first, *_ = crowd.join(3)
    campaign_id = campaign_row(expected=3)
    send_out(store, ledger, campaign_id)
    settle(store)
    due = None if state is DeliveryState.ATTEMPTING else clock.now()
    with store.write() as connection:
        connection.execute(
            update(Delivery).where(Delivery.subscription_id == first).values(state=state, next_attempt_at=due)
        )

    assert finish_done(store, ledger) == []


def test_a_campaign_does_not_finish_before_all_of_it_is_written_out(store, ledger, crowd, campaign_row):
    crowd.join(3)
    campaign_row(expected=3)
    start_due(store, ledger, clock.now(), drift=1.0)

    assert finish_done(store, ledger) == []


def test_a_paused_campaign_does_not_finish(store, ledger, crowd, campaign_row):
    crowd.join(1)
    campaign_id = campaign_row(expected=1)
    send_out(store, ledger, campaign_id)
    settle(store)
    with store.write() as connection:
        connection.execute(update(Campaign).values(state=CampaignState.PAUSED))

    assert finish_done(store, ledger) == []


def test_an_unknown_outcome_does_not_keep_a_campaign_open(store, ledger, crowd, campaign_row):
    crowd.join(1)
    campaign_id = campaign_row(expected=1)
    send_out(store, ledger, campaign_id)
    settle(store, DeliveryState.UNKNOWN)

    assert finish_done(store, ledger) == [campaign_id]
