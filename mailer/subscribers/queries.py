"""Every statement of this room, by name: who stands where, who is suppressed, what is queued.

Locks on PostgreSQL are always taken in this order: the site's cap counter, the person
(`lock_person_*`), then their subscriptions, suppressions and deliveries. On SQLite the one
write lock makes them needless, and the same statements run without them.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import (
    Connection,
    Executable,
    Row,
    Select,
    bindparam,
    delete,
    func,
    insert,
    null,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite

from mailer.addresses import EmailAddress
from mailer.store.bulk import insert_or_ignore
from mailer.store.schema import (
    Base,
    Campaign,
    Delivery,
    LedgerEntry,
    MailingList,
    SignupRequest,
    Subscriber,
    Subscription,
    Suppression,
)
from mailer.store.types import UtcDateTime
from mailer.store.vocabulary import (
    ALL_LISTS,
    SYSTEM_STREAM,
    WAITING,
    DeliveryKind,
    DeliveryState,
    SkipReason,
    SubscriptionState,
    SuppressionReason,
)


@dataclass(frozen=True, slots=True)
class ListRow:
    """A list as the database knows it, whether or not the settings still do."""

    id: int
    name: str
    title: str


@dataclass(frozen=True, slots=True)
class Standing:
    """One subscription with its list and its person."""

    subscription_id: int
    subscriber_id: int
    tag: bytes
    state: SubscriptionState
    confirm_nonce: bytes | None
    expires_at: datetime | None
    consent_id: int | None
    list_id: int
    list_name: str
    list_title: str
    email: str
    email_hash: bytes
    domain: str
    language: str


# --- lists ---------------------------------------------------------------------------------


def active_list(connection: Connection, name: str) -> ListRow | None:
    """The list of that name, if people can still join it."""
    return _list(connection, _LISTS.where(MailingList.name == name, MailingList.removed_at.is_(None)))


def list_by_name(connection: Connection, name: str) -> ListRow | None:
    """The list of that name, removed ones included (law 6)."""
    return _list(connection, _LISTS.where(MailingList.name == name))


def list_of_campaign(connection: Connection, campaign_tag: bytes) -> ListRow | None:
    """The list a campaign went to: what a page can still name when the holder is gone."""
    joined = _LISTS.join(Campaign, Campaign.list_id == MailingList.id)
    return _list(connection, joined.where(Campaign.tag == campaign_tag))


_LISTS = select(MailingList.id, MailingList.name, MailingList.title)


def _list(connection: Connection, query: Select[int, str, str]) -> ListRow | None:
    row = connection.execute(query).first()
    return ListRow(*row) if row else None


def other_list_ids(connection: Connection, list_id: int) -> list[int]:
    """Every list the site ever had, except this one."""
    return list(connection.scalars(select(MailingList.id).where(MailingList.id != list_id)))


# --- people --------------------------------------------------------------------------------


def lock_person_of_tag(connection: Connection, tag: bytes) -> int | None:
    """Lock the holder of a subscription; None when it was purged or erased."""
    return connection.scalar(_LOCK_OF_TAG, {"tag": tag})


def lock_people_of_tags(connection: Connection, tags: Collection[bytes]) -> list[int]:
    """Lock the holders of these subscriptions, always in the same order; those who are gone are missing."""
    return list(connection.scalars(_LOCK_OF_TAGS, {"tags": list(tags)}))


def lock_person_of_hash(connection: Connection, email_hash: bytes) -> int | None:
    """Lock the person behind an address hash; None when nobody is stored under it."""
    return connection.scalar(_LOCK_OF_HASH, {"email_hash": email_hash})


# key_share: rows that merely refer to the person (a new subscription) need not wait.
_LOCK = select(Subscriber.id).with_for_update(key_share=True)
_HOLDER = select(Subscription.subscriber_id).where(Subscription.tag == bindparam("tag"))
_HOLDERS = select(Subscription.subscriber_id).where(Subscription.tag.in_(bindparam("tags", expanding=True)))
_LOCK_OF_TAGS = _LOCK.where(Subscriber.id.in_(_HOLDERS)).order_by(Subscriber.id)
_LOCK_OF_TAG = _LOCK.where(Subscriber.id == _HOLDER.scalar_subquery())
_LOCK_OF_HASH = _LOCK.where(Subscriber.email_hash == bindparam("email_hash"))


def ensure_person(
    connection: Connection, address: EmailAddress, *, email_hash: bytes, language: str, now: datetime
) -> int:
    """The id of the person with this address, stored now if new; what is stored already stays (A69)."""
    connection.execute(
        insert_or_ignore(connection, Subscriber).values(
            email=str(address),
            email_key=address.key,
            email_hash=email_hash,
            domain=address.domain,
            language=language,
            fields={},
            created_at=now,
            updated_at=now,
        )
    )
    return connection.execute(select(Subscriber.id).where(Subscriber.email_key == address.key)).scalar_one()


def person_by_key(connection: Connection, email_key: str) -> Row[*tuple[Any, ...]] | None:
    """Everything stored about one person, for `subscriber show`."""
    return connection.execute(select(Subscriber.__table__).where(Subscriber.email_key == email_key)).first()


def adopt_profile(
    connection: Connection,
    subscriber_id: int,
    *,
    language: str | None,
    fields: Mapping[str, Any],
    now: datetime,
) -> None:
    """Take over the language and the fields that a confirmed request had asked for."""
    person = connection.execute(
        select(Subscriber.language, Subscriber.fields).where(Subscriber.id == subscriber_id)
    ).one()
    connection.execute(
        update(Subscriber)
        .where(Subscriber.id == subscriber_id)
        .values(language=language or person.language, fields={**person.fields, **fields}, updated_at=now)
    )


def forget_people_without_subscription(connection: Connection, subscriber_ids: Collection[int]) -> int:
    """Delete those of these people who are on no list at all any more (C7)."""
    joined = select(Subscription.subscriber_id).where(Subscription.subscriber_id == Subscriber.id)
    result = connection.execute(delete(Subscriber).where(Subscriber.id.in_(subscriber_ids), ~joined.exists()))
    return result.rowcount


# --- subscriptions -------------------------------------------------------------------------


# Built once, as all that an opt-out runs: to build a statement takes longer than SQLite takes to run it.
_STANDINGS: Select[*tuple[Any, ...]] = (
    select(
        Subscription.id,
        Subscription.subscriber_id,
        Subscription.tag,
        Subscription.state,
        Subscription.confirm_nonce,
        Subscription.expires_at,
        Subscription.consent_id,
        MailingList.id,
        MailingList.name,
        MailingList.title,
        Subscriber.email,
        Subscriber.email_hash,
        Subscriber.domain,
        Subscriber.language,
    )
    .join(Subscriber, Subscriber.id == Subscription.subscriber_id)
    .join(MailingList, MailingList.id == Subscription.list_id)
    .order_by(Subscription.id)
)
_STANDING_OF_TAG = _STANDINGS.where(Subscription.tag == bindparam("tag"))
_STANDINGS_OF_PEOPLE = _STANDINGS.where(Subscription.subscriber_id.in_(bindparam("people", expanding=True)))


def standing_of_tag(connection: Connection, tag: bytes) -> Standing | None:
    """The subscription a token names; None when it was purged or erased."""
    row = connection.execute(_STANDING_OF_TAG, {"tag": tag}).first()
    return Standing(*row) if row else None


def standing_on_list(connection: Connection, subscriber_id: int, *, list_id: int) -> Standing | None:
    """Where one person stands on one list; None when they never joined it."""
    return next(iter(standings_of_person(connection, subscriber_id, list_id=list_id)), None)


def standings_of_person(
    connection: Connection, subscriber_id: int, *, list_id: int | None = None
) -> list[Standing]:
    """Where one person stands, on every list or on one."""
    found = standings_of_people(connection, [subscriber_id])
    return found if list_id is None else [row for row in found if row.list_id == list_id]


def standings_of_people(connection: Connection, subscriber_ids: Collection[int]) -> list[Standing]:
    """Where these people stand, on every list."""
    rows = connection.execute(_STANDINGS_OF_PEOPLE, {"people": list(subscriber_ids)})
    return [Standing(*row) for row in rows]


def subscriptions_of_person(connection: Connection, subscriber_id: int) -> list[Row[*tuple[Any, ...]]]:
    """Every subscription of one person with its list's name, for `subscriber show`."""
    return list(
        connection.execute(
            select(Subscription.__table__, MailingList.name.label("list"))
            .join(MailingList, MailingList.id == Subscription.list_id)
            .where(Subscription.subscriber_id == subscriber_id)
            .order_by(MailingList.name)
        )
    )


