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
    HELD = "held"  #: a hard bounce of the last day, not yet believed
    HARD_BOUNCE = "hard_bounce"
    SOFT_BOUNCE = "soft_bounce"  #: too many, too long
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


class ReportSource(StrEnum):
    """Which way a report came."""

    SMTP = "smtp"  #: a 5yz to the attempt itself
    MAIL = "mail"
    WEBHOOK = "webhook"


class ReportSeverity(StrEnum):
    """What a report says of the address."""

    HARD = "hard"
    SOFT = "soft"
    DELAYED = "delayed"  #: information: it is still tried
    COMPLAINT = "complaint"


class ReportEffect(StrEnum):
    """What followed from a report for the person."""

    NOTED = "noted"  #: nothing: not the recipient's fault, or only a delay
    HELD = "held"
    SCORED = "scored"
    SUPPRESSED = "suppressed"
    FROZEN = "frozen"  #: too much like others: a person decides
    RELEASED = "released"  #: taken back


class ReturnedKind(StrEnum):
    """What a message that came back is."""

    BOUNCE = "bounce"
    COMPLAINT = "complaint"
    AUTOREPLY = "autoreply"
    UNSUBSCRIBE = "unsubscribe"
    NONE = "none"


class ReturnedState(StrEnum):
    """Where a message that came back stands."""

    WAITING = "waiting"  #: kept, not yet read
    SETTLED = "settled"
    REVIEW = "review"  #: a person should look: it speaks of nobody we know, or nobody proves it
    UNREADABLE = "unreadable"
    DISMISSED = "dismissed"  #: a person looked


class HoldEnd(StrEnum):
    """How a hold ended."""

    SUPPRESSED = "suppressed"
    RELEASED = "released"
    LIFTED = "lifted"  #: a later reading of the same report says otherwise


class FreezeScope(StrEnum):
    """What alike failures have in common."""

    PROVIDER = "provider"
    CAMPAIGN = "campaign"


class StaffRole(StrEnum):
    """What somebody may do in /ops."""

    VIEWER = "viewer"  #: looks
    OPERATOR = "operator"  #: acts


class Stream(StrEnum):
    """The two streams of the one hash chain."""

    CONSENT = "consent"
    AUDIT = "audit"
