"""Every statement of this room, named; engines and policies call these and write no SQL of their own."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import (
    BigInteger,
    CursorResult,
    Integer,
    LargeBinary,
    Select,
    String,
    Text,
    Update,
    and_,
    bindparam,
    case,
    cast,
    insert,
    literal,
    null,
    or_,
    select,
    text,
    tuple_,
    type_coerce,
    update,
)
from sqlalchemy.engine import Connection
from sqlalchemy.types import NullType, TypeEngine

from mailer import clock
from mailer.store.among import among
from mailer.store.row_update import Given, RowUpdate
from mailer.store.schema import CLAIMED, Campaign, Delivery, Subscriber, Subscription, Suppression, Worker
from mailer.store.types import EnumText, UtcDateTime
from mailer.store.vocabulary import (
    ALL_LISTS,
    CampaignState,
    DeliveryState,
    SkipReason,
    SuppressionReason,
)

# --- claiming -----------------------------------------------------------------------------


class ClaimedCampaign(NamedTuple):
    """What a claim takes from its campaign."""

    id: int
    state: CampaignState
    tag: bytes
    artefact_hash: str


_CAMPAIGN = select(Campaign.id, Campaign.state, Campaign.tag, Campaign.artefact_hash)
_SENDING = _CAMPAIGN.where(Campaign.state == CampaignState.SENDING).order_by(Campaign.id)
_CAMPAIGNS = _CAMPAIGN.where(among(Campaign.id))


def sending_campaigns(connection: Connection) -> dict[int, ClaimedCampaign]:
    """Campaigns whose deliveries may be claimed, by id, in the order they were scheduled."""
    return {row.id: row for row in map(ClaimedCampaign._make, connection.execute(_SENDING).all())}


def campaigns(connection: Connection, ids: Iterable[int]) -> dict[int, ClaimedCampaign]:
    """These campaigns, as they stand in this transaction."""
    found = connection.execute(_CAMPAIGNS, {"ids": sorted(ids)}).all()
    return {row.id: row for row in map(ClaimedCampaign._make, found)}


@dataclass(frozen=True, slots=True)
class Place:
    """A place in the order in which a stream's rows are due."""

    at: Any  #: next_attempt_at as the driver has it
    id: int


class Candidate(NamedTuple):
    """A delivery beside all that decides whether it may leave, but for its campaign.

    Words, times and JSON are as the driver has them: to convert all of every row costs more than to read it.
    """

    id: int
    kind: str
    state: str
    due_at: Any
    stream: int
    domain: str
    campaign_id: int | None
    subscription_id: int | None
    worker_id: int | None
    context: dict[str, Any] | None
    attempts: int
    subscription_tag: bytes | None
    subscription_state: str | None
    list_id: int | None
    email: str | None
    email_hash: bytes | None
    language: str | None
    fields: str | None
    suppressed: int | None  #: 1: there is a suppression of this address, of one list or another


_CANDIDATE = (
    Delivery.id,
    type_coerce(Delivery.kind, String).label("kind"),
    type_coerce(Delivery.state, String).label("state"),
    type_coerce(Delivery.next_attempt_at, NullType).label("due_at"),
    Delivery.stream,
    Delivery.domain,
    Delivery.campaign_id,
    Delivery.subscription_id,
    Delivery.worker_id,
    Delivery.context,
    Delivery.attempts,
    Subscription.tag.label("subscription_tag"),
    type_coerce(Subscription.state, String).label("subscription_state"),
    Subscription.list_id,
    Subscriber.email,
    Subscriber.email_hash,
    Subscriber.language,
    cast(Subscriber.fields, Text).label("fields"),
    # A single value: PostgreSQL then asks for it row by row, and never reads all suppressions at once.
    select(literal(1))
    .where(Suppression.email_hash == Subscriber.email_hash)
    .limit(1)
    .scalar_subquery()
    .label("suppressed"),
)
_ELIGIBILITY = (
    select(*_CANDIDATE)
    .select_from(Delivery)
    .outerjoin(Subscription, Subscription.id == Delivery.subscription_id)
    .outerjoin(Subscriber, Subscriber.id == Subscription.subscriber_id)
)
_IS_DUE = and_(
    Delivery.stream == bindparam("stream"), Delivery.next_attempt_at <= bindparam("now", type_=UtcDateTime)
)
_IN_ORDER = (Delivery.next_attempt_at, Delivery.id)
_AFTER = tuple_(*_IN_ORDER) > tuple_(bindparam("after_at", type_=NullType), bindparam("after_id"))
_ANY_DUE = select(Delivery.id).where(_IS_DUE).order_by(*_IN_ORDER).limit(1)
_DUE = (
    _ELIGIBILITY.where(_IS_DUE)
    .order_by(*_IN_ORDER)
    .limit(bindparam("limit"))
    .with_for_update(skip_locked=True, of=Delivery)
)
_DUE_AFTER = _DUE.where(_AFTER)


