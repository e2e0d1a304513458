"""Takes a raw message apart, fast and within limits: broken, hostile and huge ones too (A79, RFC 2045, 2046)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

MAX_DEPTH = 8
MAX_PARTS = 100
MAX_HEAD = 256 * 1024  #: octets of one header section that are read
_FOLD = re.compile(rb"\n[ \t]+")
_PARAMETER = re.compile(r""";\s*([\w*.-]{1,40})\s*=\s*(?:"([^"]{0,400})"|([^\s;"]{1,400}))""")
_BOUNDARY = re.compile(rb"\n--([^\s][^\n]{0,70})\n(?=Content-)", re.IGNORECASE)
_NAME = re.compile(rb"[!-9;-~]{1,80}[ \t]*:")
#: RFC 3464, 3462 (now 6522) and 6533: what holds the returned message, not the report on it.
RETURNED = frozenset(
    {"message/rfc822", "text/rfc822-headers", "message/global", "message/global-headers", "message/partial"}
)


@dataclass(frozen=True, slots=True)
class Part:
    """One leaf of a message: its header fields (names in lower case, unfolded) and its body as it came."""

    headers: tuple[tuple[str, bytes], ...]
    body: bytes
    media: str = "text/plain"
    params: dict[str, str] = field(default_factory=dict)

    def first(self, name: str) -> bytes:
        """The first field of that name, or nothing."""
        return next((value for key, value in self.headers if key == name), b"")

    def has(self, name: str) -> bool:
        """Whether there is a field of that name, an empty one too."""
        return any(key == name for key, _ in self.headers)

    def every(self, name: str) -> list[bytes]:
        """All fields of that name."""
        return [value for key, value in self.headers if key == name]


def read(data: bytes) -> Part:
    """The whole message as one part: header fields and the undivided body."""
    if b"\r" in data:
        data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    data = data.lstrip(b"\n")
    if data.startswith((b"From ", b">From ")):  # the separator of an mbox file
        data = data.partition(b"\n")[2]
    return _part(data, "text/plain")


def leaves(whole: Part) -> Iterator[Part]:
    """The leaves of a message in order; what a returned message holds stays one leaf."""
    left = [MAX_PARTS]
    yield from _walk(whole, 0, left)


def _walk(part: Part, depth: int, left: list[int]) -> Iterator[Part]:
    if part.media == "text/plain" and not part.first("content-type") and _guessed(part.body):
        part = Part(part.headers, part.body, "multipart/mixed")  # it forgot to say so
    if not part.media.startswith("multipart/") or depth >= MAX_DEPTH:
        left[0] -= 1
        yield part
        return
    boundary = part.params.get("boundary", "").encode("latin-1", "replace") or _guessed(part.body)
    pieces = (b"\n" + part.body).split(b"\n--" + boundary, MAX_PARTS) if boundary else []
    if len(pieces) < 2:  # no such boundary in it: the text is all there is
        left[0] -= 1
        yield Part(part.headers, part.body)
        return
    inner = "message/rfc822" if part.media == "multipart/digest" else "text/plain"
    if (
        pieces[0].strip() and depth == 0 and len(pieces[0]) > 200
    ):  # RFC 2046 5.1.1 says ignore; some put it all there
        yield Part((), pieces[0], "text/x-preamble")
    for piece in pieces[1:]:
        if piece.startswith(b"--") or left[0] <= 0:
            return
        yield from _walk(_part(piece.partition(b"\n")[2], inner), depth + 1, left)


def _guessed(body: bytes) -> bytes:
    """The boundary of a multipart that forgot to name it: the first line that looks like one."""
    found = _BOUNDARY.search(b"\n" + body[:20_000])
    return found[1].rstrip() if found else b""


def _part(data: bytes, media: str) -> Part:
    head, body = _halves(data)
    headers = tuple(fields(head))
    content = next((value for key, value in headers if key == "content-type"), b"")
    if not content:
        return Part(headers, body, media)
    text = content.decode("latin-1")
    return Part(
        headers,
        body,
        text.partition(";")[0].strip().lower() or media,
        {key.lower(): quoted or plain for key, quoted, plain in _PARAMETER.findall(text[:4000])},
    )


def _halves(data: bytes) -> tuple[bytes, bytes]:
    """Header section and body; a part that begins with text has no header section."""
    if data.startswith(b"\n"):
        return b"", data[1:]
    if not _NAME.match(data):
        return b"", data
    end = data.find(b"\n\n")
    return (data, b"") if end < 0 else (data[:end], data[end + 2 :])


def fields(head: bytes) -> Iterator[tuple[str, bytes]]:
    """Header fields, unfolded (RFC 5322 2.2.3); a line that is none is passed over."""
    for line in _FOLD.sub(b" ", head[:MAX_HEAD]).split(b"\n"):
        if _NAME.match(line):
            name, _, value = line.partition(b":")
            yield name.strip().lower().decode("latin-1"), value.strip()
