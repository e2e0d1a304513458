"""The ways on which this site's ops are told, made from its settings."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from mailer.addresses import EmailAddress, Mailbox, parse_address
from mailer.alerts.mail import mail
from mailer.alerts.sending import Channel
from mailer.alerts.webhook import webhook
from mailer.delivery.direct import deliver_now
from mailer.delivery.smtp import SmtpCourier
from mailer.keyring import Secrets, derive_key
from mailer.settings import Settings
from mailer.settings.relay import ehlo_name, relays_in_use


def webhook_key(secrets: Secrets) -> bytes:
    """The key that signs what is posted; whoever receives it needs it too."""
    return derive_key(secrets.address_key, "mailer.alerts.webhook")


def alert_channels(settings: Settings, secrets: Secrets) -> dict[str, Channel]:
    """By name, in the order in which they are tried; empty: nobody is told."""
    made = {name: make(settings, secrets) for name, make in _CHANNELS.items()}
    return {name: channel for name, channel in made.items() if channel is not None}


def _mail(settings: Settings, _secrets: Secrets) -> Channel | None:
    if settings.alerts.mail is None:
        return None
    first_list = next(iter(settings.lists.values()))
    sender: Mailbox = settings.alerts.from_mailbox or first_list.from_mailbox
    return mail(
        parse_address(settings.alerts.mail),
        sender,
        domain=settings.message_id_domain,
        deliver=partial(_deliver, settings),
    )


def _deliver(settings: Settings, to: EmailAddress, data: bytes) -> str | None:
    # Those for system mail first: it is not the campaign's trouble that should hold this up.
    relays = sorted(relays_in_use(settings), key=lambda relay: "system" not in relay.streams)
    couriers = [
        partial(SmtpCourier, relay.smtp, ehlo_name=ehlo_name(settings, relay.smtp)) for relay in relays
    ]
    return deliver_now(couriers, to, data, return_path=settings.sending.return_path)


def _webhook(settings: Settings, secrets: Secrets) -> Channel | None:
    url = settings.alerts.webhook
    return None if url is None else webhook(url, webhook_key(secrets))


_CHANNELS: Mapping[str, Callable[[Settings, Secrets], Channel | None]] = {"mail": _mail, "webhook": _webhook}
