"""Read the deliveries whose end nobody saw and their witnesses; write down what they turned out to be."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, bindparam, null, select, update
from sqlalchemy.engine import Connection

from mailer.store.schema import Campaign, Delivery
from mailer.store.vocabulary import DeliveryState

# Neighbours on each side: a log that lacks one of them is another's, or has a hole just there.
WITNESSES_EACH_SIDE = 3


@dataclass(frozen=True, slots=True)
class Known:
    """A delivery and by what a log would know it."""

    id: int
    attempts: int
    attempted_at: datetime
    relay: str | None
    message_id: str | None


@dataclass(frozen=True, slots=True)
class Chosen:
    """Which deliveries to settle: single ones, those of a campaign, or all."""

    ids: frozenset[int] = frozenset()
    campaign: str | None = None

    def as_record(self) -> dict[str, object]:
        """What was asked, for the ledger."""
        named: dict[str, object] = {"ids": sorted(self.ids), "campaign": self.campaign}
        return {name: value for name, value in named.items() if value}


def unknown(connection: Connection, chosen: Chosen) -> list[Known]:
    """The chosen deliveries that are unknown, in order."""
    statement = _known().where(Delivery.state == DeliveryState.UNKNOWN).order_by(Delivery.id)
    if chosen.ids:
        statement = statement.where(Delivery.id.in_(chosen.ids))
    if chosen.campaign is not None:
        statement = statement.where(
            Delivery.campaign_id.in_(select(Campaign.id).where(Campaign.slug == chosen.campaign))
        )
    return [_as_known(row) for row in connection.execute(statement)]


def witnesses(connection: Connection, delivery_id: int, relay: str) -> list[Known]:
    """Accepted deliveries next to this one by id, which went to the same relay and were answered by it."""
    taken = _known().where(
        Delivery.state == DeliveryState.ACCEPTED,
        # What an operator's word made accepted has no reply, and proves nothing about a log.
        Delivery.reply_code.is_not(None),
        Delivery.relay == relay,
        Delivery.message_id.is_not(None),
        Delivery.attempted_at.is_not(None),
    )
    before = taken.where(Delivery.id < delivery_id).order_by(Delivery.id.desc()).limit(WITNESSES_EACH_SIDE)
    after = taken.where(Delivery.id > delivery_id).order_by(Delivery.id).limit(WITNESSES_EACH_SIDE)
    return [_as_known(row) for part in (before, after) for row in connection.execute(part)]


def still_unknown(connection: Connection, ids: Collection[int]) -> dict[int, int]:
    """Which of these are unknown at this moment, locked, each with its attempts."""
    statement = (
        select(Delivery.id, Delivery.attempts)
        .where(Delivery.id.in_(list(ids)), Delivery.state == DeliveryState.UNKNOWN)
        .order_by(Delivery.id)
        .with_for_update()
    )
    return {row.id: row.attempts for row in connection.execute(statement)}


def accept(
    connection: Connection, ids: Collection[int], *, was: Collection[DeliveryState], now: datetime
) -> set[int]:
    """Call these accepted, if they are still in one of the states `was`; returns which were."""
    statement = (
        update(Delivery)
        .where(Delivery.id.in_(list(ids)), Delivery.state.in_(list(was)))
        .values(state=DeliveryState.ACCEPTED, settled_at=now, next_attempt_at=None)
        .returning(Delivery.id)
    )
    return set(connection.scalars(statement))


_SAY = (
    update(Delivery)
    .where(Delivery.id == bindparam("b_id"))
    .values(reply=bindparam("b_words"), reply_code=null(), status=null())
)


def say(connection: Connection, words: Sequence[tuple[int, str]]) -> None:
    """Keep how each was settled in the place of a reply, which there was none to read."""
    if words:
        connection.execute(_SAY, [{"b_id": id_, "b_words": text} for id_, text in words])


def _known() -> Select[Any]:
    columns: tuple[Any, ...] = (
        Delivery.id,
        Delivery.attempts,
        Delivery.attempted_at,
        Delivery.created_at,
        Delivery.relay,
        Delivery.message_id,
    )
    return select(*columns)


def _as_known(row: Any) -> Known:
    at = row.attempted_at or row.created_at
    return Known(row.id, row.attempts, at, row.relay, row.message_id)
