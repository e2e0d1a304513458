"""Every table, typed: the same code on SQLite and PostgreSQL (models = migrations, tested)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import (
    CheckConstraint,
    Double,
    ForeignKey,
    Index,
    LargeBinary,
    String,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from mailer.store.base import Base
from mailer.store.schema_returns import BounceScore, Freeze, Hold, ReturnedMail
from mailer.store.schema_staff import StaffLimit, StaffMember, StaffSession
from mailer.store.types import BigId, EnumText, Json, UtcDateTime, keyed_hash, row_id, tag, utc, utc_or_none
from mailer.store.vocabulary import (
    CampaignState,
    DeliveryKind,
    DeliveryState,
    ReportEffect,
    ReportKind,
    ReportSeverity,
    ReportSource,
    SkipReason,
    Stream,
    SubscriptionState,
    SuppressionReason,
)

# All tables are known to whoever knows one.
__all__ = [
    "Base",
    "BounceScore",
    "Freeze",
    "Hold",
    "ReturnedMail",
    "StaffLimit",
    "StaffMember",
    "StaffSession",
]


class MailingList(Base):
    """A list once declared in the settings; the row stays when the setting goes (law 6)."""

    __tablename__ = "lists"
    id: Mapped[row_id]
    name: Mapped[str] = mapped_column(String(64), unique=True)  #: the key under [lists]
    list_id: Mapped[str] = mapped_column(String(255))  #: RFC 2919, unchanged for the list's life
    title: Mapped[str] = mapped_column(Text)
    created_at: Mapped[utc]
    removed_at: Mapped[utc_or_none]  #: no longer in the settings


class Subscriber(Base):
    """One person, one address, once per site."""

    __tablename__ = "subscribers"
    id: Mapped[row_id]
    email: Mapped[str] = mapped_column(String(320))  #: local part as typed, domain as A-label (A69)
    email_key: Mapped[str] = mapped_column(String(320), unique=True)  #: lower-cased, for comparison
    email_hash: Mapped[keyed_hash] = mapped_column(index=True)  #: keyed; joins suppressions
    domain: Mapped[str] = mapped_column(String(255))
    language: Mapped[str] = mapped_column(String(16))
    fields: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)  #: merge fields, typed per [fields]
    created_at: Mapped[utc]
    updated_at: Mapped[utc]


class Subscription(Base):
    """A subscriber on a list; its history is in the ledger."""

    __tablename__ = "subscriptions"
    __table_args__ = (
        UniqueConstraint("subscriber_id", "list_id"),
        Index("ix_subscriptions_audience", "list_id", "state", "id"),
        # Partial: only pending rows with a running clock are ever looked for (C7).
        Index(
            "ix_subscriptions_expiry",
            "expires_at",
            sqlite_where=text("expires_at IS NOT NULL"),
            postgresql_where=text("expires_at IS NOT NULL"),
        ),
    )
    id: Mapped[row_id]
    subscriber_id: Mapped[int] = mapped_column(BigId, ForeignKey("subscribers.id", ondelete="CASCADE"))
    list_id: Mapped[int] = mapped_column(BigId, ForeignKey("lists.id"))
    tag: Mapped[tag] = mapped_column(unique=True)  #: random; all that a token says of the person (A12)
    state: Mapped[SubscriptionState] = mapped_column(EnumText(SubscriptionState))
    source: Mapped[str] = mapped_column(String(64))  #: "form", "api", "import:<name>", "staff"
    requested_at: Mapped[utc]
    expires_at: Mapped[utc_or_none]  #: an unconfirmed row is purged then (C7); null once confirmed
    confirm_nonce: Mapped[bytes | None] = mapped_column(
        LargeBinary(8)
    )  #: null: no confirm link is alive (D3)
    confirmed_at: Mapped[utc_or_none]
    unsubscribed_at: Mapped[utc_or_none]
    consent_id: Mapped[int | None] = mapped_column(BigId, ForeignKey("ledger.id"))  #: latest consent record


class Suppression(Base):
    """An address that is not mailed, known only by its keyed hash (law 7)."""

    __tablename__ = "suppressions"
    __table_args__ = (UniqueConstraint("email_hash", "list_id", "reason"),)
    id: Mapped[row_id]
    email_hash: Mapped[keyed_hash]
    list_id: Mapped[int] = mapped_column(BigId)  #: 0: every list
    reason: Mapped[SuppressionReason] = mapped_column(EnumText(SuppressionReason))
    source: Mapped[str] = mapped_column(String(64))
    note: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[utc]


class SignupRequest(Base):
    """A form post waiting to be judged: the answer never depends on who is on the list (D7)."""

    __tablename__ = "signup_requests"
    id: Mapped[row_id]
    list_name: Mapped[str] = mapped_column(String(64))
    email: Mapped[str] = mapped_column(String(320))
    language: Mapped[str] = mapped_column(String(16))
    fields: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)
    evidence: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)
    received_at: Mapped[utc]


class SignupCount(Base):
    """Confirmations sent per capped key and hour (D8); keys are keyed hashes, kept 30 days."""

    __tablename__ = "signup_counts"
    __table_args__ = (Index("ix_signup_counts_window", "window_at"),)
    key_hash: Mapped[keyed_hash] = mapped_column(primary_key=True)
    window_at: Mapped[datetime] = mapped_column(UtcDateTime, primary_key=True)  #: start of the hour
    count: Mapped[int]


class LedgerEntry(Base):
    """One append-only record; its digest is keyed and salted, so a payload can be erased (law 8)."""

    __tablename__ = "ledger"
    __table_args__ = (
        Index("ix_ledger_subject", "subject"),
        Index(
            "ix_ledger_unsealed",
            "id",
            sqlite_where=text("seal_id IS NULL"),
            postgresql_where=text("seal_id IS NULL"),
        ),
        {"sqlite_autoincrement": True},
    )
    id: Mapped[row_id]
    stream: Mapped[Stream] = mapped_column(EnumText(Stream))
    event: Mapped[str] = mapped_column(String(64))
    at: Mapped[utc]
    subject: Mapped[bytes | None] = mapped_column(
        LargeBinary(32)
    )  #: keyed hash of the address, if about a person
    payload: Mapped[str | None] = mapped_column(Text)  #: canonical JSON; null once erased
    salt: Mapped[bytes | None] = mapped_column(LargeBinary(16))
    commitment: Mapped[keyed_hash]  #: SHA-256 of salt and payload; says nothing once the salt is gone
    digest: Mapped[keyed_hash]  #: keyed, over all of the above but salt and payload
    seal_id: Mapped[int | None] = mapped_column(BigId, ForeignKey("seals.id"))


class Seal(Base):
    """One link of the chain over a batch of ledger rows."""

    __tablename__ = "seals"
    id: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=False)  #: 1, 2, 3 without a gap
    ids: Mapped[str] = mapped_column(Text)  #: the rows it covers, as ranges: "1-500,502"
    previous: Mapped[keyed_hash]
    hash: Mapped[keyed_hash]
    sealed_at: Mapped[utc]


class Policy(Base):
    """A privacy policy as it was published; never changed (F5)."""

    __tablename__ = "policies"
    version: Mapped[str] = mapped_column(String(32), primary_key=True)
    language: Mapped[str] = mapped_column(String(16), primary_key=True)
    sha256: Mapped[str] = mapped_column(String(64))
    source: Mapped[str] = mapped_column(Text)  #: Markdown
    published_at: Mapped[utc]


class Artefact(Base):
    """A compiled message frozen by hash: what was approved is what is sent (law 9)."""

    __tablename__ = "artefacts"
    hash: Mapped[str] = mapped_column(String(64), primary_key=True)  #: SHA-256 of content, hex
    content: Mapped[bytes] = mapped_column(LargeBinary)
    created_at: Mapped[utc]


class Medium(Base):
    """A campaign's own image, served under /media/<hash>."""

    __tablename__ = "media"
    hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    content_type: Mapped[str] = mapped_column(String(64))
    content: Mapped[bytes] = mapped_column(LargeBinary)
    created_at: Mapped[utc]


