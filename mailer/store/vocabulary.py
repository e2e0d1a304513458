"""The words that rows are written in: every stored state, kind and reason, once."""

from __future__ import annotations

from enum import StrEnum

#: `Suppression.list_id` and `Delivery.stream` of a row that belongs to no single list or campaign.
ALL_LISTS = 0
SYSTEM_STREAM = 0


class SubscriptionState(StrEnum):
    """Where one person stands on one list; suppression is separate and beats all."""

    PENDING = "pending"
    CONFIRMED = "confirmed"
    UNSUBSCRIBED = "unsubscribed"


class SuppressionReason(StrEnum):
    """Why an address is not mailed."""

    UNSUBSCRIBED = "unsubscribed"
    COMPLAINT = "complaint"
    NOT_ME = "not_me"
    HARD_BOUNCE = "hard_bounce"
    MANUAL = "manual"


class CampaignState(StrEnum):
    """Where a scheduled campaign stands."""

    SCHEDULED = "scheduled"
    SENDING = "sending"
    PAUSED = "paused"
    CANCELLED = "cancelled"
    FINISHED = "finished"


class DeliveryKind(StrEnum):
    """The three message classes: each has its own check before it may leave (law 4)."""

    CAMPAIGN = "campaign"
    CONFIRMATION = "confirmation"
    PROOF = "proof"


class DeliveryState(StrEnum):
    """Where one message to one recipient stands (law 1 sums these)."""

    QUEUED = "queued"
    ATTEMPTING = "attempting"
    ACCEPTED = "accepted"
    DEFERRED = "deferred"
    REJECTED = "rejected"
    EXPIRED = "expired"
    SKIPPED = "skipped"
    UNKNOWN = "unknown"


#: Due for a claim: in nobody's hand and not settled.
WAITING = frozenset({DeliveryState.QUEUED, DeliveryState.DEFERRED})


class SkipReason(StrEnum):
    """Why a delivery was settled without an attempt."""

    UNSUBSCRIBED = "unsubscribed"
    SUPPRESSED = "suppressed"
    ERASED = "erased"
    CANCELLED = "cancelled"
    UNRENDERABLE = "unrenderable"
    STALE = "stale"


class ReportKind(StrEnum):
    """What came back about a delivery after the next hop had taken it."""

    BOUNCE = "bounce"
    COMPLAINT = "complaint"


class Stream(StrEnum):
    """The two streams of the one hash chain."""

    CONSENT = "consent"
    AUDIT = "audit"
