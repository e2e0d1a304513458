"""Every statement of this room, named; engines and policies call these and write no SQL of their own."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    CursorResult,
    Select,
    and_,
    bindparam,
    case,
    func,
    insert,
    null,
    or_,
    select,
    update,
)
from sqlalchemy.engine import Connection

from mailer.store.schema import Campaign, Delivery, Subscriber, Subscription, Suppression, Worker
from mailer.store.vocabulary import (
    ALL_LISTS,
    CampaignState,
    DeliveryState,
    SkipReason,
    SuppressionReason,
)

_WAITING = (DeliveryState.QUEUED, DeliveryState.DEFERRED)


# --- claiming -----------------------------------------------------------------------------


def sending_campaigns(connection: Connection) -> list[int]:
    """Campaigns whose deliveries may be claimed."""
    rows = connection.execute(
        select(Campaign.id).where(Campaign.state == CampaignState.SENDING).order_by(Campaign.id)
    )
    return [row.id for row in rows]


def _due(stream: int, now: datetime, limit: int) -> Select[Any]:
    """Due rows of one stream, oldest first: reads ix_deliveries_due alone, whatever the table's size."""
    return (
        select(Delivery.id)
        .where(Delivery.stream == stream, Delivery.next_attempt_at <= now)
        .order_by(Delivery.next_attempt_at, Delivery.id)
        .limit(limit)
    )


def is_due(connection: Connection, stream: int, now: datetime) -> bool:
    """Whether a claim on this stream would find anything; asked before taking the write lock."""
    return connection.execute(_due(stream, now, 1)).first() is not None


def due_ids(connection: Connection, stream: int, now: datetime, limit: int) -> list[int]:
    """Due rows of one stream, locked against other claimers on PostgreSQL."""
    statement = _due(stream, now, limit).with_for_update(skip_locked=True)
    return [row.id for row in connection.execute(statement)]


def _eligibility() -> Select[Any]:
    """A delivery beside all that decides whether it may leave."""
    return (
        select(
            Delivery.id,
            Delivery.kind,
            Delivery.stream,
            Delivery.state,
            Delivery.worker_id,
            Delivery.subscription_id,
            Delivery.context,
            Delivery.attempts,
            Delivery.created_at,
            Subscription.tag.label("subscription_tag"),
            Subscription.state.label("subscription_state"),
            Subscription.list_id,
            Subscriber.email,
            Subscriber.email_hash,
            Subscriber.language,
            Subscriber.fields,
            Campaign.state.label("campaign_state"),
            Campaign.tag.label("campaign_tag"),
            Campaign.artefact_hash,
        )
        .select_from(Delivery)
        .outerjoin(Subscription, Subscription.id == Delivery.subscription_id)
        .outerjoin(Subscriber, Subscriber.id == Subscription.subscriber_id)
        .outerjoin(Campaign, Campaign.id == Delivery.campaign_id)
        .where(Delivery.id.in_(bindparam("ids", expanding=True)))
        .order_by(Delivery.id)
    )


_ELIGIBILITY = _eligibility()


def eligibility(connection: Connection, ids: Sequence[int]) -> Sequence[Any]:
    """What decides whether each of these may leave, as it stands in this transaction (law 3)."""
    return connection.execute(_ELIGIBILITY, {"ids": list(ids)}).all()


_SUPPRESSIONS = select(Suppression.email_hash, Suppression.list_id, Suppression.reason).where(
    Suppression.email_hash.in_(bindparam("hashes", expanding=True))
)


def suppressions(
    connection: Connection, hashes: Sequence[bytes]
) -> dict[bytes, list[tuple[int, SuppressionReason]]]:
    """The suppressions of these addresses, by keyed hash: list (0: every list) and reason."""
    found: dict[bytes, list[tuple[int, SuppressionReason]]] = {}
    if hashes:
        for row in connection.execute(_SUPPRESSIONS, {"hashes": list(hashes)}):
            found.setdefault(bytes(row.email_hash), []).append((row.list_id, row.reason))
    return found


