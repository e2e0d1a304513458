"""Erasure and the mail (C20): what waits, what is settled, and what a sender has in hand at that moment."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from sqlalchemy import insert, select

from mailer import clock
from mailer.alerts import Alerts
from mailer.bounces.deciding import Deciding, Limits
from mailer.delivery.claim import Claim, Claims
from mailer.delivery.model import Attempt, Outcome, OutcomeKind
from mailer.delivery.read import delivery as read_delivery
from mailer.delivery.record import Records
from mailer.delivery.retry import RetryPolicy
from mailer.store.schema import Hold, Report, Worker
from mailer.store.vocabulary import DeliveryState
from mailer.subscribers.erasure import Erasure
from tests.subscribers.conftest import ADA, Desk
from tests.subscribers.erasing import WHY, deliver, proof, stored


def worker(desk: Desk) -> int:
    with desk.store.write() as connection:
        statement = insert(Worker).values(
            host="here", pid=1, journal="journal", started_at=clock.now(), heartbeat_at=clock.now()
        )
        return connection.execute(statement.returning(Worker.id)).scalar_one()


@pytest.mark.rule("C20")
@pytest.mark.parametrize("state", [DeliveryState.QUEUED, DeliveryState.DEFERRED])
def test_what_waits_is_skipped_as_erased(desk: Desk, erasure: Erasure, state: DeliveryState) -> None:
    desk.join()
    waiting = deliver(desk, state)
    assert erasure.erase(ADA, why=WHY).skipped == 1
    row = stored(desk, waiting)
    assert (row.state, row.skip_reason, row.next_attempt_at) == ("skipped", "erased", None)
    assert row.settled_at is not None and row.subscription_id is None


SETTLED = [
    DeliveryState.ACCEPTED,
    DeliveryState.REJECTED,
    DeliveryState.EXPIRED,
    DeliveryState.SKIPPED,
    DeliveryState.UNKNOWN,
]


@pytest.mark.rule("C20")
@pytest.mark.parametrize("state", SETTLED)
def test_what_was_settled_keeps_its_outcome_and_loses_the_person(
    desk: Desk, erasure: Erasure, state: DeliveryState
) -> None:
    desk.join()
    settled = deliver(
        desk, state, reply_code=550, status="5.1.1", reply="<ada@example.net>: no such user", digest=bytes(32)
    )
    erasure.erase(ADA, why=WHY)
    row = stored(desk, settled)
    assert (row.state, row.reply_code, row.status, row.digest) == (state, 550, "5.1.1", bytes(32))
    assert (row.subscription_id, row.reply, row.domain) == (None, None, "")
    assert read_delivery(desk.store, settled).masked == "erased"


@pytest.mark.rule("C20")
def test_proofs_to_the_address_lose_their_addressee(desk: Desk, erasure: Erasure) -> None:
    mine = [
        proof(desk, DeliveryState.ACCEPTED, "Ada@example.net"),
        proof(desk, DeliveryState.QUEUED, "ada@example.net"),
    ]
    other = proof(desk, DeliveryState.QUEUED, "zoe@example.net")
    done = erasure.erase(ADA, why=WHY)
    assert (done.found, done.deliveries, done.skipped) == (True, 2, 1)
    assert [stored(desk, row).context for row in mine] == [None, None]
    assert [stored(desk, row).state for row in mine] == ["accepted", "skipped"]
    assert stored(desk, other).context["address"] == "zoe@example.net"
    assert stored(desk, other).state == "queued"


# --- the race with a sender ------------------------------------------------------------------------


@dataclass
class Hand:
    """A sender with one confirmation in hand."""

    desk: Desk
    worker: int
    claims: Claims
    claim: Claim

    def record(self, kind: OutcomeKind, code: int) -> Any:
        """Write down how it ended; the delivery's row as it is then."""
        outcome = Outcome(kind, code, None, "<Ada@example.net>: these are my words", suppress=code == 550)
        ended = Attempt(self.claim.id, 1, "message@shop.example", bytes(32), clock.now(), outcome)
        with self.desk.store.write() as connection:
            records = Records(RetryPolicy(), self._deciding().smtp_bounces)
            records.write(connection, [ended], worker_id=self.worker, now=clock.now())
        return stored(self.desk, self.claim.id)

    def _deciding(self) -> Deciding:
        desk = self.desk
        return Deciding(
            desk.store,
            Limits(),
            desk.secrets,
            ledger=desk.ledger,
            tokens=desk.tokens,
            leaving=desk.leaving,
            alerts=Alerts(desk.store, []),
        )


