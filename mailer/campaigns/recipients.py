"""The people a message is tried on before it may leave: real ones, the emptiest, and the worst case."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any, NamedTuple

from mailer import clock
from mailer.addresses import EmailAddress, parse_address
from mailer.campaigns.queries import AnyRow
from mailer.rendering import RecipientValues
from mailer.rendering.identity import FieldSpec
from mailer.tokens import PROOF_TAG, LinkClaim, Purpose, Tokens, sign_link

SAMPLE = "the sample reader"
WORST = "the worst case"
EMPTY = "a reader without merge fields"
#: Shown to staff in a preview or proof when no subscriber is chosen.
SAMPLE_ADDRESS = EmailAddress("ada.lovelace", "example.org")
_WORST_LOCAL = "a" * 64
# The longest address that the grammar allows: 64 octets, @, 189 octets of domain (RFC 5321 4.5.3.1.3).
WORST_ADDRESS = EmailAddress(_WORST_LOCAL, ".".join(["d" * 61, "e" * 61, "f" * 61, "com"]))
# Three octets each in UTF-8, five characters in HTML, twelve in a link: whatever a hole is,
# something in here makes it long; the rest would break out of text, attribute, script or header.
_WORST_TEXT = ("&\"'<>\u2013\xdf\u20ac " * 40)[:255]
_WORST: Mapping[str, Any] = MappingProxyType(
    {"text": _WORST_TEXT, "number": -123456789012345.25, "boolean": True, "date": "9999-12-31"}
)
_SAMPLES: Mapping[str, Any] = MappingProxyType(
    {"text": "Sample", "number": 42, "boolean": True, "date": "2026-12-24"}
)
_SAMPLE_NAMES: Mapping[str, str] = MappingProxyType(
    {
        "first_name": "Ada",
        "last_name": "Lovelace",
        "name": "Ada Lovelace",
        "city": "London",
        "country": "United Kingdom",
    }
)


class Person(NamedTuple):
    """Somebody a message can be rendered for, real or made up."""

    label: str  #: how a finding names them without their address: "subscription 42"
    address: EmailAddress
    language: str
    fields: Mapping[str, Any]
    tag: bytes = PROOF_TAG  #: of the subscription; the proof tag acts on nothing real (A90)


@dataclass(frozen=True, slots=True)
class Linker:
    """Makes the values of one recipient: the links that their message uses, a Message-ID, a date."""

    tokens: Tokens
    base_url: str
    message_id_domain: str

    def values(
        self,
        person: Person,
        *,
        links: Collection[str],
        campaign_tag: bytes = b"",
        message_id: str = "preview",
        at: datetime | None = None,
    ) -> RecipientValues:
        """What a compiled message that uses these `links` is filled with for this person."""
        claim = LinkClaim(person.tag, campaign_tag)
        leave = view = ""
        if "unsubscribe_url" in links:
            leave = f"{self.base_url}/u/{sign_link(self.tokens, Purpose.UNSUBSCRIBE, claim)}"
        if "view_url" in links:
            view = f"{self.base_url}/view/{sign_link(self.tokens, Purpose.VIEW, claim)}"
        return RecipientValues(
            address=person.address,
            fields=person.fields,
            language=person.language,
            unsubscribe_url=leave,
            view_url=view,
            message_id=f"{message_id}@{self.message_id_domain}",
            date=at or clock.now(),
        )


def person_of(row: AnyRow, *, harmless: bool) -> Person:
    """A subscriber; `harmless` gives them links that act on nothing, for staff to click on."""
    return Person(
        label=f"subscription {row.subscription_id}",
        address=parse_address(row.email),
        language=row.language,
        fields=row.fields,
        tag=PROOF_TAG if harmless else row.tag,
    )


def sample_person(fields: Mapping[str, FieldSpec], language: str) -> Person:
    """Somebody pleasant, with every merge field filled."""
    values = {name: _SAMPLE_NAMES.get(name, _SAMPLES[spec.type]) for name, spec in fields.items()}
    values |= {name: _SAMPLES[spec.type] for name, spec in fields.items() if spec.type != "text"}
    return Person(SAMPLE, SAMPLE_ADDRESS, language, values)


def worst_person(fields: Mapping[str, FieldSpec], language: str) -> Person:
    """Somebody whose every value is long and full of characters that mean something elsewhere."""
    return Person(
        WORST,
        WORST_ADDRESS,
        language,
        {name: _WORST[spec.type] for name, spec in fields.items()},
        tag=bytes([255] * 16),
    )


def empty_person(language: str) -> Person:
    """Somebody of whom nothing is known but the address."""
    return Person(EMPTY, EmailAddress("a", "b.example"), language, {})
