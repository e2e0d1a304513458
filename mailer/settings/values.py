"""What single settings may hold: rates, addresses, hosts, URLs, each read once into a type."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from typing import Annotated, Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BeforeValidator, PlainSerializer, PlainValidator

from mailer.addresses import AddressInvalid, Mailbox, parse_address, parse_mailbox

_RATE = re.compile(r"(\d+(?:\.\d+)?)\s*/\s*(s|min|h)\Z")
_RATE_SECONDS = {"s": 1.0, "min": 60.0, "h": 3600.0}
_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_HOST = re.compile(rf"{_LABEL}(?:\.{_LABEL})*\Z")
# RFC 3986: what a scheme, an authority and a path are made of, percent signs included; no query, no fragment.
_WEB_ADDRESS = re.compile(r"[a-z]+://[A-Za-z0-9._~!$&'()*+,;=:@%/\[\]-]+\Z", re.IGNORECASE)
# RFC 2919 2: list-label "." list-id-namespace, both dot-atom text.
_LIST_ID = re.compile(rf"[a-z0-9!#$%&'*+/=?^_`{{|}}~-]+(?:\.{_LABEL})+\Z")
MAX_LIST_ID_OCTETS = 255  #: RFC 2919 2


@dataclass(frozen=True, slots=True)
class Rate:
    """How fast mail may leave."""

    text: str
    per_second: float | None  #: messages per second; None: as fast as the relay takes them

    def __str__(self) -> str:
        return self.text


UNLIMITED = Rate("unlimited", None)
#: Longest retry life of a message, hours; a campaign may shorten its own within it.
MAX_GIVE_UP_HOURS = 240


def parse_rate(value: Any) -> Rate:
    """Read "unlimited", "10/s", "600/min" or "36000/h". Raises ValueError."""
    if isinstance(value, Rate):
        return value
    if value == "unlimited":
        return UNLIMITED
    match = _RATE.match(value) if isinstance(value, str) else None
    if match is None or float(match[1]) <= 0:
        raise ValueError('must be "unlimited" or a number per time, such as "10/s", "600/min" or "36000/h".')
    return Rate(value, float(match[1]) / _RATE_SECONDS[match[2]])


def is_loopback(host: str) -> bool:
    """Whether `host` can only mean this machine: localhost, 127.0.0.0/8, ::1."""
    bare = host.strip("[]").lower()
    if bare == "localhost" or bare.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(bare).is_loopback
    except ValueError:
        return False


def _address(value: str) -> str:
    try:
        return str(parse_address(value))
    except AddressInvalid as error:
        raise ValueError(f"is not a mail address. {error}") from None


def _mailbox(value: Any) -> Mailbox:
    if isinstance(value, Mailbox):
        return value
    try:
        return parse_mailbox(str(value))
    except AddressInvalid as error:
        raise ValueError(f'is not a mailbox such as "Shop News <news@shop.example>". {error}') from None


def _host(value: str) -> str:
    lowered = value.lower().rstrip(".")
    if lowered.startswith("[") and lowered.endswith("]") and ":" in lowered:
        lowered = lowered[1:-1]  # an IPv6 address as URLs write it
    if not _is_host(lowered):
        raise ValueError('must be a host name such as "smtp.shop.example", without scheme or port.')
    return lowered


def _is_host(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return _HOST.match(text) is not None
    return True


def _url(value: str) -> str:
    try:
        parts = urlsplit(value)
        host = parts.hostname or ""
        _ = parts.port
    except ValueError:
        host, parts = "", urlsplit("")
    # The whole text is matched too: urlsplit drops line breaks before it looks.
    if not _WEB_ADDRESS.match(value) or not _is_host(host) or parts.scheme not in ("http", "https"):
        raise ValueError('must be a web address such as "https://news.shop.example", in plain ASCII.')
    if parts.username is not None:
        raise ValueError("must not contain a user name or password.")
    if parts.scheme == "http" and not is_loopback(host):
        # F8: no clear-text page; loopback alone is exempt.
        raise ValueError(f'must begin with "https://": pages of {host} would travel in clear text.')
    return value.rstrip("/")


def _timezone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(
            f'"{value}" is not a time zone; use a name such as "Europe/Berlin" or "UTC".'
        ) from None
    return value


def _list_id(value: str) -> str:
    lowered = value.lower()
    if not _LIST_ID.match(lowered) or len(lowered) > MAX_LIST_ID_OCTETS:
        raise ValueError(
            'must be a name in a domain you own, such as "weekly.lists.shop.example" (RFC 2919).'
        )
    return lowered


def _text(value: str) -> str:
    if not value.strip():
        raise ValueError("is empty.")
    return value.strip()


def _line(value: str) -> str:
    if any(ord(character) < 0x20 or character in "\x7f\x85\u2028\u2029" for character in value):
        raise ValueError("must be one line.")
    return _text(value)


def _networks(value: str) -> str:
    try:
        return str(ipaddress.ip_network(value, strict=False))
    except ValueError:
        raise ValueError(f'"{value}" is not an IP address or network such as "10.0.0.0/8".') from None


def split_list(value: Any) -> Any:
    """Let an environment variable give a list as "a, b"."""
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    return value


RateText = Annotated[Rate, PlainValidator(parse_rate), PlainSerializer(str)]
AddressText = Annotated[str, AfterValidator(_address)]
MailboxText = Annotated[Mailbox, PlainValidator(_mailbox), PlainSerializer(str)]
HostText = Annotated[str, AfterValidator(_host)]
UrlText = Annotated[str, AfterValidator(_url)]
ZoneText = Annotated[str, AfterValidator(_timezone)]
ListIdText = Annotated[str, AfterValidator(_list_id)]
Line = Annotated[str, AfterValidator(_line)]
Lines = Annotated[str, AfterValidator(_text)]
Hosts = Annotated[tuple[HostText, ...], BeforeValidator(split_list)]
Addresses = Annotated[tuple[AddressText, ...], BeforeValidator(split_list)]
Networks = Annotated[tuple[Annotated[str, AfterValidator(_networks)], ...], BeforeValidator(split_list)]
Names = Annotated[tuple[Line, ...], BeforeValidator(split_list)]
