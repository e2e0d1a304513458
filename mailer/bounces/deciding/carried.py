"""What a message carries somewhere inside it: the signed links and the tags that only this site makes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import islice

from mailer.bounces.mime import leaves, read
from mailer.bounces.text import decoded, header_text
from mailer.tokens import LinkClaim, Purpose, TokenError, Tokens, read_link

#: Octets of a message that are searched: a returned message stands near its end, and is rarely long.
_SEARCHED = 2_000_000
#: Candidates that are tried: to check a signature costs more than to make one up.
_TRIED = 50
_ENCODED = frozenset({b"base64", b"quoted-printable"})
_SOFT_BREAK = re.compile(rb"=\r?\n")
_SIGNED = r"(u[A-Za-z0-9_-]{10,400}\.[A-Za-z0-9_-]{43}\.[a-z0-9]{1,8})(?![A-Za-z0-9_-])"
_LINK = re.compile(rb"(?:/u/|unsubscribe%20)" + _SIGNED.encode())
_BARE = re.compile(r"(?<![A-Za-z0-9_-])" + _SIGNED)
_TAG = re.compile(rb"\+([0-9a-fA-F]{32})@")


def text_in(raw: bytes) -> bytes:
    """The message as it came and, below it, its parts without their transfer encodings."""
    raw = raw[:_SEARCHED]
    parts = [_SOFT_BREAK.sub(b"", raw)]
    for leaf in leaves(read(raw)):
        if leaf.first("content-transfer-encoding").strip().lower() in _ENCODED:
            parts.append(decoded(leaf))
    return b"\n".join(parts)


def tags_in(text: bytes) -> list[str]:
    """Whatever looks like the tag of a return path, each once."""
    return list(dict.fromkeys(f"+{found.decode()}@" for found in _TAG.findall(text)))[:_TRIED]


def link_in(text: bytes, tokens: Tokens) -> LinkClaim | None:
    """What the first genuine unsubscribe link says; a proof's acts on nothing and is passed over (A90)."""
    found = _genuine((one.decode() for one in _LINK.findall(text)), tokens)
    return next((claim for claim in found if not claim.is_proof), None)


def claim_in_subject(raw: bytes, tokens: Tokens) -> LinkClaim | None:
    """What the token in the subject of a mailed wish to leave says; who sent it does not matter (A19)."""
    folded = read(raw[:_SEARCHED]).first("subject")
    subject = header_text(folded)[:2000]
    # A field is folded between two words; some programs fold within a long one.
    words = subject.split()
    joined = ["".join(words[number:]) for number in range(min(len(words), 4))]
    return next(
        _genuine([token for text in (subject, *joined) for token in _BARE.findall(text)], tokens), None
    )


def _genuine(candidates: Iterable[str], tokens: Tokens) -> Iterator[LinkClaim]:
    for token in islice(dict.fromkeys(candidates), _TRIED):
        try:
            yield read_link(tokens, Purpose.UNSUBSCRIBE, token)
        except TokenError:
            continue
