"""The relays in use, with what each does by default filled in: share, greeting, and whether it can be signed in to."""

from __future__ import annotations

import socket
from dataclasses import dataclass

from mailer.errors import MailerError
from mailer.settings.model import Settings
from mailer.settings.smtp import SmtpSettings, StreamName
from mailer.settings.values import is_loopback


class PasswordMissing(MailerError):
    """The relay has a user name, and nobody gave the password."""


@dataclass(frozen=True, slots=True)
class RelayInUse:
    """One relay and its part of the mail."""

    name: str  #: of [smtp.NAME]
    smtp: SmtpSettings
    connections: int  #: of one host
    weight: int  #: its share of campaign mail; 0: only when the others are down
    streams: frozenset[StreamName]

    @property
    def address(self) -> str:
        """ "host:port", as deliveries name the relay they went to."""
        return f"{self.smtp.host}:{self.smtp.port}"


def relays_in_use(settings: Settings) -> tuple[RelayInUse, ...]:
    """The one that `[sending] route` names, for everything; else all of them, in the file's order."""
    sending = settings.sending
    if sending.route is not None:
        both: frozenset[StreamName] = frozenset(("campaign", "system"))
        return (_in_use(settings, sending.route, weight=1, streams=both),)
    found = []
    for name, smtp in settings.smtp.items():
        usual = 1 if name == settings.relay_name else 0
        weight = usual if smtp.weight is None else smtp.weight
        found.append(_in_use(settings, name, weight=weight, streams=frozenset(smtp.streams)))
    return tuple(found)


def _in_use(settings: Settings, name: str, *, weight: int, streams: frozenset[StreamName]) -> RelayInUse:
    smtp = settings.smtp[name]
    return RelayInUse(name, smtp, settings.sending.connections or smtp.connections, weight, streams)


def ehlo_name(settings: Settings, smtp: SmtpSettings) -> str:
    """The name to greet a relay with: configured, this host's, or the site's; never localhost (A48)."""
    if smtp.ehlo_name is not None:
        return smtp.ehlo_name
    own = socket.getfqdn()
    if "." in own and not own.startswith("localhost") and not own.replace(".", "").isdigit():
        return own
    host = settings.site.host
    return settings.sending.return_path_domain if is_loopback(host) or "." not in host else host


def require_relay(settings: Settings) -> None:
    """Raise PasswordMissing when mail would be offered without the sign-in that a relay asks for.

    Not a check of the file: the password may be known only where mail is sent.
    """
    for relay in relays_in_use(settings):
        _require_password(relay)


def _require_password(relay: RelayInUse) -> None:
    smtp, name = relay.smtp, relay.name
    if smtp.username is None or (smtp.password is not None and smtp.password.get_secret_value()):
        return
    variable = f"MAILER_SMTP__{name.upper().replace('-', '_')}__PASSWORD"
    raise PasswordMissing(
        f"[smtp.{name}] username is given without a password; "
        f"set {variable} where mail is sent, or name a file with password_file.",
        relay=name,
    )
