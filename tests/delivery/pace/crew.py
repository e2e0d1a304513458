"""Several workers of one site on a real database, in a time that tests set."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from unittest import mock

from mailer import clock
from mailer.delivery import queries
from mailer.delivery.model import Outcome, OutcomeKind
from mailer.delivery.pace import MailServers, Paces
from mailer.settings import Settings
from mailer.store import Store

ACCEPTED = Outcome(OutcomeKind.ACCEPTED, 250, "2.0.0", "2.0.0 Ok")
SLOW_DOWN = Outcome(OutcomeKind.DEFERRED, 451, "4.7.1", "4.7.1 slow down, please")
GMAIL_RATE = Outcome(
    OutcomeKind.DEFERRED,
    421,
    "4.7.28",
    "4.7.28 Gmail has detected an unusual rate of mail from your IP address",
)
FAR = datetime(2100, 1, 1, tzinfo=UTC)


@dataclass
class Time:
    """Seconds that a test sets, on both clocks."""

    now: float = datetime(2026, 11, 23, 9, tzinfo=UTC).timestamp()

    def instant(self) -> datetime:
        return datetime.fromtimestamp(self.now, UTC)

    def monotonic(self) -> float:
        return self.now


@contextmanager
def set_time() -> Iterator[Time]:
    """Both clocks of the program show it."""
    time = Time()
    with mock.patch.object(clock, "now", time.instant), mock.patch.object(clock, "monotonic", time.monotonic):
        yield time


async def no_servers(domain: str) -> MailServers:
    """A DNS in which no domain has a mail server."""
    return MailServers((), 3600.0)


@dataclass
class Crew:
    """Workers with their paces; every other one reaches the database through a pool of its own, as a host does."""

    stores: list[Store]
    settings: Settings
    count: int = 4
    paces: list[Paces] = field(default_factory=list)

    def start(self) -> Crew:
        """Processes that know what the table has, and nothing else."""
        ids = []
        with self.stores[0].write() as connection:
            connection.exec_driver_sql("DELETE FROM workers")
            for number in range(self.count):
                host = f"host{number % 2}"
                ids.append(queries.add_worker(connection, host=host, pid=number, journal="/j", now=FAR))
        self.paces = [
            Paces(self.stores[n % len(self.stores)], self.settings, worker_id=id_, lookup=no_servers)
            for n, id_ in enumerate(ids)
        ]
        self.exchange()
        return self

    def exchange(self, *only: int) -> None:
        """All, or these, tell and ask the others."""
        asyncio.run(self._exchange([self.paces[n] for n in only] if only else self.paces))

    async def _exchange(self, some: list[Paces]) -> None:
        for one in some:
            await one.refresh()

    def each(self, method: str, *args: Any, **options: Any) -> list[Any]:
        """What every worker answers."""
        return [getattr(one, method)(*args, **options) for one in self.paces]
