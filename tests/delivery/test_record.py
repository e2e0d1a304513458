"""Recording outcomes: idempotent, complete, and with what follows from them, on both databases."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import Connection

from mailer import clock
from mailer.delivery.claim import Claims
from mailer.delivery.model import Attempt, Outcome, OutcomeKind
from mailer.delivery.record import UNREAD
from mailer.store.schema import Campaign
from mailer.store.vocabulary import CampaignState, DeliveryState
from tests.delivery.world import World

OUTCOMES = {
    "accepted": Outcome(OutcomeKind.ACCEPTED, 250, "2.0.0", "2.0.0 ok"),
    "deferred": Outcome(OutcomeKind.DEFERRED, 451, "4.7.1", "4.7.1 later"),
    "rejected": Outcome(OutcomeKind.REJECTED, 554, "5.7.1", "5.7.1 no"),
    "unknown": UNREAD,
}


def attempt(delivery: int, outcome: Outcome | None, number: int = 1) -> Attempt:
    """One finished attempt."""
    at = clock.now().replace(microsecond=0)
    return Attempt(delivery, number, f"{delivery}@shop.example", bytes(range(32)), at, outcome)


def write(world: World, *attempts: Attempt, worker: int = 1) -> None:
    """Record them in one transaction."""
    with world.store.write() as connection:
        world.records.write(connection, attempts, worker_id=worker, now=clock.now())


def claim_all(world: World, worker: int = 1) -> None:
    """Take everything that is due."""
    Claims(world.store, worker).take_campaigns(1000)


@pytest.mark.parametrize("state", list(OUTCOMES))
def test_each_outcome_is_stored_with_everything_known(world: World, state: str) -> None:
    world.build(["a"])
    claim_all(world)
    done = attempt(1, OUTCOMES[state])
    write(world, done)
    row = world.row(1)
    assert row.state.value == state
    assert (row.reply_code, row.status, row.reply) == (
        OUTCOMES[state].reply_code,
        OUTCOMES[state].status,
        OUTCOMES[state].reply,
    )
    assert (row.message_id, bytes(row.digest), row.attempted_at) == (
        done.message_id,
        done.digest,
        done.attempted_at,
    )
    assert (row.attempts, row.worker_id) == (1, None)
    assert (row.settled_at is None) == (state == "deferred")
    assert (row.next_attempt_at is None) == (state != "deferred")


@pytest.mark.parametrize("outcome", [*OUTCOMES.values(), None])
def test_the_relay_of_the_last_attempt_is_kept(world: World, outcome: Outcome | None) -> None:
    """Whoever settles an `unknown` must know in whose log to look."""
    world.build(["a"])
    claim_all(world)
    write(world, attempt(1, outcome)._replace(relay="mx.shop.example:25"))
    assert world.row(1).relay == "mx.shop.example:25"


def test_a_reply_of_any_words_is_stored_as_it_came(world: World) -> None:
    world.build(["a"])
    claim_all(world)
    words = 'quoted " back\\slash {json: [1]} größe \U0001f4ee \x07 two\nlines'
    write(world, attempt(1, OUTCOMES["rejected"]._replace(reply=words)))
    assert world.row(1).reply == words


def test_an_intent_without_an_outcome_is_unknown(world: World) -> None:
    world.build(["a"])
    claim_all(world)
    write(world, attempt(1, None))
    assert world.states() == {"a": "unknown"}


@pytest.mark.parametrize("state", list(OUTCOMES))
def test_recording_twice_changes_nothing(world: World, state: str) -> None:
    """A commit whose answer was lost is simply made again."""
    world.build(["a"])
    claim_all(world)
    write(world, attempt(1, OUTCOMES[state]))
    once = world.row(1)
    write(world, attempt(1, OUTCOMES["rejected"]))
    assert world.row(1) == once


def test_another_workers_row_is_left_alone(world: World) -> None:
    world.build(["a"])
    claim_all(world, worker=2)
    write(world, attempt(1, OUTCOMES["accepted"]), worker=1)
    assert world.states() == {"a": "attempting"}


def test_an_older_attempts_outcome_is_left_alone(world: World) -> None:
    world.build()
    id_ = world.queue(world.subscribe("a"), campaign_id=world.campaign_id, attempts=3)
    claim_all(world)
    write(world, attempt(id_, OUTCOMES["accepted"], number=3))
    assert world.states() == {"a": "attempting"}
    write(world, attempt(id_, OUTCOMES["accepted"], number=4))
    assert world.states() == {"a": "accepted"}


def test_a_batch_of_every_kind_is_one_transaction(world: World) -> None:
    world.build(list(OUTCOMES))
    claim_all(world)
    write(world, *(attempt(n, outcome) for n, outcome in enumerate(OUTCOMES.values(), 1)))
    assert world.states() == {name: name for name in OUTCOMES}


def test_a_campaigns_own_life_is_obeyed(world: World) -> None:
    """A54: a campaign may set a shorter one."""
    world.build(["a"])
    with world.store.write() as connection:
        connection.execute(Campaign.__table__.update().values(give_up_hours=2))  # type: ignore[attr-defined]  # a Table at run time
    claim_all(world)
    write(world, attempt(1, OUTCOMES["deferred"]))
    assert world.states() == {"a": "deferred"}  # 0.5 h is within 2 h
    world.make_due()
    claim_all(world)
    write(world, attempt(1, OUTCOMES["deferred"], number=2))
    assert world.states() == {"a": "expired"}  # 0.5 + 2.5 = 3 h is not


def test_jitter_moves_the_next_attempt_and_never_before_the_first_wait(world: World) -> None:
    world.build(["a"])
    world.jitter = lambda: 0.999
    claim_all(world)
    before = clock.now()
    write(world, attempt(1, OUTCOMES["deferred"]))
    wait = world.row(1).next_attempt_at - before
    assert timedelta(minutes=35) < wait <= timedelta(minutes=36, seconds=5)


def test_a_deferral_in_a_cancelled_campaign_is_not_tried_again(world: World) -> None:
    world.build(["a"])
    claim_all(world)
    world.set_campaign(CampaignState.CANCELLED)
    write(world, attempt(1, OUTCOMES["deferred"]))
    row = world.row(1)
    assert (row.state, row.skip_reason.value) == (DeliveryState.SKIPPED, "cancelled")
    assert row.reply == "4.7.1 later"


GONE = Outcome(OutcomeKind.REJECTED, 550, "5.1.1", "5.1.1 no such user", suppress=True)


def test_a_refusal_for_good_is_told_in_the_transaction_that_records_it(world: World) -> None:
    world.build(["ghost", "other", "read", "later"])
    claim_all(world)
    write(world, attempt(1, GONE), attempt(2, OUTCOMES["rejected"]), attempt(3, OUTCOMES["accepted"]))
    write(world, attempt(4, OUTCOMES["deferred"]))
    assert [one.delivery_id for one in world.bounced] == [1, 2]


def test_a_refusal_that_is_recorded_twice_has_bounced_once(world: World) -> None:
    """A journal may be read again after a crash."""
    world.build(["ghost"])
    claim_all(world)
    write(world, attempt(1, GONE))
    write(world, attempt(1, GONE))
    assert len(world.bounced) == 1


def test_a_refusal_told_by_a_worker_that_lost_its_claim_says_nothing(world: World) -> None:
    world.build(["ghost"])
    claim_all(world)
    write(world, attempt(1, GONE), worker=2)
    write(world, attempt(1, GONE, number=2))
    assert world.bounced == []


def test_nothing_of_a_bounce_is_kept_when_the_record_is_not(world: World) -> None:
    world.build(["ghost"])
    claim_all(world)

    def breaks(_connection: Connection, _attempts: Sequence[Attempt]) -> None:
        raise RuntimeError

    broken = replace(world.records, bounced=breaks)
    with pytest.raises(RuntimeError), world.store.write() as connection:
        broken.write(connection, [attempt(1, GONE)], worker_id=1, now=clock.now())
    assert world.row(1).state is DeliveryState.ATTEMPTING
