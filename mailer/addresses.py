"""One mail address, parsed once into a type (RFC 5321 4.1.2, RFC 6531, IDNA 2008 by RFC 5891).

Stricter than the grammar on purpose: whatever two parsers could read differently (comments,
routes, literals, quoted local parts, several addresses) is refused before anything uses it.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

import idna

from mailer.errors import MailerError

MAX_LOCAL_OCTETS = 64  #: RFC 5321 4.5.3.1.1
MAX_DOMAIN_OCTETS = 253  #: 255 on the wire of DNS (4.5.3.1.2), two of them are not text
MAX_ADDRESS_OCTETS = 254  #: a path is 256 with its angle brackets (4.5.3.1.3)

_ATEXT = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]"
_ATEXT_UTF8 = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~\x80-\U0010ffff-]"
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
# Many parsers decode an encoded-word even here, where RFC 2047 5 forbids it: into another address.
_NO_WORD = r"(?!.*=\?[^?]*\?[bqBQ]\?)"
_ASCII_LOCAL = re.compile(rf"{_NO_WORD}{_ATEXT}+(?:\.{_ATEXT}+)*\Z")
_UTF8_LOCAL = re.compile(rf"{_NO_WORD}{_ATEXT_UTF8}+(?:\.{_ATEXT_UTF8}+)*\Z")
_ASCII_DOMAIN = re.compile(rf"(?:{_LABEL}\.)+{_LABEL}\Z")
# What idna would silently take for a full stop; another parser would not.
_FOREIGN_DOTS = frozenset("\u3002\uff0e\uff61")
_MAILBOX = re.compile(
    r'(?:"(?P<quoted>(?:[^"\\]|\\.)*)"|(?P<plain>[^"<>@,;:\\()\[\]]*))\s*<(?P<address>[^<>]*)>\Z'
)


class AddressFault(StrEnum):
    """What is wrong with a text that should be an address; the key of its sentence."""

    EMPTY = "empty"
    CONTROL = "control_character"
    NO_AT = "no_at_sign"
    SEVERAL = "several_addresses"
    TOO_LONG = "too_long"
    QUOTED = "quoted_local_part"
    COMMENT = "comment_or_brackets"
    LOCAL = "local_part"
    LOCAL_TOO_LONG = "local_part_too_long"
    LITERAL = "ip_address"
    DOTLESS = "domain_without_dot"
    DOMAIN = "domain"
    NAME = "display_name"


FAULT_SENTENCES: dict[AddressFault, str] = {
    AddressFault.EMPTY: "The address is empty.",
    AddressFault.CONTROL: "The address contains a line break or another invisible character.",
    AddressFault.NO_AT: "The address has no @ with something on both sides of it.",
    AddressFault.SEVERAL: "This is more than one address; give a single one.",
    AddressFault.TOO_LONG: f"The address is longer than {MAX_ADDRESS_OCTETS} bytes.",
    AddressFault.QUOTED: "The part before the @ is in quotation marks, which is not supported.",
    AddressFault.COMMENT: "The address contains brackets; give only what is inside or outside of them.",
    AddressFault.LOCAL: "The part before the @ contains a space, a misplaced dot or a forbidden character.",
    AddressFault.LOCAL_TOO_LONG: f"The part before the @ is longer than {MAX_LOCAL_OCTETS} bytes.",
    AddressFault.LITERAL: "The part after the @ is an IP address; a domain name is needed.",
    AddressFault.DOTLESS: "The part after the @ has no dot, so it is no domain name.",
    AddressFault.DOMAIN: "The part after the @ is not a valid domain name.",
    AddressFault.NAME: "The name before the address needs quotation marks around it.",
}


class AddressInvalid(MailerError):
    """This is not a mail address that can be used."""

    def __init__(self, reason: AddressFault) -> None:
        # Never the text itself: errors end in logs.
        super().__init__(FAULT_SENTENCES[reason], reason=reason.value)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class EmailAddress:
    """One mailbox. Make it with `parse_address`; equality is exact, `key` is for comparison (A69)."""

    local: str  #: as typed, NFC
    domain: str  #: A-labels, lower case

    def __str__(self) -> str:
        return f"{self.local}@{self.domain}"

    @property
    def key(self) -> str:
        """The lower-cased form by which duplicates and suppressions are found (A69)."""
        if self.local.isascii():
            return f"{self.local.lower()}@{self.domain}"
        return f"{unicodedata.normalize('NFC', self.local.lower())}@{self.domain}"

    @property
    def unicode_domain(self) -> str:
        """The domain as people read it."""
        return idna.decode(self.domain) if "xn--" in self.domain else self.domain

    @property
    def needs_smtputf8(self) -> bool:
        """Whether the next hop must speak RFC 6531 for this recipient."""
        return not self.local.isascii()

    @property
    def masked(self) -> str:
        """Enough for staff to recognise a row, not enough to mail it: `a…@example.net`."""
        return f"{self.local[0]}…@{self.unicode_domain}"


@dataclass(frozen=True, slots=True)
class Mailbox:
    """A display name and an address, as From and Reply-To carry them."""

    name: str
    address: EmailAddress

    def __str__(self) -> str:
        if not self.name:
            return str(self.address)
        escaped = self.name.replace("\\", r"\\").replace('"', r"\"")
        return f'"{escaped}" <{self.address}>'


def parse_address(text: str) -> EmailAddress:
    """Read exactly one address; spaces and tabs around it are ignored.

    Raises AddressInvalid, whose `reason` says what is wrong.
    """
    text = text.strip(" \t")
    if not text.isascii():
        text = unicodedata.normalize("NFC", text)
    local, at, domain = text.rpartition("@")
    if len(text) <= MAX_ADDRESS_OCTETS and _ASCII_LOCAL.match(local) and len(local) <= MAX_LOCAL_OCTETS:
        # The common case costs two matches; everything else is looked at in order below.
        parsed = _parse_domain(domain)
    else:
        _refuse_shape(text, at)
        _check_local(local)
        parsed = _parse_domain(domain)
    if len(local.encode()) + 1 + len(parsed) > MAX_ADDRESS_OCTETS:
        raise AddressInvalid(AddressFault.TOO_LONG)
    return EmailAddress(local, parsed)


def parse_mailbox(text: str) -> Mailbox:
    """Read `Name <a@b>`, `"Name, Inc." <a@b>` or a bare address.

    Raises AddressInvalid.
    """
    text = text.strip(" \t")
    if "<" not in text:
        return Mailbox("", parse_address(text))
    if any(_is_invisible(character) for character in text):
        raise AddressInvalid(AddressFault.CONTROL)
    match = _MAILBOX.match(text)
    if match is None:
        raise AddressInvalid(AddressFault.NAME)
    quoted, plain = match["quoted"], match["plain"]
    name = plain if quoted is None else re.sub(r"\\(.)", r"\1", quoted)
    return Mailbox(unicodedata.normalize("NFC", name.strip()), parse_address(match["address"]))


def _refuse_shape(text: str, at: str) -> None:
    """Name the first thing that makes the whole text no single mailbox."""
    if not text:
        raise AddressInvalid(AddressFault.EMPTY)
    if len(text) > 2 * MAX_ADDRESS_OCTETS:
        raise AddressInvalid(AddressFault.TOO_LONG)
    if any(_is_invisible(character) for character in text):
        raise AddressInvalid(AddressFault.CONTROL)
    if not at or text.startswith("@"):
        raise AddressInvalid(AddressFault.NO_AT)
    if text.startswith('"'):
        raise AddressInvalid(AddressFault.QUOTED)
    if any(character in text for character in "<>()"):
        raise AddressInvalid(AddressFault.COMMENT)
    if any(character in text for character in ",;") or text.count("@") > 1:
        raise AddressInvalid(AddressFault.SEVERAL)


def _check_local(local: str) -> None:
    # Compatibility forms are checked too: a full-width @ is another address to whoever folds it.
    folded = local if local.isascii() else unicodedata.normalize("NFKC", local)
    if not (_UTF8_LOCAL.match(local) and _UTF8_LOCAL.match(folded)):
        raise AddressInvalid(AddressFault.LOCAL)
    if len(local.encode()) > MAX_LOCAL_OCTETS:
        raise AddressInvalid(AddressFault.LOCAL_TOO_LONG)


# Many people share few domains, and IDNA takes longer than all the rest of an address.
@lru_cache(maxsize=4096)
def _parse_domain(domain: str) -> str:
    """The domain in lower-case A-labels. Raises AddressInvalid."""
    lowered = domain.lower()
    if not domain.isascii() or "xn--" in lowered:
        lowered = _encode_idna(lowered)
    if not _ASCII_DOMAIN.match(lowered) or len(lowered) > MAX_DOMAIN_OCTETS:
        raise AddressInvalid(_domain_fault(lowered))
    if lowered.rpartition(".")[2].isdigit():
        raise AddressInvalid(AddressFault.LITERAL)
    return lowered


def _encode_idna(domain: str) -> str:
    if not _FOREIGN_DOTS.isdisjoint(domain):
        raise AddressInvalid(AddressFault.DOMAIN)
    try:
        # Not Python's own codec: that is IDNA 2003, where ß becomes ss, another domain (A68).
        return idna.encode(unicodedata.normalize("NFC", domain), strict=True).decode("ascii")
    except (idna.IDNAError, UnicodeError):
        raise AddressInvalid(AddressFault.DOMAIN) from None


def _domain_fault(domain: str) -> AddressFault:
    if not domain:
        return AddressFault.NO_AT
    if any(_is_invisible(character) for character in domain):
        return AddressFault.CONTROL
    if domain.startswith("["):
        return AddressFault.LITERAL
    if any(character in domain for character in "<>()"):
        return AddressFault.COMMENT
    if any(character in domain for character in ",;"):
        return AddressFault.SEVERAL
    return AddressFault.DOTLESS if "." not in domain else AddressFault.DOMAIN


def _is_invisible(character: str) -> bool:
    """Controls, format characters, surrogates, private use, unassigned, line and odd spaces."""
    if character == " ":
        return False
    return unicodedata.category(character)[0] in "CZ"
