"""Bytes to replies on a connection that stands: whatever the packets, one call per reply (RFC 5321 4.2)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import lru_cache
from typing import cast

from mailer.delivery.classify import Reply

# RFC 5321 4.5.3.1.5 allows 512; real servers send longer ones. A whole reply is bounded too.
MAX_LINE_BYTES = 8192
MAX_REPLY_BYTES = 65536
_SEPARATORS = (b" ", b"-", b"")


class Wire(asyncio.Protocol):
    """Takes a connected transport over. Broken once, it stays broken and takes nothing more."""

    def __init__(self, *, replied: Callable[[Reply], None], broke: Callable[[str], None]) -> None:
        self._replied = replied
        self._broke = broke
        self._transport: asyncio.Transport | None = None
        self._rest = b""  #: of a line whose end has not come
        self._lines: list[bytes] = []  #: of a reply whose last line has not come
        self._is_broken = False

    def take_over(self, transport: asyncio.BaseTransport) -> None:
        """Become the protocol of a transport another one has opened."""
        self._transport = cast(asyncio.Transport, transport)
        self._transport.set_protocol(self)
        if self._transport.is_closing():
            self.close("The server closed the connection.")

    @property
    def is_open(self) -> bool:
        """Whether nothing is known to be wrong with the connection."""
        return not self._is_broken and self._transport is not None and not self._transport.is_closing()

    def send(self, data: bytes) -> None:
        """Write `data`; a broken wire drops it, whoever waits was told."""
        if self._transport is not None and not self._is_broken:
            self._transport.write(data)

    def close(self, words: str) -> None:
        """Drop the connection at once; `words` say why, for the reply that is stored."""
        if self._transport is not None:
            self._transport.abort()
        if not self._is_broken:
            self._is_broken = True
            self._broke(words)

    def data_received(self, data: bytes) -> None:
        """Cut the stream into lines and the lines into replies, however they were packed."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            self._line(line.rstrip(b"\r"))
            if self._is_broken:
                return
        if len(self._rest) > MAX_LINE_BYTES:
            self.close("The server's reply line is too long.")

    def _line(self, line: bytes) -> None:
        if not self._lines and (reply := _whole(line)) is not None:
            return self._replied(reply)
        digits, separator = line[:3], line[3:4]
        if not digits.isdigit() or len(digits) < 3 or separator not in _SEPARATORS:
            return self.close("The server's reply is not SMTP: " + line[:80].decode("utf-8", "replace"))
        self._lines.append(line)
        if sum(map(len, self._lines)) > MAX_REPLY_BYTES:
            return self.close("The server's reply is too long.")
        if digits != self._lines[0][:3]:
            return self.close("The lines of the server's reply disagree.")
        if separator != b"-":
            lines, self._lines = self._lines, []
            text = b"\n".join([line[4:] for line in lines])
            self._replied(Reply(int(digits), text.decode("utf-8", "replace")))

    def eof_received(self) -> bool:
        """The server is gone; what it said before still counts."""
        self.close("The server closed the connection.")
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """The transport is gone."""
        self.close("The connection was lost." if exc else "The server closed the connection.")


@lru_cache(maxsize=64)
def _whole(line: bytes) -> Reply | None:
    """The reply that this one line is, or None; kept, because a server says most of them to every message."""
    digits, separator = line[:3], line[3:4]
    if len(digits) < 3 or not digits.isdigit() or separator not in (b" ", b""):
        return None
    return Reply(int(digits), line[4:].decode("utf-8", "replace"))
