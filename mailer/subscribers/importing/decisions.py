"""What an import may do with one person, as tables: it adds, it remembers a no, it brings nobody back (B20)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import NamedTuple

from mailer.store.vocabulary import SubscriptionState, SuppressionReason
from mailer.subscribers.importing import reasons
from mailer.subscribers.importing.options import Standing
from mailer.subscribers.importing.rows import ImportRow
from mailer.subscribers.model import ABSENT, Event

_S = SubscriptionState
_R = SuppressionReason

#: What becomes of a no of the old tool: the reason, and whether it holds for every list.
#: Leaving a list there is leaving this list here; the rest is about the address. Who was blocked may
#: have blocked themselves: as "unsubscribed" only their own confirmed sign-up brings them back.
SUPPRESSED_AS: Mapping[Standing, tuple[SuppressionReason, bool]] = MappingProxyType(
    {
        Standing.LEFT: (_R.UNSUBSCRIBED, False),
        Standing.CLEANED: (_R.HARD_BOUNCE, True),
        Standing.COMPLAINED: (_R.COMPLAINT, True),
        Standing.BLOCKED: (_R.UNSUBSCRIBED, True),
        Standing.DISABLED: (_R.MANUAL, True),
    }
)

#: The strongest first: the one that is reported when several hold.
_WEIGHT = (_R.NOT_ME, _R.COMPLAINT, _R.UNSUBSCRIBED, _R.HARD_BOUNCE, _R.SOFT_BOUNCE, _R.HELD, _R.MANUAL)


class Action(StrEnum):
    """What is written."""

    NOTHING = "nothing"
    ADD = "add"  #: a new subscription, confirmed or pending
    PROMOTE = "promote"  #: a pending one becomes confirmed
    INVITE = "invite"  #: a pending one is sent its confirmation mail
    SUPPRESS = "suppress"


@dataclass(frozen=True, slots=True)
class Held:
    """What is stored about one address: nothing, for most."""

    subscriber_id: int | None = None
    subscription_id: int | None = None
    state: SubscriptionState | None = ABSENT
    invited: bool = False
    confirmed_at: datetime | None = None  #: by the person, here; None when an import brought the consent
    fields: Mapping[str, object] = field(default_factory=dict)
    suppressed: frozenset[tuple[SuppressionReason, bool]] = frozenset()  #: (reason, every list)


NOBODY = Held()


class Decision(NamedTuple):
    """What to write for one row, and what to report."""

    action: Action
    key: str
    event: Event | None = None


_DECISIONS: Mapping[tuple[SubscriptionState | None, Event], tuple[Action, str | None]] = MappingProxyType(
    {
        (ABSENT, Event.ADMIT): (Action.ADD, reasons.CONFIRMED),
        (ABSENT, Event.HOLD): (Action.ADD, None),  # the key is why it is held
        (_S.PENDING, Event.ADMIT): (Action.PROMOTE, reasons.PROMOTED),
        (_S.PENDING, Event.HOLD): (Action.NOTHING, reasons.ALREADY_PENDING),
        (_S.CONFIRMED, Event.ADMIT): (Action.NOTHING, reasons.ALREADY_CONFIRMED),
        (_S.CONFIRMED, Event.HOLD): (Action.NOTHING, reasons.ALREADY_CONFIRMED),
        (_S.UNSUBSCRIBED, Event.ADMIT): (Action.NOTHING, reasons.KEPT_OUT + _R.UNSUBSCRIBED),
        (_S.UNSUBSCRIBED, Event.HOLD): (Action.NOTHING, reasons.KEPT_OUT + _R.UNSUBSCRIBED),
    }
)


def decide(row: ImportRow, held: Held, *, invite: bool) -> Decision:
    """What to do with a row, given what is stored."""
    if row.standing in SUPPRESSED_AS:
        return _decide_no(row, held)
    if held.suppressed:
        present = {reason for reason, _ in held.suppressed}
        strongest = next(reason for reason in _WEIGHT if reason in present)
        return Decision(Action.NOTHING, reasons.KEPT_OUT + strongest)
    event, why = _wish(row)
    action, key = _DECISIONS[held.state, event]
    if invite and key == reasons.ALREADY_PENDING and not held.invited:
        return Decision(Action.INVITE, reasons.INVITED_AGAIN, event)
    return Decision(action, key or why, event)


def _wish(row: ImportRow) -> tuple[Event, str]:
    """Whether the row asks to be confirmed or held, and why the latter."""
    if row.standing is Standing.UNCONFIRMED:
        return Event.HOLD, reasons.PENDING_UNCONFIRMED
    if row.consent is None:
        return Event.HOLD, reasons.PENDING_NO_EVIDENCE
    if not row.declared:
        return Event.HOLD, reasons.PENDING_UNDECLARED
    return Event.ADMIT, reasons.CONFIRMED


def _decide_no(row: ImportRow, held: Held) -> Decision:
    reason, everywhere = SUPPRESSED_AS[row.standing]
    if (reason, everywhere) in held.suppressed or (reason, True) in held.suppressed:
        return Decision(Action.NOTHING, reasons.ALREADY_SUPPRESSED)
    # Otherwise a second run of the same file would throw out who has come back since.
    if held.state is _S.CONFIRMED and row.since and held.confirmed_at and held.confirmed_at > row.since:
        return Decision(Action.NOTHING, reasons.CONFIRMED_SINCE)
    return Decision(Action.SUPPRESS, reasons.SUPPRESSED + reason)
