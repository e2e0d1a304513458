"""What can become of a row: every outcome by its key, with the group it counts in and its sentence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from mailer.addresses import FAULT_SENTENCES
from mailer.store.vocabulary import SuppressionReason


class Group(StrEnum):
    """The headings of the report."""

    ADDED = "added"  #: someone is on the list, or nearer to it, than before
    SUPPRESSED = "suppressed"  #: a "no" of the old tool is remembered
    UNCHANGED = "unchanged"
    KEPT_OUT = "kept out"  #: an earlier "no" stands (B20)
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True)
class Reason:
    """One outcome."""

    group: Group
    sentence: str


CONFIRMED = "confirmed"
PROMOTED = "promoted"
PENDING_NO_EVIDENCE = "pending.no_evidence"
PENDING_UNDECLARED = "pending.undeclared"
PENDING_UNCONFIRMED = "pending.unconfirmed"
PENDING_CAPPED = "pending.capped"
INVITED_AGAIN = "pending.invited"
ALREADY_CONFIRMED = "already.confirmed"
ALREADY_PENDING = "already.pending"
ALREADY_SUPPRESSED = "already.suppressed"
CONFIRMED_SINCE = "already.confirmed_since"
DUPLICATE = "already.duplicate"
KEPT_OUT = "kept_out."
SUPPRESSED = "suppressed."
REJECTED = "rejected."

_WHY_SUPPRESSED = {
    SuppressionReason.UNSUBSCRIBED: "left",
    SuppressionReason.COMPLAINT: "complained",
    SuppressionReason.NOT_ME: 'said "not me"',
    SuppressionReason.HARD_BOUNCE: "cannot be reached",
    SuppressionReason.SOFT_BOUNCE: "could not be reached for weeks",
    SuppressionReason.HELD: "bounced in the last day",
    SuppressionReason.MANUAL: "was blocked by staff",
}

REASONS: Mapping[str, Reason] = MappingProxyType(
    {
        CONFIRMED: Reason(Group.ADDED, "Confirmed, with the evidence of the file."),
        PROMOTED: Reason(Group.ADDED, "Was pending here, is confirmed now with the evidence of the file."),
        PENDING_NO_EVIDENCE: Reason(
            Group.ADDED, "Pending: no complete evidence of consent (a date and an address or note)."
        ),
        PENDING_UNDECLARED: Reason(
            Group.ADDED, "Pending: the row has evidence, but nobody vouched for it (--declared-by)."
        ),
        PENDING_UNCONFIRMED: Reason(Group.ADDED, "Pending: was not confirmed in the old tool either."),
        PENDING_CAPPED: Reason(
            Group.ADDED, "Pending, not invited: the address was sent confirmation mails lately."
        ),
        INVITED_AGAIN: Reason(Group.ADDED, "Was pending here and uninvited, is invited now."),
        ALREADY_CONFIRMED: Reason(Group.UNCHANGED, "On the list already."),
        ALREADY_PENDING: Reason(Group.UNCHANGED, "Pending already."),
        ALREADY_SUPPRESSED: Reason(Group.UNCHANGED, "The same no is remembered already."),
        CONFIRMED_SINCE: Reason(Group.UNCHANGED, "Left the old tool, but confirmed here at a later time."),
        DUPLICATE: Reason(Group.UNCHANGED, "The same address as an earlier row."),
    }
    | {
        KEPT_OUT + reason: Reason(Group.KEPT_OUT, f"Stays suppressed: the person {why}.")
        for reason, why in _WHY_SUPPRESSED.items()
    }
    | {
        SUPPRESSED + reason: Reason(Group.SUPPRESSED, f"Suppressed from now on: the person {why}.")
        for reason, why in _WHY_SUPPRESSED.items()
    }
    | {REJECTED + fault: Reason(Group.REJECTED, sentence) for fault, sentence in FAULT_SENTENCES.items()}
    | {
        REJECTED + "quotes": Reason(Group.REJECTED, "The quotation marks of the row do not match."),
        REJECTED + "cells": Reason(
            Group.REJECTED, "The row has more or fewer cells than there are headings."
        ),
        REJECTED + "cell_too_long": Reason(Group.REJECTED, "A cell is longer than a spreadsheet could hold."),
        REJECTED + "bytes": Reason(Group.REJECTED, "The row contains bytes that are no text."),
        REJECTED + "status": Reason(
            Group.REJECTED, "The status is not one that is known, so it is not guessed at."
        ),
    }
)
