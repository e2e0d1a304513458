"""The SMTP dialogue once the connection stands: each command paired with its reply (RFC 5321 4.2)."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import cast

from mailer.delivery.classify import Reply

# RFC 5321 4.5.3.1.5 allows 512; real servers send longer ones. A whole reply is bounded too.
MAX_LINE_BYTES = 8192
MAX_REPLY_BYTES = 65536


class WireBroken(Exception):
    """The connection ended or stopped making sense; the words say how, for the stored reply."""


class Wire(asyncio.Protocol):
    """Takes a connected transport over and counts replies against commands.

    A reply nobody asked for breaks the wire: the next one could otherwise be taken
    for the answer to another recipient's command.
    """

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._buffer = bytearray()
        self._lines: list[bytes] = []
        self._size = 0
        self._replies: deque[Reply] = deque()
        self._owed = 0
        self._waiter: asyncio.Future[None] | None = None
        self._broken: str | None = None

    def take_over(self, transport: asyncio.BaseTransport) -> None:
        """Become the protocol of a transport another one has opened."""
        self._transport = cast(asyncio.Transport, transport)
        self._transport.set_protocol(self)
        if self._transport.is_closing():
            self._break("The server closed the connection.")

    @property
    def is_open(self) -> bool:
        """Whether nothing is known to be wrong with the connection."""
        return self._broken is None and self._transport is not None and not self._transport.is_closing()

    def send(self, data: bytes, *, replies: int) -> None:
        """Write `data`, which owes this many replies. Raises WireBroken."""
        if self._broken is not None or self._transport is None:
            raise WireBroken(self._broken or "The connection is closed.")
        self._owed += replies
        self._transport.write(data)

    async def reply(self, timeout_seconds: float) -> Reply:
        """The next reply owed. Raises WireBroken when it does not come."""
        if not self._replies:
            await self._wait(timeout_seconds)
        self._owed -= 1
        return self._replies.popleft()

    async def _wait(self, timeout_seconds: float) -> None:
        if self._broken is not None:
            raise WireBroken(self._broken)
        loop = asyncio.get_running_loop()
        self._waiter = loop.create_future()
        timer = loop.call_later(
            timeout_seconds, self._break, f"The server did not answer within {timeout_seconds:g} s."
        )
        try:
            await self._waiter
        finally:
            timer.cancel()
            self._waiter = None

    def close(self) -> None:
        """Drop the connection at once."""
        self._break("The connection was closed by this side.")

    def data_received(self, data: bytes) -> None:
        """Cut the stream into lines and the lines into replies, however they were packed."""
        self._buffer += data
        while (end := self._buffer.find(b"\n")) >= 0:
            line = bytes(self._buffer[:end]).rstrip(b"\r")
            del self._buffer[: end + 1]
            self._line(line)
            if self._broken is not None:
                return
        if len(self._buffer) > MAX_LINE_BYTES:
            self._break("The server's reply line is too long.")

    def _line(self, line: bytes) -> None:
        self._size += len(line)
        if self._size > MAX_REPLY_BYTES:
            return self._break("The server's reply is too long.")
        digits, separator = line[:3], line[3:4]
        if len(digits) != 3 or not digits.isdigit() or separator not in (b"", b" ", b"-"):
            return self._break("The server's reply is not SMTP: " + line[:80].decode("utf-8", "replace"))
        self._lines.append(line)
        if separator != b"-":
            self._complete(int(digits))

    def _complete(self, code: int) -> None:
        if any(int(line[:3]) != code for line in self._lines):
            return self._break("The lines of the server's reply disagree.")
        text = "\n".join(line[4:].decode("utf-8", "replace") for line in self._lines)
        self._lines.clear()
        self._size = 0
        self._replies.append(Reply(code, text))
        if len(self._replies) > self._owed:
            if code == 421:  # RFC 5321 3.8: a server may say goodbye unasked
                self._replies.pop()
                return self._break(f"The server closed the connection: 421 {text}")
            return self._break("The server sent a reply that nothing asked for.")
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def eof_received(self) -> bool:
        """The server is gone; what it said before still counts."""
        self._break("The server closed the connection.")
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """The transport is gone."""
        self._break("The connection was lost." if exc else "The server closed the connection.")

    def _break(self, words: str) -> None:
        if self._broken is None:
            self._broken = words
        if self._transport is not None:
            self._transport.abort()
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_exception(WireBroken(self._broken))
