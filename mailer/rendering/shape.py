"""What is learned from the full reading of one message, so that the next of its shape is known by its values.

Between two messages of a shape only values differ. A value in the body is whole lines of its own,
a value in the header is printable and short: then neither can change what stands around it, and
every place that held the link of the first recipient must hold the link of the next.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

from mailer.rendering.wire.encode import SOFT_BREAK

LINE_LIMIT = 998
#: Values of the body, one after another: soft-broken lines of at most 76 columns, none with a dot first.
_VALUES = re.compile(r"(?:(?:(?!\.)[ -~]{0,75}=\r\n)+\x00)*")
_BARE = re.compile(r"\r(?!\n)|(?<!\r)\n|\x00")


@dataclass(frozen=True, slots=True)
class Shape:
    """The static text of messages that were read in full, and what their values must be."""

    statics: Sequence[str]
    in_header: int  #: so many values stand in the header
    header_room: int  #: octets that these may have together without making a line too long
    links: tuple[int, ...]  #: the values that are the recipient's own link

    def fits(self, pieces: Sequence[str], link: str) -> bool:
        """Whether a message of these pieces is as good as the one that was read; False: read it."""
        values = pieces[1::2]
        header = "".join(values[: self.in_header])
        body = "\x00".join([*values[self.in_header :], ""])
        return (
            pieces[::2] == self.statics
            and (len(header.encode()) <= self.header_room or _longest_line(header) <= self.header_room)
            and header.replace("\r\n ", "").isprintable()
            and _VALUES.fullmatch(body) is not None
            and "=_" not in body  # how a boundary begins, and no quoted-printable text
            and {_read(values[place]) for place in self.links} == {link}
        )


def learned(pieces: Sequence[str], link: str) -> Shape | None:
    """The shape of a message that passed; None where its values cannot be told from what surrounds them."""
    statics, values = pieces[::2], pieces[1::2]
    text = "".join(pieces)
    header_end = text.find("\r\n\r\n")
    second_part = text.find("\r\n--=_", header_end + 4)
    ends = [*accumulate(map(len, pieces))]
    parts = [bisect_right((header_end, second_part), end - 1) for end in ends[1::2]]
    in_header = parts.count(0)
    links = tuple(place for place, value in enumerate(values) if _read(value) == link)
    shape = Shape(statics, in_header, LINE_LIMIT - _longest_header_line(statics[: in_header + 1]), links)
    apart = (
        not any(map(_BARE.search, statics))
        and not any(before == "" or before.endswith("\n") for before in statics[:in_header])
        and all(before.endswith("\n") for before in statics[in_header:-1] if before)
        and {1, 2} <= {parts[place] for place in links}
    )
    return shape if apart and shape.fits(pieces, link) else None


def _read(value: str) -> str:
    """As a mail program reads it, if it holds no escaped octet; one that does is no link of ours."""
    return value.replace(SOFT_BREAK, "")


def _longest_header_line(statics: Sequence[str]) -> int:
    return _longest_line("".join(statics).partition("\r\n\r\n")[0])


def _longest_line(text: str) -> int:
    return max(len(line.encode()) for line in text.split("\r\n"))