class Campaign(Base):
    """One scheduled sending of a campaign folder."""

    __tablename__ = "campaigns"
    __table_args__ = (Index("ix_campaigns_state", "state", "scheduled_at"),)
    id: Mapped[row_id]
    tag: Mapped[bytes] = mapped_column(LargeBinary(6), unique=True)  #: random; names the campaign in tokens
    slug: Mapped[str] = mapped_column(String(128), index=True)
    subject: Mapped[str] = mapped_column(Text)
    list_id: Mapped[int] = mapped_column(BigId, ForeignKey("lists.id"))
    state: Mapped[CampaignState] = mapped_column(EnumText(CampaignState))
    reason: Mapped[str | None] = mapped_column(Text)  #: why it is paused or cancelled
    breaker: Mapped[str | None] = mapped_column(String(32))  #: the circuit breaker that paused it
    counted_from: Mapped[utc_or_none]  #: breakers count what came after a person let it go on
    accepted_before: Mapped[int | None] = mapped_column(BigId)  #: how many were accepted by then
    artefact_hash: Mapped[str] = mapped_column(String(64), ForeignKey("artefacts.hash"))
    scheduled_at: Mapped[utc]
    timezone: Mapped[str] = mapped_column(String(64))  #: the zone the person spoke in (A89)
    give_up_hours: Mapped[int | None]  #: shorter retry life than the site's, if the campaign sets one
    expected_count: Mapped[int]  #: what the person who scheduled it saw and typed (D24)
    drift_approved: Mapped[bool] = mapped_column(default=False)  #: resumed after a drift pause
    created_at: Mapped[utc]
    started_at: Mapped[utc_or_none]
    finished_at: Mapped[utc_or_none]
    audience_bound: Mapped[int | None] = mapped_column(BigId)  #: highest subscription id of the audience
    audience_count: Mapped[int | None]  #: its size, counted with the bound
    materialised_upto: Mapped[int] = mapped_column(BigId, default=0)  #: subscription id cursor


