"""The status of a campaign: every number it shows, and what programs read of it."""

from __future__ import annotations

import json

import pytest
from sqlalchemy import select, update

from mailer import clock
from mailer.campaigns import queries
from mailer.campaigns.audience import materialise_slice
from mailer.campaigns.due import start_due
from mailer.campaigns.status import status_of
from mailer.store.schema import Delivery
from mailer.store.vocabulary import CampaignState, DeliveryState


@pytest.fixture
def campaign_id(store, ledger, crowd, campaign_row):
    """A campaign to ten people, all written out."""
    crowd.join(10)
    campaign_id = campaign_row(expected=10)
    start_due(store, ledger, clock.now(), drift=0.05)
    while materialise_slice(store, campaign_id):
        pass
    return campaign_id


def status(store, campaign_id):
    with store.read() as connection:
        return status_of(connection, queries.campaign_by_id(connection, campaign_id))


def settle(store, count, **values):
    """Settle the next `count` waiting rows."""
    with store.write() as connection:
        waiting = select(Delivery.id).where(Delivery.state == DeliveryState.QUEUED).order_by(Delivery.id)
        ids = connection.scalars(waiting.limit(count)).all()
        connection.execute(
            update(Delivery).where(Delivery.id.in_(ids)).values(next_attempt_at=None, **values)
        )


def test_waiting_and_settled_add_up_to_the_audience(store, campaign_id):
    settle(store, 4, state=DeliveryState.ACCEPTED)
    settle(store, 1, state=DeliveryState.ATTEMPTING)
    settle(store, 2, state=DeliveryState.REJECTED)
    settle(store, 1, state=DeliveryState.UNKNOWN)
    now = status(store, campaign_id)
    # 2 queued and 1 on the wire are waiting; accepted, rejected and unknown are not.
    assert (now.audience, now.waiting, now.settled) == (10, 3, 7)


def test_a_campaign_that_has_not_started_has_no_audience_yet(store, crowd, campaign_row):
    crowd.join(3)
    now = status(store, campaign_row(expected=3))
    assert (now.audience, now.waiting, now.settled, now.expected_count) == (0, 0, 0, 3)
    assert not now.is_over


def test_the_commonest_refusals_come_first_with_an_example_of_their_words(store, campaign_id):
    settle(store, 1, state=DeliveryState.REJECTED, reply_code=552, status="5.2.2", reply="5.2.2 full")
    settle(store, 3, state=DeliveryState.REJECTED, reply_code=550, status="5.1.1", reply="5.1.1 unknown")
    settle(store, 2, state=DeliveryState.EXPIRED, reply_code=451, status=None, reply="later")
    settle(store, 1, state=DeliveryState.ACCEPTED, reply_code=250, status="2.0.0", reply="ok")
    told = [(r.reply_code, r.status, r.example, r.count) for r in status(store, campaign_id).replies]
    assert told == [
        (550, "5.1.1", "5.1.1 unknown", 3),
        (451, None, "later", 2),
        (552, "5.2.2", "5.2.2 full", 1),
    ]


def test_of_many_kinds_of_refusal_the_five_commonest_are_shown(store, campaign_id):
    for code in range(550, 559):
        settle(store, 1, state=DeliveryState.REJECTED, reply_code=code, reply="no")
    assert len(status(store, campaign_id).replies) == 5


def test_programs_get_every_state_even_those_with_nobody(store, campaign_id):
    settle(store, 4, state=DeliveryState.SKIPPED, skip_reason="unsubscribed")
    told = json.loads(json.dumps(status(store, campaign_id).as_json()))
    assert {state.value: told[state.value] for state in DeliveryState} == {
        "queued": 6,
        "attempting": 0,
        "accepted": 0,
        "deferred": 0,
        "rejected": 0,
        "expired": 0,
        "skipped": 4,
        "unknown": 0,
    }
    assert told["skipped_by_reason"] == {"unsubscribed": 4}
    assert told["state"] == "sending"
    assert told["started_at"].endswith("+00:00")
    assert told["finished_at"] is None


@pytest.mark.parametrize("state", list(CampaignState))
def test_only_an_ended_campaign_is_over(store, campaign_row, crowd, state):
    now = status(store, campaign_row(expected=0, state=state))
    assert now.is_over is (state in (CampaignState.CANCELLED, CampaignState.FINISHED))


def test_the_newest_scheduling_of_a_folder_is_the_one_that_is_meant(store, crowd, campaign_row):
    campaign_row(expected=1, state=CampaignState.CANCELLED)
    newest = campaign_row(expected=2)
    campaign_row(slug="other", expected=3)
    with store.read() as connection:
        found = queries.latest_campaign(connection, "week-48")
        assert found is not None
        assert (found.id, found.expected_count) == (newest, 2)
        assert [row.slug for row in queries.campaigns_newest_first(connection, 2)] == ["other", "week-48"]
