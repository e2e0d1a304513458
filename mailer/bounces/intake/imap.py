"""A mailbox behind IMAP: each mail stored first, then moved or deleted there (RFC 3501, RFC 6851, RFC 4315)."""

from __future__ import annotations

import imaplib
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress

from mailer.bounces.intake.imap_session import ImapSession
from mailer.bounces.intake.model import MAX_MAIL, Collected, Keep, MailboxUnreadable, kept_part
from mailer.settings.mailbox import MailboxSettings

#: Mails that are stored before they are taken away together.
_BATCH = 50
_UID = re.compile(rb"\d{1,10}\Z")


class ImapMailbox:
    """One folder of an IMAP server, over one connection."""

    def __init__(self, settings: MailboxSettings) -> None:
        """Connect, log in, open the folder. Raises OSError, imaplib's errors, MailboxUnreadable."""
        self._session = ImapSession(settings)
        self._move_to = settings.move_to
        try:
            self._session.enter(settings)
        except BaseException:
            self._session.shutdown()
            raise

    def collect(self, keep: Keep, left: set[bytes]) -> Collected:
        """Store what is there and take it away; `left` remembers what stays, by its number.

        A mail that the server cannot give is left and stops nothing.
        """
        collected = Collected()
        found = self._ask("SEARCH", "UNDELETED UNFLAGGED")
        numbers = [uid for line in found for uid in line.split() if _UID.match(uid)]
        waiting = [uid for uid in numbers if uid not in left]
        collected.left = len(numbers) - len(waiting)
        for batch in (waiting[at : at + _BATCH] for at in range(0, len(waiting), _BATCH)):
            stored = []
            for uid in batch:
                if (raw := self._fetch(uid, left)) is None:
                    collected.left += uid in left
                    continue
                content, note = kept_part(raw)
                collected.count(new=keep(content, note))
                if note is None:
                    stored.append(uid)
                else:
                    self._set_aside(uid, left)
                    collected.left += 1
            if stored:
                self._take_away(stored)
        return collected

    def wait(self, seconds: float, is_stopping: Callable[[], bool]) -> bool:
        """Wait for new mail as the server tells of it (IDLE); False: it cannot."""
        return self._session.idle(seconds, is_stopping)

    def close(self) -> None:
        """Say good-bye if that is quick."""
        with suppress(OSError, imaplib.IMAP4.error, MailboxUnreadable):
            self._session.leave()

    def _fetch(self, uid: bytes, left: set[bytes]) -> bytes | None:
        # Left unless it is fetched: should it break the connection, the next one goes on behind it.
        left.add(uid)
        answer = self._session.command("UID", "FETCH", uid, f"(UID BODY.PEEK[]<0.{MAX_MAIL + 1}>)")
        parts = [part for part in answer.lines if isinstance(part, tuple) and b"BODY[" in part[0].upper()]
        if not answer.is_ok:
            return None
        left.discard(uid)
        # Another program may have taken it meanwhile.
        return parts[0][1] if parts else None

    def _set_aside(self, uid: bytes, left: set[bytes]) -> None:
        """Mark a mail that stays here, so that it is not fetched again."""
        left.add(uid)
        self._session.command("UID", "STORE", uid, "+FLAGS.SILENT", r"(\Flagged)")

    def _take_away(self, uids: Sequence[bytes]) -> None:
        several = b",".join(uids)
        if self._move_to is None:
            self._delete(several, set(uids))
            return
        target = self._session.quoted(self._move_to)
        verb = "MOVE" if self._session.can("MOVE") else "COPY"
        if not self._session.command("UID", verb, several, target).is_ok:
            # RFC 3501 6.4.7: a client creates the folder and tries again.
            self._session.command("CREATE", target)
            if not self._session.command("UID", verb, several, target).is_ok:
                raise MailboxUnreadable(
                    f'The server does not move mail to "{self._move_to}"; correct move_to.'
                )
        if verb == "COPY":
            self._delete(several, set(uids))

    def _delete(self, several: bytes, ours: set[bytes]) -> None:
        self._session.command("UID", "STORE", several, "+FLAGS.SILENT", r"(\Deleted)")
        if self._session.can("UIDPLUS"):
            self._session.command("UID", "EXPUNGE", several)
        elif set(b" ".join(self._ask("SEARCH", "DELETED")).split()) <= ours:
            # EXPUNGE ends whatever is marked: never what somebody else marked and we did not store.
            self._session.command("EXPUNGE")

    def _ask(self, *words: str) -> list[bytes]:
        answer = self._session.command("UID", *words)
        if not answer.is_ok:
            raise MailboxUnreadable("The server cannot list the mail in the folder.")
        return list(_plain(answer.lines))


def _plain(lines: Sequence[object]) -> Iterator[bytes]:
    yield from (line for line in lines if isinstance(line, bytes))
