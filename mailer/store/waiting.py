"""Who waits for SQLite's one write lock: told to bulk writers and senders, so that they let the others go first.

SQLite tells nobody. A bulk writer that pauses after each slice pauses in vain nearly always, and when two
hundred people leave in a second the pause is too short. So whoever waits shares a lock on the database's
folder, which no file has to be made for, and a bulk writer looks whether anybody does.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


class WaitingRoom:
    """Of one database; its folder is held open by each who waits, in whatever process."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @contextmanager
    def entered(self) -> Iterator[None]:
        """Wait inside: bulk writers know of it until the block ends.

        Where the system forbids it they do not, and one waits as long as their slices last.
        """
        with self._opened() as descriptor:
            if descriptor is not None:
                with suppress(OSError):  # somebody looks right now
                    fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
            yield

    def is_empty(self) -> bool:
        """Whether nobody waits, as far as one can know."""
        with self._opened() as descriptor:
            if descriptor is None:
                return True
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                return False
            return True

    @contextmanager
    def _opened(self) -> Iterator[int | None]:
        try:
            descriptor = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except OSError:
            yield None
            return
        try:
            yield descriptor
        finally:
            os.close(descriptor)  # lets go of its lock
