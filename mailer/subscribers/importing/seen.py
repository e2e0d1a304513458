"""Which addresses a file has shown so far, in 12 to 24 bytes each."""

from __future__ import annotations

from array import array

_SMALLEST = 1 << 12
_ALL_BITS = (1 << 64) - 1
_SPREAD = 0x9E3779B97F4A7C15  # 2^64 over the golden ratio: kinds stay apart


class Seen:
    """A set of 64-bit numbers by open addressing; a set of Python numbers takes five times the room.

    The numbers are the beginnings of keyed hashes, so they are spread evenly, and two addresses of
    five million share one with a probability below 10^-6.
    """

    def __init__(self) -> None:
        self._slots = array("Q", bytes(8 * _SMALLEST))
        self._mask = _SMALLEST - 1
        self._count = 0

    def add(self, email_hash: bytes, *, kind: int = 0) -> bool:
        """Remember an address, of one kind of row, by its hash; False when it was there."""
        number = (int.from_bytes(email_hash[:8], "big") + kind * _SPREAD) & _ALL_BITS or 1
        if not self._put(number):
            return False
        self._count += 1
        if self._count * 3 > self._mask * 2:
            self._grow()
        return True

    def _put(self, number: int) -> bool:
        slots, mask = self._slots, self._mask
        place = number & mask
        while held := slots[place]:
            if held == number:
                return False
            place = (place + 1) & mask
        slots[place] = number
        return True

    def _grow(self) -> None:
        old = self._slots
        self._mask = self._mask * 2 + 1
        self._slots = array("Q", bytes(8 * (self._mask + 1)))
        for number in old:
            if number:
                self._put(number)
