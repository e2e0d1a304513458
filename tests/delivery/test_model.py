"""The delivery's state machine: every legal edge, and that there is no other."""

from __future__ import annotations

import pytest

from mailer.delivery.model import (
    BY_HAND,
    EDGES,
    EVENT_OF,
    SETTLED,
    WAITING,
    Event,
    IllegalEdge,
    OutcomeKind,
    follow,
)
from mailer.store.vocabulary import DeliveryState as S


@pytest.mark.parametrize(
    ("state", "event", "target"),
    [
        (S.QUEUED, Event.CLAIM, S.ATTEMPTING),
        (S.DEFERRED, Event.CLAIM, S.ATTEMPTING),
        (S.QUEUED, Event.SKIP, S.SKIPPED),
        (S.DEFERRED, Event.SKIP, S.SKIPPED),
        (S.ATTEMPTING, Event.SKIP, S.SKIPPED),
        (S.ATTEMPTING, Event.RELEASE, S.QUEUED),
        (S.ATTEMPTING, Event.ACCEPT, S.ACCEPTED),
        (S.ATTEMPTING, Event.DEFER, S.DEFERRED),
        (S.ATTEMPTING, Event.EXPIRE, S.EXPIRED),
        (S.ATTEMPTING, Event.REJECT, S.REJECTED),
        (S.ATTEMPTING, Event.LOSE, S.UNKNOWN),
        (S.DEFERRED, Event.RETRY, S.DEFERRED),
        (S.EXPIRED, Event.RETRY, S.DEFERRED),
        (S.REJECTED, Event.RETRY, S.DEFERRED),
        (S.SKIPPED, Event.RETRY, S.DEFERRED),
        (S.UNKNOWN, Event.PROVE, S.ACCEPTED),
        (S.QUEUED, Event.PROVE, S.ACCEPTED),
        (S.DEFERRED, Event.PROVE, S.ACCEPTED),
        (S.UNKNOWN, Event.RESEND, S.DEFERRED),
    ],
)
def test_each_legal_edge_leads_where_the_table_says(state: S, event: Event, target: S) -> None:
    assert follow(state, event) is target


def test_every_other_edge_is_refused_in_words() -> None:
    illegal = [(state, event) for state in S for event in Event if (state, event) not in EDGES]
    assert len(illegal) == len(S) * len(Event) - 19
    for state, event in illegal:
        with pytest.raises(IllegalEdge, match=f"that is {state} cannot {event}"):
            follow(state, event)


def test_nothing_leaves_a_settled_state_by_itself() -> None:
    """Law 2: an unknown one is never sent again on its own, an accepted one never at all."""
    assert not [edge for edge in EDGES if edge[0] in SETTLED and edge[1] not in BY_HAND]
    assert not [edge for edge in EDGES if edge[0] is S.ACCEPTED]
    # Staff, once they have mended what kept a message from being made.
    assert [edge[1] for edge in EDGES if edge[0] is S.SKIPPED] == [Event.RETRY]
    assert SETTLED | WAITING | {S.ATTEMPTING} == set(S)


def test_every_outcome_has_an_edge_from_attempting() -> None:
    assert {follow(S.ATTEMPTING, EVENT_OF[kind]) for kind in OutcomeKind} == {
        S.ACCEPTED,
        S.DEFERRED,
        S.REJECTED,
        S.UNKNOWN,
        S.QUEUED,
    }
