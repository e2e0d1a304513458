"""One connection to a mail server that is not trusted: every exchange ends, after so long and so many octets."""

from __future__ import annotations

import select
import socket
import ssl
from pathlib import Path

from mailer import clock
from mailer.bounces.intake.model import MAX_MAIL, MailboxUnreadable

#: For a connection, a greeting, or one command with its answer; a mail of the largest size at 100 KB/s.
EXCHANGE_SECONDS = 180.0
#: A server that says nothing for so long will say nothing more.
SILENCE_SECONDS = 60.0
#: A good-bye is a courtesy; a connection that is in trouble gets no more.
LEAVE_SECONDS = 5.0
#: The largest mail and what a server says around it.
EXCHANGE_OCTETS = MAX_MAIL + 4 * 1024 * 1024
#: A list of 100 000 messages in one line fits; imaplib's own limit is the same.
LINE_OCTETS = 1_000_000
_CHUNK = 65_536


class Wire:
    """A socket with TLS or without, read by lines and by octets."""

    def __init__(self, host: str, port: int) -> None:
        """Connect. Raises OSError."""
        self.sock: socket.socket = socket.create_connection((host, port), timeout=SILENCE_SECONDS)
        self._host = host
        self._buffer = bytearray()
        self.allow()

    def allow(self, seconds: float = EXCHANGE_SECONDS) -> None:
        """Begin an exchange: its time and its octets count from here."""
        self._ends = clock.monotonic() + seconds
        self._octets = EXCHANGE_OCTETS

    def start_tls(self, context: ssl.SSLContext) -> None:
        """Speak TLS from here on. Raises OSError, where the certificate is not to be trusted too."""
        # What came before in clear text could have been put there by anybody (CVE-2011-0411).
        self._buffer.clear()
        self.sock = context.wrap_socket(self.sock, server_hostname=self._host)

    def send(self, data: bytes) -> None:
        """Send all of it. Raises OSError."""
        self.sock.settimeout(SILENCE_SECONDS)
        self.sock.sendall(data)

    def read_line(self) -> bytes:
        """The next line with its end; empty once the server has hung up. Raises OSError, MailboxUnreadable."""
        start = 0
        while (end := self._buffer.find(b"\n", start)) < 0:
            start = len(self._buffer)
            if start > LINE_OCTETS:
                raise MailboxUnreadable("The server sent a line without an end.")
            if not self._receive():
                return self._taken(len(self._buffer))
        return self._taken(end + 1)

    def read(self, size: int) -> bytes:
        """So many octets, fewer if the server hangs up. Raises OSError, MailboxUnreadable."""
        if size > self._octets + len(self._buffer):
            raise MailboxUnreadable("The server sends more than was asked for.")
        while len(self._buffer) < size and self._receive():
            pass
        return self._taken(min(size, len(self._buffer)))

    def has_more(self, seconds: float) -> bool:
        """Whether the server says something within this time."""
        if self._buffer or (isinstance(self.sock, ssl.SSLSocket) and self.sock.pending()):
            return True
        return bool(select.select([self.sock], [], [], seconds)[0])

    def close(self) -> None:
        """Hang up."""
        self.sock.close()

    def _receive(self) -> bool:
        left = self._ends - clock.monotonic()
        if left <= 0:
            raise MailboxUnreadable("The server takes too long for an answer.")
        self.sock.settimeout(min(left, SILENCE_SECONDS))
        data = self.sock.recv(_CHUNK)
        self._octets -= len(data)
        if self._octets < 0:
            raise MailboxUnreadable("The server sends more than was asked for.")
        self._buffer += data
        return bool(data)

    def _taken(self, size: int) -> bytes:
        taken = bytes(self._buffer[:size])
        del self._buffer[:size]
        return taken


def tls_context(ca_file: Path | None) -> ssl.SSLContext:
    """Certificate and name verified, TLS 1.2 at least (D32, F8). Raises OSError for an unreadable file."""
    context = ssl.create_default_context(cafile=None if ca_file is None else str(ca_file))
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context
