""" "Not me, never mail this address": the button that blocks an address for good (D10)."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection

from mailer import clock
from mailer.audit import Ledger
from mailer.store.vocabulary import ALL_LISTS, SkipReason, Stream, SuppressionReason
from mailer.subscribers import queries
from mailer.subscribers.evidence import Evidence
from mailer.subscribers.model import ABSENT, Event, after


def is_denied(connection: Connection, email_hash: bytes) -> bool:
    """Whether the address is blocked already."""
    return SuppressionReason.NOT_ME in queries.reasons_in_scope(connection, email_hash, list_id=ALL_LISTS)


def deny(connection: Connection, ledger: Ledger, email_hash: bytes, evidence: Evidence) -> None:
    """Remember the no for every list, drop what was never confirmed, end what was."""
    now = clock.now()
    person = queries.lock_person_of_hash(connection, email_hash)
    reason = SuppressionReason.NOT_ME
    new = queries.add_suppression(
        connection, email_hash=email_hash, list_id=ALL_LISTS, reason=reason, source="page", now=now
    )
    changed = _withdraw(connection, person, now) if person else 0
    if new or changed:
        said = {"ip": evidence.ip, "user_agent": evidence.user_agent, "language": evidence.language}
        ledger.append(connection, stream=Stream.CONSENT, event="not_me", subject=email_hash, payload=said)


def _withdraw(connection: Connection, person: int, now: datetime) -> int:
    """Take back what was done in the person's name; counts what changed."""
    standings = queries.standings_of_person(connection, person)
    ids = [standing.subscription_id for standing in standings]
    gone = [row.subscription_id for row in standings if after(row.state, Event.DENY) is ABSENT]
    queries.skip_waiting(connection, ids, reason=SkipReason.SUPPRESSED, now=now)
    ended = queries.end_subscriptions(connection, [i for i in ids if i not in gone], now=now)
    removed = queries.remove_subscriptions(connection, gone)
    queries.forget_people_without_subscription(connection, [person])
    return ended + removed
