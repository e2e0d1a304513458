"""Look into one mailbox as the settings describe it; whatever goes wrong there is one error with a sentence."""

from __future__ import annotations

import imaplib
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol

from mailer.bounces.intake.imap import ImapMailbox
from mailer.bounces.intake.keeping import keep
from mailer.bounces.intake.maildir import MaildirMailbox
from mailer.bounces.intake.model import Collected, Keep, MailboxUnreadable
from mailer.bounces.intake.pop3 import Pop3Mailbox
from mailer.maillog import EventLog
from mailer.settings.mailbox import MailboxSettings
from mailer.store import Store

log = EventLog("bounces")


class Mailbox(Protocol):
    """An open mailbox."""

    def collect(self, keep: Keep, left: set[bytes]) -> Collected:
        """Store what is there, then take it away; `left` remembers, from look to look, what stays."""

    def wait(self, seconds: float, is_stopping: Callable[[], bool]) -> bool:
        """Wait until there may be new mail; False: it cannot tell, so look again later."""

    def close(self) -> None:
        """Give the connection back."""


_KINDS: dict[str, Callable[[MailboxSettings], Mailbox]] = {
    "imap": ImapMailbox,
    "pop3": Pop3Mailbox,
    "maildir": MaildirMailbox,
}


class BounceMailbox:
    """One [mailbox.NAME], read again and again."""

    def __init__(self, name: str, settings: MailboxSettings, store: Store) -> None:
        self.name = name
        self._settings = settings
        self._store = store
        self._left: set[bytes] = set()

    def poll(self) -> Collected:
        """One look. Raises MailboxUnreadable, StoreError."""
        with self._open() as mailbox:
            return self._collect(mailbox)

    def follow(self, is_stopping: Callable[[], bool], heard: Callable[[], None]) -> None:
        """Look, and look again as long as the server tells of new mail; `heard` after each look.

        Returns where it cannot tell, or when it is to stop. Raises MailboxUnreadable, StoreError.
        """
        with self._open() as mailbox:
            while not is_stopping():
                self._collect(mailbox)
                heard()
                if not mailbox.wait(self._settings.poll_seconds, is_stopping):
                    return

    def _collect(self, mailbox: Mailbox) -> Collected:
        collected = mailbox.collect(self._keep, self._left)
        if collected.kept or collected.known:
            kept, known, left = collected.kept, collected.known, collected.left
            log.mail_collected(mailbox=self.name, kept=kept, known=known, left=left)
        return collected

    def _keep(self, raw: bytes, note: str | None) -> bool:
        return keep(self._store, raw, source=f"{self._settings.protocol}:{self.name}", note=note)

    @contextmanager
    def _open(self) -> Iterator[Mailbox]:
        try:
            mailbox = _KINDS[self._settings.protocol](self._settings)
            try:
                yield mailbox
            finally:
                mailbox.close()
        except MailboxUnreadable as error:
            raise _told(self.name, str(error)) from error
        except ssl.SSLCertVerificationError as error:
            why = f"Its certificate is not trusted ({error.verify_message})."
            raise _told(self.name, why) from error
        except TimeoutError as error:
            raise _told(self.name, "The server does not answer in time.") from error
        except OSError as error:
            raise _told(self.name, f"{error.strerror or 'The connection failed'}.") from error
        except imaplib.IMAP4.error as error:
            raise _told(self.name, "The server refused, hung up or spoke no IMAP.") from error


def _told(name: str, why: str) -> MailboxUnreadable:
    return MailboxUnreadable(f"The mailbox {name} cannot be read: {why}", mailbox=name, reason=why)
