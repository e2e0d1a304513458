"""Where a report ends and the returned message begins, in plain text; and what its header says."""

from __future__ import annotations

import re

from mailer.bounces.words import ANNOUNCES

_HEADER_LINE = re.compile(
    r"^[ \t>]{0,8}(?:Received: (?:from|by|\()|Return-Path: ?<|Message-ID: ?<|DKIM-Signature: "
    r"|MIME-Version: ?1|X-[A-Z][\w-]{2,40}: \S)",
    re.MULTILINE | re.IGNORECASE,
)
_RULED = re.compile(r"^[ \t>]{0,8}[-=_*.#+<>| ]{0,40}[ \t]*([^\n]{3,90})$", re.MULTILINE)


def split(text: str) -> tuple[str, str]:
    """The report's own words, and the returned message below them (empty if there is none)."""
    at = len(text)
    if match := _HEADER_LINE.search(text):
        at = match.start()
    for match in _RULED.finditer(text, 0, at):
        line = match[1].strip().lower()
        if ANNOUNCES.match(line) and (
            match[0].lstrip(" \t>")[:2] in _RULES or line.endswith((":", "-", "follows", "follows."))
        ):
            return text[: match.start()], text[match.end() :]
    return text[:at], text[at:]


_RULES = frozenset({"--", "==", "__", "**", "##", "++", ">>", "- ", "<<"})
