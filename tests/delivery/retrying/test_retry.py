"""Staff order another attempt: what is due then, what is refused and why, and that it is on record."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update

from mailer import clock
from mailer.audit import Ledger
from mailer.audit.read import Filter, records
from mailer.campaigns.due import finish_done
from mailer.delivery.claim import Claims
from mailer.delivery.retrying import Asked, Refusal, Retried, retry
from mailer.delivery.retrying.run import SLICE_ROWS
from mailer.store import Store
from mailer.store.schema import Campaign, Delivery
from mailer.store.vocabulary import CampaignState, DeliveryKind, DeliveryState, SuppressionReason
from tests.delivery.world import World

SOON = clock.now() + timedelta(hours=2)
ENDED = {"next_attempt_at": None, "settled_at": clock.now(), "attempts": 3}
ROWS: dict[str, dict[str, Any]] = {
    "late": {"state": "deferred", "attempts": 2, "status": "4.7.1", "next_attempt_at": SOON},
    "tired": {"state": "expired", "status": "4.2.2", **ENDED},
    "barred": {"state": "rejected", "reply_code": 550, "status": "5.7.1", **ENDED},
    "nobody": {"state": "rejected", "reply_code": 550, "status": "5.1.1", **ENDED},
    "mute": {"state": "rejected", "reply_code": 554, "status": None, **ENDED},
    "done": {"state": "accepted", "reply_code": 250, **ENDED},
    "lost": {"state": "unknown", **ENDED},
}  # fmt: skip


class Desk:
    """A campaign that met every kind of answer, and the staff who ask for more."""

    def __init__(self, world: World, ledger: Ledger) -> None:
        self.world, self.ledger = world, ledger
        world.build(tuple(ROWS))
        self.ids = dict(zip(ROWS, [row.id for row in world.rows()], strict=True))
        for name, values in ROWS.items():
            self.change(name, **values)

    def change(self, name: str, **values: Any) -> None:
        """Set columns of one delivery."""
        with self.world.store.write() as connection:
            connection.execute(update(Delivery).where(Delivery.id == self.ids[name]).values(**values))

    def retry(self, *names: str, mended: str | None = None, dry_run: bool = False, **asked: Any) -> Retried:
        """One order."""
        wanted = Asked(tuple(self.ids[name] for name in names), **asked)
        return retry(self.world.store, self.ledger, wanted, mended=mended, dry_run=dry_run)

    def claimed(self) -> set[str]:
        """Who would be sent to now."""
        worker, journal = self.world.new_worker()
        taken = {claim.id for claim in Claims(self.world.store, worker).take_campaigns(2_000)}
        journal.close(remove=False)
        return {name for name, id_ in self.ids.items() if id_ in taken}

    def refused(self, done: Retried) -> dict[str, list[str]]:
        """Reasons and names."""
        names = {id_: name for name, id_ in self.ids.items()}
        return {reason.value: [names[id_] for id_ in ids] for reason, ids in done.refused.items()}

    def set_campaign(self, state: CampaignState) -> None:
        """Where the campaign stands."""
        self.world.set_campaign(state)

    def state_of_campaign(self) -> CampaignState:
        """The same, read."""
        with self.world.store.read() as connection:
            found = connection.execute(Campaign.__table__.select()).one()
        return CampaignState(found.state)

    def recorded(self, event: str = "retry") -> list[dict[str, Any] | None]:
        """What the ledger holds, newest first."""
        with self.world.store.read() as connection:
            return [record.payload for record in records(connection, Filter(event=event))]


@pytest.fixture
def desk(world: World, ledger: Ledger) -> Desk:
    """On both databases."""
    return Desk(world, ledger)


def test_deferred_and_expired_ones_are_due_at_once(desk: Desk) -> None:
    done = desk.retry(campaign="parts")
    assert done.count == 2
    assert dict(done.due) == {DeliveryState.DEFERRED: 1, DeliveryState.EXPIRED: 1}
    assert desk.claimed() == {"late", "tired"}


@pytest.mark.rule("B13")
def test_a_5xx_is_never_tried_again_but_a_policy_rejection_whose_cause_is_mended(desk: Desk) -> None:
    assert desk.refused(desk.retry(campaign="parts")) == {"policy": ["barred"], "final": ["nobody", "mute"]}
    done = desk.retry(campaign="parts", mended="SPF names the relay now")
    assert desk.refused(done) == {"final": ["nobody", "mute"]}
    assert desk.claimed() == {"late", "tired", "barred"}


def test_single_ones_are_refused_by_name_each_with_its_reason(desk: Desk) -> None:
    done = desk.retry("tired", "barred", "nobody", "done", "lost")
    assert done.count == 1
    assert desk.refused(done) == {
        "policy": ["barred"],
        "final": ["nobody"],
        "accepted": ["done"],
        "unknown": ["lost"],
    }


def test_a_number_that_is_no_delivery_is_named(desk: Desk) -> None:
    asked = Asked((desk.ids["late"], 10**9))
    done = retry(desk.world.store, desk.ledger, asked)
    assert (done.count, dict(done.refused)) == (1, {Refusal.MISSING: [10**9]})


def test_a_state_and_a_domain_cut(desk: Desk) -> None:
    assert desk.retry(states=frozenset({DeliveryState.EXPIRED}), dry_run=True).count == 1
    desk.change("late", domain="slow.example")
    assert desk.retry(domain="slow.example").due == {DeliveryState.DEFERRED: 1}
    assert desk.retry(domain="none.example").count == 0
    assert desk.retry(campaign="other").count == 0


def test_a_dry_run_counts_and_changes_nothing(desk: Desk) -> None:
    before = desk.world.rows()
    desk.set_campaign(CampaignState.FINISHED)
    done = desk.retry(campaign="parts", dry_run=True)
    assert done.count == 2 and done.held == {"parts": CampaignState.FINISHED}
    assert desk.world.rows() == before
    assert desk.recorded() == [] and desk.state_of_campaign() is CampaignState.FINISHED


@pytest.mark.rule("F2")
def test_whoever_left_or_is_suppressed_stays_as_they_are(desk: Desk) -> None:
    desk.world.leave("late")
    desk.world.suppress("tired", SuppressionReason.COMPLAINT)
    done = desk.retry(campaign="parts")
    assert done.count == 0
    assert desk.refused(done)["left"] == ["late", "tired"]
    assert desk.world.row(desk.ids["tired"]).state is DeliveryState.EXPIRED


@pytest.mark.rule("F2")
def test_whoever_leaves_after_the_order_gets_nothing(desk: Desk) -> None:
    """Leaving wins: the claim reads again."""
    desk.retry(campaign="parts")
    desk.world.leave("tired")
    assert desk.claimed() == {"late"}


def test_the_order_is_on_record_with_what_was_asked_and_mended(desk: Desk) -> None:
    desk.retry(campaign="parts", mended="SPF names the relay now")
    assert desk.recorded() == [
        {
            "asked": {"campaign": "parts", "states": ["deferred", "expired", "rejected", "skipped"]},
            "deliveries": 3,
            "first": desk.ids["late"],
            "last": desk.ids["barred"],
            "was": {"deferred": 1, "expired": 1, "rejected": 1},
            "mended": "SPF names the relay now",
        }
    ]
    desk.retry("done")
    assert len(desk.recorded()) == 1, "what changed nothing leaves no record"


def test_a_finished_campaign_sends_again_and_finishes_again(desk: Desk) -> None:
    desk.set_campaign(CampaignState.FINISHED)
    done = desk.retry("tired")
    assert done.held == {} and desk.state_of_campaign() is CampaignState.SENDING
    assert desk.claimed() == {"tired"}
    assert desk.recorded("reopen") == [
        {"campaign": desk.world.campaign_id, "slug": "parts", "was": "finished", "reason": "retry"}
    ]
    assert finish_done(desk.world.store, desk.ledger) == []
    for name in ("tired", "late"):  # nothing waits, nothing is under way
        desk.change(name, state="accepted", worker_id=None, next_attempt_at=None)
    assert finish_done(desk.world.store, desk.ledger) == [desk.world.campaign_id]


def test_a_paused_campaign_stays_paused_and_is_named(desk: Desk) -> None:
    desk.set_campaign(CampaignState.PAUSED)
    done = desk.retry(campaign="parts")
    assert done.held == {"parts": CampaignState.PAUSED}
    assert desk.claimed() == set()
    desk.set_campaign(CampaignState.SENDING)
    assert desk.claimed() == {"late", "tired"}


def test_a_cancelled_campaign_sends_nothing_more(desk: Desk) -> None:
    desk.set_campaign(CampaignState.CANCELLED)
    done = desk.retry(campaign="parts")
    assert done.count == 0 and desk.refused(done)["cancelled"] == ["late", "tired", "barred"]


@pytest.mark.rule("A56")
def test_what_is_known_of_the_last_attempt_stays_until_the_next_one(desk: Desk) -> None:
    desk.change("tired", message_id="m2@shop.example")
    desk.retry("tired")
    row = desk.world.row(desk.ids["tired"])
    assert (row.state.value, row.attempts, row.status, row.message_id, row.settled_at) == (
        "deferred",
        3,
        "4.2.2",
        "m2@shop.example",
        None,
    )


def test_system_mail_is_tried_again_too(desk: Desk) -> None:
    proof = desk.world.queue(
        None, kind=DeliveryKind.PROOF, context={"address": "ops@shop.example"}, state="expired", next_attempt_at=None
    )  # fmt: skip
    assert retry(desk.world.store, desk.ledger, Asked((proof,))).count == 1


def test_many_are_taken_slice_by_slice_each_on_record(desk: Desk) -> None:
    for _ in range(SLICE_ROWS + 3):
        desk.world.queue(
            desk.world.subscribe("late"),
            state="expired",
            next_attempt_at=None,
            stream=desk.world.campaign_id,
        )
    done = desk.retry(states=frozenset({DeliveryState.EXPIRED}))
    assert done.count == SLICE_ROWS + 4
    counts = [record["deliveries"] for record in desk.recorded() if record]
    assert counts == [4, SLICE_ROWS]


def test_many_single_ones_are_taken_too(desk: Desk) -> None:
    ids = tuple(desk.ids.values()) + tuple(range(10**6, 10**6 + 3 * SLICE_ROWS))
    done = retry(desk.world.store, desk.ledger, Asked(ids))
    assert done.count == 2 and len(done.refused[Refusal.MISSING]) == 3 * SLICE_ROWS


@pytest.mark.parametrize("_round", range(6))
def test_a_campaign_that_finishes_at_the_same_moment_strands_nobody(
    store: Store, world: World, ledger: Ledger, _round: int
) -> None:
    """Either the finisher sees the row that was put back, or the retry sees a finished campaign."""
    desk = Desk(world, ledger)
    for name in ROWS:
        desk.change(name, state="expired", next_attempt_at=None, worker_id=None)
    together = threading.Barrier(2)

    def finish() -> None:
        together.wait()
        finish_done(store, ledger)

    other = threading.Thread(target=finish)
    other.start()
    together.wait()
    done = desk.retry(campaign="parts")
    other.join()
    assert done.count == len(ROWS)
    assert desk.state_of_campaign() is CampaignState.SENDING
    assert len(desk.claimed()) == len(ROWS)
