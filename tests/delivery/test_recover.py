"""What dead workers leave behind is settled by what their journal says, once, on both databases."""

from __future__ import annotations

import asyncio
import shutil
from datetime import timedelta

import pytest
from sqlalchemy import update

from mailer import clock
from mailer.delivery import queries
from mailer.delivery.claim import Claims
from mailer.delivery.journal import Journal
from mailer.delivery.model import Attempt, Outcome, OutcomeKind
from mailer.delivery.recover import LOST_HOST, Recovered, recover
from mailer.store.schema import Worker
from mailer.store.vocabulary import CampaignState, DeliveryState
from tests.delivery.world import World, intended

YES = Outcome(OutcomeKind.ACCEPTED, 250, "2.0.0", "2.0.0 ok")
LATER = Outcome(OutcomeKind.DEFERRED, 451, "4.7.1", "4.7.1 later")


def die(world: World, records: dict[int, Outcome | None], *, number: int = 1) -> tuple[int, Journal]:
    """A worker claims everything due, writes these records and dies."""

    async def story() -> tuple[int, Journal]:
        worker, journal = world.new_worker()
        Claims(world.store, worker).take_campaigns(100)
        for delivery, outcome in records.items():
            attempt = Attempt(delivery, number, f"{delivery}@shop.example", bytes(32), clock.now(), outcome)
            await intended(journal, attempt) if outcome is None else journal.note(attempt)
        journal.flush()
        journal.close(remove=False)
        return worker, journal

    return asyncio.run(story())


def take_over(world: World, besides: int | None = None) -> Recovered:
    """What another worker does at its start and every few seconds."""
    return recover(world.store, world.records, journals=world.root / "journals", besides=besides)


def test_outcomes_are_applied_intents_named_and_the_rest_given_back(world: World) -> None:
    """Law 2."""
    world.build(["done", "later", "maybe", "unsent"])
    done, later, maybe, _ = [row.id for row in world.rows()]
    die(world, {done: YES, later: LATER, maybe: None})
    assert world.counts() == {"attempting": 4}
    assert take_over(world) == Recovered(workers=1, settled=2, unknown=1, released=1)
    assert world.states() == {
        "done": "accepted",
        "later": "deferred",
        "maybe": "unknown",
        "unsent": "queued",
    }
    unknown = world.row(maybe)
    assert (unknown.attempts, unknown.message_id) == (1, f"{maybe}@shop.example")
    assert all(row.worker_id is None for row in world.rows())


def test_a_second_recovery_finds_nothing_to_do(world: World) -> None:
    world.build(["a"])
    _, journal = die(world, {1: None})
    take_over(world)
    before = world.rows()
    assert take_over(world) == Recovered()
    assert world.rows() == before
    assert not journal.path.exists()


def test_a_live_worker_keeps_its_claims(world: World) -> None:
    world.build(["a"])
    worker, journal = world.new_worker()
    Claims(world.store, worker).take_campaigns(10)
    assert take_over(world) == Recovered()
    assert world.counts() == {"attempting": 1}
    journal.close(remove=True)


def test_a_record_of_an_earlier_attempt_says_nothing_about_this_one(world: World) -> None:
    """Deferred once, claimed again, and then the worker died before anything left."""
    world.build()
    id_ = world.queue(world.subscribe("a"), campaign_id=world.campaign_id, attempts=1)
    die(world, {id_: LATER}, number=1)
    take_over(world)
    row = world.row(id_)
    assert (row.state, row.attempts, row.reply_code) == (DeliveryState.DEFERRED, 1, None)


def test_an_outcome_that_was_recorded_is_not_recorded_again(world: World) -> None:
    """The worker died between the commit and forgetting."""
    world.build(["a"])
    worker, _ = die(world, {1: LATER})
    attempt = Attempt(1, 1, "x", bytes(32), clock.now(), LATER)
    with world.store.write() as connection:
        world.records.write(connection, [attempt], worker_id=worker, now=clock.now())
    once = world.row(1)
    take_over(world)
    assert world.row(1) == once


def test_claims_of_a_cancelled_campaign_are_not_given_back_but_skipped(world: World) -> None:
    world.build(["a", "b"])
    die(world, {})
    world.set_campaign(CampaignState.CANCELLED)
    take_over(world)
    assert set(world.states().values()) == {"skipped"}


def test_a_moved_site_folder_still_finds_its_journals(world: World) -> None:
    world.build(["a"])
    die(world, {1: YES})
    world.root.joinpath("journals").rename(world.root / "elsewhere")
    assert recover(world.store, world.records, journals=world.root / "elsewhere").settled == 1


@pytest.mark.parametrize(("silent", "expected"), [(LOST_HOST / 2, "attempting"), (LOST_HOST * 2, "unknown")])
def test_a_host_that_never_returns_leaves_its_claims_in_doubt(
    world: World, silent: timedelta, expected: str
) -> None:
    """Its journal cannot be read: nobody is sent a second copy on a guess."""
    world.build(["a", "b"])
    worker, journal = die(world, {})
    shutil.rmtree(journal.path)
    with world.store.write() as connection:
        connection.execute(
            update(Worker).where(Worker.id == worker).values(heartbeat_at=clock.now() - silent)
        )
    take_over(world)
    assert set(world.states().values()) == {expected}


def test_a_worker_that_was_taken_for_dead_learns_it(world: World) -> None:
    """Its next heartbeat is refused; it stops instead of sending on."""
    world.build()
    worker, _ = die(world, {})
    with world.store.write() as connection:
        assert queries.beat(connection, worker, now=clock.now())
    take_over(world)
    with world.store.write() as connection:
        assert not queries.beat(connection, worker, now=clock.now())
