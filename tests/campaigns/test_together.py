"""Several workers and people who leave, all at once: nobody is lost, nobody is counted twice (A89, law 1)."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import func, select

from mailer import clock
from mailer.campaigns import audience, queries
from mailer.campaigns.audience import materialise_slice
from mailer.campaigns.control import cancel
from mailer.campaigns.due import start_due
from mailer.campaigns.status import status_of
from mailer.store.schema import Delivery
from mailer.store.vocabulary import CampaignState, DeliveryState
from tests.campaigns.conftest import add_campaign_row

PEOPLE = 60


@pytest.fixture
def campaign_id(store, ledger, crowd, campaign_row, monkeypatch):
    """A started campaign to sixty people, in slices of five."""
    monkeypatch.setattr(audience, "SLICE", 5)
    crowd.join(PEOPLE)
    campaign_id = campaign_row(expected=PEOPLE)
    start_due(store, ledger, clock.now(), drift=0.05)
    return campaign_id


def together(*actions):
    """Run every action in its own thread, from one starting line; what fails there fails here."""
    line = threading.Barrier(len(actions))

    def run(action) -> None:
        line.wait()
        action()

    with ThreadPoolExecutor(len(actions)) as threads:
        for done in [threads.submit(run, action) for action in actions]:
            done.result()


def work(store, campaign_id):
    def materialise() -> None:
        while materialise_slice(store, campaign_id):
            pass

    return materialise


def status(store, campaign_id):
    with store.read() as connection:
        return status_of(connection, queries.campaign_by_id(connection, campaign_id))


def test_several_workers_write_an_audience_out_once(store, campaign_id):
    together(*[work(store, campaign_id)] * 4)
    with store.read() as connection:
        rows = connection.scalars(select(Delivery.subscription_id)).all()
    assert len(rows) == len(set(rows)) == PEOPLE


@pytest.mark.rule("F2")
def test_people_who_leave_meanwhile_are_each_skipped_by_name(store, crowd, campaign_id):
    with store.read() as connection:
        everybody = range(1, PEOPLE + 1)
        leaving = [id_ for id_ in everybody if id_ % 3 == 0]
        assert connection.scalar(select(func.count()).select_from(Delivery)) == 0

    together(
        work(store, campaign_id),
        work(store, campaign_id),
        lambda: [crowd.leave(id_) for id_ in leaving],
    )

    now = status(store, campaign_id)
    assert now.audience == PEOPLE
    assert now.not_materialised == 0
    # On PostgreSQL a slice may have read somebody as confirmed a moment before they left: such a row
    # is still queued, and the claim re-reads the state (law 3). Nobody else may be.
    with store.read() as connection:
        queued = set(
            connection.scalars(select(Delivery.subscription_id).where(Delivery.state == DeliveryState.QUEUED))
        )
    assert set(everybody) - set(leaving) <= queued
    if store.is_sqlite:
        assert now.skipped == {"unsubscribed": len(leaving)}


def test_a_cancel_in_the_middle_ends_it_and_the_sum_still_holds(store, ledger, campaign_id):
    together(
        work(store, campaign_id),
        work(store, campaign_id),
        lambda: cancel(store, ledger, "week-48", reason="stop"),
    )
    now = status(store, campaign_id)
    assert now.state is CampaignState.CANCELLED
    assert now.audience == now.not_materialised + sum(now.counts.values()) == PEOPLE
    assert now.counts.get(DeliveryState.QUEUED, 0) == 0


@pytest.mark.rule("F2")
def test_who_leaves_while_thousands_are_written_out_does_not_wait_for_the_end(sqlite_campaigns, monkeypatch):
    campaigns, crowd, store = sqlite_campaigns
    monkeypatch.setattr(audience, "SLICE", 100)
    ids = crowd.join(2_000)
    campaign_id = add_campaign_row(store, crowd, expected=2_000)
    campaigns.start_due(clock.now())
    left_at: list[float] = []
    ended_at: list[float] = []

    def leave() -> None:
        for subscription in ids[-5:]:
            crowd.leave(subscription)
            left_at.append(clock.monotonic())

    def materialise() -> None:
        while campaigns.materialise_slice(campaign_id):
            pass
        ended_at.append(clock.monotonic())

    together(leave, materialise)

    # Each opt-out was committed between two slices, long before the last one.
    assert max(left_at) < ended_at[0]
    assert status(store, campaign_id).skipped == {"unsubscribed": 5}