#: Conditions of partial indexes on deliveries; a query repeats one word for word, or SQLite does not
#: read the index.
CLAIMED = "state = 'attempting'"
TRIED = "state NOT IN ('queued', 'attempting')"


class Delivery(Base):
    """One message to one recipient, the unit of work."""

    __tablename__ = "deliveries"
    __table_args__ = (
        UniqueConstraint("campaign_id", "subscription_id"),
        CheckConstraint(
            "(next_attempt_at IS NOT NULL) = (state IN ('queued', 'deferred'))", name="due_iff_waiting"
        ),
        # Claims read this index alone, in order, whatever the table has grown to.
        Index(
            "ix_deliveries_due",
            "stream",
            "next_attempt_at",
            "id",
            sqlite_where=text("next_attempt_at IS NOT NULL"),
            postgresql_where=text("next_attempt_at IS NOT NULL"),
        ),
        # A row enters each of these once: while a worker has it, and with what became of it.
        Index(
            "ix_deliveries_claimed", "worker_id", sqlite_where=text(CLAIMED), postgresql_where=text(CLAIMED)
        ),
        Index(
            "ix_deliveries_tried", "stream", "state", sqlite_where=text(TRIED), postgresql_where=text(TRIED)
        ),
        Index("ix_deliveries_subscription", "subscription_id"),
    )
    id: Mapped[row_id]
    stream: Mapped[int] = mapped_column(BigId)  #: the campaign's id; 0 for system mail
    kind: Mapped[DeliveryKind] = mapped_column(EnumText(DeliveryKind))
    campaign_id: Mapped[int | None] = mapped_column(BigId, ForeignKey("campaigns.id"))
    subscription_id: Mapped[int | None] = mapped_column(
        BigId, ForeignKey("subscriptions.id", ondelete="SET NULL")
    )
    context: Mapped[dict[str, Any] | None] = mapped_column(Json)  #: a proof's artefact, addressee and values
    domain: Mapped[str] = mapped_column(String(255))
    state: Mapped[DeliveryState] = mapped_column(EnumText(DeliveryState))
    skip_reason: Mapped[SkipReason | None] = mapped_column(EnumText(SkipReason))
    attempts: Mapped[int] = mapped_column(default=0)
    next_attempt_at: Mapped[utc_or_none]
    worker_id: Mapped[int | None] = mapped_column(BigId)  #: who has claimed it
    created_at: Mapped[utc]
    attempted_at: Mapped[
        utc_or_none
    ]  #: Date of the last copy, to the second; with digest, `reproduce` proves it
    settled_at: Mapped[utc_or_none]
    reply_code: Mapped[int | None]
    status: Mapped[str | None] = mapped_column(String(16))  #: enhanced status, RFC 3463
    reply: Mapped[str | None] = mapped_column(Text)  #: the server's words, or ours for a lost connection
    message_id: Mapped[str | None] = mapped_column(String(255))
    digest: Mapped[bytes | None] = mapped_column(LargeBinary(32))  #: SHA-256 of the bytes that left
    relay: Mapped[str | None] = mapped_column(String(255))  #: "host:port" that the last attempt went to


