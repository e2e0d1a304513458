"""Slices of an audience: short where the database is slow, by index whatever its statistics say."""

from __future__ import annotations

import re

import pytest
from sqlalchemy import func, insert, select

from benchmarks.plans import watching
from benchmarks.rows import CAMPAIGNS, fill
from mailer import clock
from mailer.campaigns import audience, queries
from mailer.campaigns.audience import materialise_slice, slice_size
from mailer.delivery.claim import Claims
from mailer.store import Store
from mailer.store.schema import Campaign, Delivery
from mailer.store.vocabulary import CampaignState

ROWS = 10_000
PEOPLE = ROWS // CAMPAIGNS
WHOLE_TABLES = re.compile(r"^SCAN (?!json_each)|Seq Scan|Hash|Merge|Bitmap|TEMP B-TREE|Sort", re.MULTILINE)


@pytest.fixture
def campaign(store: Store) -> int:
    """A campaign that has just started, on a site that has sent others."""
    fill(store, ROWS)
    return _started(store)


def _started(store: Store) -> int:
    now = clock.now()
    with store.write() as connection:
        return connection.execute(
            insert(Campaign)
            .values(
                tag=b"newest",
                slug="newest",
                subject="parts",
                list_id=1,
                state=CampaignState.SENDING,
                artefact_hash="1",
                scheduled_at=now,
                timezone="UTC",
                expected_count=PEOPLE,
                created_at=now,
                started_at=now,
                audience_bound=PEOPLE,
                audience_count=PEOPLE,
            )
            .returning(Campaign.id)
        ).scalar_one()


def _written(store: Store, campaign: int) -> int:
    with store.read() as connection:
        return connection.scalar(select(func.count(Delivery.id)).where(Delivery.campaign_id == campaign)) or 0


def test_a_slice_reads_its_own_people_and_no_whole_table(store: Store, campaign: int) -> None:
    with watching(store) as seen:
        materialise_slice(store, campaign)
    plans = seen.about("subscriptions")
    assert "pk_subscriptions" in plans or "subscriptions USING INTEGER PRIMARY KEY" in plans
    assert WHOLE_TABLES.findall(plans) == []


def test_statistics_of_an_empty_site_change_no_slice(
    postgresql_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A site that imported its list this morning and sends at noon."""
    monkeypatch.setattr(audience, "SLICE", 500)
    with postgresql_store.write() as connection:
        connection.exec_driver_sql("ANALYZE")
    fill(postgresql_store, ROWS)
    campaign = _started(postgresql_store)
    with watching(postgresql_store) as stale:
        materialise_slice(postgresql_store, campaign)
    with postgresql_store.write() as connection:
        connection.exec_driver_sql("ANALYZE")
    with watching(postgresql_store) as fresh:
        materialise_slice(postgresql_store, campaign)
    assert fresh.about("subscriptions") == stale.about("subscriptions")


def test_a_slow_database_is_given_smaller_slices(
    store: Store, campaign: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audience, "SLICE", 400)
    size = slice_size(store)
    materialise_slice(store, campaign, size=size)
    assert _written(store, campaign) == 400
    for _ in range(5):
        size.took(size.rows, 10.0)
    smaller = size.rows
    materialise_slice(store, campaign, size=size)
    assert smaller < 200
    assert _written(store, campaign) == 400 + smaller


def test_postgresql_keeps_its_slices_on_a_full_machine(postgresql_store: Store) -> None:
    """It has no lock that an opt-out would wait for; small slices would only slow the senders down."""
    size = slice_size(postgresql_store)
    for _ in range(5):
        size.took(size.rows, 0.1)
    assert size.rows == audience.SLICE


def test_a_fast_database_is_given_no_larger_slice_than_the_largest(
    store: Store, campaign: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audience, "SLICE", 400)
    size = slice_size(store)
    for _ in range(5):
        size.took(size.rows, 0.000_001)
    materialise_slice(store, campaign, size=size)
    assert _written(store, campaign) == 400


def test_who_finds_another_host_at_work_leaves_the_rest_to_it(
    postgresql_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audience, "SLICE", 100)
    fill(postgresql_store, ROWS)
    campaign = _started(postgresql_store)
    with postgresql_store.write() as other_host:
        assert queries.idle_campaign(other_host, campaign) is not None
        assert not materialise_slice(postgresql_store, campaign)
    assert materialise_slice(postgresql_store, campaign)
    assert _written(postgresql_store, campaign) == 100


def test_the_first_people_can_be_sent_to_while_the_others_are_written_out(
    store: Store, campaign: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audience, "SLICE", 100)
    materialise_slice(store, campaign)
    claims = Claims(store, 1)
    found = [claim for _ in range(8) for claim in claims.take_campaigns(50) if claim.stream == campaign]
    assert len(found) == 100
    while materialise_slice(store, campaign):
        pass
    assert _written(store, campaign) == PEOPLE
