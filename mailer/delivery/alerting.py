"""The ways on which this site's ops are told, made from its settings."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from mailer import clock
from mailer.addresses import EmailAddress, Mailbox, parse_address
from mailer.alerts.mail import mail
from mailer.alerts.sending import Channel
from mailer.alerts.webhook import webhook
from mailer.delivery.direct import deliver_now
from mailer.delivery.smtp import SmtpCourier
from mailer.dkim import DkimKeyInvalid, Unaligned, site_signers
from mailer.keyring import Secrets, derive_key
from mailer.settings import Settings
from mailer.settings.relay import ehlo_name, relays_in_use


def webhook_key(secrets: Secrets) -> bytes:
    """The key that signs what is posted; whoever receives it needs it too."""
    return derive_key(secrets.address_key, "mailer.alerts.webhook")


def alert_channels(settings: Settings, secrets: Secrets, *, dkim_keys: Path) -> dict[str, Channel]:
    """By name, in the order in which they are tried; empty: nobody is told. `dkim_keys`: their folder."""
    made = {"mail": _mail(settings, dkim_keys), "webhook": _webhook(settings, secrets)}
    return {name: channel for name, channel in made.items() if channel is not None}


def _mail(settings: Settings, dkim_keys: Path) -> Channel | None:
    if settings.alerts.mail is None:
        return None
    first_list = next(iter(settings.lists.values()))
    sender: Mailbox = settings.alerts.from_mailbox or first_list.from_mailbox
    return mail(
        parse_address(settings.alerts.mail),
        sender,
        domain=settings.message_id_domain,
        deliver=partial(_deliver, settings, dkim_keys),
    )


def _deliver(settings: Settings, dkim_keys: Path, to: EmailAddress, data: bytes) -> str | None:
    # Those for system mail first: it is not the campaign's trouble that should hold this up.
    relays = sorted(relays_in_use(settings), key=lambda relay: "system" not in relay.streams)
    couriers = [
        partial(SmtpCourier, relay.smtp, ehlo_name=ehlo_name(settings, relay.smtp)) for relay in relays
    ]
    signed = _signed(settings, dkim_keys, data)
    return deliver_now(couriers, to, signed, return_path=settings.sending.return_path)


def _signed(settings: Settings, dkim_keys: Path, data: bytes) -> bytes:
    """With our signature where that is possible: an alert goes out, whatever is wrong with the keys."""
    try:
        signer = site_signers(settings.dkim, dkim_keys).system
        return data if signer is None else signer.sign_text(data.decode(), clock.now()).encode()
    except (DkimKeyInvalid, Unaligned):
        return data


def _webhook(settings: Settings, secrets: Secrets) -> Channel | None:
    url = settings.alerts.webhook
    return None if url is None else webhook(url, webhook_key(secrets))
