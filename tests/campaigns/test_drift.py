"""How far an audience may move between approval and start (E18), at the very edge, by real joins and leaves."""

from __future__ import annotations

from datetime import timedelta

import pytest

from mailer import clock
from mailer.campaigns import queries
from mailer.campaigns.due import start_due
from mailer.store.vocabulary import CampaignState, SuppressionReason
from tests.campaigns.test_due import events


def state_of(store, campaign_id):
    with store.read() as connection:
        return queries.campaign_by_id(connection, campaign_id).state


@pytest.mark.rule("E18")
@pytest.mark.parametrize(
    ("joins", "leaves", "starts"),
    [
        (2, 0, True),  # exactly 5 % of forty
        (3, 0, False),
        (0, 2, True),
        (0, 3, False),
        (5, 3, True),  # many moved, the count hardly
        (6, 3, False),
    ],
)
def test_five_per_cent_is_still_allowed_and_one_person_more_is_not(
    store, ledger, crowd, campaign_row, joins, leaves, starts
):
    people = crowd.join(40)
    campaign_id = campaign_row(expected=40)
    if joins:
        crowd.join(joins)
    for person in people[:leaves]:
        crowd.leave(person)
    assert start_due(store, ledger, clock.now(), drift=0.05) == ([campaign_id] if starts else [])
    assert state_of(store, campaign_id) is (CampaignState.SENDING if starts else CampaignState.PAUSED)


@pytest.mark.rule("E18")
def test_suppressions_move_the_count_as_leaves_do(store, ledger, crowd, campaign_row):
    people = crowd.join(20)
    campaign_id = campaign_row(expected=20)
    for person in people[:2]:
        crowd.suppress(person, reason=SuppressionReason.HARD_BOUNCE)
    start_due(store, ledger, clock.now(), drift=0.05)
    assert state_of(store, campaign_id) is CampaignState.PAUSED


@pytest.mark.rule("E18")
def test_joins_of_another_list_move_nothing(store, ledger, crowd, campaign_row):
    crowd.join(20)
    campaign_id = campaign_row(expected=20)
    crowd.join(20, list_name="clearance")
    assert start_due(store, ledger, clock.now(), drift=0.05) == [campaign_id]


@pytest.mark.parametrize("drift", [0.0, 1.0])
def test_no_drift_at_all_and_any_drift_can_be_set(store, ledger, crowd, campaign_row, drift):
    crowd.join(20)
    campaign_id = campaign_row(expected=19)
    started = start_due(store, ledger, clock.now(), drift=drift)
    assert started == ([campaign_id] if drift else [])


def test_a_held_campaign_is_held_once_and_not_again_at_every_tick(store, ledger, crowd, campaign_row):
    crowd.join(20)
    campaign_id = campaign_row(expected=2)
    for seconds in range(3):
        assert start_due(store, ledger, clock.now() + timedelta(seconds=seconds), drift=0.05) == []
    assert state_of(store, campaign_id) is CampaignState.PAUSED
    assert len([event for event, _ in events(store) if event == "pause"]) == 1
