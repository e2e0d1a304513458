"""The retry law (A54) holds across restarts: who sends next goes on where the last one stopped."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
import time_machine

from mailer import clock
from mailer.delivery.claim import Claims
from mailer.delivery.model import Attempt, Outcome, OutcomeKind
from mailer.delivery.recover import recover
from mailer.delivery.retry import RetryPolicy
from mailer.store.vocabulary import DeliveryState
from tests.delivery.world import World

START = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
LATER = Outcome(OutcomeKind.DEFERRED, 451, "4.7.1", "4.7.1 later")


@pytest.fixture
def frozen() -> Iterator[Any]:
    """A clock that moves when it is told to."""
    with time_machine.travel(START, tick=False) as traveller:
        yield traveller


def one_life(world: World, outcome: Outcome, *, crash: bool) -> int:
    """A worker starts, tries what is due once, and ends; returns how many messages it tried."""

    async def story() -> int:
        recover(world.store, world.records, journals=world.root / "journals")
        worker, journal = world.new_worker()
        claims = Claims(world.store, worker).take_campaigns(100)
        attempts = [
            Attempt(claim.id, claim.attempts + 1, f"{claim.id}@x", bytes(32), clock.now(), outcome)
            for claim in claims
        ]
        for attempt in attempts:
            journal.note(attempt)
        if not crash:
            with world.store.write() as connection:
                world.records.write(connection, attempts, worker_id=worker, now=clock.now())
        journal.close(remove=not crash)
        return len(claims)

    return asyncio.run(story())


@pytest.mark.rule("A54")
@pytest.mark.parametrize("crash", [False, True], ids=["stopped", "killed"])
def test_a_message_deferred_for_ever_is_tried_on_the_schedule_however_often_the_worker_restarts(
    small_world: World, frozen: Any, crash: bool
) -> None:
    """A new worker every hour for six days; the times are those of the policy and no other."""
    small_world.policy = RetryPolicy(timedelta(minutes=30), timedelta(hours=12), timedelta(hours=108))
    small_world.jitter = lambda: 0.5
    small_world.build(["ada"])
    tried: list[timedelta] = []
    for _ in range(6 * 24):
        if one_life(small_world, LATER, crash=crash):
            tried.append(clock.now() - START)
        frozen.shift(timedelta(hours=1))
    # A killed worker's outcome is read by the next one, an hour later, and its wait counts from there.
    late = timedelta(hours=1) if crash else timedelta(0)
    waits = [after - before for before, after in pairwise(tried)]
    assert tried[0] == timedelta(0)
    assert timedelta(minutes=30) <= waits[0] <= timedelta(hours=1) + late
    assert all(timedelta(hours=12) <= wait <= timedelta(hours=12) + late for wait in waits[1:])
    assert len(tried) == 10
    (row,) = small_world.rows()
    assert (row.state, row.attempts) == (DeliveryState.EXPIRED, 10)


@pytest.mark.rule("A54")
def test_two_weeks_switched_off_cost_nobody_an_attempt(small_world: World, frozen: Any) -> None:
    small_world.build(["ada"])
    one_life(small_world, LATER, crash=False)
    frozen.shift(timedelta(days=14))
    assert one_life(small_world, LATER, crash=False) == 1
    (row,) = small_world.rows()
    assert (row.state, row.attempts) == (DeliveryState.DEFERRED, 2)
    assert row.next_attempt_at > clock.now()


def test_a_restart_does_not_try_again_what_is_not_due(small_world: World, frozen: Any) -> None:
    small_world.build(["ada", "bob"])
    one_life(small_world, LATER, crash=False)
    frozen.shift(timedelta(minutes=29))
    assert one_life(small_world, LATER, crash=False) == 0


def test_after_a_pause_of_a_day_a_deferred_message_is_tried_at_once_and_once(
    small_world: World, frozen: Any
) -> None:
    from mailer.store.vocabulary import CampaignState

    small_world.build(["ada"])
    one_life(small_world, LATER, crash=False)
    small_world.set_campaign(CampaignState.PAUSED)
    frozen.shift(timedelta(days=1))
    assert one_life(small_world, LATER, crash=False) == 0
    small_world.set_campaign(CampaignState.SENDING)
    assert one_life(small_world, LATER, crash=False) == 1
    assert one_life(small_world, LATER, crash=False) == 0
