"""Which addresses mail comes back to: return paths with a genuine tag, the way out by mail, and the lists' own."""

from __future__ import annotations

from collections.abc import Iterator

from mailer.addresses import AddressInvalid, EmailAddress, parse_address
from mailer.keyring import Secrets
from mailer.return_path import decode_return_path
from mailer.settings import Settings

#: RFC 5321 4.5.1: every domain has a postmaster.
_POSTMASTER = "postmaster"


class OurAddresses:
    """What a site takes mail for; everything else is somebody else's."""

    def __init__(self, settings: Settings, secrets: Secrets) -> None:
        self._secrets = secrets
        self._base = parse_address(settings.sending.return_path)
        self._plain = {address.key.lower() for address in _plain(settings)}
        self._domains = {key.rpartition("@")[2] for key in self._plain}

    def takes(self, address: str) -> bool:
        """Whether mail for this address is for us; a tag that we did not make is not (A71)."""
        try:
            parsed = parse_address(address)
        except AddressInvalid:
            return False
        key = parsed.key.lower()
        if key in self._plain or (parsed.local.lower() == _POSTMASTER and parsed.domain in self._domains):
            return True
        is_return_path = parsed.domain == self._base.domain and key.startswith(f"{self._base.local.lower()}+")
        return is_return_path and self.delivery_of(address) is not None

    def delivery_of(self, address: str) -> int | None:
        """The delivery that a genuine tag names."""
        return decode_return_path(self._secrets, address)


def _plain(settings: Settings) -> Iterator[EmailAddress]:
    yield parse_address(settings.sending.return_path)
    if settings.bounces.unsubscribe_address is not None:
        yield parse_address(settings.bounces.unsubscribe_address)
    yield from map(parse_address, settings.listener.addresses)
    for one in settings.lists.values():
        yield one.from_mailbox.address
        if one.reply_to is not None:
            yield one.reply_to.address
