"""What is stored about the people of one slice: a few statements, however many they are."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from sqlalchemy import BindParameter, Connection, Executable, bindparam, select

from mailer.store.bulk import present
from mailer.store.schema import LedgerEntry, Subscriber, Subscription, Suppression
from mailer.store.vocabulary import ALL_LISTS, SuppressionReason
from mailer.subscribers.importing.decisions import NOBODY, Held

# Built once: putting thousands of values into a statement costs more than asking for them.
_HASHES: BindParameter[list[bytes]] = bindparam("hashes", expanding=True)
_SUPPRESSED = select(Suppression.email_hash, Suppression.reason, Suppression.list_id).where(
    Suppression.email_hash.in_(_HASHES), Suppression.list_id.in_((ALL_LISTS, bindparam("list_id")))
)
_KNOWN = (
    select(
        Subscriber.email_hash,
        Subscriber.id,
        Subscriber.fields,
        Subscription.id.label("subscription_id"),
        Subscription.state,
        Subscription.confirm_nonce,
        Subscription.confirmed_at,
        LedgerEntry.event.label("consent"),
    )
    .outerjoin(
        Subscription,
        (Subscription.subscriber_id == Subscriber.id) & (Subscription.list_id == bindparam("list_id")),
    )
    .outerjoin(LedgerEntry, LedgerEntry.id == Subscription.consent_id)
    .where(Subscriber.email_hash.in_(_HASHES))
)
_LOCKED = (
    select(Subscriber.id)
    .where(Subscriber.email_hash.in_(_HASHES))
    .order_by(Subscriber.id)
    .with_for_update(key_share=True)
)


def look_up(connection: Connection, list_id: int, hashes: list[bytes]) -> dict[bytes, Held]:
    """What is stored about these addresses; strangers are not in the answer."""
    noes = present(connection, Suppression, "email_hash", hashes)
    suppressed: dict[bytes, set[tuple[SuppressionReason, bool]]] = defaultdict(set)
    for email_hash, reason, scope in _ask(connection, _SUPPRESSED, noes, list_id=list_id):
        suppressed[email_hash].add((reason, scope == ALL_LISTS))
    held = {email_hash: Held(suppressed=frozenset(found)) for email_hash, found in suppressed.items()}
    known = present(connection, Subscriber, "email_hash", hashes)
    for row in _ask(connection, _KNOWN, known, list_id=list_id):
        held[row.email_hash] = Held(
            subscriber_id=row.id,
            subscription_id=row.subscription_id,
            state=row.state,
            invited=row.confirm_nonce is not None,
            # A date that an earlier import brought is the operator's word; it outweighs nobody's no.
            confirmed_at=row.confirmed_at if row.consent == "confirmed" else None,
            fields=row.fields,
            suppressed=held.get(row.email_hash, NOBODY).suppressed,
        )
    return held


def lock_people(connection: Connection, hashes: list[bytes]) -> None:
    """Lock who is known already, in one order, before reading where they stand."""
    _ask(connection, _LOCKED, present(connection, Subscriber, "email_hash", hashes))


def _ask(connection: Connection, query: Executable, hashes: list[bytes], **words: int) -> Sequence[Any]:
    return connection.execute(query, {"hashes": hashes, **words}).all() if hashes else ()
