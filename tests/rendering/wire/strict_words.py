"""A reader of RFC 2047 that forgives nothing, for round trips."""

from __future__ import annotations

import re
from base64 import b64decode

_WORD = re.compile(r"=\?utf-8\?([qb])\?([!->@-~]+)\?=")


def strict_decode(folded: str) -> str:
    """The text of an unstructured field body; raises AssertionError at the first liberty taken."""
    for line in folded.split("\r\n"):
        assert len(line) <= 76, "RFC 2047 2: a line with an encoded-word is at most 76 columns"
    body = folded.replace("\r\n", "")
    assert "\r" not in body and "\n" not in body
    if "=?" not in body:
        return body
    assert "?==?" not in body, "neighbours stand apart (RFC 2047 2)"
    return "".join(decoded_word(word) for word in body.split(" "))


def decoded_word(word: str) -> str:
    """The text of one encoded-word; raises AssertionError or UnicodeDecodeError for what is none."""
    assert len(word) <= 75, "RFC 2047 2: an encoded-word is at most 75 characters"
    match = _WORD.fullmatch(word)
    assert match, f"not an encoded-word: {word!r}"
    octets = b64decode(match[2], validate=True) if match[1] == "b" else _q(match[2])
    return octets.decode("utf-8")  # strict: only whole characters in each word


def _q(text: str) -> bytes:
    assert re.fullmatch(r"(?:[!-<>@-^`-~]|_|=[0-9A-F]{2})*", text)
    spaced = text.replace("_", " ")
    return re.sub(r"=([0-9A-F]{2})", lambda found: chr(int(found[1], 16)), spaced).encode("latin-1")
