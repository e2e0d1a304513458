"""Claiming and reading again, on both databases: who may leave is decided in the claiming transaction."""

from __future__ import annotations

import threading
import time
from datetime import datetime, timedelta

import pytest
from sqlalchemy import event

from mailer import clock
from mailer.delivery import queries
from mailer.delivery.claim import MAX_AGE_SECONDS, Claim, Claims, Skip
from mailer.store.vocabulary import CampaignState, DeliveryState, SkipReason, SuppressionReason
from tests.delivery.world import World


def claimer(world: World, worker: int = 1) -> Claims:
    """The claims of one worker."""
    return Claims(world.store, worker)


def postpone(world: World, rows: list[tuple[int, datetime]], *, worker: int) -> None:
    """Give claims of this worker back, each with its time."""
    with world.store.write() as connection:
        queries.postpone(connection, rows, worker_id=worker)


def names(claims: list[Claim] | tuple[Claim, ...]) -> list[str]:
    """Whom these claims are for."""
    return [claim.email.partition("@")[0] for claim in claims]


def test_a_claim_takes_the_oldest_due_rows_and_marks_them(world: World) -> None:
    world.build(["a", "b", "c"])
    claims = claimer(world, 7).take_campaigns(2)
    assert names(claims) == ["a", "b"]
    first, second, third = world.rows()
    for row in (first, second):
        assert (row.state, row.worker_id, row.next_attempt_at) == (DeliveryState.ATTEMPTING, 7, None)
    assert (third.state, third.worker_id) == (DeliveryState.QUEUED, None)


def test_what_is_not_due_yet_is_left_alone(world: World) -> None:
    world.build()
    world.queue(
        world.subscribe("later"),
        campaign_id=world.campaign_id,
        state=DeliveryState.DEFERRED,
        attempts=1,
        next_attempt_at=clock.now() + timedelta(minutes=5),
    )
    assert claimer(world).take_campaigns(10) == []


@pytest.mark.parametrize(
    "state",
    [CampaignState.SCHEDULED, CampaignState.PAUSED, CampaignState.CANCELLED, CampaignState.FINISHED],
)
def test_only_a_campaign_that_is_sending_is_claimed(world: World, state: CampaignState) -> None:
    world.build(["a"])
    world.set_campaign(state)
    assert claimer(world).take_campaigns(10) == []
    assert world.states() == {"a": "queued"}


def test_system_mail_is_claimed_by_itself(world: World) -> None:
    world.build(["a"])
    proof = world.queue_proof()
    assert [claim.id for claim in claimer(world).take_system(10)] == [proof]
    assert names(claimer(world).take_campaigns(10)) == ["a"]


def test_campaigns_take_turns_at_going_first(world: World) -> None:
    """A long campaign does not starve the one that started after it."""
    world.build([f"a{n}" for n in range(10)])
    world.add_campaign("second", [f"b{n}" for n in range(10)])
    claims = claimer(world)
    got = [names(claims.take_campaigns(3))[0][0] for _ in range(4)]
    assert sorted(got) == ["a", "a", "b", "b"]


def test_a_batch_is_filled_from_the_next_campaign(world: World) -> None:
    world.build(["a1"])
    world.add_campaign("second", ["b1", "b2"])
    assert sorted(names(claimer(world).take_campaigns(10))) == ["a1", "b1", "b2"]


@pytest.mark.parametrize("reason", list(SuppressionReason))
def test_every_suppression_reason_keeps_a_campaign_mail_back(world: World, reason: SuppressionReason) -> None:
    """Law 7: suppression beats every list."""
    world.build(["a", "b"])
    world.suppress("a", reason)
    assert names(claimer(world).take_campaigns(10)) == ["b"]
    expected = SkipReason.UNSUBSCRIBED if reason is SuppressionReason.UNSUBSCRIBED else SkipReason.SUPPRESSED
    assert world.rows()[0].skip_reason is expected


def test_a_suppression_of_another_list_does_not_count(world: World) -> None:
    world.build(["a"])
    world.suppress("a", SuppressionReason.UNSUBSCRIBED, list_id=world.list_id + 1)
    assert names(claimer(world).take_campaigns(10)) == ["a"]


def test_several_reasons_are_named_by_the_gravest(world: World) -> None:
    world.build(["a"])
    world.suppress("a", SuppressionReason.UNSUBSCRIBED)
    world.suppress("a", SuppressionReason.COMPLAINT)
    claimer(world).take_campaigns(10)
    assert world.rows()[0].skip_reason is SkipReason.SUPPRESSED


