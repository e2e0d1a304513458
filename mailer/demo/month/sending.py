"""Sends what is due by the real engine, a portion at a time, so that a simulated hour can pass in between."""

from __future__ import annotations

import asyncio
import os
import socket
from collections import Counter
from collections.abc import Callable, Mapping

from mailer import clock
from mailer.application import Site
from mailer.delivery import queries
from mailer.delivery.claim import Claim, Claims
from mailer.delivery.engine import Engine, EngineOptions
from mailer.delivery.journal import Journal
from mailer.delivery.record import Records
from mailer.delivery.relays import Relay, Relays
from mailer.delivery.worker import retry_policy
from mailer.demo.month.courier import WorldCourier
from mailer.demo.month.original import Coming
from mailer.demo.month.people import Person
from mailer.demo.month.world import World

_LOOK_SECONDS = 0.01
# Retries are spread by chance; here all of them wait the time that the schedule names.
_NO_JITTER = 0.5
# The engine leaves a tenth of what it may hold free for system mail.
_HELD_PER_CLAIM = 1.2


class _Portion(Claims):
    """Claims that end after so many: the rest stays due."""

    def __init__(self, site: Site, worker_id: int, size: int) -> None:
        super().__init__(site.store, worker_id)
        self._left = size
        self.taken = 0
        self.is_over = False

    def take_campaigns(self, limit: int) -> list[Claim]:
        """As the engine asks, until the portion is used up or nothing is due."""
        found = super().take_campaigns(min(limit, self._left)) if self._left else []
        self.taken += len(found)
        self._left -= len(found)
        self.is_over = self.is_over or not found
        return found


class Sending:
    """One worker for the whole month; `close` signs it off."""

    def __init__(
        self, site: Site, world: World, people: Mapping[str, Person], *, comes_back: Callable[[Coming], None]
    ) -> None:
        self._site = site
        self._world = world
        self._people = people
        self._comes_back = comes_back
        self._attempts: Counter[tuple[int, str]] = Counter()
        self._journal = Journal.create(site.folder.data / "journals")
        with site.store.write() as connection:
            self._worker_id = queries.add_worker(
                connection,
                host=socket.gethostname(),
                pid=os.getpid(),
                journal=str(self._journal.path),
                now=clock.now(),
            )

    def send(self, size: int) -> int:
        """Send at most so many of what is due; returns how many were tried."""
        return asyncio.run(self._send(size))

    def close(self) -> None:
        """The worker has ended, and left nothing behind."""
        with self._site.store.write() as connection:
            queries.stop_worker(connection, self._worker_id, now=clock.now())
        self._journal.close(remove=True)

    async def _send(self, size: int) -> int:
        portion, stop = _Portion(self._site, self._worker_id, size), asyncio.Event()
        ending = asyncio.create_task(self._end(portion, stop))
        try:
            await self._engine(portion, size).run(stop)
        finally:
            ending.cancel()
        return portion.taken

    async def _end(self, portion: _Portion, stop: asyncio.Event) -> None:
        """Say stop once all that was claimed is on record."""
        # The engine says nothing when it idles: it would go on for ever.
        while not (portion.is_over and await asyncio.to_thread(self._has_recorded)):  # noqa: ASYNC110 (no event says so)
            await asyncio.sleep(_LOOK_SECONDS)
        stop.set()

    def _has_recorded(self) -> bool:
        with self._site.store.read() as connection:
            return not queries.claimed_by(connection, self._worker_id)

    def _engine(self, portion: Claims, size: int) -> Engine:
        settings = self._site.settings
        relay = Relay("main", connections=1, new_courier=self._courier)
        return Engine(
            self._site.store,
            worker_id=self._worker_id,
            claims=portion,
            records=Records(
                retry_policy(settings), self._site.deciding.smtp_bounces, jitter=lambda: _NO_JITTER
            ),
            journal=self._journal,
            messages=self._site.messages,
            relays=Relays([relay]),
            options=EngineOptions(batch_size=int(size * _HELD_PER_CLAIM) + 10, sends_system=False),
        )

    def _courier(self) -> WorldCourier:
        smtp = next(iter(self._site.settings.smtp.values()))
        return WorldCourier(
            f"{smtp.host}:{smtp.port}",
            self._world,
            self._people,
            comes_back=self._comes_back,
            attempts=self._attempts,
        )
