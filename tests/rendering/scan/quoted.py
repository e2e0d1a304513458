"""Quoted-printable as RFC 2045 6.7 writes it, read without mercy."""

from __future__ import annotations

import re

_LINE = re.compile(r"(?:[!-<>-~ \t]|=[0-9A-F]{2})*=?")


def unquoted(body: str) -> str:
    """The text of a body, with LF line ends; raises AssertionError at the first liberty taken."""
    octets: list[str] = []
    lines = body.split("\r\n")
    for number, line in enumerate(lines):
        assert len(line) <= 76, "a line of more than 76 columns (A33)"
        assert _LINE.fullmatch(line), f"not quoted-printable: {line!r} (A33)"
        assert not line.endswith((" ", "\t")), "white space at the end of a line (A33)"
        assert not line.startswith(("From ", ".")), "a line that a server would escape (A50)"
        soft = line.endswith("=")
        octets.append(line.removesuffix("=") if soft else f"{line}=0A")
        assert not (soft and number == len(lines) - 1), "the last line does not end (A33)"
    text = re.sub(r"=([0-9A-F]{2})", lambda found: chr(int(found[1], 16)), "".join(octets))
    return text.encode("latin-1").decode("utf-8").removesuffix("\n")