def applies_to(list_id: int, suppressed_list: int) -> bool:
    """Whether a suppression on `suppressed_list` covers `list_id`."""
    return suppressed_list in (ALL_LISTS, list_id)


_CLAIM = (
    update(Delivery)
    .where(Delivery.id.in_(bindparam("ids", expanding=True)), Delivery.state.in_(_WAITING))
    .values(state=DeliveryState.ATTEMPTING, worker_id=bindparam("worker"), next_attempt_at=None)
)


def mark_claimed(connection: Connection, ids: Sequence[int], *, worker_id: int) -> int:
    """Hand waiting rows to a worker; returns how many were still waiting."""
    if not ids:
        return 0
    result: CursorResult[Any] = connection.execute(_CLAIM, {"ids": list(ids), "worker": worker_id})
    return result.rowcount


_SKIP = (
    update(Delivery)
    .where(
        Delivery.id == bindparam("b_id"),
        or_(
            Delivery.next_attempt_at.is_not(None),  # waiting; an executemany takes no IN list
            and_(Delivery.state == DeliveryState.ATTEMPTING, Delivery.worker_id == bindparam("b_worker")),
        ),
    )
    .values(
        state=DeliveryState.SKIPPED,
        skip_reason=bindparam("b_reason"),
        reply=bindparam("b_reply"),
        settled_at=bindparam("b_now"),
        next_attempt_at=None,
        worker_id=None,
    )
)


def mark_skipped(
    connection: Connection,
    skips: Iterable[tuple[int, SkipReason, str | None]],
    *,
    worker_id: int,
    now: datetime,
) -> None:
    """Settle rows without an attempt, each with its reason and, if any, a sentence."""
    rows = [
        {"b_id": id_, "b_reason": reason, "b_reply": words, "b_worker": worker_id, "b_now": now}
        for id_, reason, words in skips
    ]
    if rows:
        connection.execute(_SKIP, rows)


# --- giving back --------------------------------------------------------------------------

_RELEASE = (
    update(Delivery)
    .where(
        Delivery.id.in_(bindparam("ids", expanding=True)),
        Delivery.state == DeliveryState.ATTEMPTING,
        Delivery.worker_id == bindparam("worker"),
    )
    .values(
        state=case((Delivery.attempts == 0, DeliveryState.QUEUED), else_=DeliveryState.DEFERRED),
        next_attempt_at=bindparam("now"),
        worker_id=None,
    )
)
_CANCELLED = (
    update(Delivery)
    .where(
        Delivery.id.in_(bindparam("ids", expanding=True)),
        Delivery.state.in_(_WAITING),
        Delivery.campaign_id.in_(select(Campaign.id).where(Campaign.state == CampaignState.CANCELLED)),
    )
    .values(
        state=DeliveryState.SKIPPED,
        skip_reason=SkipReason.CANCELLED,
        settled_at=bindparam("now"),
        next_attempt_at=None,
    )
)


def release(connection: Connection, ids: Sequence[int], *, worker_id: int, now: datetime) -> int:
    """Give claims back without counting an attempt; those of a cancelled campaign are skipped."""
    if not ids:
        return 0
    result: CursorResult[Any] = connection.execute(
        _RELEASE, {"ids": list(ids), "worker": worker_id, "now": now}
    )
    skip_cancelled(connection, ids, now=now)
    return result.rowcount


def skip_cancelled(connection: Connection, ids: Sequence[int], *, now: datetime) -> None:
    """Rows that went back to waiting while their campaign was cancelled wait for nothing."""
    if ids:
        connection.execute(_CANCELLED, {"ids": list(ids), "now": now})


# --- recording ----------------------------------------------------------------------------

