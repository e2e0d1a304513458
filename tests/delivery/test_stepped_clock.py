"""Rows that only a clock set back still holds are let go; those that wait for a reason are not."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import update

from mailer import clock
from mailer.campaigns import stepped
from mailer.campaigns.stepped import make_due
from mailer.store.schema import Delivery
from mailer.store.vocabulary import CampaignState, DeliveryState
from tests.delivery.world import World

TOMORROW = timedelta(days=1)


def ahead(world: World, **values: object) -> None:
    """As if the clock had been a day ahead when the rows were written."""
    with world.store.write() as connection:
        connection.execute(update(Delivery).values(next_attempt_at=clock.now() + TOMORROW, **values))


def waits(world: World) -> list[bool]:
    """Which rows are not due yet."""
    return [row.next_attempt_at > clock.now() for row in world.rows()]


@pytest.mark.rule("A89")
def test_what_nobody_has_tried_is_due_again(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """In slices, until none is left."""
    monkeypatch.setattr(stepped, "SLICE", 2)
    world.build(["ada", "bob", "cleo"])
    ahead(world)
    assert [make_due(world.store), make_due(world.store), make_due(world.store)] == [True, True, False]
    assert waits(world) == [False, False, False]


def test_a_deferred_message_keeps_its_time(world: World) -> None:
    """Its wait is the server's wish."""
    world.build(["ada"])
    ahead(world, state=DeliveryState.DEFERRED, attempts=1)
    assert not make_due(world.store)
    assert waits(world) == [True]


def test_a_paused_campaign_is_left_alone(world: World) -> None:
    """Nothing is claimed of it; it is looked at once it is resumed."""
    world.build()
    world.add_campaign("other", ["ada"], state=CampaignState.PAUSED)
    ahead(world)
    assert not make_due(world.store)


def test_clocks_of_two_hosts_may_differ_a_little(world: World) -> None:
    """A row of the other host is due in a moment anyway."""
    world.build(["ada"])
    with world.store.write() as connection:
        connection.execute(update(Delivery).values(next_attempt_at=clock.now() + timedelta(seconds=3)))
    assert not make_due(world.store)
