"""Every statement of this room: each is answered from an index, or reads the rows of one hour (see the plans' test)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta

from sqlalchemy import Connection, func, select, text

from mailer.monitoring.catalogue import Sample
from mailer.store.schema import (
    CLAIMED,
    TRIED,
    AlertSending,
    Campaign,
    Delivery,
    Freeze,
    Hold,
    LedgerEntry,
    MailingList,
    PaceRow,
    Report,
    ReturnedMail,
    SignupRequest,
    Subscription,
    Suppression,
    Worker,
)
from mailer.store.vocabulary import SYSTEM_STREAM, CampaignState, DeliveryState, ReturnedState

#: A worker that says nothing for longer has lost its lease (`delivery/engine.py`).
SILENT = timedelta(seconds=60)
SHOWN_FOR = timedelta(days=1)  #: after a campaign has ended
MOST_CAMPAIGNS = 50
MOST_PROVIDERS = 20
_OPEN = (ReturnedState.WAITING, ReturnedState.REVIEW, ReturnedState.UNREADABLE)


def campaigns(connection: Connection, now: datetime) -> Iterator[Sample]:
    """Campaigns by state, and what became of the messages of those in sight."""
    states = connection.execute(select(Campaign.state, func.count()).group_by(Campaign.state))
    found: dict[str, int] = {state.value: count for state, count in states}
    yield from (Sample("mailer_campaigns", found.get(one.value, 0), (one.value,)) for one in CampaignState)
    in_sight = select(Campaign.id, Campaign.slug).where(
        Campaign.state.in_((CampaignState.SENDING, CampaignState.PAUSED))
        | (Campaign.finished_at > now - SHOWN_FOR)
    )
    deliveries: Counter[tuple[str, ...]] = Counter()
    reports: Counter[tuple[str, ...]] = Counter()
    for number, slug in connection.execute(in_sight.order_by(Campaign.id.desc()).limit(MOST_CAMPAIGNS)).all():
        deliveries.update({(slug, state): count for state, count in _deliveries(connection, number)})
        kinds = connection.execute(
            select(Report.kind, func.count()).where(Report.campaign_id == number).group_by(Report.kind)
        )
        reports.update({(slug, kind.value): count for kind, count in kinds})
    yield from (Sample("mailer_campaign_deliveries", count, key) for key, count in deliveries.items())
    yield from (Sample("mailer_campaign_reports", count, key) for key, count in reports.items())


def _deliveries(connection: Connection, stream: int) -> Iterator[tuple[str, int]]:
    tried = connection.execute(
        select(Delivery.state, func.count())
        .where(Delivery.stream == stream, text(TRIED))
        .group_by(Delivery.state)
    )
    counts = {state.value: count for state, count in tried}
    waiting = _waiting(connection, stream)
    counts["queued"] = max(waiting - counts.get(DeliveryState.DEFERRED.value, 0), 0)
    claimed = select(func.count()).where(Delivery.stream == stream, text(CLAIMED))
    counts["attempting"] = connection.scalar(claimed) or 0
    yield from counts.items()


def _waiting(connection: Connection, stream: int) -> int:
    due = select(func.count()).where(Delivery.stream == stream, Delivery.next_attempt_at.is_not(None))
    return connection.scalar(due) or 0


def system_mail(connection: Connection, now: datetime) -> Iterator[Sample]:
    """What waits of confirmations and proofs, and of sign-ups before them."""
    yield Sample("mailer_system_waiting", _waiting(connection, SYSTEM_STREAM))
    oldest = connection.scalar(
        select(Delivery.next_attempt_at)
        .where(Delivery.stream == SYSTEM_STREAM, Delivery.next_attempt_at.is_not(None))
        .order_by(Delivery.next_attempt_at)
        .limit(1)
    )
    yield Sample("mailer_system_overdue_seconds", _since(oldest, now))
    yield Sample("mailer_signups_waiting", connection.scalar(select(func.count(SignupRequest.id))) or 0)


def reports(connection: Connection, now: datetime) -> Iterator[Sample]:
    """The bounces and complaints of the last hour, by what they mean and by provider."""
    rows = connection.execute(
        select(Report.severity, Report.kind, Report.fault, Report.provider, func.count())
        .where(Report.received_at > now - timedelta(hours=1))
        .group_by(Report.severity, Report.kind, Report.fault, Report.provider)
    )
    meant: Counter[tuple[str, ...]] = Counter()
    at: Counter[tuple[str, ...]] = Counter()
    whole: Counter[str] = Counter()
    for severity, kind, fault, provider, count in rows:
        word, where = (severity or kind).value, provider or "unknown"
        meant[word, fault or "unknown"] += count
        at[where, word] += count
        whole[where] += count
    shown = {name for name, _ in whole.most_common(MOST_PROVIDERS)}
    yield from (Sample("mailer_reports_last_hour", count, key) for key, count in meant.items())
    yield from (
        Sample("mailer_provider_reports_last_hour", count, key)
        for key, count in at.items()
        if key[0] in shown
    )


def returned(connection: Connection, now: datetime) -> Iterator[Sample]:
    """What came back and waits: for the reader, or for a person."""
    rows = connection.execute(
        select(ReturnedMail.state, func.count())
        .where(ReturnedMail.state.in_(_OPEN))
        .group_by(ReturnedMail.state)
    )
    counts = dict(rows.all())
    yield from (Sample("mailer_returned_mails", counts.get(one, 0), (one.value,)) for one in _OPEN)
    oldest = connection.scalar(
        select(ReturnedMail.received_at)
        .where(ReturnedMail.state == ReturnedState.WAITING)
        .order_by(ReturnedMail.id)
        .limit(1)
    )
    yield Sample("mailer_returned_waiting_seconds", _since(oldest, now))
    held = select(func.count(Hold.id)).where(Hold.due_at.is_not(None))
    yield Sample("mailer_holds", connection.scalar(held) or 0)
    frozen = select(func.count(Freeze.id)).where(Freeze.closed_at.is_(None))
    yield Sample("mailer_freezes", connection.scalar(frozen) or 0)


def machinery(connection: Connection, now: datetime) -> Iterator[Sample]:
    """Workers, relays, alerts and the ledger: small tables, and one partial index."""
    beats = connection.scalars(select(Worker.heartbeat_at).where(Worker.stopped_at.is_(None))).all()
    silent = sum(now - beat > SILENT for beat in beats)
    yield Sample("mailer_workers", len(beats) - silent, ("running",))
    yield Sample("mailer_workers", silent, ("silent",))
    waits = select(func.count()).where(AlertSending.send_at.is_not(None))
    lost = select(func.count()).where(AlertSending.send_at.is_(None), AlertSending.sent_at.is_(None))
    yield Sample("mailer_alerts", connection.scalar(waits) or 0, ("waiting",))
    yield Sample("mailer_alerts", connection.scalar(lost) or 0, ("given_up",))
    unsealed = select(func.count(LedgerEntry.id)).where(text("seal_id IS NULL"))
    yield Sample("mailer_ledger_unsealed", connection.scalar(unsealed) or 0)
    stopped = 0
    for key, limit, until in connection.execute(select(PaceRow.key, PaceRow.limit, PaceRow.until)):
        kind, _, name = key.partition(":")
        rest = max((until - now).total_seconds(), 0.0) if until else 0.0
        if kind == "relay":
            yield Sample("mailer_relay_stopped_seconds", rest, (name,))
            if limit is not None:
                yield Sample("mailer_relay_limit", limit, (name,))
        else:
            stopped += rest > 0
    yield Sample("mailer_providers_stopped", stopped)


def people(connection: Connection, now: datetime) -> Iterator[Sample]:
    """Subscriptions and suppressions: counted from whole indexes, so this is asked rarely."""
    counted = (
        select(Subscription.list_id, Subscription.state, func.count().label("count"))
        .group_by(Subscription.list_id, Subscription.state)
        .subquery()
    )
    rows = connection.execute(
        select(MailingList.name, counted.c.state, counted.c.count).join(
            MailingList, MailingList.id == counted.c.list_id
        )
    )
    yield from (Sample("mailer_subscriptions", count, (name, state)) for name, state, count in rows)
    reasons = connection.execute(select(Suppression.reason, func.count()).group_by(Suppression.reason))
    yield from (Sample("mailer_suppressions", count, (reason.value,)) for reason, count in reasons)


def in_review(connection: Connection, *, after: datetime, until: datetime) -> int:
    """How many messages that came back between two instants wait for a person."""
    statement = select(func.count(ReturnedMail.id)).where(
        ReturnedMail.received_at > after,
        ReturnedMail.received_at <= until,
        ReturnedMail.state == ReturnedState.REVIEW,
    )
    return connection.scalar(statement) or 0


def _since(instant: datetime | None, now: datetime) -> float:
    return max((now - instant).total_seconds(), 0.0) if instant else 0.0
