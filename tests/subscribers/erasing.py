"""Rows to be erased: deliveries in any state, for a subscriber or addressed as a proof is."""

from __future__ import annotations

from typing import Any

from sqlalchemy import insert

from mailer import clock
from mailer.addresses import EmailAddress
from mailer.store.schema import Delivery
from mailer.store.vocabulary import SYSTEM_STREAM, DeliveryKind, DeliveryState
from tests.subscribers.conftest import ADA, Desk

WHY = "asked by phone, 22 November"


def deliver(desk: Desk, state: DeliveryState, address: EmailAddress | None = ADA, **values: Any) -> int:
    """Put one delivery in a state, for a subscriber or (address None) for nobody."""
    waiting = state in (DeliveryState.QUEUED, DeliveryState.DEFERRED)
    row = {
        "stream": SYSTEM_STREAM,
        "kind": DeliveryKind.CONFIRMATION,
        "subscription_id": desk.subscription(address).id if address else None,
        "domain": "example.net",
        "state": state,
        "attempts": 0,
        "next_attempt_at": clock.now() if waiting else None,
        "created_at": clock.now(),
    } | values
    with desk.store.write() as connection:
        return connection.execute(insert(Delivery).values(**row).returning(Delivery.id)).scalar_one()


def proof(desk: Desk, state: DeliveryState, to: str) -> int:
    context = {"artefact": "0" * 64, "address": to, "language": "en", "fields": {"first_name": "Ada"}}
    return deliver(desk, state, None, kind=DeliveryKind.PROOF, context=context)


def stored(desk: Desk, delivery_id: int) -> Any:
    return next(row for row in desk.rows(Delivery) if row.id == delivery_id)
