"""The figures of a site, read together and remembered: scrapes never cost more than a small part of a core."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import datetime

from sqlalchemy import Connection

from mailer import clock
from mailer.monitoring import queries
from mailer.monitoring.catalogue import Sample
from mailer.store import Store

Reader = Callable[[Connection, datetime], Iterator[Sample]]
QUICK: tuple[Reader, ...] = (
    queries.campaigns,
    queries.system_mail,
    queries.reports,
    queries.returned,
    queries.machinery,
)
SLOW: tuple[Reader, ...] = (queries.people,)
QUICK_SECONDS, SLOW_SECONDS = 5.0, 600.0
#: What took a second is good for twenty: however large the tables, at most a twentieth of the time is spent.
REST = 20


class Remembered:
    """Samples of some readers, read again when they are old; who asks meanwhile waits for the same reading."""

    def __init__(self, store: Store, readers: tuple[Reader, ...], *, seconds: float) -> None:
        self._store = store
        self._readers = readers
        self._seconds = seconds
        self._good_until = 0.0
        self._samples: tuple[Sample, ...] = ()
        self.took = 0.0  #: seconds of the last reading
        self._one = threading.Lock()

    def samples(self) -> tuple[Sample, ...]:
        """The figures, at most some seconds old. Raises StoreError."""
        with self._one:
            began = clock.monotonic()
            if not self._samples or began >= self._good_until:
                with self._store.read() as connection:
                    now = clock.now()
                    self._samples = tuple(one for read in self._readers for one in read(connection, now))
                ended = clock.monotonic()
                self.took = ended - began
                self._good_until = ended + max(self._seconds, REST * self.took)
            return self._samples
