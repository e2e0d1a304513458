"""Read every mailbox for ever, each in a thread of its own, and tell ops of one that cannot be read."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress

from mailer import clock
from mailer.alerts import Alert, Alerts
from mailer.bounces.intake.model import MailboxUnreadable
from mailer.bounces.intake.reading import BounceMailbox
from mailer.errors import MailerError
from mailer.maillog import EventLog
from mailer.settings.mailbox import MailboxSettings
from mailer.store import Store, StoreError

log = EventLog("bounces")

FIRST_WAIT_SECONDS = 5.0
LAST_WAIT_SECONDS = 600.0
#: A server that restarts is no news; with the waits above this is half a minute.
TOLD_AFTER_FAILURES = 3
#: Between two looks, whatever a server says: one that always tells of new mail must not keep us busy.
LEAST_SECONDS = 1.0
#: How long a stop waits for the mail in hand. A thread that is cut off loses none and counts none twice.
STOP_SECONDS = 5.0


class Watch:
    """One mailbox, read until stopped; after a failure the pauses grow, with a chance in them."""

    def __init__(self, mailbox: BounceMailbox, poll_seconds: float, alerts: Alerts) -> None:
        self._mailbox = mailbox
        self._poll_seconds = poll_seconds
        self._alerts = alerts
        self._failures = 0
        self._is_told = False

    def run(self, stop: threading.Event) -> None:
        """Look, wait, look again. Never raises."""
        pause = 0.0
        while not stop.wait(pause):
            pause = self._look(stop)

    def _look(self, stop: threading.Event) -> float:
        """One look, or as many as the server asks for; returns the seconds until the next."""
        try:
            self._mailbox.follow(stop.is_set, lambda: self._heard(stop))
        except MailboxUnreadable as error:
            self._failed(error)
        except Exception as error:  # noqa: BLE001 - whatever this is, the mail is still there and so must be the watch
            log.mailbox_broken(mailbox=self._mailbox.name, reason=_words(error))
        else:
            return self._poll_seconds
        self._failures += 1
        longest = min(LAST_WAIT_SECONDS, FIRST_WAIT_SECONDS * 2.0 ** min(self._failures - 1, 10))
        return longest * random.uniform(0.5, 1.0)

    def _heard(self, stop: threading.Event) -> None:
        self._failures = 0
        if self._is_told and self._send(_readable(self._mailbox.name)):
            self._is_told = False
        stop.wait(LEAST_SECONDS)

    def _failed(self, error: MailboxUnreadable) -> None:
        reason = str(error.facts.get("reason", error))
        log.mailbox_unreadable(mailbox=self._mailbox.name, reason=reason)
        if self._failures + 1 >= TOLD_AFTER_FAILURES and not self._is_told:
            self._is_told = self._send(_unreadable(self._mailbox.name, reason))

    def _send(self, alert: Alert) -> bool:
        """Whether ops are told, or were in this hour."""
        with suppress(StoreError):
            self._alerts.send(alert)
            return True
        return False


class Watches:
    """All of them."""

    def __init__(self, store: Store, mailboxes: Mapping[str, MailboxSettings], alerts: Alerts) -> None:
        self._stop = threading.Event()
        self._threads: Sequence[threading.Thread] = [
            threading.Thread(
                target=self._body(BounceMailbox(name, settings, store), settings.poll_seconds, alerts),
                name=f"mailbox-{name}",
                daemon=True,
            )
            for name, settings in mailboxes.items()
        ]

    def start(self) -> None:
        """Begin to read."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """End; a server that does not answer is not waited for."""
        self._stop.set()
        end = clock.monotonic() + STOP_SECONDS
        for thread in self._threads:
            thread.join(max(0.0, end - clock.monotonic()))

    def _body(self, mailbox: BounceMailbox, poll_seconds: float, alerts: Alerts) -> Callable[[], None]:
        return lambda: Watch(mailbox, poll_seconds, alerts).run(self._stop)


def _words(error: Exception) -> str:
    return str(error) if isinstance(error, MailerError) else type(error).__name__


def _unreadable(name: str, reason: str) -> Alert:
    return Alert(
        "mailbox_unreadable",
        f"The bounce mailbox {name} cannot be read",
        f"Nothing was read from [mailbox.{name}] in the last tries: {reason} What comes back stays there until "
        "it can be read; meanwhile nobody is suppressed for a bounce or a complaint. It is tried again and "
        f"again. `mailer bounce poll {name}` tries at once.",
        {"mailbox": name, "reason": reason},
        about=name,
    )


def _readable(name: str) -> Alert:
    return Alert(
        "mailbox_readable",
        f"The bounce mailbox {name} is read again",
        f"[mailbox.{name}] can be read; what waited there is taken in.",
        {"mailbox": name},
        about=name,
    )
