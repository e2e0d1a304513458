""" "Not me, never mail this address": the button that blocks an address for good (D10)."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection

from mailer import clock
from mailer.audit import Ledger
from mailer.store import Store
from mailer.store.vocabulary import ALL_LISTS, SkipReason, Stream, SuppressionReason
from mailer.subscribers import queries
from mailer.subscribers.evidence import Evidence
from mailer.subscribers.model import ABSENT, Event, after


@dataclass(frozen=True, slots=True)
class NotMeView:
    """What the page behind a not-me link may know."""

    blocked: bool


class Denial:
    """Blocks an address on every list and takes back what was done in its name."""

    def __init__(self, store: Store, ledger: Ledger) -> None:
        self._store = store
        self._ledger = ledger

    def look(self, email_hash: bytes) -> NotMeView:
        """Whether the address is blocked already; changes nothing."""
        with self._store.read() as connection:
            reasons = queries.reasons_in_scope(connection, email_hash, list_id=ALL_LISTS)
        return NotMeView(blocked=SuppressionReason.NOT_ME in reasons)

    def deny(self, email_hash: bytes, evidence: Evidence) -> None:
        """Remember the no, drop what was never confirmed, end what was."""
        now = clock.now()
        with self._store.write() as connection:
            person = queries.lock_person_of_hash(connection, email_hash)
            new = queries.add_suppression(
                connection,
                email_hash=email_hash,
                list_id=ALL_LISTS,
                reason=SuppressionReason.NOT_ME,
                source="page",
                note=None,
                now=now,
            )
            changed = self._withdraw(connection, person) if person else 0
            if new or changed:
                self._ledger.append(
                    connection,
                    stream=Stream.CONSENT,
                    event="not_me",
                    subject=email_hash,
                    payload={
                        "ip": evidence.ip,
                        "user_agent": evidence.user_agent,
                        "language": evidence.language,
                    },
                )

    def _withdraw(self, connection: Connection, person: int) -> int:
        now = clock.now()
        standings = queries.standings_of_person(connection, person)
        ids = [standing.subscription_id for standing in standings]
        gone = [row.subscription_id for row in standings if after(row.state, Event.DENY) is ABSENT]
        queries.skip_waiting(connection, ids, reason=SkipReason.SUPPRESSED, now=now)
        ended = queries.end_subscriptions(connection, [i for i in ids if i not in gone], now=now)
        removed = queries.remove_subscriptions(connection, gone)
        queries.forget_people_without_subscription(connection, [person])
        return ended + removed
