"""[alerts]: where ops are told."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field

from mailer.settings.section import Section
from mailer.settings.values import AddressText, Line, MailboxText, is_loopback


def _hook(url: str) -> str:
    parts = urlsplit(url)
    try:
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        host = ""
    if not host or not url.isascii() or " " in url or "@" in parts.netloc:
        raise ValueError('must be a web address such as "https://hooks.shop.example/mailer", in plain ASCII.')
    if parts.scheme != "https" and not (parts.scheme == "http" and is_loopback(host)):
        raise ValueError(f'must begin with "https://": alerts to {host} would travel in clear text.')
    return url


HookText = Annotated[Line, AfterValidator(_hook)]


class AlertsSettings(Section):
    """Where you are told that something is wrong; try it with `mailer alerts test`."""

    mail: AddressText | None = Field(
        None,
        description="Mail address of whoever looks after sending. It is reached through your relays: with one alone, "
        "news of its outage come once it is over.",
    )
    from_mailbox: MailboxText | None = Field(
        None, alias="from", description="Who these mails are from; default: as the first list's."
    )
    webhook: HookText | None = Field(
        None,
        repr=False,
        description="Address that gets a signed POST of JSON, https; for chat programs and pagers. If the address "
        "is itself a secret, give it as MAILER_ALERTS__WEBHOOK. `mailer alerts key` prints the key of the signature.",
    )