class Report(Base):
    """What a report that came back said of one delivery: a bounce, or a complaint."""

    __tablename__ = "reports"
    __table_args__ = (Index("ix_reports_campaign", "campaign_id", "kind", "received_at"),)
    id: Mapped[row_id]
    received_at: Mapped[utc] = mapped_column(index=True)
    kind: Mapped[ReportKind] = mapped_column(EnumText(ReportKind))
    campaign_id: Mapped[int | None] = mapped_column(BigId, ForeignKey("campaigns.id"))
    delivery_id: Mapped[int | None] = mapped_column(
        BigId, ForeignKey("deliveries.id", ondelete="SET NULL"), index=True
    )
    domain: Mapped[str] = mapped_column(String(255))  #: of the recipient
    status: Mapped[str | None] = mapped_column(String(16))  #: enhanced status, RFC 3463
    reason: Mapped[str | None] = mapped_column(String(64))
    fault: Mapped[str | None] = mapped_column(String(16))  #: recipient, message, sender or provider
    rule: Mapped[str | None] = mapped_column(String(64))  #: the rule that said so
    source: Mapped[ReportSource | None] = mapped_column(EnumText(ReportSource))
    mail_id: Mapped[int | None] = mapped_column(
        BigId, ForeignKey("returned_mails.id", ondelete="SET NULL"), index=True
    )
    severity: Mapped[ReportSeverity | None] = mapped_column(EnumText(ReportSeverity))
    cause_group: Mapped[str | None] = mapped_column(String(32))  #: the coarse cause
    effect: Mapped[ReportEffect | None] = mapped_column(EnumText(ReportEffect))
    matched_by: Mapped[str | None] = mapped_column(String(16))  #: "verp", "envid", "message_id", "address"
    email_hash: Mapped[bytes | None] = mapped_column(LargeBinary(32), index=True)
    list_id: Mapped[int | None] = mapped_column(BigId)
    origin: Mapped[str | None] = mapped_column(String(64))  #: how the person came: "form", "import:<name>"
    provider: Mapped[str | None] = mapped_column(String(255))
    relay: Mapped[str | None] = mapped_column(String(255))
    reader_version: Mapped[int | None]


class RaisedAlert(Base):
    """Something that ops are told of, once per cause and hour; nothing in it names a subscriber."""

    __tablename__ = "alerts"
    __table_args__ = (UniqueConstraint("cause", "hour_at"),)
    id: Mapped[row_id]
    kind: Mapped[str] = mapped_column(String(64))
    cause: Mapped[str] = mapped_column(String(128))
    hour_at: Mapped[utc]  #: start of the hour it belongs to
    raised_at: Mapped[utc]
    subject: Mapped[str] = mapped_column(Text)
    text: Mapped[str] = mapped_column(Text)
    facts: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)


class AlertSending(Base):
    """One way on which an alert reaches ops."""

    __tablename__ = "alert_sendings"
    alert_id: Mapped[int] = mapped_column(
        BigId, ForeignKey("alerts.id", ondelete="CASCADE"), primary_key=True
    )
    channel: Mapped[str] = mapped_column(String(16), primary_key=True)  #: "mail" or "webhook"
    send_at: Mapped[utc_or_none]  #: when it is tried next; null: it was sent, or given up
    tries: Mapped[int] = mapped_column(default=0)
    sent_at: Mapped[utc_or_none]
    failure: Mapped[str | None] = mapped_column(Text)  #: what the last try came to


class Worker(Base):
    """A sender process and its heartbeat; a silent one loses its claims."""

    __tablename__ = "workers"
    id: Mapped[row_id]
    host: Mapped[str] = mapped_column(String(255))
    pid: Mapped[int]
    journal: Mapped[str] = mapped_column(Text)  #: path of its journal, on that host
    started_at: Mapped[utc]
    heartbeat_at: Mapped[utc]
    stopped_at: Mapped[utc_or_none]


class RateWindow(Base):
    """The sending rate of one route, shared by every worker of the site."""

    __tablename__ = "rate_windows"
    route: Mapped[str] = mapped_column(String(255), primary_key=True)
    next_at: Mapped[utc]  #: the instant of the first turn that nobody has reserved


class PaceRow(Base):
    """What is known of how fast one relay or mailbox provider takes mail, shared by every worker."""

    __tablename__ = "paces"
    key: Mapped[str] = mapped_column(String(255), primary_key=True)  #: "relay:main", "provider:google"
    limit: Mapped[float | None] = mapped_column(Double)  #: messages per second; null: none was found
    connections: Mapped[int | None]  #: that may be used at once; null: as many as there are
    cause: Mapped[str | None] = mapped_column(Text)  #: the last refusal, in our words: code, status, rule
    until: Mapped[utc_or_none]  #: nothing leaves before
    updated_at: Mapped[utc]
    memory: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)  #: what else its controller counts


class ProviderRow(Base):
    """Whose mail servers take the mail of a domain; asked of the DNS now and then."""

    __tablename__ = "providers"
    domain: Mapped[str] = mapped_column(String(255), primary_key=True)
    provider: Mapped[str] = mapped_column(String(255))
    expires_at: Mapped[utc] = mapped_column(index=True)
