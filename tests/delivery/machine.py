"""A campaign, three workers and everything that can happen between them, in whatever order is drawn."""

from __future__ import annotations

import asyncio
import shutil
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from sqlalchemy import delete

from mailer import clock
from mailer.campaigns.control import skip_waiting
from mailer.delivery.claim import Claim, Claims
from mailer.delivery.journal import Journal
from mailer.delivery.model import SETTLED, WAITING, Attempt, Outcome, OutcomeKind
from mailer.delivery.recover import recover
from mailer.store.schema import (
    Artefact,
    Campaign,
    Delivery,
    MailingList,
    Subscriber,
    Subscription,
    Suppression,
    Worker,
)
from mailer.store.vocabulary import CampaignState, DeliveryState, SuppressionReason
from tests.delivery.world import World, intended

NAMES = tuple(f"p{number}" for number in range(6))
WORKERS = 3
#: Steps before a campaign may be cancelled: after that little can happen to it.
LATE = 12
YES = Outcome(OutcomeKind.ACCEPTED, 250, "2.0.0", "2.0.0 ok")
LATER = Outcome(OutcomeKind.DEFERRED, 451, "4.7.1", "4.7.1 later")
NO = Outcome(OutcomeKind.REJECTED, 550, "5.7.1", "5.7.1 no")
LOST = Outcome(OutcomeKind.UNKNOWN, reply="The reply to the dot was never read.")

which_worker = st.integers(0, WORKERS - 1)


@dataclass
class WorkerAtWork:
    """One worker as its process sees itself."""

    id: int
    journal: Journal
    claims: Claims
    hand: dict[int, Claim] = field(default_factory=dict)
    unrecorded: list[Attempt] = field(default_factory=list)  #: journalled, not in the database yet


