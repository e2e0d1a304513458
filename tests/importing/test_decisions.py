"""The decision table beside the state machine: complete, in step with it, and never a way back (B20)."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailer.addresses import parse_address
from mailer.store.vocabulary import SubscriptionState, SuppressionReason
from mailer.subscribers.importing.decisions import SUPPRESSED_AS, Action, Held, decide
from mailer.subscribers.importing.options import Standing
from mailer.subscribers.importing.reasons import REASONS, Group
from mailer.subscribers.importing.rows import Consent, ImportRow
from mailer.subscribers.model import after

LONG_AGO, LATER = datetime(2020, 1, 1, tzinfo=UTC), datetime(2024, 1, 1, tzinfo=UTC)


def row_of(standing: Standing, *, evidence: bool, declared: bool, since: datetime | None) -> ImportRow:
    return ImportRow(
        line=2,
        address=parse_address("ada@shop.example"),
        email_hash=bytes(32),
        standing=standing,
        consent=Consent(LATER, "2024-01-01", "192.0.2.1", None, None, None) if evidence else None,
        declared=declared,
        since=since,
        fields={},
        language=None,
    )


rows = st.builds(
    row_of,
    st.sampled_from(Standing),
    evidence=st.booleans(),
    declared=st.booleans(),
    since=st.sampled_from([None, LONG_AGO, LATER]),
)
held = st.builds(
    Held,
    subscriber_id=st.none() | st.just(1),
    subscription_id=st.none() | st.just(1),
    state=st.sampled_from([None, *SubscriptionState]),
    invited=st.booleans(),
    confirmed_at=st.sampled_from([None, LONG_AGO, LATER]),
    suppressed=st.frozensets(st.tuples(st.sampled_from(SuppressionReason), st.booleans()), max_size=3),
)


@given(rows, held, st.booleans())
def test_every_case_is_decided_and_every_outcome_can_be_reported(
    row: ImportRow, known: Held, invite: bool
) -> None:
    decision = decide(row, known, invite=invite)
    assert decision.key in REASONS


@pytest.mark.rule("B20")
@given(rows, held, st.booleans())
def test_nobody_who_said_no_is_added_promoted_or_invited(row: ImportRow, known: Held, invite: bool) -> None:
    decision = decide(row, known, invite=invite)
    if known.suppressed or known.state is SubscriptionState.UNSUBSCRIBED or row.standing in SUPPRESSED_AS:
        assert decision.action in (Action.NOTHING, Action.SUPPRESS)


@pytest.mark.rule("C29")
@given(rows, held, st.booleans())
def test_nobody_becomes_confirmed_without_evidence_and_a_word_for_it(
    row: ImportRow, known: Held, invite: bool
) -> None:
    decision = decide(row, known, invite=invite)
    if decision.action in (Action.ADD, Action.PROMOTE):
        assert decision.event is not None
        if after(known.state, decision.event) is SubscriptionState.CONFIRMED:
            assert row.consent is not None
            assert row.declared


@given(rows, held, st.booleans())
def test_what_is_written_is_reported_as_written(row: ImportRow, known: Held, invite: bool) -> None:
    decision = decide(row, known, invite=invite)
    group = REASONS[decision.key].group
    assert (decision.action is Action.SUPPRESS) == (group is Group.SUPPRESSED)
    assert (decision.action in (Action.ADD, Action.PROMOTE, Action.INVITE)) == (group is Group.ADDED)


@given(rows, held)
def test_only_an_invitation_asks_again_who_waits_already(row: ImportRow, known: Held) -> None:
    assert decide(row, known, invite=False).action is not Action.INVITE


def test_every_reason_says_a_whole_sentence() -> None:
    assert all(reason.sentence.endswith((".", "?")) for reason in REASONS.values())