def test_many_threads_never_claim_the_same_row(world: World) -> None:
    """A57: SQLite's one writer, PostgreSQL's SKIP LOCKED."""
    world.build([f"p{n}" for n in range(60)])
    taken: list[int] = []
    lock = threading.Lock()

    def work(worker: int) -> None:
        claims = claimer(world, worker)
        while found := claims.take_campaigns(4):
            with lock:
                taken.extend(claim.id for claim in found)

    threads = [threading.Thread(target=work, args=(worker,)) for worker in range(1, 5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    # Rows that another claimer had locked are found by whoever looks next.
    taken += [claim.id for claim in claimer(world, 9).take_campaigns(100)]
    assert sorted(taken) == [row.id for row in world.rows()]


def test_reading_again_puts_down_who_left_and_keeps_the_others(world: World) -> None:
    """A58, law 3."""
    world.build(["stays", "leaves"])
    claims = claimer(world)
    held = claims.take_campaigns(10)
    world.leave("leaves")
    old = [claim._replace(read_at=claim.read_at - 10) for claim in held]
    assert all(claim.is_stale() for claim in old)
    checked = claims.recheck(old)
    assert names(checked.fresh) == ["stays"]
    assert not checked.fresh[0].is_stale()
    assert checked.skipped == 1
    assert world.states() == {"stays": "attempting", "leaves": "skipped"}


def test_reading_again_gives_back_what_was_paused(world: World) -> None:
    world.build(["a"])
    claims = claimer(world)
    held = claims.take_campaigns(10)
    world.set_campaign(CampaignState.PAUSED)
    assert claims.recheck(held).released == 1
    row = world.rows()[0]
    assert (row.state, row.worker_id, row.attempts) == (DeliveryState.QUEUED, None, 0)


def test_reading_again_forgets_what_another_worker_has_taken_over(world: World) -> None:
    world.build(["a"])
    held = claimer(world, 1).take_campaigns(10)
    claimer(world, 1).release([held[0].id])
    claimer(world, 2).take_campaigns(10)
    assert claimer(world, 1).recheck(held).fresh == ()
    assert world.rows()[0].worker_id == 2


def test_a_claim_ages_by_the_monotonic_clock(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Law 3: a stepped wall clock cannot make an old reading look new."""
    world.build(["a"])
    (claim,) = claimer(world).take_campaigns(10)
    now = clock.monotonic()
    monkeypatch.setattr(clock, "monotonic", lambda: now + MAX_AGE_SECONDS + 1)
    assert claim.is_stale()


def test_a_release_remembers_the_attempts(world: World) -> None:
    world.build(["fresh"])
    again = world.queue(world.subscribe("again"), campaign_id=world.campaign_id, attempts=2)
    claims = claimer(world)
    claims.release([claim.id for claim in claims.take_campaigns(10)])
    assert world.states() == {"fresh": "queued", "again": "deferred"}
    assert world.row(again).attempts == 2


def test_a_release_is_only_of_ones_own(world: World) -> None:
    world.build(["a"])
    (claim,) = claimer(world, 1).take_campaigns(10)
    claimer(world, 2).release([claim.id])
    assert world.states() == {"a": "attempting"}


def test_what_is_postponed_is_due_at_its_own_time_and_counts_no_attempt(world: World) -> None:
    world.build(["fresh"])
    again = world.queue(world.subscribe("again"), campaign_id=world.campaign_id, attempts=2)
    claims, others = claimer(world, 1), claimer(world, 2)
    first, second = claims.take_campaigns(10)
    at = [clock.now() + timedelta(minutes=minutes) for minutes in (5, 10)]
    postpone(world, [(first.id, at[0]), (second.id, at[1])], worker=1)
    assert [(row.next_attempt_at, row.worker_id) for row in world.rows()] == [(at[0], None), (at[1], None)]
    assert world.states() == {"fresh": "queued", "again": "deferred"}
    assert world.row(again).attempts == 2
    assert others.take_campaigns(10) == []


def test_what_is_postponed_is_found_when_its_time_comes(world: World) -> None:
    """Also by a worker that has read past it in the meantime."""
    world.build(["a", "b", "c"])
    claims = claimer(world)
    (first,) = claims.take_campaigns(1)
    soon = clock.now() + timedelta(milliseconds=100)
    postpone(world, [(first.id, soon)], worker=1)
    assert names(claims.take_campaigns(1)) == ["b"]
    time.sleep(0.15)
    assert names(claims.take_campaigns(5)) == ["c", "a"]


def test_only_ones_own_is_postponed_and_nothing_of_a_cancelled_campaign(world: World) -> None:
    world.build(["a"])
    (claim,) = claimer(world, 1).take_campaigns(10)
    later = clock.now() + timedelta(minutes=5)
    postpone(world, [(claim.id, later)], worker=2)
    assert world.states() == {"a": "attempting"}
    world.set_campaign(CampaignState.CANCELLED)
    postpone(world, [(claim.id, later)], worker=1)
    assert world.states() == {"a": "skipped"}


def test_a_skip_says_why_and_frees_the_row(world: World) -> None:
    world.build(["a"])
    claims = claimer(world)
    (claim,) = claims.take_campaigns(10)
    claims.skip([Skip(claim.id, SkipReason.UNRENDERABLE, "The name cannot be encoded.")])
    row = world.rows()[0]
    assert (row.state, row.skip_reason, row.worker_id) == (
        DeliveryState.SKIPPED,
        SkipReason.UNRENDERABLE,
        None,
    )
    assert row.reply == "The name cannot be encoded."


def test_looking_for_work_in_vain_takes_no_write_lock(small_world: World) -> None:
    """An idle worker asks five times a second; opt-outs must not meet it."""
    small_world.build()
    seen: list[str] = []

    @event.listens_for(small_world.store.engine, "before_cursor_execute")
    def spy(_c: object, _cursor: object, statement: str, *_rest: object) -> None:
        seen.append(statement)

    claims = claimer(small_world)
    assert claims.take_system(10) == []
    assert claims.take_campaigns(10) == []
    assert seen
    assert not [statement for statement in seen if statement.startswith(("UPDATE", "INSERT"))]
