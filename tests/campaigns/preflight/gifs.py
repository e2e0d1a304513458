"""Small animated GIFs, block by block."""

from __future__ import annotations

PIXEL = b"\x2c\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02\x44\x01\x00"


def gif(*delays: int, loops: int | None = None) -> bytes:
    """One frame per delay (hundredths of a second); `loops` as in the file: 0 is for ever, None says nothing."""
    out = b"GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff"
    if loops is not None:
        out += b"\x21\xff\x0bNETSCAPE2.0\x03\x01" + loops.to_bytes(2, "little") + b"\x00"
    for delay in delays:
        out += b"\x21\xf9\x04\x00" + delay.to_bytes(2, "little") + b"\x00\x00" + PIXEL
    return out + b"\x3b"
