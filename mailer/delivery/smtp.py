"""The SMTP courier: aiosmtplib opens the connection, then the dialogue takes it over (RFC 5321, 6409)."""

from __future__ import annotations

import ssl

import aiosmtplib

from mailer.delivery.classify import lost, one_line
from mailer.delivery.courier import Following, Parcel, RouteDown
from mailer.delivery.dialogue import Dialogue, Timeouts
from mailer.delivery.esmtp import Extensions
from mailer.delivery.model import Verb
from mailer.settings import SmtpSettings
from mailer.settings.values import is_loopback


class SmtpCourier:
    """One connection to one relay, reused for many messages."""

    def __init__(self, relay: SmtpSettings, *, ehlo_name: str, timeouts: Timeouts | None = None) -> None:
        self._relay = relay
        self._ehlo_name = ehlo_name
        self._timeouts = timeouts or Timeouts()
        self._dialogue: Dialogue | None = None
        self.relay = f"{relay.host}:{relay.port}"

    @property
    def is_open(self) -> bool:
        """Whether the connection stands as far as this side knows."""
        return self._dialogue is not None and self._dialogue.wire.is_open

    @property
    def is_proven(self) -> bool:
        """Whether a recipient has been judged on this connection."""
        return self._dialogue is not None and self._dialogue.is_proven

    @property
    def in_flight(self) -> int:
        """Parcels offered whose end was not told yet."""
        return 0 if self._dialogue is None else self._dialogue.in_flight

    async def connect(self) -> None:
        """Connect, greet, secure, sign in. Raises RouteDown with the reason in words."""
        self._dialogue = None
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
        transport = client.transport
        if transport is None:
            raise self._down("closed the connection after the greeting")
        self._dialogue = Dialogue(Extensions.offered(client.esmtp_extensions), self._timeouts)
        self._dialogue.wire.take_over(transport)

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
        return RouteDown(one_line(f"The relay {self.relay} {words}"))

    async def deliver(self, first: Parcel, following: Following) -> None:
        """See Courier.deliver; the dialogue knows how."""
        if self._dialogue is None:
            return first.ended(lost(Verb.MAIL, "The connection is closed."))
        await self._dialogue.carry(first, following)

    async def close(self) -> None:
        """QUIT if the server answers quickly, then close."""
        dialogue, self._dialogue = self._dialogue, None
        if dialogue is not None:
            await dialogue.quit()


def tls_context(relay: SmtpSettings) -> ssl.SSLContext:
    """Certificate and name verified, TLS 1.2 at least (A61). Raises OSError for an unreadable `ca_file`."""
    context = ssl.create_default_context(cafile=str(relay.ca_file) if relay.ca_file else None)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context