def add_subscription(connection: Connection, **values: Any) -> int:
    """Store a new subscription and return its id."""
    statement = insert(Subscription).values(**values).returning(Subscription.id)
    return connection.execute(statement).scalar_one()


def change_subscription(connection: Connection, subscription_id: int, **values: Any) -> None:
    """Write a step of the state machine; the caller holds the person's lock."""
    connection.execute(update(Subscription).where(Subscription.id == subscription_id).values(**values))


def end_subscriptions(connection: Connection, ids: Collection[int], *, now: datetime) -> int:
    """Opt these subscriptions out and void their confirm links; counts those that were not out already."""
    return connection.execute(_END, {"ids": list(ids), "now": now}).rowcount


_STILL_IN = (Subscription.state != SubscriptionState.UNSUBSCRIBED) | Subscription.confirm_nonce.is_not(None)
_END = (
    update(Subscription)
    .where(Subscription.id.in_(bindparam("ids", expanding=True)), _STILL_IN)
    .values(
        state=SubscriptionState.UNSUBSCRIBED,
        confirm_nonce=null(),
        expires_at=null(),
        unsubscribed_at=func.coalesce(Subscription.unsubscribed_at, bindparam("now", type_=UtcDateTime)),
    )
)


def remove_subscriptions(connection: Connection, ids: Collection[int]) -> int:
    """Delete unconfirmed subscriptions; what they had queued must have been settled before."""
    return connection.execute(delete(Subscription).where(Subscription.id.in_(ids))).rowcount


