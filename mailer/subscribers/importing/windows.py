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

#: Rows held in memory at a time: 25 to 35 MB.
WINDOW_ROWS = 32_768


def slices(rows: Iterable[ImportRow], *, size: Callable[[], int]) -> Iterator[list[ImportRow]]:
    """All rows, in slices of the size that is wanted by then, in none of which an address occurs twice."""
    window: dict[bytes, ImportRow] = {}
    for row in rows:
        if row.email_hash in window or len(window) >= WINDOW_ROWS:
            yield from _cut(window, size)
            if len(window) >= WINDOW_ROWS:
                gc.collect()  # the little that `collector_at_rest` has left since the last window
            window = {}
        window[row.email_hash] = row
    yield from _cut(window, size)


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


def _cut(window: dict[bytes, ImportRow], size: Callable[[], int]) -> Iterator[list[ImportRow]]:
    ordered = [window[email_hash] for email_hash in sorted(window)]
    for row, tag in zip(ordered, _tags(len(ordered)), strict=True):
        row.tag = tag
    start = 0
    while start < len(ordered):
        end = start + size()
        yield ordered[start:end]
        start = end


def _tags(count: int) -> list[bytes]:
    """Random tags in ascending order, for their index is written page by page, too."""
    drawn = os.urandom(TAG_BYTES * count)
    return sorted(drawn[at : at + TAG_BYTES] for at in range(0, len(drawn), TAG_BYTES))