def is_due(connection: Connection, stream: int, now: datetime) -> bool:
    """Whether a claim on this stream would find anything; asked before taking the write lock."""
    return connection.execute(_ANY_DUE, {"stream": stream, "now": now}).first() is not None


def due(
    connection: Connection, stream: int, now: datetime, *, limit: int, after: Place | None = None
) -> list[Candidate]:
    """Due rows of one stream, the oldest first, locked against other claimers on PostgreSQL.

    Reads ix_deliveries_due in order, whatever the table's size. A row tells all that decides whether
    it may leave, as it stands in this transaction (law 3).
    """
    given = {"stream": stream, "now": now, "limit": limit}
    if after is None:
        return _candidates(connection, _DUE, given)
    return _candidates(connection, _DUE_AFTER, {**given, "after_at": after.at, "after_id": after.id})


_HELD = _ELIGIBILITY.where(among(Delivery.id)).order_by(Delivery.id)


def eligibility(connection: Connection, ids: Sequence[int]) -> list[Candidate]:
    """What decides whether each of these may leave, as it stands in this transaction (law 3)."""
    return _candidates(connection, _HELD, {"ids": ids})


def _candidates(connection: Connection, statement: Select[Any], given: dict[str, Any]) -> list[Candidate]:
    return [Candidate._make(row) for row in connection.execute(statement, given).all()]


_SUPPRESSIONS = select(Suppression.email_hash, Suppression.list_id, Suppression.reason).where(
    Suppression.email_hash.in_(bindparam("hashes", expanding=True))
)


