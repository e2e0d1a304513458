"""Whom a campaign reaches, and that everybody counted is accounted for (law 1)."""

from __future__ import annotations

import pytest
from sqlalchemy import select, update

from mailer import clock
from mailer.audit import Ledger
from mailer.campaigns import audience, queries
from mailer.campaigns.audience import materialise_slice
from mailer.campaigns.due import start_due
from mailer.campaigns.status import status_of
from mailer.store import Store
from mailer.store.schema import Campaign, Delivery
from mailer.store.vocabulary import (
    CampaignState,
    DeliveryKind,
    DeliveryState,
    SubscriptionState,
    SuppressionReason,
)


@pytest.fixture(autouse=True)
def small_slices(monkeypatch: pytest.MonkeyPatch) -> None:
    """Slices of three, so that a dozen people are several transactions."""
    monkeypatch.setattr(audience, "SLICE", 3)


def start(store: Store, ledger: Ledger) -> None:
    assert start_due(store, ledger, clock.now(), drift=1.0)


def materialise(store: Store, campaign_id: int) -> int:
    slices = 0
    while materialise_slice(store, campaign_id):
        slices += 1
    return slices


def rows(store: Store) -> dict[int, tuple[DeliveryState, str | None]]:
    with store.read() as connection:
        found = connection.execute(select(Delivery.subscription_id, Delivery.state, Delivery.skip_reason))
        return {subscription: (state, reason) for subscription, state, reason in found}


def campaign(store: Store, campaign_id: int) -> queries.CampaignRow:
    with store.read() as connection:
        row = queries.campaign_by_id(connection, campaign_id)
    assert row is not None
    return row


def status(store: Store, campaign_id: int):
    with store.read() as connection:
        row = queries.campaign_by_id(connection, campaign_id)
        assert row is not None
        return status_of(connection, row)


@pytest.mark.rule("F1")
def test_only_confirmed_and_unsuppressed_people_of_the_list_get_a_delivery(
    store, ledger, crowd, campaign_row
):
    wanted = crowd.join(4)
    crowd.join(2, state=SubscriptionState.PENDING)
    crowd.join(2, state=SubscriptionState.UNSUBSCRIBED)
    crowd.join(2, list_name="clearance")
    everywhere, here, elsewhere = crowd.join(3)
    crowd.suppress(everywhere)
    crowd.suppress(here, reason=SuppressionReason.MANUAL, list_id=crowd.lists["weekly"])
    crowd.suppress(elsewhere, reason=SuppressionReason.MANUAL, list_id=crowd.lists["clearance"])
    campaign_id = campaign_row(expected=5)

    start(store, ledger)
    materialise(store, campaign_id)

    assert rows(store) == dict.fromkeys([*wanted, elsewhere], (DeliveryState.QUEUED, None))


def test_the_rows_are_ready_to_be_claimed(store, ledger, crowd, campaign_row):
    (subscription,) = crowd.join(1)
    campaign_id = campaign_row(expected=1)
    start(store, ledger)
    materialise(store, campaign_id)

    with store.read() as connection:
        row = connection.execute(select(Delivery.__table__)).one()
    assert row.stream == row.campaign_id == campaign_id
    assert row.kind is DeliveryKind.CAMPAIGN
    assert row.subscription_id == subscription
    assert row.domain == "inbox0.example"
    assert row.attempts == 0
    assert row.next_attempt_at == row.created_at <= clock.now()
    assert row.settled_at is None


def test_each_transaction_looks_at_one_slice_of_subscriptions(store, ledger, crowd, campaign_row):
    crowd.join(8)
    campaign_id = campaign_row(expected=8)
    start(store, ledger)

    assert materialise_slice(store, campaign_id)
    assert len(rows(store)) == 3
    assert materialise(store, campaign_id) == 2
    assert len(rows(store)) == 8


def test_a_slice_is_measured_over_all_lists_so_that_it_is_short_on_a_small_one(
    store, ledger, crowd, campaign_row
):
    crowd.join(7, list_name="clearance")
    crowd.join(1)
    campaign_id = campaign_row(expected=1)
    start(store, ledger)

    # 8 subscriptions by threes: two slices that find nobody, one that finds the one reader.
    assert materialise(store, campaign_id) == 3
    assert len(rows(store)) == 1


