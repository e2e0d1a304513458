"""May this delivery be tried again because staff say so? A table, and the few facts it needs (B13)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from mailer.enhanced_status import is_policy
from mailer.store.vocabulary import CampaignState, DeliveryState, SkipReason


class Refusal(StrEnum):
    """Why a delivery is not tried again."""

    MISSING = "missing"
    CANCELLED = "cancelled"
    LEFT = "left"
    POLICY = "policy"
    UNMADE = "unmade"
    FINAL = "final"
    QUEUED = "queued"
    ATTEMPTING = "attempting"
    ACCEPTED = "accepted"
    SKIPPED = "skipped"
    UNKNOWN = "unknown"


#: For whoever asked.
REFUSALS: Mapping[Refusal, str] = {
    Refusal.MISSING: "there is no such delivery",
    Refusal.CANCELLED: "the campaign was cancelled",
    Refusal.LEFT: "the person has left, or is suppressed",
    Refusal.POLICY: 'refused by policy (5.7.x): once the cause is mended, say so with --mended "what was done"',
    Refusal.UNMADE: 'it could not be made: once the cause is mended, say so with --mended "what was done"',
    Refusal.FINAL: "the server refused for good, and is not asked again",
    Refusal.QUEUED: "it waits for its first attempt already",
    Refusal.ATTEMPTING: "it is being sent at this moment",
    Refusal.ACCEPTED: "the relay took it: another would be a second copy",
    Refusal.SKIPPED: "it was skipped for a reason that still holds",
    Refusal.UNKNOWN: "nobody knows whether the relay took it: see mailer delivery settle --help",
}

#: What staff may order another attempt of; what was rejected or skipped needs a second look.
_BY_STATE: Mapping[DeliveryState, Refusal | None] = {
    DeliveryState.QUEUED: Refusal.QUEUED,
    DeliveryState.ATTEMPTING: Refusal.ATTEMPTING,
    DeliveryState.ACCEPTED: Refusal.ACCEPTED,
    DeliveryState.DEFERRED: None,
    DeliveryState.REJECTED: None,
    DeliveryState.EXPIRED: None,
    DeliveryState.SKIPPED: None,
    DeliveryState.UNKNOWN: Refusal.UNKNOWN,
}
RETRYABLE = frozenset(state for state, refusal in _BY_STATE.items() if refusal is None)


@dataclass(frozen=True, slots=True)
class Candidate:
    """What decides about one delivery."""

    id: int
    stream: int
    state: DeliveryState
    status: str | None = None  #: enhanced status of the last reply
    campaign_state: CampaignState | None = None
    silenced: bool = False  #: the person has left or is suppressed
    skip_reason: SkipReason | None = None


def refusal(candidate: Candidate, *, mended: bool) -> Refusal | None:
    """Why it is not tried again, or None. `mended`: the cause of it is declared mended."""
    found = _BY_STATE[candidate.state]
    if found is not None:
        return found
    if candidate.state is DeliveryState.REJECTED and not is_policy(candidate.status):
        return Refusal.FINAL
    if candidate.state is DeliveryState.SKIPPED and candidate.skip_reason is not SkipReason.UNRENDERABLE:
        return Refusal.SKIPPED
    if candidate.campaign_state is CampaignState.CANCELLED:
        return Refusal.CANCELLED
    if candidate.silenced:
        return Refusal.LEFT
    return None if mended else _TO_MEND.get(candidate.state)


#: What is not tried again before the cause is declared mended.
_TO_MEND: Mapping[DeliveryState, Refusal] = {
    DeliveryState.REJECTED: Refusal.POLICY,
    DeliveryState.SKIPPED: Refusal.UNMADE,
}
