"""Which header fields a signature covers, and the DKIM-Signature field itself (RFC 6376 3.5, 5.4)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

#: Every one is covered, and named once more than it is present, so that none can be added (A41, A42).
SIGNED = (
    "from", "reply-to", "to", "cc", "subject", "date", "message-id",
    "mime-version", "content-type", "content-transfer-encoding", "content-language", "content-id",
    "content-description", "content-disposition",
    "list-unsubscribe", "list-unsubscribe-post", "list-id", "list-help", "list-owner", "list-post",
    "list-subscribe", "list-archive", "feedback-id",
)  # fmt: skip
_SIGNED = frozenset(SIGNED)
#: How long a signature counts: longer than any queue keeps a message, ours or a relay's (A44).
LIFE = timedelta(days=14)
_WIDTH = 72


def covered(present: Iterable[str]) -> tuple[str, ...]:
    """The names in h=, for the names of the fields that are there, in lower case."""
    return (*filter(is_covered, present), *SIGNED)


def is_covered(name: str) -> bool:
    """Whether a field of that name, in lower case, is signed."""
    return name in _SIGNED


def opening(algorithm: str, domain: str, selector: str, *, names: Iterable[str]) -> str:
    """The field up to the value of t=; no l= (A43), and each line short enough for every relay."""
    return (
        f"DKIM-Signature: v=1; a={algorithm}; c=relaxed/relaxed;\r\n"
        f" d={domain}; s={selector};\r\n h={_folded(names)};\r\n t="
    )


def folded_base64(text: str) -> str:
    """The value of b=, with a fold wherever a line would grow too long."""
    return "\r\n ".join([text[at : at + _WIDTH] for at in range(0, len(text), _WIDTH)])


def _folded(names: Iterable[str]) -> str:
    lines = [""]
    for name in names:
        if len(lines[-1]) + len(name) >= _WIDTH:
            lines.append("")
        lines[-1] += f"{name}:"
    return "\r\n ".join(lines)[:-1]
