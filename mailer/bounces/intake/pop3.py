"""A mailbox behind POP3: each mail stored first, then deleted there (RFC 1939, RFC 2595).

Not by poplib: it refuses lines of more than 2 048 octets, which bounces have, and waits without an end.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator
from contextlib import suppress

from mailer.bounces.intake.model import MAX_MAIL, Collected, Keep, MailboxUnreadable, kept_part
from mailer.bounces.intake.wire import LEAVE_SECONDS, Wire, tls_context
from mailer.settings.mailbox import MailboxSettings


class Pop3Mailbox:
    """The mailbox of one POP3 account, over one connection."""

    def __init__(self, settings: MailboxSettings) -> None:
        """Connect and log in. Raises OSError, MailboxUnreadable."""
        context = tls_context(settings.ca_file)
        self._wire = Wire(*settings.connects_to)
        try:
            self._enter(settings, context)
        except BaseException:
            self._wire.close()
            raise

    def collect(self, keep: Keep, left: set[bytes]) -> Collected:
        """Store what is there and delete it; `left` remembers what stays, by its UIDL.

        The server removes what was marked when the session ends by QUIT: a session that breaks shows the
        same mail again, which then counts once.
        """
        collected = Collected()
        names = self._names()
        for number, name in names.items():
            if name in left:
                collected.left += 1
                continue
            if (raw := self._fetch(number, name, left)) is None:
                collected.left += 1
                continue
            content, note = kept_part(raw)
            collected.count(new=keep(content, note))
            if note is not None:
                # The rest of it is still on the wire; what was marked is deleted after the next look.
                collected.left += 1
                self._wire.close()
                return collected
            self._command(f"DELE {number}")
        return collected

    def wait(self, seconds: float, is_stopping: Callable[[], bool]) -> bool:
        """A POP3 server tells nothing: False."""
        return False

    def close(self) -> None:
        """Hang up, with a good-bye if that is quick: without one the server deletes nothing."""
        with suppress(OSError, MailboxUnreadable):
            self._wire.allow(LEAVE_SECONDS)
            self._wire.send(b"QUIT\r\n")
            self._wire.read_line()
        self._wire.close()

    def _enter(self, settings: MailboxSettings, context: ssl.SSLContext) -> None:
        if settings.tls == "implicit":
            self._wire.start_tls(context)
        if not self._says_ok():
            raise MailboxUnreadable("The server does not want to talk now.")
        if settings.tls == "starttls":
            if not self._command("STLS"):
                raise MailboxUnreadable("The server offers no STLS, so nothing is said to it.")
            self._wire.start_tls(context)
        if settings.password is None:
            raise MailboxUnreadable(
                "It has no password; set MAILER_MAILBOX__<NAME>__PASSWORD or password_file."
            )
        secret = settings.password.get_secret_value()
        if not (self._command(f"USER {settings.username}") and self._command(f"PASS {secret}")):
            raise MailboxUnreadable("The server does not take the user name and password.")

    def _names(self) -> dict[int, bytes]:
        """The mail by its number in this session, with the name that it has in every session (UIDL)."""
        if not self._command("UIDL"):
            raise MailboxUnreadable("The server knows no UIDL, so its mail cannot be told apart.")
        rows = (line.split(maxsplit=1) for line in self._lines())
        return {int(row[0]): row[1] for row in rows if len(row) == 2 and row[0].isdigit()}

    def _fetch(self, number: int, name: bytes, left: set[bytes]) -> bytes | None:
        # Left unless it is fetched: should it break the connection, the next one goes on behind it.
        left.add(name)
        if not self._command(f"RETR {number}"):
            return None
        raw = bytearray()
        for line in self._lines():
            raw += line + b"\r\n"
            if len(raw) > MAX_MAIL:
                break
        else:
            left.discard(name)
        return bytes(raw)

    def _command(self, line: str) -> bool:
        self._wire.allow()
        self._wire.send(line.encode() + b"\r\n")
        return self._says_ok()

    def _says_ok(self) -> bool:
        line = self._wire.read_line()
        if not line:
            raise MailboxUnreadable("The server hung up.")
        return line.startswith(b"+OK")

    def _lines(self) -> Iterator[bytes]:
        """The lines of an answer, without their ends and doubled dots (RFC 1939 3)."""
        while True:
            line = self._wire.read_line()
            if not line:
                raise MailboxUnreadable("The server hung up in the middle of an answer.")
            line = line.removesuffix(b"\n").removesuffix(b"\r")
            if line == b".":
                return
            yield line.removeprefix(b".")
