"""Killed between storing and deleting: nothing is lost, nothing counts twice (nothing goes before it is stored)."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from mailer.bounces.intake import reading
from mailer.bounces.intake.imap_session import ImapSession
from mailer.bounces.intake.model import MailboxUnreadable
from mailer.bounces.intake.pop3 import Pop3Mailbox
from mailer.store import Store, StoreBusy, open_store
from tests.bounces.intake.returned import account, kept, reader, report
from tests.real.dovecot import Dovecot

pytestmark = pytest.mark.real
MAILS = [report(number) for number in range(5)]


def die() -> None:
    """End as by SIGKILL: no handler, no good-bye."""
    os._exit(9)


def killed(store: Store, dovecot: Dovecot, way: str, prepare: Callable[[], None]) -> None:
    """Read the mailbox in a process that `prepare` makes end at some moment."""
    store.dispose()
    pid = os.fork()
    if pid == 0:
        try:
            prepare()
            own = open_store(store.engine.url, root=Path("/"))
            reader(own, account(dovecot, way)).poll()
        finally:
            os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 9, "it was to be killed"


def dying(target: Any, name: str, *, at: int, after: bool) -> None:
    """Make the call number `at` of a function the last thing that the process does."""
    original, calls = getattr(target, name), []

    def call(*given: Any, **named: Any) -> Any:
        calls.append(name)
        if len(calls) == at and not after:
            die()
        result = original(*given, **named)
        if len(calls) == at:
            die()
        return result

    setattr(target, name, call)


#: Where it is killed: before and after a mail is stored, around what takes it away.
MOMENTS: Sequence[tuple[str, Any, str, int, bool]] = [
    (way, *moment)
    for way, session, name, last in (
        ("imaps", ImapSession, "command", 8),
        ("pop3s", Pop3Mailbox, "_command", 13),
    )
    for moment in (
        (reading, "keep", 1, False),
        (reading, "keep", 3, True),
        (reading, "keep", 5, True),
        (session, name, last - 1, True),
        (session, name, last, False),
        (session, name, last, True),
    )
]


@pytest.mark.rule("A89")
@pytest.mark.parametrize(("way", "target", "name", "at", "after"), MOMENTS)
def test_killed_at_any_moment_no_mail_is_lost_and_none_counts_twice(
    sqlite_store: Store, dovecot: Dovecot, way: str, target: Any, name: str, at: int, after: bool
) -> None:
    dovecot.put(*MAILS)
    killed(sqlite_store, dovecot, way, lambda: dying(target, name, at=at, after=after))
    stored = len(kept(sqlite_store))
    assert stored + dovecot.count(which="UNDELETED") >= len(MAILS)
    reader(sqlite_store, account(dovecot, way)).poll()
    assert len(kept(sqlite_store)) == len(MAILS)
    assert dovecot.count(which="UNDELETED") == 0


@pytest.mark.parametrize("way", ["imaps", "pop3s"])
def test_what_cannot_be_stored_stays(
    sqlite_store: Store, dovecot: Dovecot, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    dovecot.put(*MAILS)
    mailbox = reader(sqlite_store, account(dovecot, way))
    real, calls = reading.keep, []

    def keep(*given: Any, **named: Any) -> bool:
        calls.append(given)
        if len(calls) == 3:
            raise StoreBusy
        return real(*given, **named)

    monkeypatch.setattr(reading, "keep", keep)
    with pytest.raises(StoreBusy):
        mailbox.poll()
    assert len(kept(sqlite_store)) == 2
    assert dovecot.count(which="UNDELETED") >= 3
    mailbox.poll()
    assert len(kept(sqlite_store)) == 5
    assert dovecot.count() == 0


def test_mail_that_cannot_be_moved_stays_where_it_is(sqlite_store: Store, dovecot: Dovecot) -> None:
    dovecot.put(*MAILS)
    with pytest.raises(MailboxUnreadable, match='does not move mail to "x'):
        reader(sqlite_store, account(dovecot, move_to="x" * 300)).poll()
    assert dovecot.count() == 5