def test_size_and_bound_are_stored_before_the_first_row_exists(store, ledger, crowd, campaign_row):
    ids = crowd.join(5)
    campaign_id = campaign_row(expected=5)
    start(store, ledger)

    stored = campaign(store, campaign_id)
    assert (stored.audience_count, stored.audience_bound, stored.materialised_upto) == (5, ids[-1], 0)
    assert rows(store) == {}
    assert status(store, campaign_id).not_materialised == 5


@pytest.mark.rule("F2")
def test_who_leaves_before_their_slice_has_a_row_that_says_so(store, ledger, crowd, campaign_row):
    ids = crowd.join(6)
    campaign_id = campaign_row(expected=6)
    start(store, ledger)
    materialise_slice(store, campaign_id)
    crowd.leave(ids[4])

    materialise(store, campaign_id)

    assert rows(store)[ids[4]] == (DeliveryState.SKIPPED, "unsubscribed")
    assert sum(state is DeliveryState.QUEUED for state, _ in rows(store).values()) == 5


def test_who_is_suppressed_before_their_slice_has_a_row_that_says_so(store, ledger, crowd, campaign_row):
    ids = crowd.join(6)
    campaign_id = campaign_row(expected=6)
    start(store, ledger)
    crowd.suppress(ids[5])

    materialise(store, campaign_id)

    assert rows(store)[ids[5]] == (DeliveryState.SKIPPED, "suppressed")


def test_who_left_before_the_start_has_no_row_at_all(store, ledger, crowd, campaign_row):
    ids = crowd.join(3)
    crowd.leave(ids[0])
    crowd.suppress(ids[1])
    campaign_id = campaign_row(expected=1)
    start(store, ledger)
    materialise(store, campaign_id)

    assert list(rows(store)) == [ids[2]]


def test_who_joins_after_the_start_is_not_in_the_audience(store, ledger, crowd, campaign_row):
    crowd.join(2)
    campaign_id = campaign_row(expected=2)
    start(store, ledger)
    late = crowd.join(3)
    materialise(store, campaign_id)

    assert not set(late) & set(rows(store))


def test_who_confirms_again_while_it_is_written_out_is_not_lost(store, ledger, crowd, campaign_row):
    ids = crowd.join(4)
    campaign_id = campaign_row(expected=4)
    start(store, ledger)
    crowd.confirm(ids[3])
    materialise(store, campaign_id)

    assert set(rows(store)) == set(ids)


def test_at_the_end_the_stored_size_is_the_number_of_rows(store, ledger, crowd, campaign_row):
    ids = crowd.join(5)
    campaign_id = campaign_row(expected=5)
    start(store, ledger)
    crowd.erase(ids[2])
    materialise(store, campaign_id)

    assert campaign(store, campaign_id).audience_count == 4
    assert status(store, campaign_id).audience == 4


def test_a_slice_written_twice_at_once_makes_no_second_row(store, ledger, crowd, campaign_row):
    crowd.join(7)
    campaign_id = campaign_row(expected=7)
    start(store, ledger)
    materialise(store, campaign_id)

    assert not materialise_slice(store, campaign_id)
    assert len(rows(store)) == 7


@pytest.mark.parametrize("state", [CampaignState.PAUSED, CampaignState.CANCELLED])
def test_nothing_is_written_out_of_a_campaign_that_is_not_sending(store, ledger, crowd, campaign_row, state):
    crowd.join(4)
    campaign_id = campaign_row(expected=4)
    start(store, ledger)
    with store.write() as connection:
        connection.execute(update(Campaign).values(state=state))

    assert not materialise_slice(store, campaign_id)
    assert rows(store) == {}


def test_the_campaigns_still_to_write_out_are_listed(store, ledger, crowd, campaign_row):
    crowd.join(4)
    campaign_id = campaign_row(expected=4)

    def unfinished() -> list[int]:
        with store.read() as connection:
            return queries.unmaterialised_campaigns(connection)

    assert unfinished() == []
    start(store, ledger)
    assert unfinished() == [campaign_id]
    materialise(store, campaign_id)
    assert unfinished() == []
