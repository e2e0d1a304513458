"""Exact quoted-printable (RFC 2045 6.7), in pieces that can be joined anywhere.

A message is encoded once as static chunks; what is merged into it later is encoded alone.
Both ends of a hole are soft line breaks, so no piece needs to know another's column.
"""

from __future__ import annotations

import re
from functools import lru_cache

SOFT_BREAK = "=\r\n"
#: Columns of an encoded line without the `=` of its soft break (RFC 2045 6.7 rule 5: 76 with it).
LINE_WIDTH = 75

#: Octet (as latin-1) -> how it is written. TAB and space stay; `=` and everything else does not.
_OCTETS = {octet: f"={octet:02X}" for octet in range(256) if not (33 <= octet <= 126 and octet != 61)}
del _OCTETS[0x09], _OCTETS[0x20]

_LINE_END = re.compile(r"\r\n|\r|\n")
#: What no line begins with, see _guard_start.
_GUARDED = (".", "From ")


def encode_chunk(text: str) -> str:
    """Encode `text`, which begins at the start of a physical line and ends where a soft break follows.

    Line ends of any kind become hard CRLF. The last line is at most `LINE_WIDTH` wide, so a caller
    may append `SOFT_BREAK` and go on with another piece.
    """
    lines = _LINE_END.split(text)
    encoded = [_wrap(_guard_trailing_space(_octets(line))) for line in lines[:-1]]
    return "\r\n".join([*encoded, _wrap(_octets(lines[-1]))])


def encode_value(text: str) -> str:
    """Encode one merged value, free of line breaks, and close it with a soft break."""
    if text.isascii() and text.isprintable() and "=" not in text and not text.startswith(_GUARDED):
        # A name, or a link with its token: nothing to escape, at most to cut once.
        if len(text) <= LINE_WIDTH:
            return text + SOFT_BREAK
        if len(text) <= 2 * LINE_WIDTH and not text.startswith(_GUARDED, LINE_WIDTH):
            return f"{text[:LINE_WIDTH]}{SOFT_BREAK}{text[LINE_WIDTH:]}{SOFT_BREAK}"
    return _escaped_value(text)


@lru_cache(maxsize=4096)
def _escaped_value(text: str) -> str:
    """Kept, because names outside ASCII come again and again."""
    return _wrap(_octets(text)) + SOFT_BREAK


def decode(encoded: str) -> str:
    """The text of a quoted-printable body, with LF line ends. For previews and checks."""
    joined = encoded.replace(SOFT_BREAK, "").replace("\r\n", "\n")
    octets = re.sub(r"=([0-9A-F]{2})", lambda match: chr(int(match[1], 16)), joined)
    return octets.encode("latin-1").decode("utf-8")


def _octets(line: str) -> str:
    return line.encode("utf-8").decode("latin-1").translate(_OCTETS)


def _guard_trailing_space(line: str) -> str:
    """White space before a hard line break is lost on the way, unless written out (rule 3)."""
    if line[-1:] in (" ", "\t"):
        return f"{line[:-1]}={ord(line[-1]):02X}"
    return line


def _guard_start(line: str) -> str:
    """No line begins with a dot or with `From `: nothing on the way needs to escape it."""
    if line.startswith("."):
        return "=2E" + line[1:]
    if line.startswith("From "):
        return "=46" + line[1:]
    return line


def _wrap(line: str) -> str:
    line = _guard_start(line)
    if len(line) <= LINE_WIDTH:
        return line
    pieces = []
    while len(line) > LINE_WIDTH:
        cut = LINE_WIDTH
        # An octet written as =XX is never cut: step back to before its `=`.
        if line[cut - 1] == "=":
            cut -= 1
        elif line[cut - 2] == "=":
            cut -= 2
        pieces.append(line[:cut])
        line = _guard_start(line[cut:])
    return SOFT_BREAK.join([*pieces, line])
