"""The deliveries that staff ask to see, read from the database."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.engine import Connection

from mailer.store.schema import Campaign, Delivery, Subscriber, Subscription
from mailer.store.vocabulary import DeliveryState


def _listing() -> Select[Any]:
    columns: tuple[Any, ...] = (
        Delivery.id,
        Delivery.kind,
        Campaign.slug.label("campaign"),
        Subscriber.email,
        Delivery.domain,
        Delivery.state,
        Delivery.skip_reason,
        Delivery.attempts,
        Delivery.next_attempt_at,
        Delivery.attempted_at,
        Delivery.settled_at,
        Delivery.reply_code,
        Delivery.status,
        Delivery.reply,
        Delivery.message_id,
        Delivery.digest,
        Delivery.created_at,
    )
    return (
        select(*columns)
        .select_from(Delivery)
        .outerjoin(Campaign, Campaign.id == Delivery.campaign_id)
        .outerjoin(Subscription, Subscription.id == Delivery.subscription_id)
        .outerjoin(Subscriber, Subscriber.id == Subscription.subscriber_id)
    )


def rows(
    connection: Connection, *, state: DeliveryState | None, campaign: str | None, limit: int
) -> Sequence[Any]:
    """Deliveries for staff to read, newest first."""
    statement = _listing().order_by(Delivery.id.desc()).limit(limit)
    if state is not None:
        statement = statement.where(Delivery.state == state)
    if campaign is not None:
        statement = statement.where(Campaign.slug == campaign)
    return connection.execute(statement).all()


def one(connection: Connection, delivery_id: int) -> Any | None:
    """One delivery for staff to read."""
    return connection.execute(_listing().where(Delivery.id == delivery_id)).first()
