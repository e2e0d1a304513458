"""Addresses as they stand in reports: with types, brackets, routes and `mailto:` before them."""

from __future__ import annotations

import re
from urllib.parse import unquote

#: Letters beyond ASCII; quotation marks, colons and brackets of full width are none.
_LETTERS = r"\u00a1-\u00aa\u00ac-\u00ba\u00bc-\u1fff\u2070-\u2fff\u3005-\u3007\u3040-\ufeff\uff66-\uffdc"
_ATOM = rf"[A-Za-z0-9!#$%&'*+/=?^_`{{|}}~.{_LETTERS}-]"
_LABEL = rf"[A-Za-z0-9{_LETTERS}_](?:[A-Za-z0-9{_LETTERS}_-]{{0,62}})"
#: Words of languages without spaces that stand right before or after an ASCII address.
_STUCK_BEFORE = re.compile(r"\A[\u3005-\u3007\u3040-\ufeff\uff66-\uffdc]+(?=[!-~]+@[!-~]+)")
_STUCK_AFTER = re.compile(r"(?<=[A-Za-z0-9])[\u3005-\u3007\u3040-\ufeff\uff66-\uffdc]+\Z")
#: One address in running text. The look-behind keeps the search linear: it starts at a word's start only.
ADDRESS = re.compile(rf"(?:(?<!{_ATOM}){_ATOM}{{1,64}}|\"[^\"\s@<>]{{1,64}}\")@{_LABEL}(?:\.{_LABEL}){{0,8}}")
_TYPE = re.compile(r"\A\s*(?:[A-Za-z0-9-]{1,20}|unknown)\s*;\s*", re.IGNORECASE)
#: Mailboxes that send reports and answer for them; a report about one of them names it in a field.
_OFFICIAL = frozenset(
    {"postmaster", "mailer-daemon", "mailerdaemon", "mail-daemon", "abuse", "hostmaster", "noc", "helpdesk"}
)


def found_in(text: str) -> list[re.Match[str]]:
    """Every address in running text."""
    return list(ADDRESS.finditer(text)) if "@" in text else []


def cleaned(address: str) -> str:
    """An address without what stuck to it, domain in lower case."""
    address = address.strip(" \t<>\"'`[](){},;:")
    if not address.isascii():
        address = _STUCK_AFTER.sub("", _STUCK_BEFORE.sub("", address))
    local, _, domain = address.rpartition("@")
    local = local.strip("\"'` ").lstrip("&=|*/")
    if local[:3] == '3D"':
        local = local[3:]
    return f"{local}@{domain.rstrip('.-_').lower()}"


def of_field(value: str) -> str:
    """The address of a recipient field (RFC 3464 2.3.1: `rfc822; a@b.example`), with or without its type.

    Empty if it holds none. RFC 6533 3: `utf-8` addresses may be percent- or \\x{}-encoded.
    """
    value = _TYPE.sub("", value[:2000])
    if "\\x{" in value:
        value = re.sub(r"\\x\{([0-9A-Fa-f]{1,6})\}", _character, value)
    if value.startswith("@") and ":" in value:  # a source route (RFC 5321 C)
        value = value.rpartition(":")[2]
    match = ADDRESS.search(value)
    if match is None:
        return ""
    return cleaned(unquote(match[0]) if re.match(r"[^@]*%[0-9a-fA-F]{2}", match[0]) else match[0])


def is_official(address: str) -> bool:
    """Whether it is a mailbox that reports come from or refer to."""
    return address.partition("@")[0].lower() in _OFFICIAL


def _character(match: re.Match[str]) -> str:
    code = int(match[1], 16)
    return chr(code) if code < 0x110000 and not 0xD800 <= code < 0xE000 else "?"
