"""Mailboxes are read for ever: at once by IDLE, told to ops when they cannot be, and when they can again."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import select

from mailer.alerts import Alerts
from mailer.bounces.intake import watching
from mailer.bounces.intake.model import Collected, MailboxUnreadable
from mailer.bounces.intake.reading import BounceMailbox
from mailer.bounces.intake.watching import Watch, Watches
from mailer.store import Store, StoreBusy
from mailer.store.schema import RaisedAlert
from tests.bounces.intake.returned import account, kept, report
from tests.real.dovecot import Dovecot

PATIENCE_SECONDS = 60.0


def wait_for(what: Callable[[], bool]) -> None:
    """Return once it is so."""
    end = time.monotonic() + PATIENCE_SECONDS
    while not what():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.05)


def told(store: Store) -> list[str]:
    """The kinds of alerts, oldest first."""
    with store.read() as connection:
        return list(connection.scalars(select(RaisedAlert.kind).order_by(RaisedAlert.id)))


@contextmanager
def watched(store: Store, **mailboxes: object) -> Iterator[None]:
    """These mailboxes are read meanwhile."""
    watches = Watches(store, mailboxes, Alerts(store, []))  # type: ignore[arg-type]  # any settings
    watches.start()
    try:
        yield
    finally:
        watches.stop()


class Script(BounceMailbox):
    """A mailbox of which each look ends as it is told, and then stops the watch."""

    def __init__(self, store: Store, *looks: Exception | None) -> None:
        self.name = "back"
        self._looks = list(looks)
        self.stop = threading.Event()

    def follow(self, is_stopping: Callable[[], bool], heard: Callable[[], None]) -> None:
        look = self._looks.pop(0)
        if not self._looks:
            self.stop.set()
        if look is not None:
            raise look
        heard()


@pytest.fixture
def looked(sqlite_store: Store, monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[str]]:
    """Run a script to its end; the alerts that were raised."""
    monkeypatch.setattr(watching, "FIRST_WAIT_SECONDS", 0.01)
    monkeypatch.setattr(watching, "LAST_WAIT_SECONDS", 0.01)

    def run(*looks: Exception | None) -> list[str]:
        script = Script(sqlite_store, *looks)
        Watch(script, 0.0, Alerts(sqlite_store, [])).run(script.stop)
        return told(sqlite_store)

    return run


DOWN = MailboxUnreadable("The mailbox back cannot be read: Connection refused.", reason="Connection refused.")


def test_a_server_that_restarts_is_no_news(looked: Callable[..., list[str]]) -> None:
    assert looked(DOWN, DOWN, None) == []


def test_a_mailbox_that_stays_unreadable_is_told_once_and_its_return_too(
    looked: Callable[..., list[str]],
) -> None:
    assert looked(*[DOWN] * 9, None, None) == ["mailbox_unreadable", "mailbox_readable"]


def test_a_store_that_cannot_be_used_is_not_the_mailboxs_fault(looked: Callable[..., list[str]]) -> None:
    assert looked(*[StoreBusy()] * 5, None) == []


def test_a_fault_of_ours_does_not_end_the_watch(looked: Callable[..., list[str]]) -> None:
    assert looked(RuntimeError("a fault"), *[DOWN] * 3, None)[-1] == "mailbox_readable"


def test_pauses_grow_to_their_limit_and_have_a_chance_in_them(sqlite_store: Store) -> None:
    script = Script(sqlite_store, *[DOWN] * 12)
    watch = Watch(script, 60.0, Alerts(sqlite_store, []))
    never = threading.Event()
    pauses = [watch._look(never) for _ in range(12)]
    for number, pause in enumerate(pauses):
        longest = min(600.0, 5.0 * 2**number)
        assert longest / 2 <= pause <= longest


@pytest.mark.real
def test_new_mail_is_taken_as_the_server_tells_of_it(sqlite_store: Store, dovecot: Dovecot) -> None:
    """With a day between two looks only IDLE brings it."""
    with watched(sqlite_store, back=account(dovecot, poll_seconds=86_400)):
        dovecot.put(report(1))
        wait_for(lambda: len(kept(sqlite_store)) == 1)
        dovecot.put(report(2), report(3))
        wait_for(lambda: len(kept(sqlite_store)) == 3)
        wait_for(lambda: dovecot.count() == 0)


@pytest.mark.real
def test_a_server_that_tells_nothing_is_asked_again(sqlite_store: Store, dovecot: Dovecot) -> None:
    with watched(sqlite_store, back=account(dovecot, "pop3s", poll_seconds=5)):
        dovecot.put(report(1))
        wait_for(lambda: len(kept(sqlite_store)) == 1)
        dovecot.put(report(2))
        wait_for(lambda: len(kept(sqlite_store)) == 2)


@pytest.mark.real
def test_one_mailbox_that_hangs_holds_up_no_other(
    sqlite_store: Store, dovecot: Dovecot, monkeypatch: pytest.MonkeyPatch
) -> None:
    hangs = threading.Event()
    poll = BounceMailbox.follow

    def follow(self: BounceMailbox, *given: Callable[[], object]) -> None:
        if self.name == "first":
            hangs.wait(PATIENCE_SECONDS)
        else:
            poll(self, *given)  # type: ignore[arg-type]  # handed on as they came

    monkeypatch.setattr(BounceMailbox, "follow", follow)
    with watched(sqlite_store, first=account(dovecot), second=account(dovecot)):
        dovecot.put(report(1))
        wait_for(lambda: len(kept(sqlite_store)) == 1)
        hangs.set()


def test_what_was_collected_is_counted_apart() -> None:
    collected = Collected()
    for new in (True, True, False):
        collected.count(new=new)
    assert (collected.kept, collected.known, collected.left) == (2, 1, 0)
