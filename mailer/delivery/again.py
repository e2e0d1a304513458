"""Put deliveries that had come to an end back to be sent, with the campaign they belong to."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.engine import Connection

from mailer.audit import Ledger
from mailer.campaigns import control
from mailer.delivery import queries
from mailer.store.schema import Campaign, Delivery
from mailer.store.vocabulary import SYSTEM_STREAM, CampaignState, DeliveryState


def put_back(
    connection: Connection,
    ledger: Ledger,
    ids: Collection[int],
    *,
    was: Collection[DeliveryState],
    now: datetime,
    reason: str,
) -> set[int]:
    """Make these deliveries due now, if they are still in one of the states `was`; returns which were.

    The next attempt carries the same Message-ID, which is made from the delivery's id (A56). A
    finished campaign sends again; in a cancelled one they are skipped.
    """
    moved = connection.execute(
        update(Delivery)
        .where(Delivery.id.in_(list(ids)), Delivery.state.in_(list(was)))
        .values(state=DeliveryState.DEFERRED, next_attempt_at=now, settled_at=None, skip_reason=None)
        .returning(Delivery.id, Delivery.stream)
    ).all()
    streams = {row.stream for row in moved} - {SYSTEM_STREAM}
    control.reopen(connection, ledger, streams, reason=reason)
    found = {row.id for row in moved}
    queries.skip_cancelled(connection, sorted(found), now=now)
    return found


def held_campaigns(connection: Connection, streams: Collection[int]) -> dict[str, CampaignState]:
    """Which of these campaigns do not send at the moment, by slug, and why not."""
    statement = select(Campaign.slug, Campaign.state).where(
        Campaign.id.in_(list(streams)), Campaign.state != CampaignState.SENDING
    )
    return {row.slug: row.state for row in connection.execute(statement)}
