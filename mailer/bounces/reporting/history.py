"""One person's timeline: consent, mails, what came back, and what followed, woven in the order of time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, func, select

from mailer.addresses import EmailAddress
from mailer.audit import Ledger
from mailer.audit.read import Filter, records
from mailer.keyring import Secrets, address_hash
from mailer.store import Store
from mailer.store.schema import Campaign, Delivery, Hold, Report, Subscriber, Subscription
from mailer.store.vocabulary import HoldEnd, ReportKind, Stream
from mailer.subscribers.people import PersonUnknown

#: What of a record is told beside its event, in this order.
_TOLD = ("list", "reason", "source", "from", "to", "note")
_ENDS = {
    HoldEnd.SUPPRESSED: "the day was over: suppressed",
    HoldEnd.RELEASED: "released: mailed again",
    HoldEnd.LIFTED: "lifted: a later reading says otherwise",
}


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened to a person."""

    at: datetime
    what: str
    words: str
    id: int | None = None  #: of the delivery or the report, for `show`


def history(store: Store, secrets: Secrets, ledger: Ledger, address: EmailAddress) -> tuple[Event, ...]:
    """All that happened to an address, oldest first; the look is recorded (F4). Raises PersonUnknown."""
    email_hash = address_hash(secrets, address)
    with store.write() as connection:
        events = [
            *_consent(connection, email_hash),
            *_deliveries(connection, address.key),
            *_reports(connection, email_hash),
            *_holds(connection, email_hash),
        ]
        if not events:
            raise PersonUnknown()
        ledger.append(
            connection, stream=Stream.AUDIT, event="subscriber_shown", payload={}, subject=email_hash
        )
    return tuple(sorted(events, key=lambda event: event.at))


def _consent(connection: Connection, email_hash: bytes) -> Iterator[Event]:
    for record in reversed(records(connection, Filter(stream=Stream.CONSENT, subject=email_hash))):
        payload = record.payload or {}
        said = [f"{name}: {payload[name]}" for name in _TOLD if payload.get(name)]
        yield Event(record.at, record.event.replace("_", " "), ", ".join(said))


def _deliveries(connection: Connection, email_key: str) -> Iterator[Event]:
    statement = (
        select(
            func.coalesce(Delivery.settled_at, Delivery.attempted_at, Delivery.created_at).label("at"),
            *(Delivery.id, Delivery.kind, Delivery.state, Delivery.skip_reason, Campaign.slug),
            *(Delivery.reply_code, Delivery.status),
        )
        .join(Subscription, Subscription.id == Delivery.subscription_id)
        .join(Subscriber, Subscriber.id == Subscription.subscriber_id)
        .outerjoin(Campaign, Campaign.id == Delivery.campaign_id)
        .where(Subscriber.email_key == email_key)
        .order_by(Delivery.id)
    )
    for row in connection.execute(statement):
        answer = " ".join(str(part) for part in (row.reply_code, row.status) if part is not None)
        words = [row.slug or row.kind.value, row.skip_reason and row.skip_reason.value, answer]
        yield Event(row.at, f"mail {row.state.value}", ", ".join(word for word in words if word), row.id)


def _reports(connection: Connection, email_hash: bytes) -> Iterator[Event]:
    statement = (
        select(Report.__table__, Campaign.slug)
        .outerjoin(Campaign, Campaign.id == Report.campaign_id)
        .where(Report.email_hash == email_hash)
        .order_by(Report.id)
    )
    for row in connection.execute(statement):
        words = [row.slug, f"{row.reason or 'no reason'} ({row.status})" if row.status else row.reason]
        words += [row.fault and f"fault: {row.fault}", row.rule and f"rule: {row.rule}"]
        words += [row.effect and f"then {row.effect.value}"]
        complaint = row.kind is ReportKind.COMPLAINT
        what = "complaint" if complaint else f"{row.severity.value if row.severity else 'some'} bounce"
        yield Event(row.received_at, what, ", ".join(word for word in words if word), row.id)


def _holds(connection: Connection, email_hash: bytes) -> Iterator[Event]:
    rows = connection.execute(
        select(Hold.held_at, Hold.end, Hold.ended_at).where(Hold.email_hash == email_hash)
    )
    for row in rows:
        yield Event(row.held_at, "held", "not mailed for a day, until the bounce is believed")
        if row.ended_at is not None and row.end is not None:
            yield Event(row.ended_at, "hold ended", _ENDS[row.end])
