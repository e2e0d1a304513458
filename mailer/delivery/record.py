"""Write outcomes to the delivery table, in batches, with what follows from them (A53, A54)."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from operator import itemgetter
from typing import Any

from sqlalchemy.engine import Connection

from mailer.delivery import queries
from mailer.delivery.model import EVENT_OF, Attempt, Event, Outcome, OutcomeKind, follow
from mailer.delivery.retry import RetryPolicy, wait_after
from mailer.store.lookups import look_up_only
from mailer.store.vocabulary import DeliveryState

#: Suppress one address, by its keyed hash, for a hard bounce, in the caller's transaction; the
#: sentence says which reply it was. From the subscribers room.
SuppressHardBounce = Callable[[Connection, bytes, str], None]


@dataclass(frozen=True)
class Records:
    """How outcomes become rows; recording the same one twice changes nothing."""

    policy: RetryPolicy
    suppress: SuppressHardBounce
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
        queries.record(connection, rows, worker_id=worker_id)
        queries.skip_cancelled(connection, deferred, now=now)
        self._suppress(connection, [a for a in attempts if a.outcome is not None and a.outcome.suppress])

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

    def _suppress(self, connection: Connection, attempts: Sequence[Attempt]) -> None:
        if not attempts:
            return
        # A proof's or an erased row has nobody to suppress.
        hashes = queries.email_hashes_of(connection, [attempt.delivery_id for attempt in attempts])
        outcomes = {a.delivery_id: a.outcome for a in attempts if a.outcome is not None}
        # By hash: two workers that suppress the same people must lock them in one order.
        for delivery_id, email_hash in sorted(hashes.items(), key=itemgetter(1)):
            outcome = outcomes[delivery_id]
            self.suppress(connection, email_hash, f"reply {outcome.reply_code} {outcome.status} to RCPT")


#: The outcome of an intent whose end nobody saw.
UNREAD = Outcome(OutcomeKind.UNKNOWN, reply="The sender stopped before the server's last reply was read.")


def _kind(attempt: Attempt) -> OutcomeKind:
    return (attempt.outcome or UNREAD).kind