#: No subscription and no addressee of its own: the person was erased.
_NOBODY = and_(Delivery.subscription_id.is_(None), Delivery.context.is_(null()))
_RECORD = (
    update(Delivery)
    .where(
        Delivery.id == bindparam("b_id"),
        Delivery.state == DeliveryState.ATTEMPTING,
        Delivery.worker_id == bindparam("b_worker"),
        Delivery.attempts == bindparam("b_number") - 1,
    )
    .values(
        state=bindparam("b_state"),
        attempts=bindparam("b_number"),
        next_attempt_at=bindparam("b_next"),
        settled_at=bindparam("b_settled"),
        attempted_at=bindparam("b_attempted"),
        reply_code=bindparam("b_code"),
        status=bindparam("b_status"),
        # Erased while it was in flight: a reply often quotes the address.
        reply=case((_NOBODY, None), else_=bindparam("b_reply")),
        message_id=bindparam("b_message_id"),
        digest=bindparam("b_digest"),
        worker_id=None,
    )
)


def record(connection: Connection, rows: Sequence[dict[str, Any]]) -> None:
    """Write outcomes; a row that is no longer this worker's, or is an attempt further, is left alone."""
    if rows:
        connection.execute(_RECORD, list(rows))


def email_hashes_of(connection: Connection, ids: Sequence[int]) -> dict[int, bytes]:
    """The keyed hash of the address behind each of these deliveries, where there still is one."""
    statement = (
        select(Delivery.id, Subscriber.email_hash)
        .join(Subscription, Subscription.id == Delivery.subscription_id)
        .join(Subscriber, Subscriber.id == Subscription.subscriber_id)
        .where(Delivery.id.in_(list(ids)))
    )
    return {row.id: bytes(row.email_hash) for row in connection.execute(statement)}


def give_up_hours_of(connection: Connection, ids: Sequence[int]) -> dict[int, int]:
    """The shorter retry life of these deliveries' campaigns, where one is set."""
    statement = (
        select(Delivery.id, Campaign.give_up_hours)
        .join(Campaign, Campaign.id == Delivery.campaign_id)
        .where(Delivery.id.in_(list(ids)), Campaign.give_up_hours.is_not(None))
    )
    return {row.id: row.give_up_hours for row in connection.execute(statement)}


# --- workers ------------------------------------------------------------------------------


def add_worker(connection: Connection, *, host: str, pid: int, journal: str, now: datetime) -> int:
    """Register a worker; its id marks its claims."""
    result = connection.execute(
        insert(Worker)
        .values(host=host, pid=pid, journal=journal, started_at=now, heartbeat_at=now)
        .returning(Worker.id)
    )
    return int(result.scalar_one())


def beat(connection: Connection, worker_id: int, *, now: datetime) -> bool:
    """Say that the worker lives. False: others have taken its claims meanwhile."""
    result: CursorResult[Any] = connection.execute(
        update(Worker).where(Worker.id == worker_id, Worker.stopped_at.is_(None)).values(heartbeat_at=now)
    )
    return result.rowcount == 1


def stop_worker(connection: Connection, worker_id: int, *, now: datetime) -> bool:
    """Close a worker's row; False if somebody else has."""
    result: CursorResult[Any] = connection.execute(
        update(Worker).where(Worker.id == worker_id, Worker.stopped_at.is_(None)).values(stopped_at=now)
    )
    return result.rowcount == 1


def running_workers(connection: Connection, *, besides: int | None) -> Sequence[Any]:
    """Workers that never said they stopped: id, host, pid, journal, heartbeat_at."""
    statement = select(Worker.id, Worker.host, Worker.pid, Worker.journal, Worker.heartbeat_at).where(
        Worker.stopped_at.is_(None)
    )
    if besides is not None:
        statement = statement.where(Worker.id != besides)
    return connection.execute(statement.order_by(Worker.id)).all()


def claimed_by(connection: Connection, worker_id: int) -> dict[int, int]:
    """Rows a worker holds, with the attempts counted so far."""
    rows = connection.execute(
        select(Delivery.id, Delivery.attempts).where(
            Delivery.worker_id == worker_id, Delivery.state == DeliveryState.ATTEMPTING
        )
    )
    return {row.id: row.attempts for row in rows}


def counts(connection: Connection) -> dict[DeliveryState, int]:
    """Deliveries per state, of the whole site."""
    rows = connection.execute(select(Delivery.state, func.count()).group_by(Delivery.state))
    return {row[0]: row[1] for row in rows}
