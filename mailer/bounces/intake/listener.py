"""The listener for a mail server that hands over what comes back: LMTP or SMTP (RFC 2033, 5321), by aiosmtpd."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import ssl
import threading
from collections.abc import Callable
from functools import partial
from typing import Any

from aiosmtpd.lmtp import LMTP
from aiosmtpd.smtp import SMTP

from mailer.bounces.intake.door import Door
from mailer.bounces.intake.model import MAX_MAIL
from mailer.bounces.intake.ours import OurAddresses
from mailer.errors import MailerError
from mailer.settings.listener import ListenerSettings
from mailer.store import Store

#: Further connections are told to come later; together they hold no more than so many large mails.
MOST_CONNECTIONS = 20
#: RFC 5321 4.5.3.1.8: a server takes at least 100 recipients.
MOST_RECIPIENTS = 100
#: For all of one command, the content of a mail included.
COMMAND_SECONDS = 300.0
#: Reports have lines far beyond the 1 000 octets of RFC 5321 4.5.3.1.6; refused, they would be lost.
_LINE_OCTETS = 1_048_576


class CannotListen(MailerError):
    """The listener for what comes back cannot be opened."""


class _Counted(SMTP):
    """A connection that is known as long as it lasts."""

    line_length_limit = _LINE_OCTETS

    def __init__(self, handler: Door, *, open_ones: set[object], **given: Any) -> None:
        super().__init__(handler, **given)
        self._open_ones = open_ones

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._open_ones.add(self)
        super().connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        self._open_ones.discard(self)
        super().connection_lost(error)


class _CountedLmtp(_Counted, LMTP):
    """The same in LMTP."""


class _Busy(asyncio.Protocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.WriteTransport)
        transport.write(b"421 4.3.2 Too many connections, try again later\r\n")
        transport.close()


class Listener:
    """Open from the moment it is made; it answers between `start` and `stop`, in a thread of its own."""

    def __init__(self, settings: ListenerSettings, *, store: Store, ours: OurAddresses) -> None:
        """Take the port. Raises CannotListen."""
        self._sock = _listening(settings)
        self._tls = _tls(settings)
        self._open_ones: set[object] = set()
        is_lmtp = settings.protocol == "lmtp"
        # RFC 2033 4.2: LMTP answers for each recipient, aiosmtpd answers once; so there is one at a time.
        door = Door(store, ours, most_recipients=1 if is_lmtp else MOST_RECIPIENTS)
        self._make: Callable[..., SMTP] = partial(_CountedLmtp if is_lmtp else _Counted, door)
        self._loop = asyncio.new_event_loop()
        self._stopping = asyncio.Event()
        self._thread = threading.Thread(target=self._run, name="listener", daemon=True)
        # At its own level aiosmtpd writes the addresses of every mail into the log.
        logging.getLogger("mail.log").setLevel(logging.ERROR)

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self._sock.getsockname()[1])

    def start(self) -> None:
        """Begin to answer."""
        self._thread.start()

    def stop(self) -> None:
        """Hang up; a mail without an answer is sent again, and counts once."""
        self._loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join()

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._serve())

    async def _serve(self) -> None:
        server = await self._loop.create_server(self._protocol, sock=self._sock)
        await self._stopping.wait()
        server.close()

    def _protocol(self) -> asyncio.BaseProtocol:
        if len(self._open_ones) >= MOST_CONNECTIONS:
            return _Busy()
        connection: asyncio.BaseProtocol = self._make(
            open_ones=self._open_ones,
            hostname=socket.gethostname(),
            ident="mailer",
            data_size_limit=MAX_MAIL,
            enable_SMTPUTF8=True,
            timeout=COMMAND_SECONDS,
            tls_context=self._tls,
            require_starttls=self._tls is not None,
            loop=self._loop,
        )
        return connection


def _listening(settings: ListenerSettings) -> socket.socket:
    host, port = settings.host, settings.port or 0
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except OSError as error:
        why = os.strerror(error.errno or 0)
        raise CannotListen(
            f"Nothing can listen on {host} port {port}: {why}. Set another port or host in [listener].",
            host=host,
            port=port,
        ) from error


def _tls(settings: ListenerSettings) -> ssl.SSLContext | None:
    if settings.certificate is None:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(settings.certificate, settings.key)
    except OSError as error:
        raise CannotListen(
            f"The certificate {settings.certificate} and its key cannot be used: {error.strerror or error}. "
            "Correct certificate and key in [listener].",
        ) from error
    return context
