"""A worker goes on where it stopped reading, and misses nothing that became due behind it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import update

from mailer import clock
from mailer.delivery import places
from mailer.delivery.claim import Claim, Claims
from mailer.store.schema import Delivery
from mailer.store.vocabulary import CampaignState
from tests.delivery.world import World


def names(claims: list[Claim]) -> list[str]:
    """Whom these claims are for."""
    return [claim.email.partition("@")[0] for claim in claims]


def later(monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    """Let that much time pass on the clock that cannot be stepped."""
    now = clock.monotonic() + seconds
    monkeypatch.setattr(clock, "monotonic", lambda: now)


def due_long_ago(world: World, name: str) -> int:
    """A row that becomes due behind everybody's place, as one of a host whose clock is late."""
    early = clock.now() - timedelta(minutes=5)
    return world.queue(world.subscribe(name), campaign_id=world.campaign_id, next_attempt_at=early)


def test_one_batch_follows_the_other_until_all_are_taken(world: World) -> None:
    world.build([f"p{n}" for n in range(7)])
    claims = Claims(world.store, 1)
    assert names(claims.take_campaigns(3)) == ["p0", "p1", "p2"]
    assert names(claims.take_campaigns(3)) == ["p3", "p4", "p5"]
    assert names(claims.take_campaigns(3)) == ["p6"]
    assert claims.take_campaigns(3) == []


def test_what_becomes_due_behind_the_place_is_found_soon_when_there_is_nothing_else(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.build(["a", "b"])
    claims = Claims(world.store, 1)
    claims.take_campaigns(2)
    due_long_ago(world, "late")
    later(monkeypatch, places.SHORT_SECONDS)
    assert names(claims.take_campaigns(2)) == ["late"]


def test_it_is_found_also_while_there_is_more_than_enough_to_do(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.build([f"p{n}" for n in range(9)])
    claims = Claims(world.store, 1)
    claims.take_campaigns(2)
    due_long_ago(world, "late")
    later(monkeypatch, places.WHOLE_SECONDS)
    assert names(claims.take_campaigns(2))[0] == "late"


def test_another_worker_finds_it_at_once(world: World) -> None:
    world.build(["a", "b"])
    Claims(world.store, 1).take_campaigns(2)
    due_long_ago(world, "late")
    assert names(Claims(world.store, 2).take_campaigns(2)) == ["late"]


def test_what_is_given_back_is_taken_again(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.build(["a", "b", "c"])
    claims = Claims(world.store, 1)
    claims.release([claim.id for claim in claims.take_campaigns(2)])
    found = names(claims.take_campaigns(3))
    later(monkeypatch, places.SHORT_SECONDS)
    found += names(claims.take_campaigns(3))
    assert sorted(found) == ["a", "b", "c"]


def test_a_campaign_that_was_paused_in_between_loses_nobody(world: World) -> None:
    world.build(["a", "b", "c"])
    claims = Claims(world.store, 1)
    claims.take_campaigns(1)
    world.set_campaign(CampaignState.PAUSED)
    assert claims.take_campaigns(2) == []
    world.set_campaign(CampaignState.SENDING)
    assert names(claims.take_campaigns(2)) == ["b", "c"]


def test_each_campaign_has_its_own_place(world: World) -> None:
    world.build(["a1", "a2"])
    world.add_campaign("second", ["b1", "b2"])
    claims = Claims(world.store, 1)
    taken = [name for _ in range(4) for name in names(claims.take_campaigns(1))]
    assert sorted(taken) == ["a1", "a2", "b1", "b2"]


def test_system_mail_that_is_due_again_earlier_is_found(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.build()
    world.queue_proof()
    claims = Claims(world.store, 1)
    (claim,) = claims.take_system(1)
    claims.release([claim.id])
    with world.store.write() as connection:
        early = clock.now() - timedelta(hours=1)
        connection.execute(update(Delivery).where(Delivery.id == claim.id).values(next_attempt_at=early))
    later(monkeypatch, places.SHORT_SECONDS)
    assert [found.id for found in claims.take_system(1)] == [claim.id]
