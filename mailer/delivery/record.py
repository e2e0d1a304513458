"""Write outcomes to the delivery table, in batches, with what follows from them (A53, A54)."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.engine import Connection

from mailer.delivery import queries
from mailer.delivery.model import EVENT_OF, Attempt, Event, Outcome, OutcomeKind, follow
from mailer.delivery.retry import RetryPolicy, wait_after
from mailer.store.lookups import look_up_only
from mailer.store.vocabulary import DeliveryState

#: What follows for people from attempts that were refused for good, or once too often, in the
#: caller's transaction. From the room of bounces: a refusal to our face is a bounce like any other.
Bounced = Callable[[Connection, Sequence[Attempt]], None]

_ENDED_BADLY = frozenset({DeliveryState.REJECTED, DeliveryState.EXPIRED})


@dataclass(frozen=True)
class Records:
    """How outcomes become rows; recording the same one twice changes nothing."""

    policy: RetryPolicy
    bounced: Bounced
    jitter: Callable[[], float] = random.random

    def write(
        self, connection: Connection, attempts: Sequence[Attempt], *, worker_id: int, now: datetime
    ) -> None:
        """Record attempts that have an outcome; those of ROUTE_DOWN belong to `queries.release`."""
        look_up_only(connection)
        deferred = [a.delivery_id for a in attempts if _kind(a) is OutcomeKind.DEFERRED]
        shorter = queries.give_up_hours_of(connection, deferred) if deferred else {}
        rows = [
            self._row(attempt, now=now, give_up_hours=shorter.get(attempt.delivery_id))
            for attempt in attempts
        ]
        failed = [attempt for attempt, row in zip(attempts, rows, strict=True) if row[2] in _ENDED_BADLY]
        # Asked before they are written: what is recorded twice has bounced once.
        news = (
            queries.in_hand(connection, [a.delivery_id for a in failed], worker_id=worker_id)
            if failed
            else {}
        )
        queries.record(connection, rows, worker_id=worker_id)
        queries.skip_cancelled(connection, deferred, now=now)
        bounced = [attempt for attempt in failed if news.get(attempt.delivery_id) == attempt.number - 1]
        if bounced:
            self.bounced(connection, bounced)

    def _row(self, attempt: Attempt, *, now: datetime, give_up_hours: int | None) -> tuple[Any, ...]:
        outcome = attempt.outcome or UNREAD
        event = EVENT_OF[outcome.kind]
        wait = None
        if event is Event.DEFER:
            policy = self.policy.shortened(give_up_hours)
            wait = wait_after(policy, attempt.number, jitter=self.jitter())
            event = Event.DEFER if wait is not None else Event.EXPIRE
        return (
            attempt.delivery_id,
            attempt.number,
            follow(DeliveryState.ATTEMPTING, event),
            now + wait if wait is not None else None,
            now if wait is None else None,
            attempt.attempted_at,
            outcome.reply_code,
            outcome.status,
            outcome.reply,
            attempt.message_id,
            attempt.digest,
            attempt.relay,
        )


#: The outcome of an intent whose end nobody saw.
UNREAD = Outcome(OutcomeKind.UNKNOWN, reply="The sender stopped before the server's last reply was read.")


def _kind(attempt: Attempt) -> OutcomeKind:
    return (attempt.outcome or UNREAD).kind