# --- suppressions --------------------------------------------------------------------------


def reasons_in_scope(connection: Connection, email_hash: bytes, *, list_id: int) -> set[SuppressionReason]:
    """Why this address is not mailed on this list, if it is not."""
    return set(connection.scalars(_REASONS, {"email_hash": email_hash, "list_id": list_id}))


_REASONS = select(Suppression.reason).where(
    Suppression.email_hash == bindparam("email_hash"),
    Suppression.list_id.in_((ALL_LISTS, bindparam("list_id"))),
)


def suppressed_for(
    connection: Connection, email_hashes: Collection[bytes], *, reason: SuppressionReason
) -> set[tuple[bytes, int]]:
    """Which of these addresses are suppressed for this reason, and on which list (0: all)."""
    given = {"hashes": list(email_hashes), "reason": reason}
    return {(row.email_hash, row.list_id) for row in connection.execute(_SUPPRESSED_FOR, given)}


_SUPPRESSED_FOR = select(Suppression.email_hash, Suppression.list_id).where(
    Suppression.email_hash.in_(bindparam("hashes", expanding=True)), Suppression.reason == bindparam("reason")
)


def suppressions_of(connection: Connection, email_hash: bytes) -> list[Row[*tuple[Any, ...]]]:
    """Every suppression of one address with its list's name, oldest first."""
    return list(
        connection.execute(
            select(Suppression.__table__, MailingList.name.label("list"))
            .outerjoin(MailingList, MailingList.id == Suppression.list_id)
            .where(Suppression.email_hash == email_hash)
            .order_by(Suppression.id)
        )
    )


def list_suppressions(
    connection: Connection, *, reason: SuppressionReason | None, after_id: int, limit: int
) -> list[Row[*tuple[Any, ...]]]:
    """One page of all suppressions by id, with the list's name and the address where it is still stored."""
    query = (
        select(
            Suppression.id,
            Suppression.email_hash,
            Suppression.reason,
            Suppression.source,
            Suppression.note,
            Suppression.created_at,
            MailingList.name.label("list"),
            Subscriber.email,
        )
        .outerjoin(MailingList, MailingList.id == Suppression.list_id)
        .outerjoin(Subscriber, Subscriber.email_hash == Suppression.email_hash)
        .where(Suppression.id > after_id)
        .order_by(Suppression.id)
        .limit(limit)
    )
    if reason is not None:
        query = query.where(Suppression.reason == reason)
    return list(connection.execute(query))


def add_suppression(
    connection: Connection,
    *,
    email_hash: bytes,
    list_id: int,
    reason: SuppressionReason,
    source: str,
    now: datetime,
    note: str | None = None,
) -> bool:
    """Remember a "no"; False when the same one is remembered already."""
    row = {"email_hash": email_hash, "list_id": list_id, "reason": reason, "source": source}
    row |= {"note": note, "created_at": now}
    return connection.execute(_add_or_ignore(connection.dialect.name), row).first() is not None


