"""A reader of final bytes that forgives nothing and shares nothing with the product.

Written from RFC 5322, 2045, 2046 and 2047 and from what this product promises beside them. The first
liberty a message takes is an AssertionError that names it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from tests.rendering.scan.fields import CHECKS, ONE_EACH
from tests.rendering.scan.quoted import unquoted

_FIELD = re.compile(r"([!-9;-~]+):(?: (.*))?", re.DOTALL)
_PARAMETER = r';(?: |\r\n )([a-z]+)=("[^"\\]+"|[!#-\'*+.0-9A-Z^-~-]+)'
_TYPE = re.compile(rf"([a-z]+/[a-z]+)((?:{_PARAMETER})*)")
_BOUNDARY = re.compile(r"[0-9A-Za-z'()+_,./:=?-]{1,70}")  # RFC 2046 5.1.1, without the space


@dataclass(frozen=True)
class Scanned:
    """A message that took no liberty."""

    fields: tuple[tuple[str, str], ...]  #: name and folded value, in their order
    text: str  #: with LF line ends
    html: str

    def __getitem__(self, name: str) -> str:
        """The folded value of the one field of this name."""
        (value,) = [value for field, value in self.fields if field == name]
        return value

    def says(self, name: str) -> str:
        """What a field says: the subject, or the name in a mailbox, decoded."""
        return CHECKS[name](self[name])


def scan(data: bytes, *, utf8: bool = False) -> Scanned:
    """Read a message; `utf8` says that its header may hold an address outside ASCII (RFC 6532)."""
    _octets(data, utf8=utf8)
    head, body = data.decode("utf-8").split("\r\n\r\n", 1)
    fields = _fields(head)
    names = [name for name, _ in fields]
    for name in ONE_EACH:
        assert names.count(name) == 1, f"{names.count(name)} {name} fields (A25)"
    assert len(set(map(str.lower, names))) == len(names), "a field stands twice (A21, A25)"
    for name, value in fields:
        assert name in CHECKS, f"nobody expects a field {name}"
        if not (utf8 and name == "To"):
            CHECKS[name](value)
    kind, parameters = _content_type(dict(fields)["Content-Type"])
    assert kind == "multipart/alternative", "two parts of equal meaning (A31)"
    parts = _split(body, parameters["boundary"])
    assert len(parts) == 2, f"{len(parts)} parts (A31)"
    return Scanned(tuple(fields), _part(parts[0], "text/plain"), _part(parts[1], "text/html"))


def _octets(data: bytes, *, utf8: bool) -> None:
    assert not re.search(rb"\r(?!\n)|(?<!\r)\n|\x00", data), "a bare CR, a bare LF or a NUL (A28)"
    assert data.endswith(b"\r\n"), "the last line does not end (A28)"
    assert not re.search(rb"(?:^|\n)\.", data), "a line begins with a dot (A50)"
    assert max(map(len, data.split(b"\r\n"))) <= 998, "a line of more than 998 octets (A28)"
    head, body = data.split(b"\r\n\r\n", 1)
    assert body.isascii(), "an octet of 8 bits in the body (A32)"
    assert utf8 or head.isascii(), "an octet of 8 bits in the header (A32)"


def _fields(head: str) -> list[tuple[str, str]]:
    found = []
    for field in re.split(r"\r\n(?![ \t])", head):
        lines = field.split("\r\n")
        assert all(line.strip(" \t") for line in lines), (
            "a line of white space in the header (RFC 5322 3.2.2)"
        )
        assert all(line.isprintable() for line in lines), "a control character in the header (A29)"
        match = _FIELD.fullmatch(field)
        assert match, "not a field"
        name, value = match[1], match[2] or ""
        foldable = [line for line in lines if " " in line.removeprefix(f"{name}: ").strip(" ")]
        assert max(map(len, foldable), default=0) <= 78, f"{name} is wider than 78 columns (A28)"
        words = [line for line in lines if "=?" in line]
        assert max(map(len, words), default=0) <= 76, f"encoded-words of {name} are too wide (A34)"
        found.append((name, value))
    return found


def _content_type(value: str) -> tuple[str, dict[str, str]]:
    match = _TYPE.fullmatch(value)
    assert match, f"not a content type: {value!r} (RFC 2045 5.1)"
    parameters = re.findall(_PARAMETER, match[2])
    assert "=?" not in match[2].replace('="=_', ""), "an encoded-word in a parameter (A35)"
    return match[1], {name: word.strip('"') for name, word in parameters}


def _split(body: str, boundary: str) -> list[str]:
    assert _BOUNDARY.fullmatch(boundary), "a boundary that is no boundary (A32)"
    before, *parts, end = f"\r\n{body}".split(f"\r\n--{boundary}")
    assert before == "", "text before the first part (RFC 2046 5.1.1)"
    assert end == "--\r\n", "text after the last part (RFC 2046 5.1.1)"
    assert all(part.startswith("\r\n") for part in parts), "a delimiter line goes on (A32)"
    return [part.removeprefix("\r\n") for part in parts]


def _part(part: str, kind: str) -> str:
    head, body = part.split("\r\n\r\n", 1)
    fields = dict(_fields(head))
    assert set(fields) == {"Content-Type", "Content-Transfer-Encoding"}, "a part has two fields"
    found, parameters = _content_type(fields["Content-Type"])
    assert (found, parameters) == (kind, {"charset": "utf-8"}), f"not a {kind} in UTF-8 (A31)"
    assert fields["Content-Transfer-Encoding"] == "quoted-printable", "not in quoted-printable (A32)"
    text = unquoted(body)
    assert text.strip(), "a part is empty (A31)"
    return text
