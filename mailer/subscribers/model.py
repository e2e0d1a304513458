"""Subscription states and suppression policy, as data: what may follow what, and who may undo it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from mailer.errors import MailerError
from mailer.store.vocabulary import SubscriptionState, SuppressionReason

_S = SubscriptionState
_R = SuppressionReason

#: No row: never joined, or purged.
ABSENT = None


class Event(StrEnum):
    """What can happen to one person's subscription to one list."""

    REQUEST = "request"  #: a sign-up that is answered with a confirmation mail
    CONFIRM = "confirm"  #: the button behind the link of that mail
    LEAVE = "leave"  #: an opt-out, on whichever way it came
    DENY = "deny"  #: "not me, never mail this address"
    LAPSE = "lapse"  #: the life of an unconfirmed request is over (C7)
    ADMIT = "admit"  #: an import with evidence of consent (C29)
    HOLD = "hold"  #: an import without evidence, not yet invited (C29)


# A person who left stays "unsubscribed" through a new request, until they confirm it: nothing that
# happens in between, the purge included, can forget that they left. What lives meanwhile is the nonce.
TRANSITIONS: Mapping[tuple[SubscriptionState | None, Event], SubscriptionState | None] = MappingProxyType(
    {
        (ABSENT, Event.REQUEST): _S.PENDING,
        (ABSENT, Event.ADMIT): _S.CONFIRMED,
        (ABSENT, Event.HOLD): _S.PENDING,
        (_S.PENDING, Event.REQUEST): _S.PENDING,
        (_S.PENDING, Event.CONFIRM): _S.CONFIRMED,
        (_S.PENDING, Event.ADMIT): _S.CONFIRMED,
        (_S.PENDING, Event.HOLD): _S.PENDING,
        (_S.PENDING, Event.LEAVE): _S.UNSUBSCRIBED,
        (_S.PENDING, Event.DENY): ABSENT,
        (_S.PENDING, Event.LAPSE): ABSENT,
        # Requested and confirmed anew while confirmed: the way out of a suppression that came
        # from elsewhere, such as an imported opt-out.
        (_S.CONFIRMED, Event.REQUEST): _S.CONFIRMED,
        (_S.CONFIRMED, Event.CONFIRM): _S.CONFIRMED,
        (_S.CONFIRMED, Event.ADMIT): _S.CONFIRMED,
        (_S.CONFIRMED, Event.HOLD): _S.CONFIRMED,
        (_S.CONFIRMED, Event.LEAVE): _S.UNSUBSCRIBED,
        (_S.CONFIRMED, Event.DENY): _S.UNSUBSCRIBED,
        (_S.CONFIRMED, Event.LAPSE): _S.CONFIRMED,
        (_S.UNSUBSCRIBED, Event.REQUEST): _S.UNSUBSCRIBED,
        (_S.UNSUBSCRIBED, Event.CONFIRM): _S.CONFIRMED,
        (_S.UNSUBSCRIBED, Event.LEAVE): _S.UNSUBSCRIBED,
        (_S.UNSUBSCRIBED, Event.DENY): _S.UNSUBSCRIBED,
        (_S.UNSUBSCRIBED, Event.LAPSE): _S.UNSUBSCRIBED,
        # Not here, on purpose: ADMIT and HOLD. No import brings back who left (B20).
    }
)


class IllegalTransition(MailerError):
    """A subscription cannot make this step from where it stands."""


def after(state: SubscriptionState | None, event: Event) -> SubscriptionState | None:
    """The state that `event` leads to. Raises IllegalTransition when it is not legal from `state`."""
    try:
        return TRANSITIONS[state, event]
    except KeyError:
        name = state.value if state else "absent"
        raise IllegalTransition(
            f"A subscription that is {name} cannot take the step '{event.value}'.",
            state=name,
            event=event.value,
        ) from None


class StaffLift(StrEnum):
    """What becomes of a suppression that a member of staff lifts."""

    NEVER = "never"  #: only the person can, by a new confirmed sign-up
    CLEARS_THE_WAY = (
        "clears_the_way"  #: it becomes "unsubscribed": the person may confirm again, nothing more
    )
    LIFTS = "lifts"  #: mail flows again


