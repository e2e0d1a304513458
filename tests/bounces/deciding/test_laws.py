"""In whatever order it comes: a no is never undone, nobody is suppressed for what is not theirs (laws 7, 10)."""

from __future__ import annotations

import shutil
from pathlib import Path
from tempfile import mkdtemp

import pytest
import time_machine
from hypothesis import HealthCheck, settings
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from hypothesis.strategies import integers, sampled_from

from mailer.bounces.deciding import Limits
from mailer.keyring import Secrets
from mailer.settings import Settings
from mailer.store import Store, open_store
from mailer.store.schema import Freeze, Hold, Report, ReturnedMail
from mailer.store.vocabulary import ReturnedState
from tests.bounces.deciding.conftest import START
from tests.bounces.deciding.letters import arf, dsn, letter
from tests.bounces.deciding.scene import Scene, days

PEOPLE = [f"p{number}@{domain}" for number in range(3) for domain in ("one.example", "two.example")]
HARD = ("5.1.1", "550 5.1.1 user unknown")
SOFT = ("5.2.2", "552 5.2.2 mailbox full")
POLICY = ("5.7.1", "550 5.7.1 blocked, your IP is listed")
WHO = sampled_from(PEOPLE)
#: An alarm at three people, so that the machine raises it often.
SMALL = Limits(alike_least=3, alike_share=0.01)


class Returns(RuleBasedStateMachine):
    """One site, six people, and all that may come back about them."""

    store: Store
    site: Settings
    keys: Secrets

    def __init__(self) -> None:
        super().__init__()
        self.clock = time_machine.travel(START, tick=False)
        self.time = self.clock.start()
        self.folder = Path(mkdtemp())
        shutil.copy(str(self.store.engine.url.database), self.folder / "mailer.db")
        self.own = open_store("sqlite:///mailer.db", root=self.folder)
        self.scene = Scene(self.own, self.site, self.keys, SMALL)
        self.no: set[str] = set()  #: who said no
        self.blamed: set[str] = set()  #: of whom a report said that it is their own doing
        self.sent: dict[str, int] = {}

    def teardown(self) -> None:
        """Leave nothing behind."""
        self.own.dispose()
        self.clock.stop()
        shutil.rmtree(self.folder)

    @initialize()
    def write_to_all(self) -> None:
        """Everybody was written to once."""
        for who in PEOPLE:
            self.sent[who] = self.scene.sent(who)

    @rule(who=WHO)
    def send(self, who: str) -> None:
        """A message is accepted; more may be said of it later, or nothing."""
        self.sent[who] = self.scene.sent(who, campaign=self.scene.campaign if who not in self.sent else None)

    @rule(who=WHO, said=sampled_from([HARD, SOFT, POLICY]), action=sampled_from(["failed", "delayed"]))
    def bounce(self, who: str, said: tuple[str, str], action: str) -> None:
        """A report about the last message to somebody."""
        if said is not POLICY and action == "failed":
            self.blamed.add(who)
        self.scene.receive(dsn(self.scene.path(self.sent[who]), who, *said, action=action))

    @rule(who=WHO, said=sampled_from([HARD, SOFT]))
    def forge(self, who: str, said: tuple[str, str]) -> None:
        """Somebody makes a report up."""
        self.scene.receive(dsn("bounce@bounce.shop.example", who, *said))

    @rule(who=WHO)
    def complain(self, who: str) -> None:
        """The spam button."""
        self.no.add(who)
        path = self.scene.path(self.sent[who])
        self.scene.receive(arf("fbl@shop.example", fields=f"Original-Mail-From: <{path}>\n", returned="X: y"))

    @rule(who=WHO)
    def leave(self, who: str) -> None:
        """By mail."""
        self.no.add(who)
        self.scene.receive(letter("unsubscribe@shop.example", f"unsubscribe {self.scene.link(who)}"))

    @rule(number=integers(1, 8))
    def wait(self, number: int) -> None:
        """Time goes by, and what is due is done."""
        self.time.shift(days(number))
        self.scene.deciding.ripen()

    @precondition(lambda self: any(row.closed_at is None for row in self.scene.rows(Freeze)))
    @rule(release=sampled_from([True, False]))
    def decide(self, release: bool) -> None:
        """A person ends the oldest alarm."""
        alarm = next(row.id for row in self.scene.rows(Freeze) if row.closed_at is None)
        (self.scene.deciding.release if release else self.scene.deciding.discard)(alarm, why="so")

    @rule()
    def read_again(self) -> None:
        """By the same rules: nothing may change."""
        before = self.scene.effects()
        assert self.scene.deciding.reclassify(START, apply=True) == []
        assert self.scene.effects() == before

    @invariant()
    def a_no_is_never_undone(self) -> None:
        """Law 7."""
        for who in self.no:
            assert self.scene.reasons(who) & {"unsubscribed", "complaint"}, who

    @invariant()
    def nobody_is_kept_from_mail_for_what_is_not_theirs(self) -> None:
        """Law 10."""
        for who in PEOPLE:
            assert who in self.blamed or self.scene.reasons(who) <= {"unsubscribed", "complaint"}, who

    @invariant()
    def who_is_held_has_a_hold_that_ends(self) -> None:
        """No hold without its end, no end without its consequence."""
        running = sum(row.due_at is not None for row in self.scene.rows(Hold))
        assert running == sum("held" in self.scene.reasons(who) for who in PEOPLE)
        assert all((row.due_at is None) == (row.end is not None) for row in self.scene.rows(Hold))

    @invariant()
    def every_report_has_its_effect_and_nothing_waits(self) -> None:
        """What is decided is decided."""
        assert all(row.effect is not None for row in self.scene.rows(Report))
        assert not [row for row in self.scene.rows(ReturnedMail) if row.state is ReturnedState.WAITING]


@pytest.mark.rule("A76", "A78", "A82")
def test_whatever_comes_back_in_whatever_order(
    sqlite_store: Store, request: pytest.FixtureRequest, secrets: Secrets
) -> None:
    """A state machine over all of it."""
    known = {"store": sqlite_store, "site": request.getfixturevalue("settings"), "keys": secrets}
    slow = [HealthCheck.too_slow, HealthCheck.filter_too_much]
    run_state_machine_as_test(
        type("Known", (Returns,), known),
        settings=settings(max_examples=12, stateful_step_count=20, deadline=None, suppress_health_check=slow),
    )
