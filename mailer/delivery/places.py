"""How far a worker has read in each stream, so that no claim walks over what the ones before it took.

PostgreSQL keeps the index entries of rows that were claimed until it vacuums: read from the beginning,
each claim of a long campaign would be slower than the one before. SQLite keeps none.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy.engine import Connection

from mailer import clock
from mailer.delivery import queries
from mailer.delivery.queries import Candidate

# A row can become due behind a worker's place: another host's clock is late, a claimer that had
# locked it was killed. So the beginning is looked at again, seldom while there is enough to do...
WHOLE_SECONDS = 10.0
# ...and soon when there is not.
SHORT_SECONDS = 1.0


class Places:
    """One worker's places."""

    def __init__(self) -> None:
        self._places: dict[int, queries.Place] = {}
        self._looked_at: dict[int, float] = {}  #: clock.monotonic() of the last look from the beginning

    def due(self, connection: Connection, stream: int, now: datetime, *, limit: int) -> list[Candidate]:
        """Due rows of a stream, the oldest first; those behind the place are found some seconds later."""
        place = self._places.get(stream)
        age = clock.monotonic() - self._looked_at.get(stream, -WHOLE_SECONDS)
        if place is not None and age < WHOLE_SECONDS:
            rows = queries.due(connection, stream, now, limit=limit, after=place)
            if len(rows) == limit or age < SHORT_SECONDS:
                return rows
        self._looked_at[stream] = clock.monotonic()
        return queries.due(connection, stream, now, limit=limit)

    def passed(self, rows: Iterable[Candidate]) -> None:
        """These rows were taken, in this order, and are committed."""
        for stream, row in {row.stream: row for row in rows}.items():
            self._places[stream] = queries.Place(row.due_at, row.id)
