"""A figure that is read once for everybody who looks at it in the same seconds."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

from mailer import clock

T = TypeVar("T")
#: What took a second is good for twenty: however large the tables, at most a twentieth of the time is spent.
REST = 20


class Kept(Generic[T]):
    """One reading, made again when it is old; whoever asks meanwhile waits for the same one."""

    def __init__(self, read: Callable[[], T], *, seconds: float) -> None:
        self._read = read
        self._seconds = seconds
        self._value: T | None = None
        self._good_until = 0.0
        self._one = threading.Lock()

    def get(self) -> T:
        """The reading, at most some seconds old; raises what reading raises."""
        with self._one:
            began = clock.monotonic()
            if self._value is None or began >= self._good_until:
                self._value = self._read()
                ended = clock.monotonic()
                self._good_until = ended + max(self._seconds, REST * (ended - began))
            return self._value
