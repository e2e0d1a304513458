"""Whatever people, staff and time do in whatever order: leaving wins, "no" is remembered (laws 3, 7)."""

from __future__ import annotations

import shutil
import tempfile
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import time_machine
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from mailer.keyring import Secrets, TokenKey
from mailer.settings import Settings, load_settings
from mailer.store import migrate, open_store
from mailer.store.vocabulary import SuppressionReason
from mailer.subscribers.lists import sync_lists
from mailer.subscribers.purge import purge_unconfirmed
from mailer.subscribers.suppressions import LiftRefused
from mailer.tokens import LinkClaim, Purpose, sign_link
from tests.conftest import SETTINGS
from tests.subscribers.conftest import ADA, START, make_desk, seen

LISTS = ("weekly", "clearance")
list_names = st.sampled_from(LISTS)


def _settings(root: Path) -> Settings:
    (root / "mailer.toml").write_text(SETTINGS, encoding="utf-8")
    return load_settings(root / "mailer.toml", {})


def _secrets() -> Secrets:
    key = TokenKey("k1", bytes(range(32)), date(2026, 11, 1))
    return Secrets(token_keys=(key,), address_key=bytes(range(1, 33)), ledger_key=bytes(range(2, 34)))


@pytest.mark.rule("F1", "F2", "B20", "D3", "D33")
class Life(RuleBasedStateMachine):
    """One person, two lists, and everything that can happen; a small model says who may be mailed."""

    template: Path | None = None

    def __init__(self) -> None:
        super().__init__()
        self.root = Path(tempfile.mkdtemp(prefix="mailer-laws-"))
        (self.root / "data").mkdir()
        self._copy_template()
        self.traveller = time_machine.travel(START, tick=False)
        self.desk = make_desk(
            open_store("sqlite:///data/mailer.db", root=self.root),
            _settings(self.root),
            _secrets(),
            self.traveller.start(),
        )
        sync_lists(self.desk.store, self.desk.settings)
        #: Per list: has the person's latest own word been yes?
        self.yes = dict.fromkeys(LISTS, False)
        #: Per list: has the person said no since?
        self.no = dict.fromkeys(LISTS, False)
        self.blocked = False
        self.old_links: list[tuple[str, str]] = []
        self.tags: dict[str, bytes] = {}

    def _copy_template(self) -> None:
        if Life.template is None:
            Life.template = Path(tempfile.mkdtemp(prefix="mailer-laws-template-")) / "mailer.db"
            store = open_store(f"sqlite:///{Life.template.name}", root=Life.template.parent)
            migrate.upgrade(store)
            store.dispose()
        shutil.copy(Life.template, self.root / "data" / "mailer.db")

    def teardown(self) -> None:
        self.desk.store.dispose()
        self.traveller.stop()
        shutil.rmtree(self.root)

    def _says_yes(self, name: str) -> None:
        self.yes[name], self.no[name] = True, False

    def _says_no(self, *names: str) -> None:
        """A no voids every link mailed before it (D3)."""
        self.yes.update(dict.fromkeys(names, False))
        self.no.update(dict.fromkeys(names, True))
        for name, token in self.old_links:
            assert name not in names or self.desk.joining.look(token).state in {"void", "expired"}

    @initialize()
    def start_with_a_member(self) -> None:
        self.ask("weekly")
        self.confirm("weekly")

    @rule(name=list_names)
    def ask(self, name: str) -> None:
        """Anybody can type the address into the form."""
        self.desk.request(ADA, name)
        row = self.desk.subscription(ADA, name)
        if row:
            self.tags[name] = row.tag
        if row and row.confirm_nonce:
            self.old_links.append((name, self.desk.confirm_token(ADA, name)))

    @rule(name=list_names)
    def confirm(self, name: str) -> None:
        """The holder presses the newest link of that list, if one is alive."""
        row = self.desk.subscription(ADA, name)
        if (
            row
            and row.confirm_nonce
            and self.desk.joining.look(self.desk.confirm_token(ADA, name)).state == "waiting"
        ):
            self.desk.joining.confirm(self.desk.confirm_token(ADA, name), seen())
            self._says_yes(name)

    @rule(name=list_names)
    def come_back(self, name: str) -> None:
        """A month later they ask and confirm, as they may whatever they said before."""
        self.desk.pass_time(days=31)
        self.ask(name)
        self.confirm(name)

    @precondition(lambda self: self.old_links)
    @rule(data=st.data())
    def replay(self, data: Any) -> None:
        """Somebody presses a link of any earlier mail; only one that is still waiting may count."""
        name, token = data.draw(st.sampled_from(self.old_links))
        alive = self.desk.joining.look(token).state == "waiting"
        self.desk.joining.confirm(token, seen())
        if alive:
            self._says_yes(name)

    @rule(name=list_names, everywhere=st.booleans())
    def leave(self, name: str, everywhere: bool) -> None:
        """The one-click of a mail received at any time, even if its row was purged since."""
        if name not in self.tags:
            return
        token = sign_link(self.desk.tokens, Purpose.UNSUBSCRIBE, LinkClaim(self.tags[name]))
        view = self.desk.leaving.leave(token, scope="all" if everywhere else "list", via="one-click")
        if view.state == "left":
            self._says_no(*(LISTS if everywhere else (name,)))
        assert not self.yes[name]

    @rule(name=list_names)
    def ask_back(self, name: str) -> None:
        if name in self.tags:
            token = sign_link(self.desk.tokens, Purpose.UNSUBSCRIBE, LinkClaim(self.tags[name]))
            self.desk.joining.ask_back(token, seen())
            self.desk.joining.process_requests()

    # A block ends most of what can follow, so it is drawn seldom and only later in a life.
    @precondition(lambda self: len(self.old_links) > 1)
    @rule(complaint=st.booleans(), seldom=st.integers(0, 3))
    def block(self, complaint: bool, seldom: int) -> None:
        """The spam button, or "not me"."""
        if seldom < 3:
            return
        if complaint:
            self.desk.suppressions.add(ADA, SuppressionReason.COMPLAINT)
        else:
            self.desk.joining.not_me(self.desk.not_me_token(), seen())
        self.blocked = True
        self._says_no(*LISTS)

    @precondition(lambda self: self.desk.reasons())
    @rule(data=st.data())
    def staff_lift(self, data: Any) -> None:
        """Staff lift whatever they can; none of it is a yes of the person."""
        held = sorted({reason for reason, _ in self.desk.reasons()})
        reason = SuppressionReason(data.draw(st.sampled_from(held)))
        try:
            self.desk.suppressions.lift(ADA, reason, why="the person asked us by letter")
        except LiftRefused:
            return
        left = {name for name, _ in self.desk.reasons()}
        self.blocked = bool(left & {"not_me", "complaint"})

    @rule(days=st.integers(0, 40))
    def time_passes(self, days: int) -> None:
        self.desk.pass_time(days=days, hours=1)

    @rule()
    def purge(self) -> None:
        purge_unconfirmed(self.desk.store, self.desk.ledger)

    def _reasons(self, name: str) -> set[str]:
        return {reason for reason, scope in self.desk.reasons() if scope in {0, self.desk.list_id(name)}}

    @invariant()
    def a_no_is_remembered_until_the_person_confirms_again(self) -> None:
        for name in LISTS:
            assert bool(self._reasons(name)) == self.no[name], name

    @invariant()
    def only_the_persons_own_yes_makes_them_mailable(self) -> None:
        for name in LISTS:
            mailable = self.desk.state(ADA, name) == "confirmed" and not self._reasons(name)
            assert mailable == self.yes[name], name

    @invariant()
    def a_blocked_address_is_never_invited(self) -> None:
        if self.blocked:
            assert self.desk.invited() == []


Life.TestCase.settings = settings(
    max_examples=40, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)
)
TestLife = Life.TestCase
