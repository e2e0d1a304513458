"""The relaxed form of messages that are made of the same static text: worked out once, then filled.

A value in the body is whole lines, and so is what stands between values: each is canonicalised
alone. What cannot be told apart so has no plan, and is canonicalised as the RFC says it.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from mailer.dkim.canonical import Field, canonical_body, canonical_field, canonical_lines, split_message
from mailer.dkim.fields import covered, is_covered

if TYPE_CHECKING:
    from hashlib import _Hash

#: Where a value stands in a static text; no message holds it (RFC 5322 2.3).
_HOLE = "\x00"
_FOLD = re.compile(r"\r\n(?=[ \t])")
_WSP = re.compile(r"[ \t]+")
_AUTHOR = re.compile(rb"@([A-Za-z0-9.-]+)>?\Z")


class Canonical(NamedTuple):
    """What a signature is made over."""

    author: str  #: the domain of From; empty when there is none to be read
    names: tuple[str, ...]  #: h=
    header: str  #: the covered fields in their relaxed form
    body_hash: bytes  #: SHA-256 of the relaxed body


@dataclass(frozen=True, slots=True)
class Plan:
    """The static part of it, for messages of the same static text."""

    statics: Sequence[str]
    in_header: int  #: so many values stand in the header
    author: str
    names: tuple[str, ...]
    header: tuple[str, ...]  #: relaxed; a value stands between any two
    body: tuple[str, ...]  #: the same, without the first one, which `begun` has taken in
    begun: _Hash  #: SHA-256 of the body up to its first value

    def canonical(self, pieces: Sequence[str]) -> Canonical | None:
        """The relaxed form of a message of this plan; None when a value could touch what surrounds it."""
        if pieces[::2] != self.statics:
            return None
        values = pieces[1::2]
        head, lines = _words(values[: self.in_header]), _lines(values[self.in_header :])
        if head is None or lines is None:
            return None
        header, body = [""] * (2 * len(head) + 1), [""] * (2 * len(lines) + 1)
        header[::2], header[1::2] = self.header, head
        body[::2], body[1::2] = self.body, lines
        digest = self.begun.copy()
        digest.update("".join(body).encode())
        return Canonical(self.author, self.names, "".join(header), digest.digest())


def plain(text: str) -> Canonical:
    """The relaxed form of any message, as the RFC says it."""
    fields, body = split_message(text.encode())
    names = covered(field.name for field in fields)
    waiting: dict[str, list[bytes]] = {}
    for field in fields:
        waiting.setdefault(field.name, []).append(canonical_field(field.raw))
    # A name that comes twice takes the lowest field first (RFC 6376 5.4.2).
    header = b"".join(waiting[name].pop() for name in names if waiting.get(name))
    digest = hashlib.sha256(canonical_body(body)).digest()
    return Canonical(_author(fields), names, header.decode(), digest)


def planned(pieces: Sequence[str]) -> Plan | None:
    """The plan for messages of these static pieces; None when it would not give what `plain` gives."""
    statics = pieces[::2]
    head, _, body = _HOLE.join(statics).partition("\r\n\r\n")
    fields, _ = split_message(head.encode())
    lines = body.split(_HOLE)
    if any(
        _HOLE in field.name or not (is_covered(field.name) or b"\x00" not in field.raw) for field in fields
    ):
        return None
    if f"\n{_HOLE}" in head or any(line and not line.endswith("\n") for line in lines):
        return None
    names = tuple(field.name for field in fields if is_covered(field.name))
    header = b"".join(canonical_field(field.raw) for field in fields if is_covered(field.name))
    begun, *between = [canonical_lines(line.encode()) for line in lines]
    plan = Plan(
        statics,
        in_header=head.count(_HOLE),
        author=_author(fields),
        names=covered(names),
        header=tuple(header.decode().split(_HOLE)),
        body=("", *(line.decode() for line in between)),
        begun=hashlib.sha256(begun),
    )
    return plan if plan.canonical(pieces) == plain("".join(pieces)) else None


def _author(fields: Sequence[Field]) -> str:
    domains = [_AUTHOR.search(field.raw.rstrip(b" \t")) for field in fields if field.name == "from"]
    return domains[0][1].decode().lower() if len(domains) == 1 and domains[0] else ""


def _words(values: Sequence[str]) -> list[str] | None:
    """Values of header fields in their relaxed form; None when one begins or ends with white space."""
    if not values:
        return []
    joined = f"{_HOLE}{_HOLE.join(values)}{_HOLE}"
    if "\r" in joined or "\t" in joined or "  " in joined:
        joined = _WSP.sub(" ", _FOLD.sub("", joined))
    # An empty value too would bring white space around it together.
    loose = any(each in joined for each in (f" {_HOLE}", f"{_HOLE} ", _HOLE * 2, "\r", "\n"))
    return None if loose or joined.count(_HOLE) != len(values) + 1 else joined[1:-1].split(_HOLE)


def _lines(values: Sequence[str]) -> list[str] | None:
    """Values of the body in their relaxed form; None when one is not whole lines."""
    joined = _HOLE.join([*values, ""])
    if joined.count(f"\r\n{_HOLE}") != len(values) or joined.count(_HOLE) != len(values):
        return None
    if "  " in joined or "\t" in joined or " \r" in joined:
        joined = canonical_lines(joined.encode()).decode()
    return joined.split(_HOLE)[:-1]