def suppressions(
    connection: Connection, hashes: Collection[bytes]
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


# Not by `next_attempt_at`: PostgreSQL could then read ix_deliveries_due, all that waits, for a few ids.
_IS_WAITING = Delivery.state.in_((DeliveryState.QUEUED, DeliveryState.DEFERRED))
_CLAIM = (
    update(Delivery)
    .where(among(Delivery.id), _IS_WAITING)
    .values(state=DeliveryState.ATTEMPTING, worker_id=bindparam("worker"), next_attempt_at=None)
)


def mark_claimed(connection: Connection, ids: Sequence[int], *, worker_id: int) -> int:
    """Hand waiting rows to a worker; returns how many were still waiting."""
    if not ids:
        return 0
    result: CursorResult[Any] = connection.execute(_CLAIM, {"ids": ids, "worker": worker_id})
    return result.rowcount


# A row has a worker while it is `attempting` and only then. Asked for that state, PostgreSQL would go
# through ix_deliveries_claimed for each of the rows, instead of looking each up by its id.
_MINE = Delivery.worker_id == bindparam("worker")


def _skip(given: Given) -> Update:
    return (
        update(Delivery)
        .where(
            Delivery.id == given["id"],
            or_(
                Delivery.next_attempt_at.is_not(None),  # waiting; an executemany takes no IN list
                _MINE,
            ),
        )
        .values(
            state=DeliveryState.SKIPPED,
            skip_reason=given["reason"],
            reply=given["words"],
            settled_at=bindparam("now", type_=UtcDateTime),
            next_attempt_at=None,
            worker_id=None,
        )
    )


_SKIP = RowUpdate({"id": BigInteger(), "reason": EnumText(SkipReason), "words": Text()}, _skip)


def mark_skipped(
    connection: Connection,
    skips: Sequence[tuple[int, SkipReason, str | None]],
    *,
    worker_id: int,
    now: datetime,
) -> None:
    """Settle rows without an attempt, each with its reason and, if any, a sentence."""
    _SKIP.run(connection, skips, worker=worker_id, now=now)


# --- giving back --------------------------------------------------------------------------

#: What a claim was before it was taken, as far as that matters.
_UNTRIED_OR_DEFERRED = case((Delivery.attempts == 0, DeliveryState.QUEUED), else_=DeliveryState.DEFERRED)
_RELEASE = (
    update(Delivery)
    .where(
        among(Delivery.id),
        _MINE,
    )
    .values(
        state=_UNTRIED_OR_DEFERRED,
        next_attempt_at=bindparam("now", type_=UtcDateTime),
        worker_id=None,
    )
)
_CAMPAIGN_OF = select(Delivery.id, Delivery.campaign_id).where(among(Delivery.id))
_CANCELLED = select(Campaign.id).where(Campaign.state == CampaignState.CANCELLED)
_SKIP_CANCELLED = (
    update(Delivery)
    .where(among(Delivery.id), _IS_WAITING)
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
    result: CursorResult[Any] = connection.execute(_RELEASE, {"ids": ids, "worker": worker_id, "now": now})
    skip_cancelled(connection, ids, now=now)
    return result.rowcount


def _postpone(given: Given) -> Update:
    return (
        update(Delivery)
        .where(Delivery.id == given["id"], _MINE)
        .values(state=_UNTRIED_OR_DEFERRED, next_attempt_at=given["at"], worker_id=None)
    )


_POSTPONE = RowUpdate({"id": BigInteger(), "at": UtcDateTime()}, _postpone)


def postpone(connection: Connection, rows: Sequence[tuple[int, datetime]], *, worker_id: int) -> None:
    """Give claims back without counting an attempt, each to be due at its own time.

    PostgreSQL's readers find them as any other: a time to come lies ahead of every place in the index.
    """
    _POSTPONE.run(connection, rows, worker=worker_id)
    skip_cancelled(connection, [id_ for id_, _ in rows], now=clock.now())


def skip_cancelled(connection: Connection, ids: Sequence[int], *, now: datetime) -> None:
    """Rows that went back to waiting while their campaign was cancelled wait for nothing."""
    if not ids or not (cancelled := set(connection.scalars(_CANCELLED))):
        return
    # By their ids, in two steps: no plan can go through all rows of a campaign to find these few.
    rows = connection.execute(_CAMPAIGN_OF, {"ids": ids})
    doomed = [row.id for row in rows if row.campaign_id in cancelled]
    if doomed:
        connection.execute(_SKIP_CANCELLED, {"ids": doomed, "now": now})


# --- recording ----------------------------------------------------------------------------

#: No subscription and no addressee of its own: the person was erased.
_NOBODY = and_(Delivery.subscription_id.is_(None), Delivery.context.is_(null()))
_OUTCOME: dict[str, TypeEngine[Any]] = {
    "id": BigInteger(),
    "number": Integer(),
    "state": EnumText(DeliveryState),
    "next_attempt_at": UtcDateTime(),
    "settled_at": UtcDateTime(),
    "attempted_at": UtcDateTime(),
    "reply_code": Integer(),
    "status": String(),
    "reply": Text(),
    "message_id": String(),
    "digest": LargeBinary(),
    "relay": String(),
}


def _record(given: Given) -> Update:
    stored = {name: given[name] for name in _OUTCOME if name not in ("id", "number", "reply")}
    return (
        update(Delivery)
        .where(
            Delivery.id == given["id"],
            _MINE,
            Delivery.attempts == given["number"] - 1,
        )
        .values(
            attempts=given["number"],
            # Erased while it was in flight: a reply often quotes the address.
            reply=case((_NOBODY, None), else_=given["reply"]),
            worker_id=None,
            **stored,
        )
    )


_RECORD = RowUpdate(_OUTCOME, _record)


def record(connection: Connection, rows: Sequence[tuple[Any, ...]], *, worker_id: int) -> None:
    """Write outcomes, values in the order of `_OUTCOME`.

    A row that is no longer this worker's, or is an attempt further, is left alone.
    """
    _RECORD.run(connection, rows, worker=worker_id)


_IN_HAND = (
    select(Delivery.id, Delivery.attempts)
    .where(
        among(Delivery.id),
        Delivery.state == DeliveryState.ATTEMPTING,
        Delivery.worker_id == bindparam("worker"),
    )
    .order_by(Delivery.id)
    .with_for_update()
)


def in_hand(connection: Connection, ids: Sequence[int], *, worker_id: int) -> dict[int, int]:
    """Which of these a worker has in hand, each with its attempts so far; locked."""
    given = {"ids": ids, "worker": worker_id}
    return {row.id: row.attempts for row in connection.execute(_IN_HAND, given)}


_EMAIL_HASHES = (
    select(Delivery.id, Subscriber.email_hash)
    .join(Subscription, Subscription.id == Delivery.subscription_id)
    .join(Subscriber, Subscriber.id == Subscription.subscriber_id)
    .where(among(Delivery.id))
)


def email_hashes_of(connection: Connection, ids: Sequence[int]) -> dict[int, bytes]:
    """The keyed hash of the address behind each of these deliveries, where there still is one."""
    return {row.id: bytes(row.email_hash) for row in connection.execute(_EMAIL_HASHES, {"ids": ids})}


_GIVE_UP_HOURS = select(Campaign.id, Campaign.give_up_hours).where(Campaign.give_up_hours.is_not(None))


def give_up_hours_of(connection: Connection, ids: Sequence[int]) -> dict[int, int]:
    """The shorter retry life of these deliveries' campaigns, where one is set."""
    hours = {row.id: row.give_up_hours for row in connection.execute(_GIVE_UP_HOURS)}
    if not hours:
        return {}
    # In two steps, as in `skip_cancelled`.
    rows = connection.execute(_CAMPAIGN_OF, {"ids": ids})
    return {row.id: hours[row.campaign_id] for row in rows if row.campaign_id in hours}


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
        select(Delivery.id, Delivery.attempts).where(Delivery.worker_id == worker_id, text(CLAIMED))
    )
    return {row.id: row.attempts for row in rows}