@dataclass(frozen=True, slots=True)
class SuppressionPolicy:
    """What one reason means for sign-ups, for the person's confirmation, and for staff (B20)."""

    sends_confirmation: bool  #: does a sign-up of this address send a confirmation mail?
    confirming_lifts: bool  #: does the person's confirmation lift it?
    staff_lift: StaffLift
    staff_ground: str  #: what the reason given by staff has to say
    ends_subscriptions: bool  #: is it the person's own "no", which also ends their subscriptions?


SUPPRESSION_POLICY: Mapping[SuppressionReason, SuppressionPolicy] = MappingProxyType(
    {
        _R.UNSUBSCRIBED: SuppressionPolicy(
            sends_confirmation=True,
            confirming_lifts=True,
            staff_lift=StaffLift.NEVER,
            staff_ground="The person left; only their own new sign-up, confirmed by them, brings them back.",
            ends_subscriptions=True,
        ),
        # A complaint needs both: an operator who clears the way, then the person's confirmation.
        _R.COMPLAINT: SuppressionPolicy(
            sends_confirmation=False,
            confirming_lifts=False,
            staff_lift=StaffLift.CLEARS_THE_WAY,
            staff_ground="Say when and how the person asked to be able to sign up again.",
            ends_subscriptions=True,
        ),
        _R.NOT_ME: SuppressionPolicy(
            sends_confirmation=False,
            confirming_lifts=False,
            staff_lift=StaffLift.CLEARS_THE_WAY,
            staff_ground="Say when and how the holder of the address asked for the block to go.",
            ends_subscriptions=True,
        ),
        _R.HELD: SuppressionPolicy(
            sends_confirmation=False,
            confirming_lifts=False,
            staff_lift=StaffLift.LIFTS,
            staff_ground="Say why the report was wrong, or that the mailbox works again and how you know.",
            ends_subscriptions=False,
        ),
        _R.HARD_BOUNCE: SuppressionPolicy(
            sends_confirmation=False,
            confirming_lifts=False,
            staff_lift=StaffLift.LIFTS,
            staff_ground="Say why the verdict was wrong, or that the mailbox works again and how you know.",
            ends_subscriptions=False,
        ),
        _R.SOFT_BOUNCE: SuppressionPolicy(
            sends_confirmation=False,
            confirming_lifts=False,
            staff_lift=StaffLift.LIFTS,
            staff_ground="Say that the mailbox works again, and how you know.",
            ends_subscriptions=False,
        ),
        _R.MANUAL: SuppressionPolicy(
            sends_confirmation=False,
            confirming_lifts=False,
            staff_lift=StaffLift.LIFTS,
            staff_ground="Say why the block is no longer needed.",
            ends_subscriptions=False,
        ),
    }
)

#: The reasons that keep even a confirmation mail from being sent.
SILENCING = frozenset(
    reason for reason, policy in SUPPRESSION_POLICY.items() if not policy.sends_confirmation
)
#: The reasons that the person's own confirmation lifts.
LIFTED_BY_CONFIRMING = frozenset(
    reason for reason, policy in SUPPRESSION_POLICY.items() if policy.confirming_lifts
)


class SignupVerdict(StrEnum):
    """What a judged sign-up leads to; the person at the form never sees which (D7)."""

    INVITED = "invited"  #: a confirmation mail is queued
    ALREADY = "already"  #: confirmed and not suppressed: nothing to do
    SILENCED = "silenced"  #: a suppression keeps even the confirmation mail away
    CAPPED = "capped"  #: a cap against subscription bombing is reached (D8)
    NO_LIST = "no_list"  #: the list is no longer in the settings


def judge_signup(state: SubscriptionState | None, reasons: Iterable[SuppressionReason]) -> SignupVerdict:
    """What a sign-up deserves, caps apart, given the state and the suppressions in scope."""
    held = frozenset(reasons)
    if held & SILENCING:
        return SignupVerdict.SILENCED
    if state is _S.CONFIRMED and not held:
        return SignupVerdict.ALREADY
    return SignupVerdict.INVITED
