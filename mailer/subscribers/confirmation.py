"""What delivery needs to fill a confirmation mail, read again in the transaction that claims it (law 3)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, select

from mailer import clock
from mailer.addresses import EmailAddress, parse_address
from mailer.store.schema import Delivery, LedgerEntry, MailingList, Subscriber, Subscription, Suppression
from mailer.store.vocabulary import ALL_LISTS, DeliveryKind, SkipReason, SubscriptionState
from mailer.subscribers import links, queries
from mailer.subscribers.model import SILENCING
from mailer.tokens import Tokens


@dataclass(frozen=True, slots=True)
class ConfirmationUrls:
    """The two links of a confirmation mail."""

    confirm_url: str
    not_me_url: str


@dataclass(frozen=True, slots=True)
class ConfirmationRecipient:
    """One person who may be sent one confirmation mail now."""

    delivery_id: int
    address: EmailAddress
    list_name: str
    list_title: str
    language: str  #: of the request, not of an older profile (E17)
    expires_at: datetime
    subscription_tag: bytes
    nonce: bytes
    email_hash: bytes

    def urls(self, tokens: Tokens, *, base_url: str) -> ConfirmationUrls:
        """The links, signed now; they hold random tags and a keyed hash, no address (A12)."""
        root = base_url.rstrip("/")
        confirm = links.sign_confirm(tokens, self.subscription_tag, nonce=self.nonce)
        return ConfirmationUrls(
            f"{root}/confirm/{confirm}", f"{root}/not-me/{links.sign_not_me(tokens, self.email_hash)}"
        )


def confirmation_recipients(
    connection: Connection, delivery_ids: Collection[int]
) -> dict[int, ConfirmationRecipient | SkipReason]:
    """Who may be sent what; a delivery that must not leave any more maps to why it is skipped."""
    now = clock.now()
    rows = connection.execute(_query(delivery_ids)).all()
    silenced = _silenced(connection, {row.email_hash for row in rows if row.email_hash})
    return {row.id: _judge(row, silenced=silenced[row.email_hash], now=now) for row in rows}


def _query(delivery_ids: Collection[int]) -> Any:
    return (
        select(
            Delivery.id,
            Subscription.id.label("subscription_id"),
            Subscription.tag,
            Subscription.state,
            Subscription.confirm_nonce,
            Subscription.expires_at,
            Subscription.list_id,
            Subscriber.email,
            Subscriber.email_hash,
            Subscriber.language,
            MailingList.name,
            MailingList.title,
            LedgerEntry.payload,
        )
        .outerjoin(Subscription, Subscription.id == Delivery.subscription_id)
        .outerjoin(Subscriber, Subscriber.id == Subscription.subscriber_id)
        .outerjoin(MailingList, MailingList.id == Subscription.list_id)
        .outerjoin(LedgerEntry, LedgerEntry.id == Subscription.consent_id)
        .where(Delivery.id.in_(delivery_ids), Delivery.kind == DeliveryKind.CONFIRMATION)
    )


def _silenced(connection: Connection, hashes: Collection[bytes]) -> defaultdict[bytes, set[int]]:
    """Per address, the lists on which not even a confirmation mail may be sent (B20)."""
    found: defaultdict[bytes, set[int]] = defaultdict(set)
    query = select(Suppression.email_hash, Suppression.list_id).where(
        Suppression.email_hash.in_(hashes), Suppression.reason.in_(SILENCING)
    )
    for row in connection.execute(query):
        found[row.email_hash].add(row.list_id)
    return found


def _judge(
    row: Row[*tuple[Any, ...]], *, silenced: set[int], now: datetime
) -> ConfirmationRecipient | SkipReason:
    if row.subscription_id is None:
        return SkipReason.ERASED
    if silenced & {ALL_LISTS, row.list_id}:
        return SkipReason.SUPPRESSED
    if row.confirm_nonce is None:
        left = row.state is SubscriptionState.UNSUBSCRIBED
        return SkipReason.UNSUBSCRIBED if left else SkipReason.STALE
    if row.expires_at is None or row.expires_at <= now:
        return SkipReason.STALE
    request = queries.decoded(row.payload)
    return ConfirmationRecipient(
        delivery_id=row.id,
        address=parse_address(row.email),
        list_name=row.name,
        list_title=row.title,
        language=request.get("language") or row.language,
        expires_at=row.expires_at,
        subscription_tag=row.tag,
        nonce=row.confirm_nonce,
        email_hash=row.email_hash,
    )
