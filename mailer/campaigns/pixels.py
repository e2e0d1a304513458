"""How wide and high an image is, read from the first bytes of its file (PNG, JPEG, GIF, WebP)."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from typing import Final

Pixels = tuple[int, int]

#: JPEG segments that hold the size: every "start of frame" but the tables that share the range.
_FRAMES: Final = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_EXIF: Final = b"Exif\0\0"
_ORIENTATION: Final = 0x0112
#: From this orientation on, a photo was taken with the camera on its side and is shown turned.
_TURNED: Final = range(5, 9)


def pixels_of(content: bytes) -> Pixels | None:
    """Width and height as the image is shown; None when the file does not say, or is broken."""
    reader = next((read for magic, read in _READERS if content.startswith(magic)), None)
    try:
        found = reader(content) if reader else None
    except (struct.error, IndexError):
        return None
    return found if found and min(found) > 0 else None


def _png(content: bytes) -> Pixels:
    width, height = struct.unpack_from(">II", content, 16)
    return width, height


def _gif(content: bytes) -> Pixels:
    width, height = struct.unpack_from("<HH", content, 6)
    return width, height


def _jpeg(content: bytes) -> Pixels | None:
    turned = False
    for marker, body in _segments(content):
        if marker == 0xE1 and body.startswith(_EXIF):
            turned = _orientation(body[len(_EXIF) :]) in _TURNED
        if marker in _FRAMES:
            height, width = struct.unpack_from(">HH", body, 1)
            return (height, width) if turned else (width, height)
    return None


def _segments(content: bytes) -> Iterator[tuple[int, bytes]]:
    """The segments of a JPEG before its picture: marker, content."""
    at = 2
    while content[at] == 0xFF:
        marker = content[at + 1]
        if marker == 0xFF:  # fill bytes may precede a marker
            at += 1
            continue
        (length,) = struct.unpack_from(">H", content, at + 2)
        yield marker, content[at + 4 : at + 2 + length]
        at += 2 + length


def _orientation(tiff: bytes) -> int:
    """The orientation that a camera noted; 1 (upright) when it noted none it can be read from."""
    try:
        order = "<" if tiff[:2] == b"II" else ">"
        (start,) = struct.unpack_from(f"{order}I", tiff, 4)
        (count,) = struct.unpack_from(f"{order}H", tiff, start)
        for number in range(count):
            tag, _kind, _count, value = struct.unpack_from(f"{order}HHIH", tiff, start + 2 + 12 * number)
            if tag == _ORIENTATION:
                return int(value)
    except struct.error:
        pass
    return 1


def _webp(content: bytes) -> Pixels | None:
    kind = content[12:16]
    if content[8:12] != b"WEBP":
        return None
    if kind == b"VP8X":
        wide, wide_high, high, high_high = struct.unpack_from("<HBHB", content, 24)
        return (wide_high << 16 | wide) + 1, (high_high << 16 | high) + 1
    if kind == b"VP8L":
        (bits,) = struct.unpack_from("<I", content, 21)
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if kind == b"VP8 ":
        width, height = struct.unpack_from("<HH", content, 26)
        return width & 0x3FFF, height & 0x3FFF
    return None


_READERS: Final[tuple[tuple[bytes, Callable[[bytes], Pixels | None]], ...]] = (
    (b"\x89PNG\r\n\x1a\n", _png),
    (b"\xff\xd8\xff", _jpeg),
    (b"GIF87a", _gif),
    (b"GIF89a", _gif),
    (b"RIFF", _webp),
)
