"""Rows in the order of their keyed hashes, a window at a time, cut into slices.

An index over hashes has its pages in that order: a slice of neighbours changes a few pages of it where
a slice as the file has it would change one for every row. The order says nothing to anybody without
the key, and no other order of a file means anything (B20).
"""

from __future__ import annotations

import gc
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

from mailer.subscribers.importing.rows import ImportRow
from mailer.tokens import TAG_BYTES

#: Rows held in memory at a time: 15 to 20 MB.
WINDOW_ROWS = 16_384


def slices(rows: Iterable[ImportRow], *, size: Callable[[], int]) -> Iterator[list[ImportRow]]:
    """All rows, in slices of the size that is wanted by then, in none of which an address occurs twice.

    While one window is cut up the next is filled, as many rows after each slice as were in it: whoever
    waits for the write lock has it then, and the file is read in no time of its own.
    """
    filling = _Filling(rows)
    window = filling.take({}, WINDOW_ROWS)
    while window:
        full = len(window) >= WINDOW_ROWS
        ordered = _in_order(window)
        window = {}
        while ordered:
            wanted = size()
            part = ordered[: -wanted - 1 : -1]
            del ordered[-wanted:]
            yield part
            filling.take(window, len(part))
        if full:
            # What `collector_at_rest` has left of this window; a look at everything takes a tenth of the import.
            gc.collect(0)


class _Filling:
    """Takes rows for a window; one whose address is in it already waits for the next."""

    def __init__(self, rows: Iterable[ImportRow]) -> None:
        self._rows = iter(rows)
        self._waiting: ImportRow | None = None

    def take(self, window: dict[bytes, ImportRow], count: int) -> dict[bytes, ImportRow]:
        for _ in range(count):
            row = self._waiting or next(self._rows, None)
            if row is None or row.email_hash in window:
                self._waiting = row
                break
            self._waiting = None
            window[row.email_hash] = row
        return window


def _in_order(window: dict[bytes, ImportRow]) -> list[ImportRow]:
    """The rows, the last hash first, with tags in the same order: slices are cut off the end."""
    ordered = [window[email_hash] for email_hash in sorted(window, reverse=True)]
    for row, tag in zip(ordered, _tags(len(ordered)), strict=True):
        row.tag = tag
    return ordered


@contextmanager
def collector_at_rest() -> Iterator[None]:
    """Python's garbage collector looks through all rows of a window again and again, and finds nothing:
    half of the time of an import. What is in no cycle is freed without it."""
    was_at_work = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_at_work:
            gc.enable()


def _tags(count: int) -> list[bytes]:
    """Random tags in descending order, for their index is written page by page, too."""
    drawn = os.urandom(TAG_BYTES * count)
    return sorted((drawn[at : at + TAG_BYTES] for at in range(0, len(drawn), TAG_BYTES)), reverse=True)
