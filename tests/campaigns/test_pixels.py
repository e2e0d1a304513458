"""The size of an image, read from each kind of file as it is found in the wild."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailer.campaigns.pixels import pixels_of

PNG = b"\x89PNG\r\n\x1a\n" + struct.pack(">I4sII", 13, b"IHDR", 640, 360) + b"\x08\x02\x00\x00\x00"
GIF = b"GIF89a" + struct.pack("<HH", 640, 360) + b"\x80\x00\x00"
VP8 = b"RIFF\0\0\0\0WEBPVP8 \0\0\0\0\x30\x01\x00\x9d\x01\x2a" + struct.pack("<HH", 640, 360 | 0x4000)
VP8L = b"RIFF\0\0\0\0WEBPVP8L\0\0\0\0\x2f" + struct.pack("<I", 639 | 359 << 14)
VP8X = b"RIFF\0\0\0\0WEBPVP8X\x0a\0\0\0\x10\0\0\0" + (639).to_bytes(3, "little") + (359).to_bytes(3, "little")


def segment(marker: int, body: bytes) -> bytes:
    """One segment of a JPEG."""
    return bytes([0xFF, marker]) + struct.pack(">H", len(body) + 2) + body


def exif(orientation: int, order: str = ">") -> bytes:
    """What a camera notes: how it was held."""
    magic = b"MM\0\x2a" if order == ">" else b"II\x2a\0"
    entry = struct.pack(f"{order}HHIHH", 0x0112, 3, 1, orientation, 0)
    return segment(0xE1, b"Exif\0\0" + magic + struct.pack(f"{order}IH", 8, 1) + entry)


def jpeg(*before: bytes, frame: int = 0xC0) -> bytes:
    """A JPEG of 640 by 360 with these segments before its size."""
    return b"\xff\xd8" + b"".join(before) + segment(frame, b"\x08" + struct.pack(">HH", 360, 640) + b"\x03")


@pytest.mark.parametrize(
    "content",
    [
        PNG,
        GIF,
        GIF.replace(b"89a", b"87a"),
        VP8,
        VP8L,
        VP8X,
        jpeg(),
        jpeg(frame=0xC2),
        jpeg(segment(0xC4, b"a table, not a frame"), segment(0xE0, b"JFIF\0")),
        jpeg(b"\xff\xff\xff", segment(0xDB, bytes(64))),
        jpeg(segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0<x/>")),
        jpeg(exif(1)),
        jpeg(exif(3, "<")),
        jpeg(segment(0xE1, b"Exif\0\0MM")),
    ],
)
def test_the_size_is_read_from_the_file(content: bytes) -> None:
    assert pixels_of(content) == (640, 360)


@pytest.mark.parametrize("orientation", [5, 6, 7, 8])
@pytest.mark.parametrize("order", ["<", ">"])
def test_a_photo_taken_on_its_side_has_the_size_it_is_shown_with(orientation: int, order: str) -> None:
    assert pixels_of(jpeg(exif(orientation, order))) == (360, 640)


@pytest.mark.parametrize(
    "content",
    [b"", b"<svg/>", b"RIFF\0\0\0\0WAVE", PNG[:20], GIF[:7], VP8X[:20], jpeg()[:8], PNG[:16] + bytes(8)],
)
def test_a_file_that_does_not_say_has_no_size(content: bytes) -> None:
    assert pixels_of(content) is None


@given(
    st.sampled_from([PNG, GIF, VP8, VP8L, VP8X, jpeg(exif(6))]), st.integers(0, 60), st.binary(max_size=60)
)
def test_no_broken_file_stops_a_check(content: bytes, at: int, noise: bytes) -> None:
    found = pixels_of(content[:at] + noise)
    assert found is None or min(found) > 0
