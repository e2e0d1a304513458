"""The record that publishes a key, and what a published one says of ours (RFC 6376 3.6.1, A46)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from mailer.dkim.keys import DkimKey

STRING_OCTETS = 255  #: of one string in a TXT record (RFC 1035 3.3.14)
_SPACES = re.compile(r"\s+")


class Standing(StrEnum):
    """How a published record stands to a key."""

    FITS = "fits"
    MISSING = "missing"
    SEVERAL = "several"
    UNREADABLE = "unreadable"
    REVOKED = "revoked"
    OTHER_KEY = "other_key"
    NO_MAIL = "no_mail"
    TESTING = "testing"


#: What each means and what to do, as sentences; all but FITS break signatures, or make them worth nothing.
EXPLAINED: Mapping[Standing, tuple[str, str]] = {
    Standing.FITS: ("The published record fits the key.", ""),
    Standing.MISSING: ("There is no record for the key.", "Publish it: mailer dkim show."),
    Standing.SEVERAL: ("There are several records under the key's name.", "Leave one: mailer dkim show."),
    Standing.UNREADABLE: ("The record is not one of DKIM.", "Publish it as it is printed: mailer dkim show."),
    Standing.REVOKED: (
        "The record is revoked: its p= is empty.",
        "Sign with another key, or publish this one again: mailer dkim show.",
    ),
    Standing.OTHER_KEY: (
        "The record holds another key than the one that signs.",
        "Publish ours: mailer dkim show; or restore the key file it belongs to.",
    ),
    Standing.NO_MAIL: ("The record is not for mail (s=) or not for SHA-256 (h=).", "See: mailer dkim show."),
    Standing.TESTING: (
        "The record says that the key is in test mode (t=y): receivers may treat the mail as unsigned.",
        "Take t=y out of it.",
    ),
}


@dataclass(frozen=True, slots=True)
class PublishedKey:
    """What a record says."""

    kind: str
    public: str  #: base64 without spaces; empty: revoked
    is_testing: bool
    serves_mail: bool  #: whether it may be used for mail, with SHA-256


def record_name(selector: str, domain: str) -> str:
    """The name under which a key is published."""
    return f"{selector}._domainkey.{domain}"


def record_text(key: DkimKey) -> str:
    """The text of its TXT record."""
    return f"v=DKIM1; k={key.kind}; p={key.public}"


def strings(text: str) -> list[str]:
    """The text as the strings of one TXT record, each of at most 255 octets."""
    return [text[at : at + STRING_OCTETS] for at in range(0, len(text), STRING_OCTETS)]


def zone_lines(name: str, text: str) -> list[str]:
    """The record as a zone file has it."""
    quoted = [f'"{each}"' for each in strings(text)]
    if len(quoted) == 1:
        return [f"{name}. IN TXT {quoted[0]}"]
    return [f"{name}. IN TXT ( {quoted[0]}", *(f"    {each}" for each in quoted[1:-1]), f"    {quoted[-1]} )"]


def parse_record(text: str) -> PublishedKey | None:
    """What a record says; None when it is no key record. The text may be anything (D36)."""
    parts = [part.partition("=") for part in text.split(";") if part.strip()]
    tags = {name.strip(): _SPACES.sub("", value) for name, mark, value in parts if mark}
    if "p" not in tags or len(tags) != len(parts):
        return None
    # v= is optional, but must be the first where it is there.
    if "v" in tags and (tags["v"] != "DKIM1" or next(iter(tags)) != "v"):
        return None
    services, hashes = tags.get("s", "*").split(":"), tags.get("h", "sha256").split(":")
    return PublishedKey(
        tags.get("k", "rsa"),
        tags["p"],
        is_testing="y" in tags.get("t", "").split(":"),
        serves_mail=bool({"*", "email"} & {*services}) and "sha256" in hashes,
    )


def compare(key: DkimKey, texts: Sequence[str]) -> Standing:
    """How the TXT records under a key's name, the strings of each joined, stand to the key."""
    if not texts:
        return Standing.MISSING
    found = [each for text in texts if (each := parse_record(text)) is not None]
    if len(found) != 1:
        return Standing.SEVERAL if found else Standing.UNREADABLE
    (published,) = found
    return next(standing for standing, holds in _RULES if holds(key, published))


def _is_other(key: DkimKey, published: PublishedKey) -> bool:
    return (published.kind, published.public.rstrip("=")) != (key.kind.value, key.public.rstrip("="))


#: In the order in which they matter.
_RULES = (
    (Standing.REVOKED, lambda _key, published: not published.public),
    (Standing.OTHER_KEY, _is_other),
    (Standing.NO_MAIL, lambda _key, published: not published.serves_mail),
    (Standing.TESTING, lambda _key, published: published.is_testing),
    (Standing.FITS, lambda _key, _published: True),
)
