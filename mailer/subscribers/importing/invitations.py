"""Pace for the confirmation mails that `import --invite` queues, so that people at the form never wait."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta

from sqlalchemy import Connection, func, select

from mailer.settings import PrivacySettings
from mailer.store.schema import Delivery, SignupCount
from mailer.store.vocabulary import SYSTEM_STREAM, DeliveryKind, DeliveryState
from mailer.subscribers.caps import ADDRESS, Caps
from mailer.subscribers.importing.rows import ImportRow

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
            Delivery.state == DeliveryState.QUEUED,
        )
    )


def cap_keys(caps: Caps, rows: Collection[ImportRow]) -> dict[bytes, bytes]:
    """The counter of each address, by the address's hash."""
    return {row.email_hash: caps.keys(row.address, None, kinds=frozenset({ADDRESS}))[ADDRESS] for row in rows}


def capped(
    connection: Connection, keys: Mapping[bytes, bytes], privacy: PrivacySettings, now: datetime
) -> set[bytes]:
    """Whose caps per day or month another confirmation mail would break (D8), by the address's hash."""
    over: set[bytes] = set()
    limits = ((timedelta(hours=24), privacy.per_address_day), (timedelta(days=30), privacy.per_address_month))
    for window, limit in limits:
        over |= set(
            connection.scalars(
                select(SignupCount.key_hash)
                .where(
                    SignupCount.key_hash.in_(list(keys.values())),
                    SignupCount.window_at > now - window - _HOUR,
                )
                .group_by(SignupCount.key_hash)
                .having(func.sum(SignupCount.count) >= limit)
            )
        )
    return {email_hash for email_hash, key in keys.items() if key in over}