@pytest.fixture
def claimed(desk: Desk) -> Hand:
    """Ada's confirmation, claimed."""
    desk.request()
    sender = worker(desk)
    claims = Claims(desk.store, sender)
    (claim,) = claims.take_system(10)
    return Hand(desk, sender, claims, claim)


@pytest.mark.rule("C20")
def test_a_message_in_a_sender_s_hand_is_left_to_finish_and_counted(
    desk: Desk, erasure: Erasure, claimed: Hand
) -> None:
    done = erasure.erase(ADA, why=WHY)
    assert (done.in_flight, done.skipped) == (1, 0)
    assert stored(desk, claimed.claim.id).state == "attempting"
    row = claimed.record(OutcomeKind.ACCEPTED, 250)
    assert (row.state, row.reply_code) == ("accepted", 250)


def test_what_the_server_says_of_it_is_not_kept(desk: Desk, erasure: Erasure, claimed: Hand) -> None:
    """Nor does the report of it name anybody, and nobody is held for it."""
    erasure.erase(ADA, why=WHY)
    row = claimed.record(OutcomeKind.REJECTED, 550)
    assert (row.state, row.reply_code, row.reply) == ("rejected", 550, None)
    with desk.store.read() as connection:
        (report,) = connection.execute(select(Report.__table__)).all()
        assert connection.execute(select(Hold.id)).all() == []
    assert (report.email_hash, report.list_id, report.origin) == (None, None, None)
    assert "ada" not in repr(tuple(report)).lower()


def test_who_is_not_erased_keeps_the_server_s_words(claimed: Hand) -> None:
    assert claimed.record(OutcomeKind.ACCEPTED, 250).reply == "<Ada@example.net>: these are my words"


def test_it_is_not_tried_a_second_time(desk: Desk, erasure: Erasure, claimed: Hand) -> None:
    erasure.erase(ADA, why=WHY)
    assert claimed.record(OutcomeKind.DEFERRED, 451).state == "deferred"
    desk.pass_time(hours=2)
    assert claimed.claims.take_system(10) == []
    row = stored(desk, claimed.claim.id)
    assert (row.state, row.skip_reason) == ("skipped", "erased")


def test_a_claim_that_is_read_again_is_put_down(desk: Desk, erasure: Erasure, claimed: Hand) -> None:
    """Law 3: a claim is read again when it is two seconds old."""
    claims, claim = claimed.claims, claimed.claim
    erasure.erase(ADA, why=WHY)
    assert claims.recheck([claim]).skipped == 1
    assert stored(desk, claim.id).skip_reason == "erased"


def test_a_proof_given_back_after_its_addressee_is_gone_is_skipped(desk: Desk, erasure: Erasure) -> None:
    mine = proof(desk, DeliveryState.QUEUED, "ada@example.net")
    claims = Claims(desk.store, worker(desk))
    assert [claim.id for claim in claims.take_system(10)] == [mine]
    assert erasure.erase(ADA, why=WHY).in_flight == 1
    desk.pass_time(seconds=1)  # at the very instant it was taken, it would lie behind this worker's place
    claims.release([mine])
    assert claims.take_system(10) == []
    assert stored(desk, mine).skip_reason == "erased"


def test_what_the_server_says_of_a_proof_is_kept_as_long_as_its_addressee(
    desk: Desk, erasure: Erasure
) -> None:
    for address in ("ada@example.net", "zoe@example.net"):
        proof(desk, DeliveryState.QUEUED, address)
    sender = worker(desk)
    claims = Claims(desk.store, sender)
    of_ada, of_zoe = (Hand(desk, sender, claims, claim) for claim in claims.take_system(10))
    erasure.erase(ADA, why=WHY)
    assert of_ada.record(OutcomeKind.ACCEPTED, 250).reply is None
    assert of_zoe.record(OutcomeKind.ACCEPTED, 250).reply is not None
