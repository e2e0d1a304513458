"""What a worker has to tell the database, kept until the database has it: batches, retried, nothing lost."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from mailer import clock
from mailer.delivery import queries
from mailer.delivery.claim import Skip
from mailer.delivery.journal import Journal
from mailer.delivery.model import Attempt
from mailer.delivery.record import Records
from mailer.delivery.watch import Watch
from mailer.maillog import EventLog
from mailer.store import Store, StoreError

log = EventLog("delivery")

# Often enough that a report is live, seldom enough that a batch is worth its commit.
FLUSH_SECONDS = 0.05
# Of one transaction; some 10 ms of SQLite's write lock.
MAX_BATCH = 500
RETRY_SECONDS = (0.1, 5.0)


@dataclass
class _Batch:
    attempts: list[Attempt] = field(default_factory=list)
    skips: list[Skip] = field(default_factory=list)
    releases: list[int] = field(default_factory=list)
    postponed: list[tuple[int, datetime]] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.attempts) + len(self.skips) + len(self.releases) + len(self.postponed)


class Outbox:
    """Outcomes, skips and releases of one worker on their way into the store."""

    def __init__(
        self,
        store: Store,
        records: Records,
        journal: Journal,
        *,
        worker_id: int,
        watch: Watch | None = None,
        let_go: Callable[[set[int]], list[int]] = lambda _paused: [],
    ) -> None:
        self._store = store
        self._records = records
        self._journal = journal
        self._worker_id = worker_id
        self._watch = watch
        self._let_go = let_go
        self._waiting = _Batch()
        self._wake = asyncio.Event()
        self._failures = 0

    @property
    def count(self) -> int:
        """Deliveries the database is still to be told about."""
        return len(self._waiting)

    @property
    def is_empty(self) -> bool:
        """Whether the database knows everything."""
        return not len(self._waiting)

    def ended(self, attempt: Attempt) -> None:
        """An attempt has its outcome, which is not ROUTE_DOWN: journal it now, record it soon."""
        self._journal.note(attempt)
        self._waiting.attempts.append(attempt)
        self._wake.set()

    def skip(self, skip: Skip) -> None:
        """A claim that cannot be sent."""
        self._waiting.skips.append(skip)
        self._wake.set()

    def release(self, delivery_ids: list[int]) -> None:
        """Claims that go back unsent."""
        self._waiting.releases.extend(delivery_ids)
        self._wake.set()

    def postpone(self, delivery_id: int, seconds: float) -> None:
        """A claim that goes back unsent, to be due after so long."""
        self._waiting.postponed.append((delivery_id, clock.now() + timedelta(seconds=seconds)))
        self._wake.set()

    async def run(self) -> None:
        """Write until cancelled; a batch is taken off only once it is committed."""
        while True:
            await self._wake.wait()
            await asyncio.sleep(FLUSH_SECONDS)
            if not await self.flush_once():
                low, high = RETRY_SECONDS
                await asyncio.sleep(min(high, low * 2 ** min(self._failures, 10)))

    async def flush_once(self) -> bool:
        """Write one batch. False: the database would not take it, it stays here and in the journal."""
        waiting = self._waiting
        batch = _Batch(
            waiting.attempts[:MAX_BATCH],
            waiting.skips[:MAX_BATCH],
            waiting.releases[:MAX_BATCH],
            waiting.postponed[:MAX_BATCH],
        )
        if not len(batch):
            self._wake.clear()
            return True
        try:
            await asyncio.to_thread(self._write, batch)
        except StoreError as error:
            self._failures += 1
            if self._failures == 1:
                log.outcomes_wait(reason=str(error), waiting=len(waiting))
            return False
        if self._failures:
            log.outcomes_flow(waiting=len(waiting))
        self._failures = 0
        del waiting.attempts[: len(batch.attempts)]
        del waiting.skips[: len(batch.skips)]
        del waiting.releases[: len(batch.releases)]
        del waiting.postponed[: len(batch.postponed)]
        self._journal.recorded(attempt.delivery_id for attempt in batch.attempts)
        self._journal.recorded([*batch.releases, *(id_ for id_, _ in batch.postponed)])
        if self._watch is not None and (suspects := self._watch.heard(batch.attempts, batch.skips)):
            paused = await asyncio.to_thread(self._watch.pause, suspects)
            self.release(self._let_go(paused))
        if self.is_empty:
            self._wake.clear()
        return True

    def _write(self, batch: _Batch) -> None:
        now = clock.now()
        with self._store.write() as connection:
            self._records.write(connection, batch.attempts, worker_id=self._worker_id, now=now)
            skips = [(skip.delivery_id, skip.reason, skip.words) for skip in batch.skips]
            queries.mark_skipped(connection, skips, worker_id=self._worker_id, now=now)
            queries.release(connection, batch.releases, worker_id=self._worker_id, now=now)
            queries.postpone(connection, batch.postponed, worker_id=self._worker_id)
