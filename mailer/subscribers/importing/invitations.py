"""Pace for the confirmation mails that `import --invite` queues, so that people at the form never wait."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Connection, func, select

from mailer.store.schema import Delivery
from mailer.store.vocabulary import SYSTEM_STREAM, DeliveryKind, DeliveryState

_HOUR = timedelta(hours=1)


class Pacer:
    """Hands out due times, so many an hour, after the last invitation that is queued already."""

    def __init__(self, per_hour: int, now: datetime) -> None:
        self._step = _HOUR / per_hour
        self._next = now

    def start_after(self, queued: datetime | None) -> None:
        """Begin behind the invitations of an earlier import."""
        if queued is not None:
            self._next = max(self._next, queued + self._step)

    def peek(self, count: int) -> list[datetime]:
        """The next due times; they are taken only by `take`, when the slice is written."""
        return [self._next + number * self._step for number in range(count)]

    def take(self, count: int) -> None:
        """These many due times are used."""
        self._next += count * self._step


def last_queued(connection: Connection) -> datetime | None:
    """When the last confirmation mail in the queue is due."""
    return connection.scalar(
        select(func.max(Delivery.next_attempt_at)).where(
            Delivery.stream == SYSTEM_STREAM,
            Delivery.kind == DeliveryKind.CONFIRMATION,
            Delivery.next_attempt_at.is_not(None),
            Delivery.state == DeliveryState.QUEUED,
        )
    )
