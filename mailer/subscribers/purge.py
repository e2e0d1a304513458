"""Forget what was never confirmed once its life is over (C7), in slices an opt-out never waits for."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, delete, null, select, update

from mailer import clock
from mailer.audit import Entry, Ledger
from mailer.audit.ledger import erase_payloads
from mailer.store import Store
from mailer.store.schema import (
    Delivery,
    LedgerEntry,
    MailingList,
    SignupRequest,
    Subscriber,
    Subscription,
)
from mailer.store.vocabulary import SkipReason, Stream
from mailer.subscribers import queries
from mailer.subscribers.caps import purge_counts
from mailer.subscribers.model import ABSENT, Event, after

#: Rows per transaction: about 10 ms on a small machine, far below the 50 ms an opt-out may wait.
SLICE = 50
#: A sign-up that could not be judged for so long is no longer what the person is waiting for; long
#: enough to lose none to a weekend without a worker, as long as an unconfirmed row lives by default.
REQUEST_LIFE = timedelta(days=7)
_REQUESTS = ("requested", "resubscribe_requested", "imported")


def purge_unconfirmed(store: Store, ledger: Ledger) -> int:
    """Purge every request whose life is over; returns how many subscriptions were touched.

    A person who never joined is deleted with all they had sent; one who had left or is confirmed
    only loses the link. The ledger keeps that it happened, without an address.
    """
    total = 0
    while True:
        with store.write() as connection:
            done = _purge_slice(connection, ledger, clock.now())
        total += done
        if done < SLICE:
            break
        store.let_others_write()
    with store.write() as connection:
        now = clock.now()
        purge_counts(connection, now)
        connection.execute(delete(SignupRequest).where(SignupRequest.received_at < now - REQUEST_LIFE))
    return total


def _purge_slice(connection: Connection, ledger: Ledger, now: datetime) -> int:
    rows = _expired(connection, now)
    ids = [row.id for row in rows]
    if not ids:
        return 0
    queries.skip_waiting(connection, ids, reason=SkipReason.STALE, now=now)
    gone = [row for row in rows if after(row.state, Event.LAPSE) is ABSENT]
    gone_ids = {row.id for row in gone}
    _erase_requests(connection, rows, gone)
    connection.execute(update(Delivery).where(Delivery.subscription_id.in_(gone_ids)).values(context=null()))
    queries.remove_subscriptions(connection, gone_ids)
    queries.forget_people_without_subscription(connection, {row.subscriber_id for row in gone})
    connection.execute(
        update(Subscription)
        .where(Subscription.id.in_([row.id for row in rows if row.id not in gone_ids]))
        .values(confirm_nonce=None, expires_at=None)
    )
    ledger.append_many(connection, [_purged(row) for row in rows])
    return len(rows)


def _expired(connection: Connection, now: datetime) -> Sequence[Row[*tuple[Any, ...]]]:
    """One slice of lapsed requests, locked; who is being confirmed or opted out right now is left out."""
    return connection.execute(
        select(
            Subscription.id,
            Subscription.subscriber_id,
            Subscription.state,
            Subscription.consent_id,
            Subscriber.email_hash,
            MailingList.name.label("list"),
        )
        .join(Subscriber, Subscriber.id == Subscription.subscriber_id)
        .join(MailingList, MailingList.id == Subscription.list_id)
        .where(Subscription.expires_at <= now)
        .order_by(Subscription.expires_at)
        .limit(SLICE)
        .with_for_update(of=[Subscription, Subscriber], skip_locked=True)
    ).all()


def _erase_requests(
    connection: Connection, rows: Iterable[Row[*tuple[Any, ...]]], gone: Iterable[Row[*tuple[Any, ...]]]
) -> None:
    """Erase what the requests said (C7); of a person who never joined, every request for that list."""
    ids = {row.consent_id for row in rows if row.consent_id is not None}
    lists_of: dict[bytes, set[str]] = {}
    for row in gone:
        lists_of.setdefault(row.email_hash, set()).add(row.list)
    requests = connection.execute(
        select(LedgerEntry.id, LedgerEntry.subject, LedgerEntry.payload).where(
            LedgerEntry.subject.in_(lists_of),
            LedgerEntry.event.in_(_REQUESTS),
            LedgerEntry.payload.is_not(None),
        )
    )
    for request in requests:
        if queries.decoded(request.payload).get("list") in lists_of[request.subject]:
            ids.add(request.id)
    erase_payloads(connection, ids)


def _purged(row: Row[*tuple[Any, ...]]) -> Entry:
    return Entry(Stream.CONSENT, "purged", {"list": row.list, "request": row.consent_id})
