"""How long a GIF moves, read from its blocks (GIF89a, sections 15 to 26)."""

from __future__ import annotations

from dataclasses import dataclass

_LOOP_EXTENSION = b"NETSCAPE2.0"
#: Browsers show frames of less than 20 ms for 100 ms.
_SHORTEST, _INSTEAD = 0.02, 0.1


@dataclass(frozen=True, slots=True)
class Motion:
    """How an animated GIF moves."""

    frames: int
    seconds: float  #: of all rounds, unless endless
    endless: bool
    frames_per_second: float


def measure(content: bytes) -> Motion | None:
    """The motion of a GIF; None for a still image, another format or a damaged file."""
    if content[:6] not in (b"GIF87a", b"GIF89a") or len(content) < 13:
        return None
    try:
        delays, rounds = _blocks(content)
    except IndexError:
        return None
    if len(delays) < 2:
        return None
    once = sum(delays)
    return Motion(len(delays), once * (rounds or 1), rounds == 0, len(delays) / once)


def _blocks(content: bytes) -> tuple[list[float], int]:
    """The delay of each frame in seconds, and how often it plays (0: for ever; 1 without an extension)."""
    at = 13 + _table(content[10])
    delays: list[float] = []
    delay, rounds = _INSTEAD, 1
    while content[at] != 0x3B:
        if content[at] == 0x21:
            body, label = at + 2, content[at + 1]
            if label == 0xF9:
                hundredths = int.from_bytes(content[body + 2 : body + 4], "little")
                delay = hundredths / 100 if hundredths / 100 >= _SHORTEST else _INSTEAD
            elif label == 0xFF and content[body + 1 : body + 12] == _LOOP_EXTENSION:
                again = int.from_bytes(content[body + 14 : body + 16], "little")
                rounds = 0 if again == 0 else again + 1
            at = _after_sub_blocks(content, body)
        elif content[at] == 0x2C:
            delays.append(delay)
            at = _after_sub_blocks(content, at + 10 + _table(content[at + 9]) + 1)
        else:
            raise IndexError("not a block of GIF89a")
    return delays, rounds


def _table(flags: int) -> int:
    """Octets of a colour table."""
    return 3 * 2 ** ((flags & 7) + 1) if flags & 0x80 else 0


def _after_sub_blocks(content: bytes, at: int) -> int:
    while content[at]:
        at += content[at] + 1
    return at + 1
