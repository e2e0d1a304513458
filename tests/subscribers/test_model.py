"""The state machine and the policy table: one test per legal step, one for all the others."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailer.store.vocabulary import SubscriptionState as S
from mailer.store.vocabulary import SuppressionReason as R
from mailer.subscribers.model import (
    ABSENT,
    SUPPRESSION_POLICY,
    TRANSITIONS,
    Event,
    IllegalTransition,
    SignupVerdict,
    StaffLift,
    after,
    judge_signup,
)

LEGAL = [
    (ABSENT, Event.REQUEST, S.PENDING),
    (ABSENT, Event.ADMIT, S.CONFIRMED),
    (ABSENT, Event.HOLD, S.PENDING),
    (S.PENDING, Event.REQUEST, S.PENDING),
    (S.PENDING, Event.CONFIRM, S.CONFIRMED),
    (S.PENDING, Event.ADMIT, S.CONFIRMED),
    (S.PENDING, Event.HOLD, S.PENDING),
    (S.PENDING, Event.LEAVE, S.UNSUBSCRIBED),
    (S.PENDING, Event.DENY, ABSENT),
    (S.PENDING, Event.LAPSE, ABSENT),
    (S.CONFIRMED, Event.REQUEST, S.CONFIRMED),
    (S.CONFIRMED, Event.CONFIRM, S.CONFIRMED),
    (S.CONFIRMED, Event.ADMIT, S.CONFIRMED),
    (S.CONFIRMED, Event.HOLD, S.CONFIRMED),
    (S.CONFIRMED, Event.LEAVE, S.UNSUBSCRIBED),
    (S.CONFIRMED, Event.DENY, S.UNSUBSCRIBED),
    (S.CONFIRMED, Event.LAPSE, S.CONFIRMED),
    (S.UNSUBSCRIBED, Event.REQUEST, S.UNSUBSCRIBED),
    (S.UNSUBSCRIBED, Event.CONFIRM, S.CONFIRMED),
    (S.UNSUBSCRIBED, Event.LEAVE, S.UNSUBSCRIBED),
    (S.UNSUBSCRIBED, Event.DENY, S.UNSUBSCRIBED),
    (S.UNSUBSCRIBED, Event.LAPSE, S.UNSUBSCRIBED),
]
ILLEGAL = sorted(set(product([ABSENT, *S], Event)) - {(state, event) for state, event, _ in LEGAL}, key=str)


@pytest.mark.parametrize(("state", "event", "expected"), LEGAL)
def test_a_legal_step_leads_where_the_table_says(state: S | None, event: Event, expected: S | None) -> None:
    assert after(state, event) is expected


def test_every_other_step_is_refused_with_a_sentence() -> None:
    for state, event in ILLEGAL:
        with pytest.raises(IllegalTransition, match="cannot take the step"):
            after(state, event)


def test_the_table_has_no_step_beyond_these() -> None:
    assert len(TRANSITIONS) == len(LEGAL)


@pytest.mark.rule("B20")
@pytest.mark.parametrize("event", [Event.ADMIT, Event.HOLD])
def test_no_import_moves_a_person_who_left(event: Event) -> None:
    with pytest.raises(IllegalTransition):
        after(S.UNSUBSCRIBED, event)


@pytest.mark.rule("F1")
@given(st.lists(st.sampled_from(Event)))
def test_nobody_is_confirmed_without_a_confirmation_or_evidence(events: list[Event]) -> None:
    state: S | None = ABSENT
    for event in events:
        if (state, event) in TRANSITIONS:
            before, state = state, after(state, event)
            if state is S.CONFIRMED and before is not S.CONFIRMED:
                assert event in {Event.CONFIRM, Event.ADMIT}


@given(st.lists(st.sampled_from([e for e in Event if e is not Event.CONFIRM])))
def test_after_leaving_only_a_confirmation_brings_a_person_back(events: list[Event]) -> None:
    """Law 7, "no" is remembered: not a request, not an import, not the purge."""
    state: S | None = S.UNSUBSCRIBED
    for event in events:
        if (state, event) in TRANSITIONS:
            state = after(state, event)
        assert state is S.UNSUBSCRIBED


# --- the policy table ---

POLICY = [
    # reason, a sign-up sends, confirming lifts, staff may, ends subscriptions
    (R.UNSUBSCRIBED, True, True, StaffLift.NEVER, True),
    (R.COMPLAINT, False, False, StaffLift.CLEARS_THE_WAY, True),
    (R.NOT_ME, False, False, StaffLift.CLEARS_THE_WAY, True),
    (R.HELD, False, False, StaffLift.LIFTS, False),
    (R.HARD_BOUNCE, False, False, StaffLift.LIFTS, False),
    (R.SOFT_BOUNCE, False, False, StaffLift.LIFTS, False),
    (R.MANUAL, False, False, StaffLift.LIFTS, False),
]


@pytest.mark.rule("B20")
@pytest.mark.parametrize(("reason", "sends", "lifts", "staff", "ends"), POLICY)
def test_each_reason_has_its_policy(
    reason: R, sends: bool, lifts: bool, staff: StaffLift, ends: bool
) -> None:
    policy = SUPPRESSION_POLICY[reason]
    assert (policy.sends_confirmation, policy.confirming_lifts) == (sends, lifts)
    assert (policy.staff_lift, policy.ends_subscriptions) == (staff, ends)
    assert policy.staff_ground.endswith(".")


def test_no_reason_is_without_a_policy() -> None:
    assert set(SUPPRESSION_POLICY) == set(R)


@pytest.mark.rule("B20")
def test_staff_never_turn_a_persons_own_no_into_a_yes() -> None:
    own_words = {R.UNSUBSCRIBED, R.COMPLAINT, R.NOT_ME}
    assert all(SUPPRESSION_POLICY[reason].staff_lift is not StaffLift.LIFTS for reason in own_words)


def test_what_confirming_lifts_must_first_let_the_confirmation_mail_out() -> None:
    assert all(policy.sends_confirmation for policy in SUPPRESSION_POLICY.values() if policy.confirming_lifts)


# --- the verdict on a sign-up ---

VERDICTS = [
    (ABSENT, [], SignupVerdict.INVITED),
    (S.PENDING, [], SignupVerdict.INVITED),
    (S.CONFIRMED, [], SignupVerdict.ALREADY),
    (S.UNSUBSCRIBED, [], SignupVerdict.INVITED),
    (S.UNSUBSCRIBED, [R.UNSUBSCRIBED], SignupVerdict.INVITED),
    (S.CONFIRMED, [R.UNSUBSCRIBED], SignupVerdict.INVITED),
    (S.CONFIRMED, [R.HARD_BOUNCE], SignupVerdict.SILENCED),
    (ABSENT, [R.NOT_ME], SignupVerdict.SILENCED),
    (S.UNSUBSCRIBED, [R.UNSUBSCRIBED, R.COMPLAINT], SignupVerdict.SILENCED),
    (ABSENT, [R.MANUAL], SignupVerdict.SILENCED),
]


@pytest.mark.parametrize(("state", "reasons", "verdict"), VERDICTS)
def test_a_signup_is_judged_by_state_and_suppressions(
    state: S | None, reasons: list[R], verdict: SignupVerdict
) -> None:
    assert judge_signup(state, reasons) is verdict
