"""The relaxed canonicalisation (RFC 6376 3.4.2, 3.4.4), plainly: what every quicker way must equal."""

from __future__ import annotations

import re
from typing import NamedTuple

_WSP = re.compile(rb"[ \t]+")
_NEXT_FIELD = re.compile(rb"\r\n(?![ \t])")


class Field(NamedTuple):
    """A header field as it stands, folds included, without its last CRLF."""

    name: str  #: lower case
    raw: bytes


def split_message(data: bytes) -> tuple[list[Field], bytes]:
    """The header fields in order, and the body; lines end with CRLF."""
    head, _, body = data.partition(b"\r\n\r\n")
    lines = _NEXT_FIELD.split(head)
    return [
        Field(line.partition(b":")[0].rstrip(b" \t").decode("ascii").lower(), line) for line in lines
    ], body


def canonical_field(raw: bytes) -> bytes:
    """A header field in its relaxed form, its CRLF included."""
    name, _, value = raw.partition(b":")
    value = _WSP.sub(b" ", value.replace(b"\r\n", b"")).strip(b" ")
    return name.rstrip(b" \t").lower() + b":" + value + b"\r\n"


def canonical_lines(text: bytes) -> bytes:
    """Whole lines of a body: no white space at their ends, one space for each run of it."""
    return _WSP.sub(b" ", text).replace(b" \r\n", b"\r\n").removesuffix(b" ")


def canonical_body(body: bytes) -> bytes:
    """A whole body: the same, and no empty lines at its end; an empty one stays empty."""
    lines = canonical_lines(body)
    end = len(lines)
    # Counted, not searched for: a search begins anew at every line of a body that is hostile.
    while lines.endswith(b"\r\n", 0, end):
        end -= 2
    return lines[:end] + b"\r\n" if end else b""
