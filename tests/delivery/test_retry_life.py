"""A53 to A57 on a fake clock, with a new process for every look: who is tried when, how often, and never again."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from sqlalchemy import update

from mailer import clock
from mailer.delivery import queries
from mailer.delivery.claim import Claim, Claims
from mailer.delivery.model import Attempt, Outcome, OutcomeKind
from mailer.delivery.recover import recover
from mailer.delivery.retry import RetryPolicy
from mailer.store.schema import Campaign
from mailer.store.vocabulary import CampaignState, DeliveryState
from tests.delivery.world import World

START = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
TAKEN = Outcome(OutcomeKind.ACCEPTED, 250, "2.0.0", "2.0.0 taken")
LATER = Outcome(OutcomeKind.DEFERRED, 451, "4.7.1", "4.7.1 later")
NEVER = Outcome(OutcomeKind.REJECTED, 554, "5.7.1", "5.7.1 no")
#: The final dot left, and the connection before its reply.
UNHEARD = None

#: How a server takes one person's attempt: by name and number of the attempt.
Server = Callable[[str, int], Outcome | None]


class Days:
    """A site whose sender is started anew for each look, by a clock that moves only when told."""

    def __init__(self, world: World, traveller: Any, server: Server) -> None:
        self.world, self.traveller, self.server = world, traveller, server
        self.tried: list[tuple[str, timedelta]] = []
        self._dice = random.Random(7)

    def pass_(self, whole: timedelta, *, every: timedelta, killed: float = 0.0) -> None:
        """Let time pass, with a sender started `every` so often; some (a share) are killed at their end."""
        end = clock.now() + whole
        while clock.now() < end:
            asyncio.run(self._one_life(crash=self._dice.random() < killed))
            self.traveller.shift(every)

    async def _one_life(self, *, crash: bool) -> None:
        recover(self.world.store, self.world.records, journals=self.world.root / "journals")
        worker, journal = self.world.new_worker()
        attempts = []
        for claim in Claims(self.world.store, worker).take_campaigns(1_000):
            attempt = self._offer(claim)
            if attempt.outcome is None:
                journal.intend(attempt, lambda _refusal: None)
            else:
                journal.note(attempt)
            attempts.append(attempt)
        # A message on the wire without its reply is how a killed sender ends, too.
        clean = not crash and all(attempt.outcome is not None for attempt in attempts)
        if clean:
            ended = clock.now()
            with self.world.store.write() as connection:
                self.world.records.write(connection, attempts, worker_id=worker, now=ended)
                queries.stop_worker(connection, worker, now=ended)
        journal.close(remove=clean)

    def _offer(self, claim: Claim) -> Attempt:
        name, number = claim.email.partition("@")[0], claim.attempts + 1
        self.tried.append((name, clock.now() - START))
        outcome = self.server(name, number)
        return Attempt(claim.id, number, f"{claim.id}@x", bytes(32), clock.now(), outcome)

    def times_of(self, name: str) -> list[timedelta]:
        """When one person was tried, since the start."""
        return [at for who, at in self.tried if who == name]

    def tries(self) -> Counter[str]:
        """How often each was."""
        return Counter(name for name, _ in self.tried)


Begin = Callable[..., Days]


@pytest.fixture
def begin(world: World) -> Iterator[Begin]:
    """Builds the campaign and stops the clock; on both databases."""
    with time_machine.travel(START, tick=False) as traveller:

        def build(names: list[str], server: Server, *, give_up_hours: int | None = None) -> Days:
            world.build(names)
            with world.store.write() as connection:
                connection.execute(update(Campaign).values(give_up_hours=give_up_hours))
            return Days(world, traveller, server)

        yield build


HALF_HOUR = timedelta(minutes=30)


@pytest.mark.rule("A54")
def test_a_person_who_is_always_put_off_is_tried_for_four_and_a_half_days(begin: Begin) -> None:
    """The default schedule, a look every half hour by a process that has never seen the one before."""
    days = begin(["ada"], lambda _name, _number: LATER)
    days.world.jitter = lambda: 0.5
    days.pass_(timedelta(days=6), every=timedelta(minutes=30))
    times = days.times_of("ada")
    assert sum(at <= timedelta(hours=1) for at in times) == 2
    assert times[1] >= HALF_HOUR
    assert timedelta(days=4) <= times[-1] <= timedelta(days=5)
    assert len(times) == 45
    (row,) = days.world.rows()
    assert (row.state, row.attempts, row.next_attempt_at) == (DeliveryState.EXPIRED, 45, None)


@pytest.mark.rule("A54")
@pytest.mark.parametrize(("hours", "tries"), [(1, 2), (3, 3), (24, 11), (500, 45)])
def test_a_campaign_may_shorten_the_life_and_not_lengthen_it(begin: Begin, hours: int, tries: int) -> None:
    days = begin(["ada"], lambda _name, _number: LATER, give_up_hours=hours)
    days.pass_(timedelta(days=6), every=timedelta(minutes=30))
    assert len(days.times_of("ada")) == tries
    assert days.world.states() == {"ada": "expired"}


@pytest.mark.rule("A54")
def test_a_life_that_is_shortened_by_a_kill_is_no_shorter_and_no_longer(begin: Begin) -> None:
    """Outcomes that only the journal knew count as attempts like any others."""
    days = begin(["ada"], lambda _name, _number: LATER, give_up_hours=24)
    days.pass_(timedelta(days=3), every=timedelta(minutes=10), killed=0.7)
    assert len(days.times_of("ada")) == 11
    assert days.world.states() == {"ada": "expired"}


@pytest.mark.rule("A54")
def test_those_put_off_together_do_not_come_back_together(begin: Begin) -> None:
    """A provider that was away for a minute is not hit by everybody half an hour later."""
    days = begin([f"p{n}" for n in range(200)], lambda _name, number: LATER if number == 1 else TAKEN)
    days.world.jitter = random.Random(3).random
    days.pass_(timedelta(minutes=40), every=timedelta(minutes=1))
    again = Counter(at for _, at in days.tried if at > timedelta(0))
    assert sum(again.values()) == 200
    assert max(again.values()) < 60
    assert min(again) >= HALF_HOUR


@pytest.mark.rule("A53")
def test_a_greylisted_person_gets_it_with_the_second_try_and_no_third(begin: Begin) -> None:
    days = begin(["ada"], lambda _name, number: LATER if number == 1 else TAKEN)
    days.pass_(timedelta(days=2), every=timedelta(minutes=10))
    assert len(days.times_of("ada")) == 2
    assert days.world.states() == {"ada": "accepted"}


@pytest.mark.rule("A53")
@pytest.mark.parametrize("killed", [0.0, 1.0], ids=["stopped", "killed"])
def test_a_final_refusal_is_never_offered_again_whoever_starts_next(begin: Begin, killed: float) -> None:
    days = begin(["ada"], lambda _name, _number: NEVER)
    days.pass_(timedelta(days=6), every=timedelta(hours=1), killed=killed)
    assert len(days.times_of("ada")) == 1
    assert days.world.states() == {"ada": "rejected"}


@pytest.mark.rule("A56", "A57")
def test_one_whose_reply_was_never_read_is_unknown_and_not_tried_again(begin: Begin) -> None:
    days = begin(["ada", "bob"], lambda name, _number: UNHEARD if name == "ada" else TAKEN)
    days.pass_(timedelta(days=6), every=timedelta(hours=1), killed=1.0)
    assert days.tries() == {"ada": 1, "bob": 1}
    assert days.world.states() == {"ada": "unknown", "bob": "accepted"}


@pytest.mark.rule("A57")
def test_everybody_comes_to_an_end_and_nobody_gets_two(begin: Begin) -> None:
    """Four kinds of people, senders of which a third are killed: one accepted attempt each, at most."""
    kinds: dict[str, list[Outcome | None]] = {
        "good": [TAKEN],
        "slow": [LATER, LATER, LATER, TAKEN],
        "gone": [LATER, NEVER],
        "mute": [LATER, UNHEARD],
    }
    taken: Counter[str] = Counter()

    def server(name: str, number: int) -> Outcome | None:
        answers = kinds[name.rstrip("0123456789")]
        outcome = answers[number - 1]
        taken[name] += outcome is TAKEN or outcome is UNHEARD
        return outcome

    days = begin([f"{kind}{n}" for kind in kinds for n in range(15)], server)
    days.pass_(timedelta(days=2), every=timedelta(minutes=20), killed=0.33)
    ends = Counter((name.rstrip("0123456789"), state) for name, state in days.world.states().items())
    assert ends == {
        ("good", "accepted"): 15,
        ("slow", "accepted"): 15,
        ("gone", "rejected"): 15,
        ("mute", "unknown"): 15,
    }
    assert max(taken.values()) == 1


@pytest.mark.rule("A58")
def test_who_leaves_between_two_tries_is_not_tried_again(begin: Begin) -> None:
    days = begin(["ada", "bob"], lambda _name, _number: LATER)
    days.pass_(timedelta(minutes=20), every=timedelta(minutes=10))
    days.world.leave("ada")
    days.pass_(timedelta(hours=6), every=timedelta(minutes=10))
    assert days.tries()["ada"] == 1 and days.tries()["bob"] > 2
    assert days.world.states()["ada"] == "skipped"


def test_a_pause_neither_shortens_a_life_nor_makes_up_for_what_was_missed(begin: Begin) -> None:
    """Three days paused: then one try at once, and the schedule goes on from there."""
    days = begin(["ada"], lambda _name, _number: LATER)
    days.pass_(timedelta(hours=1), every=timedelta(minutes=10))
    days.world.set_campaign(CampaignState.PAUSED)
    days.pass_(timedelta(days=3), every=timedelta(hours=6))
    assert len(days.times_of("ada")) == 2
    days.world.set_campaign(CampaignState.SENDING)
    days.pass_(timedelta(hours=1), every=timedelta(minutes=10))
    assert len(days.times_of("ada")) == 3


@pytest.mark.rule("A54")
def test_the_settings_make_the_schedule(begin: Begin) -> None:
    days = begin(["ada"], lambda _name, _number: LATER)
    days.world.policy = RetryPolicy(timedelta(hours=1), timedelta(hours=4), timedelta(hours=10))
    days.pass_(timedelta(days=2), every=timedelta(minutes=30))
    times = days.times_of("ada")
    assert len(times) == 4
    assert timedelta(hours=1) <= times[1] <= timedelta(hours=1.5)
    assert days.world.states() == {"ada": "expired"}
