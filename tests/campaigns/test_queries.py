"""The questions this room asks: whom they find, and that they find them by an index."""

from __future__ import annotations

from sqlalchemy.dialects import sqlite

from mailer import clock
from mailer.campaigns import queries
from mailer.campaigns.audience import _write_out
from mailer.campaigns.due import start_due
from mailer.store.vocabulary import SubscriptionState, SuppressionReason
from mailer.subscribers.lists import sync_lists
from mailer.subscribers.queries import active_list
from tests.campaigns.conftest import add_campaign_row


def plan(store, statement) -> list[str]:
    """How SQLite answers a statement."""
    text = str(statement.compile(dialect=sqlite.dialect(), compile_kwargs={"literal_binds": True}))
    with store.read() as connection:
        return [row[3] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {text}")]


def test_a_slice_reads_its_range_of_ids_and_not_the_whole_list(sqlite_campaigns, ledger):
    _campaigns, crowd, store = sqlite_campaigns
    crowd.join(3)
    campaign_id = add_campaign_row(store, crowd, expected=3)
    start_due(store, ledger, clock.now(), drift=1.0)
    with store.read() as connection:
        campaign = queries.campaign_by_id(connection, campaign_id)
    steps = plan(store, _write_out(campaign, 3, clock.now()))
    assert steps[0] == "SEARCH subscriptions USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)"
    assert not [step for step in steps if step.startswith("SCAN")]


def test_the_people_tried_are_from_both_ends_and_each_once(store, crowd):
    ids = crowd.join(10)
    crowd.suppress(ids[0])
    with store.read() as connection:
        found = queries.sample_people(connection, crowd.lists["weekly"], 4)
    assert [row.subscription_id for row in found] == [ids[1], ids[2], ids[9], ids[8]]


def test_of_a_small_list_everybody_is_tried_once(store, crowd):
    ids = crowd.join(3)
    with store.read() as connection:
        found = queries.sample_people(connection, crowd.lists["weekly"], 20)
    assert sorted(row.subscription_id for row in found) == ids


def test_somebody_suppressed_twice_is_left_out_once(store, crowd):
    (one, other) = crowd.join(2)
    crowd.suppress(one, reason=SuppressionReason.COMPLAINT)
    crowd.suppress(one, reason=SuppressionReason.MANUAL, list_id=crowd.lists["weekly"])
    crowd.suppress(other, reason=SuppressionReason.MANUAL, list_id=crowd.lists["clearance"])
    with store.read() as connection:
        assert queries.confirmed_but_suppressed(connection, crowd.lists["weekly"]) == {"complaint": 1}


def test_the_audience_of_an_instant_counts_who_left_after_it(store, crowd):
    ids = crowd.join(4)
    crowd.join(1, state=SubscriptionState.PENDING)
    crowd.leave(ids[0])
    instant = clock.now()
    crowd.leave(ids[1])
    crowd.suppress(ids[3])
    with store.read() as connection:
        assert queries.audience_size(connection, crowd.lists["weekly"], instant) == (3, ids[3])
        assert queries.audience_size(connection, crowd.lists["weekly"], clock.now()) == (1, ids[2])
        assert queries.audience_size(connection, crowd.lists["clearance"], clock.now()) == (0, 0)


def test_who_never_confirmed_and_leaves_was_never_in_an_audience(store, crowd):
    (pending,) = crowd.join(1, state=SubscriptionState.PENDING)
    instant = clock.now()
    crowd.leave(pending)
    with store.read() as connection:
        assert queries.audience_size(connection, crowd.lists["weekly"], instant) == (0, 0)


def test_a_list_that_left_the_settings_cannot_be_sent_to(store, crowd, settings):
    kept = {"clearance": settings.lists["clearance"]}
    sync_lists(store, settings.model_copy(update={"lists": kept}))
    with store.read() as connection:
        assert active_list(connection, "weekly") is None
        assert active_list(connection, "clearance") is not None
