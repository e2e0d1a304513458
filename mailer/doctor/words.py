"""What went wrong on a connection, in words instead of error numbers."""

from __future__ import annotations

import asyncio
import socket
import ssl

#: The first kind that fits speaks.
_WORDS: tuple[tuple[type[BaseException], str], ...] = (
    (ssl.SSLError, "TLS cannot be agreed on"),
    (ConnectionRefusedError, "nothing listens there"),
    (ConnectionResetError, "the connection was closed"),
    (asyncio.IncompleteReadError, "the connection was closed before the answer"),
    (socket.gaierror, "its name is not known"),
    (TimeoutError, "no answer in time"),
)


def words_of(error: BaseException) -> str:
    """One clause, without a full stop; never longer than a line or two."""
    for each in (error, error.__cause__, error.__context__):
        for kind, words in _WORDS:
            if isinstance(each, kind):
                detail = getattr(each, "reason", None)
                return f"{words} ({detail})" if isinstance(detail, str) else words
    return str(error)[:200].rstrip(".") or type(error).__name__
