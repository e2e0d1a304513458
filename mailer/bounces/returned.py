"""Where a report ends and the returned message begins, in plain text; and what its header says."""

from __future__ import annotations

import re

from mailer.bounces.words import ANNOUNCES

_HEADER_LINE = re.compile(
    r"^[ \t>]{0,8}(?:Received: (?:from|by|\()|Return-Path: ?<|Message-ID: ?<|DKIM-Signature: "
    r"|MIME-Version: ?1|X-[A-Z][\w-]{2,40}: \S)",
    re.MULTILINE | re.IGNORECASE,
)
_RULES = frozenset({"--", "==", "__", "**", "##", "++", ">>", "- ", "<<"})
#: A line that announces is short.
_LONGEST = 150


def split(text: str) -> tuple[str, str]:
    """The report's own words, and the returned message below them (empty if there is none)."""
    match = _HEADER_LINE.search(text)
    end = match.start() if match else len(text)
    start = 0
    while start < end:
        stop = text.find("\n", start, end)
        stop = end if stop < 0 else stop
        if stop - start <= _LONGEST and _announces(text[start:stop]):
            return text[:start], text[stop:]
        start = stop + 1
    return text[:end], text[end:]


def _announces(line: str) -> bool:
    line = line.strip(" \t>").lower()
    bare = line.strip("-=_*.#+<>| \t")
    if len(bare) < 3 or not ANNOUNCES.match(bare):
        return False
    return line[:2] in _RULES or line.endswith((":", "-", "follows", "follows."))
