"""Bytes that are proven to be a message's lines; only the gate makes them, and no one reads them again."""

from __future__ import annotations


class WireBytes(bytes):
    """Whole CRLF lines of at most 998 octets, without a bare CR or LF or a NUL, none beginning with a dot.

    RFC 5321 4.5.2, 4.5.3.1.6; A28, A50, A51.
    """

    __slots__ = ()


class AsciiWireBytes(WireBytes):
    """The same, known to be ASCII: with every value escaped most messages are."""

    __slots__ = ()

    def isascii(self) -> bool:
        """True, without a look at 12 kB."""
        return True