class DeliveryMachine(RuleBasedStateMachine):
    """The rules are what workers, staff, people and the power supply do; the invariants are laws 1 to 3."""

    def __init__(self, world: World) -> None:
        super().__init__()
        self.world = world
        self.workers: list[WorkerAtWork] = []
        self.taken: Counter[int] = Counter()  #: bodies the server said yes to, by delivery
        self.maybe: Counter[int] = Counter()  #: bodies whose reply nobody read
        self.gone: set[str] = set()
        self.cancelled = False
        self.steps = 0
        self.ends: dict[int, Any] = {}
        self.deliveries: dict[str, int] = {}

    @initialize()
    def begin(self) -> None:
        """An empty database, one campaign to six people, three workers."""
        with self.world.store.write() as connection:
            for table in (
                *(Delivery, Subscription, Subscriber, Suppression),
                *(Campaign, Artefact, MailingList, Worker),
            ):
                connection.execute(delete(table))
        self.world.build(NAMES)
        self.deliveries = dict(zip(NAMES, [row.id for row in self.world.rows()], strict=True))
        self.workers = [self._hire() for _ in range(WORKERS)]

    def _hire(self) -> WorkerAtWork:
        worker, journal = asyncio.run(_in_a_loop(self.world.new_worker))
        return WorkerAtWork(worker, journal, Claims(self.world.store, worker))

    # --- what workers do ------------------------------------------------------------------

    @rule(which=which_worker, limit=st.integers(1, 4))
    def claim(self, which: int, limit: int) -> None:
        """Take what is due."""
        worker = self.workers[which]
        for claim in worker.claims.take_campaigns(limit):
            assert not any(claim.id in other.hand for other in self.workers), "two workers hold one delivery"
            worker.hand[claim.id] = claim

    @rule(which=which_worker, outcome=st.sampled_from([YES, YES, LATER, NO, LOST]))
    def offer(self, which: int, outcome: Outcome) -> None:
        """Read one claim again, send it, journal both ends."""
        worker = self.workers[which]
        attempt = self._checked(worker)
        if attempt is not None:
            self._let_out(attempt.delivery_id, outcome)
            ended = attempt._replace(outcome=outcome)
            asyncio.run(_journal(worker.journal, attempt, ended))
            worker.unrecorded.append(ended)

    @rule(which=which_worker, took=st.booleans())
    def die_between_dot_and_reply(self, which: int, took: bool) -> None:
        """The intent is on disk, the body may have left, and the process is gone."""
        worker = self.workers[which]
        attempt = self._checked(worker)
        if attempt is not None:
            asyncio.run(_journal(worker.journal, attempt))
            self.maybe[attempt.delivery_id] += took
        self.die(which)

    @rule(which=which_worker)
    def record(self, which: int) -> None:
        """Bring the outcomes to the database."""
        worker = self.workers[which]
        with self.world.store.write() as connection:
            self.world.records.write(connection, worker.unrecorded, worker_id=worker.id, now=clock.now())
        worker.unrecorded.clear()

    @rule(which=which_worker)
    def give_back(self, which: int) -> None:
        """Put down what was not sent."""
        worker = self.workers[which]
        worker.claims.release(list(worker.hand))
        worker.hand.clear()

    @rule(which=which_worker)
    def die(self, which: int) -> None:
        """kill -9; somebody else starts in its place, and finds nothing in its hand."""
        self.workers[which].journal.close(remove=False)
        self.workers[which] = self._hire()

    @rule()
    def take_over(self) -> None:
        """What every worker does at its start and every few seconds."""
        recover(self.world.store, self.world.records, journals=self.world.root / "journals")

    def _checked(self, worker: WorkerAtWork) -> Attempt | None:
        """The next claim in hand if it may still leave (law 3)."""
        if not worker.hand:
            self.claim(self.workers.index(worker), 2)
        if not worker.hand:
            return None
        claim = worker.hand.pop(min(worker.hand))
        fresh = worker.claims.recheck([claim]).fresh
        return (
            Attempt(claim.id, claim.attempts + 1, f"{claim.id}@x", bytes(32), clock.now()) if fresh else None
        )

    def _let_out(self, delivery_id: int, outcome: Outcome) -> None:
        name = next(name for name, id_ in self.deliveries.items() if id_ == delivery_id)
        assert name not in self.gone, "mail left for somebody who had left before"
        self.taken[delivery_id] += outcome is YES
        self.maybe[delivery_id] += outcome is LOST

    # --- what people and staff do ---------------------------------------------------------

    @precondition(lambda self: len(self.gone) < len(NAMES))
    @rule(data=st.data())
    def leave(self, data: st.DataObject) -> None:
        """One opt-out, committed."""
        name = data.draw(st.sampled_from(sorted(set(NAMES) - self.gone)))
        self.world.leave(name)
        self.gone.add(name)

    @precondition(lambda self: len(self.gone) < len(NAMES))
    @rule(data=st.data())
    def complain(self, data: st.DataObject) -> None:
        """A spam button, pressed."""
        name = data.draw(st.sampled_from(sorted(set(NAMES) - self.gone)))
        self.world.suppress(name, SuppressionReason.COMPLAINT)
        self.gone.add(name)

    @rule(state=st.sampled_from([CampaignState.SENDING, CampaignState.SENDING, CampaignState.PAUSED]))
    def pause_or_resume(self, state: CampaignState) -> None:
        """Staff hold the campaign, or let it go on."""
        if not self.cancelled:
            self.world.set_campaign(state)

    @precondition(lambda self: self.steps > LATE)
    @rule()
    def cancel(self) -> None:
        """Staff end the campaign; what is on the wire is finished."""
        self.cancelled = True
        self.world.set_campaign(CampaignState.CANCELLED)
        skip_waiting(self.world.store, self.world.campaign_id)

    @rule()
    def wait(self) -> None:
        """The time of every deferral comes."""
        self.world.make_due()

    # --- what always holds ----------------------------------------------------------------

    @invariant()
    def everybody_has_one_row(self) -> None:
        """Law 1: the audience is the sum of its parts."""
        self.steps += 1
        assert sum(self.world.counts().values()) == len(self.deliveries)

    @invariant()
    def nobody_gets_two_copies(self) -> None:
        """Law 2, seen from the server."""
        copies = self.taken + self.maybe
        assert all(count == 1 for count in copies.values()), copies

    @invariant()
    def a_row_says_what_the_server_saw(self) -> None:
        """Accepted was taken; what was never taken is nowhere called accepted; settled stays settled."""
        for row in self.world.rows() if self.deliveries else []:
            assert (row.next_attempt_at is not None) == (row.state in WAITING)
            assert (row.worker_id is not None) == (row.state is DeliveryState.ATTEMPTING)
            assert (row.settled_at is not None) == (row.state in SETTLED)
            if row.state is DeliveryState.ACCEPTED:
                assert self.taken[row.id] == 1
            elif row.state not in (DeliveryState.ATTEMPTING, DeliveryState.UNKNOWN):
                assert not self.taken[row.id] + self.maybe[row.id]
            if row.state in SETTLED:
                assert self.ends.setdefault(row.id, row) == row

    # --- the end --------------------------------------------------------------------------

    def teardown(self) -> None:
        """All workers die, one comes and finishes: nobody is left waiting."""
        if not self.deliveries:
            return
        for worker in self.workers:
            worker.journal.close(remove=False)
        self.pause_or_resume(CampaignState.SENDING)
        self.take_over()
        assert DeliveryState.ATTEMPTING not in self.world.counts()
        self.workers = [self._hire()]
        self.world.make_due()
        self.claim(0, len(NAMES))
        while self.workers[0].hand:
            self.offer(0, YES)
        self.record(0)
        assert {row.state for row in self.world.rows()} <= SETTLED
        self.nobody_gets_two_copies()
        self.a_row_says_what_the_server_saw()
        self.workers[0].journal.close(remove=True)
        shutil.rmtree(self.world.root / "journals")


async def _in_a_loop(act: Any) -> Any:
    return act()


async def _journal(journal: Journal, intent: Attempt, *ended: Attempt) -> None:
    await intended(journal, intent)
    for attempt in ended:
        journal.note(attempt)
    journal.flush()
