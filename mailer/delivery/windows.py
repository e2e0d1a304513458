"""Where windows of turns are reserved: in the database for a whole site, or in this process alone."""

from __future__ import annotations

import asyncio
import math
from datetime import UTC, datetime
from typing import Protocol

from sqlalchemy import Connection, func, select, update

from mailer import clock
from mailer.delivery.pacing import Window, reserve
from mailer.store import Store
from mailer.store.bulk import insert_or_ignore
from mailer.store.schema import RateWindow

_LONG_AGO = datetime.fromtimestamp(0, UTC)


class Windows(Protocol):
    """Reserves turns; times are those of `clock.monotonic` in this process."""

    interval: float  #: seconds between two turns

    async def reserve(self, count: int, *, ahead: float) -> Window:
        """The next `count` turns, if they begin within `ahead` seconds. Raises StoreError."""


class OwnWindows:
    """The turns of one process that shares its rate with nobody."""

    def __init__(self, rate: float) -> None:
        self.interval = 1.0 / rate
        self._free_at = -math.inf

    async def reserve(self, count: int, *, ahead: float) -> Window:
        """See Windows."""
        window = reserve(
            self._free_at, now=clock.monotonic(), interval=self.interval, count=count, ahead=ahead
        )
        self._free_at = window.free_at
        return window


class SiteWindows:
    """The turns of one route, shared by every worker on every host of a site."""

    def __init__(self, store: Store, route: str, *, rate: float) -> None:
        self._store = store
        self._route = route
        self.interval = 1.0 / rate

    async def reserve(self, count: int, *, ahead: float) -> Window:
        """See Windows."""
        return await asyncio.to_thread(self._reserve, count, ahead)

    def _reserve(self, count: int, ahead: float) -> Window:
        with self._store.write() as connection:
            free_at = _lock_row(connection, self._route)
            # Asked for with the row locked: whoever had it before has reserved by an earlier clock.
            now, here = self._now(connection)
            window = reserve(free_at, now=now, interval=self.interval, count=count, ahead=ahead)
            if window.free_at != free_at:
                _set_row(connection, self._route, window.free_at)
        return Window(window.first - now + here, window.count, window.free_at - now + here)

    def _now(self, connection: Connection) -> tuple[float, float]:
        """One instant on the clock that all workers share, and on the one of this process.

        SQLite has one host, whose monotonic clock no step disturbs: there `next_at` counts from the
        start of the machine. Several hosts agree on the clock of their PostgreSQL only.
        """
        if self._store.is_sqlite:
            return clock.monotonic(), clock.monotonic()
        (now,) = connection.execute(select(func.clock_timestamp())).one()
        return now.timestamp(), clock.monotonic()


def _lock_row(connection: Connection, route: str) -> float:
    """When the first free turn of a route is; long ago if there was none yet."""
    asked = select(RateWindow.next_at).where(RateWindow.route == route).with_for_update()
    found = connection.scalars(asked).one_or_none()
    if found is None:
        # Another worker may be as quick.
        row = insert_or_ignore(connection, RateWindow)
        connection.execute(row, {"route": route, "next_at": _LONG_AGO})
        found = connection.scalars(asked).one()
    return found.timestamp()


def _set_row(connection: Connection, route: str, free_at: float) -> None:
    """Remember the first turn that nobody has reserved."""
    next_at = datetime.fromtimestamp(free_at, UTC)
    connection.execute(update(RateWindow).where(RateWindow.route == route).values(next_at=next_at))
