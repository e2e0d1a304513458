"""Ctrl-C takes effect between two slices: what is written is whole, counted and on record."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def interrupted_between_slices() -> Iterator[Callable[[], None]]:
    """Yields a function to call where a stop does no harm; it raises KeyboardInterrupt if one is wanted.

    In the middle of a statement the interrupt would leave SQLite's write lock with the broken
    transaction, and the import could not be put on record. A second Ctrl-C does not wait.
    """
    if threading.current_thread() is not threading.main_thread():  # only there are signals delivered
        yield lambda: None
        return
    asked: list[int] = []

    def ask(number: int, _frame: FrameType | None) -> None:
        if asked:
            raise KeyboardInterrupt
        asked.append(number)

    def stop_if_asked() -> None:
        if asked:
            raise KeyboardInterrupt

    before = signal.signal(signal.SIGINT, ask)
    try:
        yield stop_if_asked
    finally:
        signal.signal(signal.SIGINT, before)
