"""Write what people said no to in the old tool: remembered by hash, at once, for good (B20)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select

from mailer.store.bulk import insert_or_ignore
from mailer.store.schema import Subscription, Suppression
from mailer.store.vocabulary import ALL_LISTS, SkipReason
from mailer.subscribers import queries
from mailer.subscribers.importing.decisions import SUPPRESSED_AS
from mailer.subscribers.importing.model import Decided, Target
from mailer.subscribers.model import SUPPRESSION_POLICY


def suppress_all(
    connection: Connection, target: Target, decided: Sequence[Decided], *, now: datetime
) -> None:
    """Remember every no, settle what waits for those people, end what the policy says it ends."""
    if not decided:
        return
    values = [_suppression(one, target, now) for one in decided]
    connection.execute(insert_or_ignore(connection, Suppression), values)
    known = [one for one in decided if one.held.subscriber_id is not None]
    for everywhere in (False, True):
        people = [one for one in known if SUPPRESSED_AS[one.row.standing][1] is everywhere]
        if people:
            _stop(connection, people, list_id=None if everywhere else target.list_id, now=now)


def refusal_payload(one: Decided, target: Target) -> dict[str, object]:
    """What the ledger keeps of one remembered no."""
    reason, everywhere = SUPPRESSED_AS[one.row.standing]
    return {
        "reason": reason.value,
        "list": None if everywhere else target.list_name,
        "why": one.row.standing.value,
        "by": target.source,
        "origin": target.origin,
        "line": one.row.line,
        "since": one.row.since.isoformat() if one.row.since else None,
    }


def _suppression(one: Decided, target: Target, now: datetime) -> dict[str, Any]:
    reason, everywhere = SUPPRESSED_AS[one.row.standing]
    return {
        "email_hash": one.row.email_hash,
        "list_id": ALL_LISTS if everywhere else target.list_id,
        "reason": reason,
        "source": target.source,
        "note": one.row.standing.value,
        "created_at": now,
    }


def _stop(connection: Connection, people: Sequence[Decided], *, list_id: int | None, now: datetime) -> None:
    """What waits for them is settled; what they themselves said no to is ended."""
    where = Subscription.subscriber_id.in_([one.held.subscriber_id for one in people])
    query = select(Subscription.id, Subscription.subscriber_id).where(where)
    if list_id is not None:
        query = query.where(Subscription.list_id == list_id)
    found = connection.execute(query).all()
    queries.skip_waiting(connection, [row.id for row in found], reason=SkipReason.SUPPRESSED, now=now)
    ending = {one.held.subscriber_id for one in people if _ends(one)}
    ended = [row.id for row in found if row.subscriber_id in ending]
    queries.end_subscriptions(connection, ended, now=now)


def _ends(one: Decided) -> bool:
    return SUPPRESSION_POLICY[SUPPRESSED_AS[one.row.standing][0]].ends_subscriptions
