"""Pause, resume and cancel by hand, each on record (A89, D24)."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from sqlalchemy import func, select, update

from mailer import clock
from mailer.campaigns import audience, control, queries
from mailer.campaigns.audience import materialise_slice
from mailer.campaigns.control import ApprovalNeeded, NotScheduled, cancel, pause, resume
from mailer.campaigns.due import finish_done, start_due
from mailer.campaigns.model import MoveRefused
from mailer.campaigns.status import status_of
from mailer.store.schema import Delivery, LedgerEntry
from mailer.store.vocabulary import CampaignState, DeliveryState


def state(store, campaign_id):
    with store.read() as connection:
        return queries.campaign_by_id(connection, campaign_id).state


def status(store, campaign_id):
    with store.read() as connection:
        return status_of(connection, queries.campaign_by_id(connection, campaign_id))


@pytest.fixture
def sending(store, ledger, crowd, campaign_row):
    """A campaign to seven people, all written out."""
    crowd.join(7)
    campaign_id = campaign_row(expected=7)
    start_due(store, ledger, clock.now(), drift=0.05)
    while materialise_slice(store, campaign_id):
        pass
    return campaign_id


def test_a_sending_campaign_is_paused_with_its_reason_and_goes_on(store, ledger, sending):
    paused = pause(store, ledger, "week-48", reason="typo in the subject")
    assert (paused.state, paused.reason) == (CampaignState.PAUSED, "typo in the subject")

    resumed = resume(store, ledger, "week-48", drift=0.05)
    assert (resumed.state, resumed.reason) == (CampaignState.SENDING, None)
    assert status(store, sending).waiting == 7


def test_a_campaign_paused_before_its_time_goes_back_on_the_schedule(store, ledger, crowd, campaign_row):
    crowd.join(2)
    campaign_id = campaign_row(expected=2, scheduled_at=clock.now() + timedelta(hours=1))
    pause(store, ledger, "week-48", reason="wait")
    assert start_due(store, ledger, clock.now() + timedelta(hours=2), drift=0.05) == []

    assert resume(store, ledger, "week-48", drift=0.05).state is CampaignState.SCHEDULED
    assert start_due(store, ledger, clock.now() + timedelta(hours=2), drift=0.05) == [campaign_id]


@pytest.mark.rule("D24", "E18")
def test_a_held_campaign_needs_the_new_count_before_it_goes_on(store, ledger, crowd, campaign_row):
    crowd.join(10)
    campaign_id = campaign_row(expected=7)
    start_due(store, ledger, clock.now(), drift=0.05)
    assert state(store, campaign_id) is CampaignState.PAUSED

    with pytest.raises(ApprovalNeeded, match="--expect 10"):
        resume(store, ledger, "week-48", drift=0.05)
    with pytest.raises(ApprovalNeeded, match="is 10, not 9. Nothing was changed"):
        resume(store, ledger, "week-48", drift=0.05, expect=9)
    assert state(store, campaign_id) is CampaignState.PAUSED

    resumed = resume(store, ledger, "week-48", drift=0.05, expect=10)
    assert (resumed.expected_count, resumed.drift_approved) == (10, True)
    assert start_due(store, ledger, clock.now(), drift=0.05) == [campaign_id]


def test_a_cancel_skips_whoever_was_not_sent_to_and_leaves_the_rest(store, ledger, sending, monkeypatch):
    monkeypatch.setattr(control, "CANCEL_SLICE", 2)
    with store.write() as connection:
        ids = connection.scalars(select(Delivery.id).order_by(Delivery.id)).all()
        accepted = update(Delivery).where(Delivery.id.in_(ids[:2]))
        connection.execute(accepted.values(state=DeliveryState.ACCEPTED, next_attempt_at=None))
        flying = update(Delivery).where(Delivery.id == ids[2])
        connection.execute(flying.values(state=DeliveryState.ATTEMPTING, next_attempt_at=None))

    cancel(store, ledger, "week-48", reason="wrong price")

    now = status(store, sending)
    assert now.state is CampaignState.CANCELLED
    assert now.reason == "wrong price"
    assert now.counts == {
        DeliveryState.ACCEPTED: 2,
        DeliveryState.ATTEMPTING: 1,
        DeliveryState.SKIPPED: 4,
    }
    assert now.skipped == {"cancelled": 4}
    assert now.audience == 7


def test_a_row_that_is_deferred_after_the_cancel_is_skipped_at_the_next_tick(store, ledger, sending):
    with store.write() as connection:
        one = connection.scalar(select(func.min(Delivery.id)))
        row = update(Delivery).where(Delivery.id == one)
        connection.execute(row.values(state=DeliveryState.ATTEMPTING, next_attempt_at=None))
    cancel(store, ledger, "week-48", reason="stop")
    with store.write() as connection:
        connection.execute(row.values(state=DeliveryState.DEFERRED, next_attempt_at=clock.now()))

    finish_done(store, ledger)

    assert status(store, sending).skipped == {"cancelled": 7}


def test_a_campaign_cancelled_before_it_was_written_out_still_adds_up(
    store, ledger, crowd, campaign_row, monkeypatch
):
    monkeypatch.setattr(audience, "SLICE", 2)
    crowd.join(5)
    campaign_id = campaign_row(expected=5)
    start_due(store, ledger, clock.now(), drift=0.05)
    materialise_slice(store, campaign_id)
    cancel(store, ledger, "week-48", reason="stop")

    assert not materialise_slice(store, campaign_id)
    now = status(store, campaign_id)
    assert (now.audience, now.not_materialised, now.skipped) == (5, 3, {"cancelled": 2})


def test_every_move_is_on_record(store, ledger, sending):
    pause(store, ledger, "week-48", reason="typo")
    resume(store, ledger, "week-48", drift=0.05)
    cancel(store, ledger, "week-48", reason="too late")

    with store.read() as connection:
        rows = connection.execute(select(LedgerEntry.event, LedgerEntry.payload).order_by(LedgerEntry.id))
        told = [(event, json.loads(payload)) for event, payload in rows][1:]
    assert [(event, payload["was"], payload["reason"]) for event, payload in told] == [
        ("pause", "sending", "typo"),
        ("resume", "paused", None),
        ("cancel", "sending", "too late"),
    ]


def test_an_ended_campaign_cannot_be_moved(store, ledger, sending):
    cancel(store, ledger, "week-48", reason="stop")
    with pytest.raises(MoveRefused):
        pause(store, ledger, "week-48", reason="again")
    with pytest.raises(MoveRefused):
        resume(store, ledger, "week-48", drift=0.05)


def test_a_folder_that_was_never_scheduled_cannot_be_moved(store, ledger, crowd):
    with pytest.raises(NotScheduled, match="was never scheduled"):
        pause(store, ledger, "week-49", reason="why not")
