"""Letters of one alphabet that pass for another's (UTS 39 5.2: scripts may not be mixed, B14)."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

import idna

#: Scripts whose letters are written beside each other in one language.
_TOGETHER = (
    frozenset({"LATIN"}),
    frozenset({"CJK", "HIRAGANA", "KATAKANA", "LATIN"}),
    frozenset({"CJK", "BOPOMOFO", "LATIN"}),
    frozenset({"CJK", "HANGUL", "LATIN"}),
)


def mixed_scripts(text: str) -> bool:
    """Whether one word of the text holds letters of scripts that no language mixes."""
    return any(not _go_together(_scripts(word)) for word in text.split())


def lookalike_host(host: str) -> bool:
    """Whether a label of a host name, as a reader sees it, mixes scripts."""
    return any(not _go_together(_scripts(_shown(label))) for label in host.split("."))


def _shown(label: str) -> str:
    if not label.lower().startswith("xn--"):
        return label
    try:
        return idna.ulabel(label)
    except idna.IDNAError:
        return label


def _scripts(letters: Iterable[str]) -> frozenset[str]:
    """The scripts by the first word of each letter's Unicode name; digits and signs belong to none."""
    real = (letter for letter in letters if letter.isalpha() and unicodedata.category(letter) != "Lm")
    return frozenset(unicodedata.name(letter, "UNKNOWN").split()[0] for letter in real)


def _go_together(scripts: frozenset[str]) -> bool:
    return len(scripts) <= 1 or any(scripts <= allowed for allowed in _TOGETHER)
