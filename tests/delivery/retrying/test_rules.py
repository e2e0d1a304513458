"""What may be tried again because staff say so: the whole table, and that nothing else may."""

from __future__ import annotations

import itertools

import pytest

from mailer.delivery.model import EDGES, Event
from mailer.delivery.retrying.rules import REFUSALS, RETRYABLE, Candidate, Refusal, refusal
from mailer.enhanced_status import is_policy
from mailer.store.vocabulary import CampaignState, SkipReason
from mailer.store.vocabulary import DeliveryState as S


@pytest.mark.rule("B13")
@pytest.mark.parametrize(
    ("state", "status", "mended", "reason"),
    [
        (S.DEFERRED, "4.7.1", False, None),
        (S.DEFERRED, None, False, None),
        (S.EXPIRED, "4.2.2", False, None),
        (S.REJECTED, "5.7.1", False, Refusal.POLICY),
        (S.REJECTED, "5.7.1", True, None),
        (S.REJECTED, "5.7.26", True, None),
        (S.REJECTED, "5.1.1", False, Refusal.FINAL),
        (S.REJECTED, "5.1.1", True, Refusal.FINAL),
        (S.REJECTED, "5.2.2", True, Refusal.FINAL),
        (S.REJECTED, "5.3.4", True, Refusal.FINAL),
        (S.REJECTED, None, True, Refusal.FINAL),
        (S.REJECTED, "5.7.13", True, Refusal.FINAL),  # the mailbox is disabled
        (S.REJECTED, "5.7.17", True, Refusal.FINAL),  # it has another owner
        (S.REJECTED, "5.7.18", True, Refusal.FINAL),  # the domain has
        (S.QUEUED, None, True, Refusal.QUEUED),
        (S.ATTEMPTING, None, True, Refusal.ATTEMPTING),
        (S.ACCEPTED, "2.0.0", True, Refusal.ACCEPTED),
        (S.UNKNOWN, None, True, Refusal.UNKNOWN),
    ],
)
def test_what_may_be_tried_again(state: S, status: str | None, mended: bool, reason: Refusal | None) -> None:
    assert refusal(Candidate(1, 1, state, status), mended=mended) is reason


@pytest.mark.parametrize("reason", list(SkipReason))
def test_of_what_was_skipped_only_what_could_not_be_made_may_be_and_only_once_that_is_mended(
    reason: SkipReason,
) -> None:
    skipped = Candidate(1, 1, S.SKIPPED, skip_reason=reason)
    unmade = reason is SkipReason.UNRENDERABLE
    assert refusal(skipped, mended=True) is (None if unmade else Refusal.SKIPPED)
    assert refusal(skipped, mended=False) is (Refusal.UNMADE if unmade else Refusal.SKIPPED)


@pytest.mark.rule("F2")
def test_who_has_left_and_what_was_cancelled_is_never_tried_again() -> None:
    for state, mended in itertools.product(RETRYABLE, (True, False)):
        unmade = SkipReason.UNRENDERABLE if state is S.SKIPPED else None
        gone = Candidate(1, 1, state, "5.7.1", silenced=True, skip_reason=unmade)
        assert refusal(gone, mended=mended) is Refusal.LEFT
        cancelled = Candidate(1, 1, state, "5.7.1", CampaignState.CANCELLED, skip_reason=unmade)
        assert refusal(cancelled, mended=mended) is Refusal.CANCELLED


def test_no_declaration_opens_anything_but_a_policy_rejection() -> None:
    """Every state, every status: mended changes the verdict of 5.7.x alone."""
    statuses = [None, *(f"{a}.{b}.{c}" for a in (2, 4, 5) for b in range(8) for c in (0, 1, 13, 17, 26))]
    for state, status in itertools.product(S, statuses):
        candidate = Candidate(1, 1, state, status)
        before, after = refusal(candidate, mended=False), refusal(candidate, mended=True)
        assert before is after or (before, after, is_policy(status)) == (Refusal.POLICY, None, True)


def test_the_rules_ask_for_no_edge_that_the_state_machine_has_not() -> None:
    assert {state for state, event in EDGES if event is Event.RETRY} == RETRYABLE


def test_every_refusal_has_its_words() -> None:
    assert set(REFUSALS) == set(Refusal)
    assert len(set(REFUSALS.values())) == len(Refusal)
