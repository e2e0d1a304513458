"""The SMTP courier: aiosmtplib opens the connection, one code path speaks on it (RFC 5321, 6409)."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from dataclasses import dataclass

import aiosmtplib

from mailer.delivery.classify import Reply, classify, goes_on, lost, one_line
from mailer.delivery.courier import BeforeBody, BodyWithheld, RouteDown
from mailer.delivery.esmtp import Extensions, Unsendable, check_bytes, mail_command, rcpt_command, stuffed
from mailer.delivery.model import Envelope, Outcome, OutcomeKind, Verb
from mailer.delivery.wire import Wire, WireBroken
from mailer.settings import SmtpSettings
from mailer.settings.values import is_loopback


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds to wait for the server at each step: not less than RFC 5321 4.5.3.2 asks (A55)."""

    connect: float = 300.0  #: the TCP handshake, TLS, the greeting and each reply until AUTH
    mail: float = 300.0
    rcpt: float = 300.0
    data: float = 120.0
    dot: float = 600.0
    quit: float = 2.0  #: politeness has a short patience

    def of(self, verb: Verb) -> float:
        """The patience at one step."""
        return float(getattr(self, verb.value))


class SmtpCourier:
    """One connection to one relay, reused for many messages."""

    def __init__(self, relay: SmtpSettings, *, ehlo_name: str, timeouts: Timeouts | None = None) -> None:
        self._relay = relay
        self._ehlo_name = ehlo_name
        self._timeouts = timeouts or Timeouts()
        self._wire: Wire | None = None
        self._extensions = Extensions(frozenset(), None)
        self._proven = False

    @property
    def is_open(self) -> bool:
        """Whether the connection stands as far as this side knows."""
        return self._wire is not None and self._wire.is_open

    @property
    def is_proven(self) -> bool:
        """Whether a recipient has been judged on this connection."""
        return self._proven

    async def connect(self) -> None:
        """Connect, greet, secure, sign in. Raises RouteDown with the reason in words."""
        self._proven = False
        try:
            client = await self._sign_in()
        except aiosmtplib.SMTPResponseException as error:
            raise self._down(f"answered {error.code} {error.message}") from error
        except ssl.SSLCertVerificationError as error:
            raise self._down(f"has a certificate that is not trusted: {error.verify_message}") from error
        except (aiosmtplib.SMTPException, OSError, ValueError) as error:
            cause: BaseException = error.__cause__ or error
            if isinstance(cause, ssl.SSLCertVerificationError):
                words = f"has a certificate that is not trusted: {cause.verify_message}"
                raise self._down(words) from error
            raise self._down(f"cannot be used: {error}") from error
        self._extensions = Extensions.offered(client.esmtp_extensions)
        transport = client.transport
        if transport is None:
            raise self._down("closed the connection after the greeting")
        self._wire = Wire()
        self._wire.take_over(transport)

    async def _sign_in(self) -> aiosmtplib.SMTP:
        relay = self._relay
        if relay.tls == "none" and not is_loopback(relay.host):
            raise RouteDown(f"Mail to {relay.host} would travel in clear text; set tls in [smtp].")
        if relay.tls == "none" and relay.username is not None:
            raise RouteDown(f"The password for {relay.host} would travel in clear text; set tls in [smtp].")
        client = aiosmtplib.SMTP(
            hostname=relay.host,
            port=relay.port,
            local_hostname=self._ehlo_name,
            use_tls=relay.tls == "implicit",
            start_tls=False,
            timeout=self._timeouts.connect,
            tls_context=None if relay.tls == "none" else tls_context(relay),
        )
        try:
            await client.connect()
            if relay.tls == "starttls":
                # Raises when it is not offered: a stripped offer is an error, not a fallback (A62).
                await client.starttls()
            await client.ehlo()
            if relay.username is not None and relay.password is not None:
                await client.login(relay.username, relay.password.get_secret_value())
        except BaseException:
            client.close()
            raise
        return client

    def _down(self, words: str) -> RouteDown:
        return RouteDown(one_line(f"The relay {self._relay.host}:{self._relay.port} {words}"))

    async def deliver(self, envelope: Envelope, data: bytes, *, before_body: BeforeBody) -> Outcome:
        """One transaction; what the server does becomes an outcome, never an exception."""
        if self._wire is None:
            return lost(Verb.MAIL, "The connection is closed.")
        try:
            check_bytes(data)
            commands = (
                (Verb.MAIL, mail_command(envelope, self._extensions, data)),
                (Verb.RCPT, rcpt_command(envelope, self._extensions)),
                (Verb.DATA, b"DATA\r\n"),
            )
        except Unsendable as refusal:
            return Outcome(OutcomeKind.REJECTED, status=refusal.status, reply=str(refusal))
        outcome = await self._converse(self._wire, commands, data, before_body)
        if outcome.reply_code == 421:
            self._wire.close()
        return outcome

    async def _converse(
        self, wire: Wire, commands: tuple[tuple[Verb, bytes], ...], data: bytes, before_body: BeforeBody
    ) -> Outcome:
        verb = Verb.MAIL
        try:
            if self._extensions.pipelining:
                wire.send(b"".join(command for _, command in commands), replies=len(commands))
            for index, (verb, command) in enumerate(commands):
                if not self._extensions.pipelining:
                    wire.send(command, replies=1)
                reply = await wire.reply(self._timeouts.of(verb))
                self._proven = self._proven or verb is Verb.RCPT
                if not goes_on(verb, reply):
                    await self._clear(wire, len(commands) - index - 1, verb, reply)
                    return classify(verb, reply)
            await before_body()
            # A wire that is already broken takes nothing: then the message did not leave.
            wire.send(stuffed(data), replies=1)
            verb = Verb.DOT
            return classify(verb, await self._last_reply(wire))
        except WireBroken as broken:
            return lost(verb, str(broken))
        except BodyWithheld:
            wire.close()
            raise

    async def _last_reply(self, wire: Wire) -> Reply:
        reply = await wire.reply(self._timeouts.dot)
        if reply.code // 100 not in (2, 4, 5):
            # Neither yes nor no: the reply after it could not be trusted either.
            wire.close()
        return reply

    async def _clear(self, wire: Wire, unread: int, verb: Verb, reply: Reply) -> None:
        """Leave no half-open transaction behind a refusal; a failure here only costs the connection."""
        try:
            if reply.code == 421 or reply.code // 100 not in (4, 5):
                return wire.close()
            if self._extensions.pipelining:
                for following in (Verb.RCPT, Verb.DATA)[-unread:] if unread else ():
                    late = await wire.reply(self._timeouts.of(following))
                    if following is Verb.DATA and goes_on(Verb.DATA, late):
                        # RFC 2920 3.1: 354 without a recipient: an empty message that nobody gets (A64).
                        wire.send(b".\r\n", replies=1)
                        await wire.reply(self._timeouts.dot)
            wire.send(b"RSET\r\n", replies=1)
            if not goes_on(Verb.MAIL, await wire.reply(self._timeouts.mail)):
                wire.close()
        except WireBroken:
            wire.close()

    async def close(self) -> None:
        """QUIT if the server answers quickly, then close."""
        wire, self._wire = self._wire, None
        if wire is None:
            return
        with contextlib.suppress(WireBroken, asyncio.CancelledError):
            wire.send(b"QUIT\r\n", replies=1)
            await wire.reply(self._timeouts.quit)
        wire.close()


def tls_context(relay: SmtpSettings) -> ssl.SSLContext:
    """Certificate and name verified, TLS 1.2 at least (A61). Raises OSError for an unreadable `ca_file`."""
    context = ssl.create_default_context(cafile=str(relay.ca_file) if relay.ca_file else None)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context
