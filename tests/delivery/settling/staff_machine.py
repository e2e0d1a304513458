"""The life of a campaign with staff in it: retries, evidence, words and reports, between all that workers do."""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.stateful import invariant, precondition, rule
from sqlalchemy import select

from mailer.audit import Ledger
from mailer.campaigns.due import finish_done
from mailer.delivery.model import SETTLED, WAITING, Outcome
from mailer.delivery.retrying import Asked, retry
from mailer.delivery.settling.settle import settle, settle_by_report
from mailer.delivery.settling.verdicts import Finding, Verdict
from mailer.store.schema import Campaign
from mailer.store.vocabulary import CampaignState, DeliveryState
from tests.delivery.machine import LATER, LOST, NO, DeliveryMachine
from tests.delivery.world import World

VERY_LATE = 25
CAMPAIGN_STATES = st.sampled_from([CampaignState.SENDING, CampaignState.SENDING, CampaignState.PAUSED])


class StaffMachine(DeliveryMachine):
    """Adds to the rules of the delivery machine what staff, logs and reports do; the laws stay."""

    def __init__(self, world: World, ledger: Ledger) -> None:
        super().__init__(world)
        self.ledger = ledger

    # --- staff and evidence ---------------------------------------------------------------

    @rule(mended=st.sampled_from([None, "SPF names the relay now"]))
    def retry(self, mended: str | None) -> None:
        """Staff order another attempt of all that may be tried again."""
        retry(self.world.store, self.ledger, Asked(campaign="parts"), mended=mended)
        self._let_go(DeliveryState.EXPIRED, DeliveryState.REJECTED)

    @rule(share=st.integers(1, 6))
    def read_the_log(self, share: int) -> None:
        """A log tells the truth about some of those that are unknown, and nothing about the others."""
        unknown = [row for row in self.world.rows() if row.state is DeliveryState.UNKNOWN][:share]
        verdicts = [
            Verdict(
                row.id,
                row.attempts,
                Finding.ACCEPTED if self.maybe[row.id] else Finding.ABSENT,
                "The relay's log says so.",
            )
            for row in unknown
        ]
        settle(self.world.store, self.ledger, verdicts, record={"evidence": "postfix log"})
        self._let_go(DeliveryState.UNKNOWN)

    @precondition(lambda self: +(self.taken + self.maybe))
    @rule(data=st.data())
    def get_a_report(self, data: st.DataObject) -> None:
        """A bounce comes to the return path of a message that the server did take."""
        delivery_id = data.draw(st.sampled_from(sorted(+(self.taken + self.maybe))))
        with self.world.store.write() as connection:
            settle_by_report(connection, self.ledger, delivery_id, report="a bounce")
        self._let_go(DeliveryState.UNKNOWN)

    @rule()
    def finish(self) -> None:
        """What the clock does with a campaign that has nothing in hand."""
        finish_done(self.world.store, self.ledger)

    @rule(outcome=st.sampled_from([NO, NO, LATER, LOST]))
    def everything_ends_alike(self, outcome: Outcome) -> None:
        """Every worker sends what it holds and what is due, and the clock looks whether that was all."""
        self.wait()
        for which, worker in enumerate(self.workers):
            self.claim(which, len(self.deliveries))
            while worker.hand:
                self.offer(which, outcome)
            self.record(which)
        self.finish()

    @rule(state=CAMPAIGN_STATES)
    def pause_or_resume(self, state: CampaignState) -> None:
        """Staff hold the campaign, or let it go on; not when it is finished."""
        if self._campaign() is not CampaignState.FINISHED:
            super().pause_or_resume(state)

    @precondition(lambda self: self.steps > VERY_LATE)
    @rule()
    def cancel(self) -> None:
        """Staff end the campaign: later than without staff, who have little to do after that."""
        super().cancel()

    def _let_go(self, *ended: DeliveryState) -> None:
        """What these ends were is no promise any more: somebody has changed them on purpose."""
        for delivery_id, row in list(self.ends.items()):
            if row.state in ended:
                del self.ends[delivery_id]

    def _campaign(self) -> CampaignState:
        with self.world.store.read() as connection:
            return CampaignState(connection.scalars(select(Campaign.state)).one())

    # --- what always holds ----------------------------------------------------------------

    @invariant()
    def a_row_says_what_the_server_saw(self) -> None:
        """As without staff, but that evidence may call accepted what nobody has read the answer to."""
        for row in self.world.rows() if self.deliveries else []:
            assert (row.next_attempt_at is not None) == (row.state in WAITING)
            assert (row.worker_id is not None) == (row.state is DeliveryState.ATTEMPTING)
            assert (row.settled_at is not None) == (row.state in SETTLED)
            copies = self.taken[row.id] + self.maybe[row.id]
            if row.state is DeliveryState.ACCEPTED:
                assert copies == 1
            elif row.state not in (DeliveryState.ATTEMPTING, DeliveryState.UNKNOWN):
                assert not copies
            if row.state in SETTLED:
                assert self.ends.setdefault(row.id, row) == row

    @invariant()
    def nothing_waits_in_a_finished_campaign(self) -> None:
        """What is put back reopens it; what waits holds its end off."""
        if self.deliveries and self._campaign() is CampaignState.FINISHED:
            assert not [row for row in self.world.rows() if row.state not in SETTLED]
