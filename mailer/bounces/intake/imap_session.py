"""imaplib, held to the limits of a Wire, with TLS verified and IDLE (RFC 3501, RFC 2177)."""

from __future__ import annotations

import imaplib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from mailer import clock
from mailer.bounces.intake.model import MailboxUnreadable
from mailer.bounces.intake.wire import EXCHANGE_SECONDS, LEAVE_SECONDS, Wire, tls_context
from mailer.settings.mailbox import MailboxSettings

#: RFC 2177 asks for less than 29 minutes; home routers forget a silent connection sooner.
MOST_IDLE_SECONDS = 600.0
#: How soon a stop is noticed.
_LOOK_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server said to a command."""

    is_ok: bool
    lines: list[Any]  #: bytes, or a pair of a line and the literal behind it


class ImapSession(imaplib.IMAP4):
    """imaplib's client; its own connection has no limit, so `open`, `read` and the others are ours."""

    def __init__(self, settings: MailboxSettings) -> None:
        """Connect and hear the greeting. Raises OSError, imaplib's errors, MailboxUnreadable."""
        self._tls = settings.tls
        self._context = tls_context(settings.ca_file)
        self._idle_until: float | None = None
        self._is_stopping: Callable[[], bool] = lambda: False
        super().__init__(*settings.connects_to)

    def open(self, host: str = "", port: int = 143, timeout: float | None = None) -> None:
        """imaplib's hook."""
        self.wire = Wire(host, port)
        self.sock = self.wire.sock
        if self._tls == "implicit":
            try:
                self._secure()
            except BaseException:
                self.wire.close()
                raise

    def read(self, size: int) -> bytes:
        """imaplib's hook."""
        return self.wire.read(size)

    def readline(self) -> bytes:
        """imaplib's hook; while it waits for new mail, an end of the wait is sent in between."""
        if self._idle_until is None:
            return self.wire.read_line()
        while not self.wire.has_more(_LOOK_SECONDS):
            if clock.monotonic() >= self._idle_until or self._is_stopping():
                self._end_idle()
                return self.wire.read_line()
        line = self.wire.read_line()
        if line.rstrip().upper().endswith((b"EXISTS", b"RECENT")):
            self._end_idle()
        return line

    def send(self, data: Any) -> None:
        """imaplib's hook."""
        self.wire.send(data)

    def shutdown(self) -> None:
        """imaplib's hook."""
        self.wire.close()

    def enter(self, settings: MailboxSettings) -> None:
        """TLS, log in, open the folder. Raises OSError, imaplib's errors, MailboxUnreadable."""
        if settings.tls == "starttls":
            if not self.can("STARTTLS") or not self.command("STARTTLS").is_ok:
                raise MailboxUnreadable("The server offers no STARTTLS, so nothing is said to it.")
            self._secure()
            self._learn()
        self._log_in(settings)
        self._learn()
        self.wire.allow()
        if self.select(self.quoted(settings.folder))[0] != "OK":
            raise MailboxUnreadable(f'The server has no folder "{settings.folder}"; correct folder.')

    def command(self, *words: Any) -> Answer:
        """One command with its answer. Raises OSError, imaplib's errors, MailboxUnreadable."""
        self.wire.allow()
        name, *arguments = words
        kind, lines = self.uid(*arguments) if name == "UID" else self.xatom(name, *arguments)
        return Answer(kind == "OK", lines)

    def can(self, capability: str) -> bool:
        """Whether the server says that it can do this."""
        return capability in self.capabilities

    def quoted(self, text: str) -> str:
        """A word as a quoted string (RFC 3501 4.3)."""
        return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'

    def idle(self, seconds: float, is_stopping: Callable[[], bool]) -> bool:
        """Wait until the server tells of new mail, or for so long; False: it cannot tell."""
        if not self.can("IDLE"):
            return False
        wait = min(seconds, MOST_IDLE_SECONDS)
        self.wire.allow(EXCHANGE_SECONDS + wait)
        self._idle_until, self._is_stopping = clock.monotonic() + wait, is_stopping
        try:
            # Not before Python 3.14 does imaplib know IDLE; `readline` sends its end.
            return self.xatom("IDLE")[0] == "OK"
        finally:
            self._idle_until = None

    def leave(self) -> None:
        """LOGOUT, then hang up, whatever comes of it."""
        try:
            self.wire.allow(LEAVE_SECONDS)
            self.logout()
        finally:
            self.shutdown()

    def _end_idle(self) -> None:
        self._idle_until = None
        self.wire.allow()
        self.send(b"DONE\r\n")

    def _secure(self) -> None:
        self.wire.start_tls(self._context)
        self.sock = self.wire.sock

    def _learn(self) -> None:
        """Ask again what the server can: it may say more inside TLS, and more to whom it knows."""
        self.wire.allow()
        kind, lines = self.capability()
        words = lines[-1] if kind == "OK" and lines and isinstance(lines[-1], bytes) else b""
        self.capabilities = tuple(words.decode("ascii", "replace").upper().split())

    def _log_in(self, settings: MailboxSettings) -> None:
        name, password = settings.username or "", settings.password
        if password is None:
            raise MailboxUnreadable(
                "It has no password; set MAILER_MAILBOX__<NAME>__PASSWORD or password_file."
            )
        secret = password.get_secret_value()
        self.wire.allow()
        try:
            if self.can("AUTH=PLAIN"):
                self.authenticate("PLAIN", lambda _: f"\0{name}\0{secret}".encode())
            else:
                self.login(self.quoted(name), secret)
        except imaplib.IMAP4.abort:
            raise
        except (imaplib.IMAP4.error, UnicodeEncodeError):
            # The server's own words could repeat the name.
            raise MailboxUnreadable("The server does not take the user name and password.") from None
