"""One row of the table of rules, and how its phrases are found: by search, so that no input makes it slow."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Rule:
    """A named cause and the phrases that give it away, in lower case.

    `*` in a phrase stands for anything in between; the parts come in that order. An address in the text
    reads `@`. `unless` holds phrases that make the row not speak.
    """

    name: str
    reason: str
    phrases: tuple[str, ...]
    unless: tuple[str, ...] = ()
    _whole: tuple[str, ...] = field(init=False, repr=False, compare=False)
    _gapped: tuple[tuple[str, str], ...] = field(init=False, repr=False, compare=False)
    _foreign: tuple[str, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        # Most phrases have no gap, and most texts no other script: told apart here, a text is searched for
        # them several times as fast.
        plain = [one for one in self.phrases if one.isascii()]
        object.__setattr__(self, "_whole", tuple(one for one in plain if "*" not in one))
        object.__setattr__(
            self, "_gapped", tuple((one.partition("*")[0], one) for one in plain if "*" in one)
        )
        object.__setattr__(self, "_foreign", tuple(one for one in self.phrases if not one.isascii()))

    def speaks_of(self, text: str) -> bool:
        """Whether this row is about that text (lower case, white space single)."""
        return self._is_said_in(text) and not any(holds(text, one) for one in self.unless)

    def _is_said_in(self, text: str) -> bool:
        for one in self._whole:
            if one in text:
                return True
        for head, one in self._gapped:
            if head in text and holds(text, one):
                return True
        return not text.isascii() and any(holds(text, one) for one in self._foreign)


def holds(text: str, phrase: str) -> bool:
    """Whether a phrase is in the text, its parts in their order and no more than a line apart."""
    if "*" not in phrase:
        return phrase in text
    first, *rest = phrase.split("*")
    at = text.find(first)
    while at >= 0:
        end = at + len(first)
        for part in rest:
            found = text.find(part, end, end + REACH + len(part))
            if found < 0:
                break
            end = found + len(part)
        else:
            return True
        at = text.find(first, at + 1)
    return False


#: Characters that may lie between two parts of a phrase.
REACH = 80


#: Letters with marks, as they are written where there are none: half the servers know only ASCII.
_BARE = {
    **{
        code: plain
        for code in range(0xC0, 0x250)
        if (plain := unicodedata.normalize("NFKD", chr(code))[0]).isascii() and plain.isalpha()
    },
    **str.maketrans({"ø": "o", "ł": "l", "đ": "d", "ı": "i", "ß": "ss", "æ": "ae", "œ": "oe"}),
}
#: How German is written without its letters.
_SPELT = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss"})


def bare(text: str) -> str:
    """Lower-case text with plain Latin letters, so that `saturée` and `saturee` are one word."""
    return text if text.isascii() else text.translate(_BARE)


def phrases(text: str) -> tuple[str, ...]:
    """The phrases of a row, written as one text with `|` between them; also as plain letters spell them.

    `·` is a space at the edge of a phrase, where a plain one does not count.
    """
    parts = [part for part in (" ".join(one.split()).replace("·", " ") for one in text.split("|")) if part]
    return tuple(dict.fromkeys([bare(way) for part in parts for way in (part, part.translate(_SPELT))]))
