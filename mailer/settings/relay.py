"""Whether the relay in use can be signed in to: asked by what sends, not by what only reads."""

from __future__ import annotations

from mailer.errors import MailerError
from mailer.settings.model import Settings


class PasswordMissing(MailerError):
    """The relay has a user name, and nobody gave the password."""


def require_relay(settings: Settings) -> None:
    """Raise PasswordMissing when mail would be offered without the sign-in that the relay asks for.

    Not a check of the file: the password may be known only where mail is sent.
    """
    relay, name = settings.relay, settings.relay_name
    if relay.username is None or (relay.password is not None and relay.password.get_secret_value()):
        return
    variable = f"MAILER_SMTP__{name.upper().replace('-', '_')}__PASSWORD"
    raise PasswordMissing(
        f"[smtp.{name}] username is given without a password; "
        f"set {variable} where mail is sent, or name a file with password_file.",
        relay=name,
    )