@cache
def _add_or_ignore(dialect: str) -> Executable:
    table = Base.metadata.tables[Suppression.__tablename__]
    insert_into = postgresql.insert if dialect == "postgresql" else sqlite.insert
    return insert_into(table).on_conflict_do_nothing().returning(table.c.id)


def remove_suppressions(
    connection: Connection,
    email_hash: bytes,
    *,
    reasons: Collection[SuppressionReason],
    list_ids: Collection[int],
) -> list[Row[*tuple[Any, ...]]]:
    """Delete suppressions by reason and scope and return what they were: reason and list_id."""
    return list(
        connection.execute(
            delete(Suppression)
            .where(
                Suppression.email_hash == email_hash,
                Suppression.reason.in_(reasons),
                Suppression.list_id.in_(list_ids),
            )
            .returning(Suppression.reason, Suppression.list_id)
        )
    )


# --- deliveries ----------------------------------------------------------------------------


def queue_confirmation(connection: Connection, subscription_id: int, *, domain: str, now: datetime) -> int:
    """Queue the confirmation mail of one subscription, due at once, and return the delivery's id."""
    row = system_mail(DeliveryKind.CONFIRMATION, domain=domain, now=now)
    statement = insert(Delivery).values(subscription_id=subscription_id, **row)
    return connection.execute(statement.returning(Delivery.id)).scalar_one()


def system_mail(
    kind: DeliveryKind, *, domain: str, now: datetime, due: datetime | None = None
) -> dict[str, Any]:
    """A row of the stream that goes first, waiting from `due` on (default: now)."""
    return {
        "stream": SYSTEM_STREAM,
        "kind": kind,
        "domain": domain,
        "state": DeliveryState.QUEUED,
        "attempts": 0,
        "next_attempt_at": due or now,
        "created_at": now,
    }


def void_confirmation(connection: Connection, subscription_id: int, *, now: datetime) -> None:
    """Settle a confirmation mail that waits: its link is used, or a newer one takes its place."""
    kinds = (DeliveryKind.CONFIRMATION,)
    skip_waiting(connection, [subscription_id], reason=SkipReason.STALE, now=now, kinds=kinds)


def skip_waiting(
    connection: Connection,
    subscription_ids: Collection[int],
    *,
    reason: SkipReason,
    now: datetime,
    kinds: Collection[DeliveryKind] = tuple(DeliveryKind),
) -> int:
    """Settle what waits for these subscriptions without an attempt; claims in flight re-read the state."""
    given = {"ids": list(subscription_ids), "kinds": list(kinds), "reason": reason, "now": now}
    return connection.execute(_SKIP_WAITING, given).rowcount


_SKIP_WAITING = (
    update(Delivery)
    .where(
        Delivery.subscription_id.in_(bindparam("ids", expanding=True)),
        Delivery.state.in_(WAITING),
        Delivery.kind.in_(bindparam("kinds", expanding=True)),
    )
    .values(
        state=DeliveryState.SKIPPED,
        skip_reason=bindparam("reason"),
        next_attempt_at=null(),
        settled_at=bindparam("now"),
    )
)


# --- requests and their evidence -----------------------------------------------------------


def add_request(connection: Connection, **values: Any) -> None:
    """Keep a form post until it is judged (D7)."""
    connection.execute(insert(SignupRequest).values(**values))


def next_request(connection: Connection, *, after_id: int) -> Row[*tuple[Any, ...]] | None:
    """The oldest request above an id."""
    return connection.execute(
        select(SignupRequest.__table__).where(SignupRequest.id > after_id).order_by(SignupRequest.id).limit(1)
    ).first()


def take_request(connection: Connection, request_id: int) -> bool:
    """Remove a request to judge it; False when another process took it."""
    return connection.execute(delete(SignupRequest).where(SignupRequest.id == request_id)).rowcount == 1


def ledger_payload(connection: Connection, ledger_id: int | None) -> dict[str, Any]:
    """What a consent record says; empty when there is none or it was erased."""
    if ledger_id is None:
        return {}
    return decoded(connection.scalar(select(LedgerEntry.payload).where(LedgerEntry.id == ledger_id)))


def decoded(payload: str | None) -> dict[str, Any]:
    """A stored payload as a mapping; empty once it was erased."""
    return dict(json.loads(payload)) if payload else {}
