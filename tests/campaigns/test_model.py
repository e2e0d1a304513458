"""The campaign state machine: each legal edge once, every other one refused."""

from __future__ import annotations

from itertools import product

import pytest

from mailer.campaigns.model import ACTIVE, TRANSITIONS, Move, MoveRefused, after
from mailer.store.vocabulary import CampaignState

LEGAL = [
    ("scheduled", "start", "sending"),
    ("scheduled", "hold", "paused"),
    ("scheduled", "pause", "paused"),
    ("scheduled", "cancel", "cancelled"),
    ("sending", "pause", "paused"),
    ("sending", "cancel", "cancelled"),
    ("sending", "finish", "finished"),
    ("paused", "resume", "sending"),
    ("paused", "approve", "scheduled"),
    ("paused", "cancel", "cancelled"),
    ("finished", "reopen", "sending"),
]


@pytest.mark.parametrize(("state", "move", "target"), LEGAL)
def test_a_legal_move_leads_where_the_table_says(state, move, target):
    assert after(CampaignState(state), Move(move), slug="week-48") is CampaignState(target)


def test_every_other_move_is_refused():
    legal = {(CampaignState(state), Move(move)) for state, move, _ in LEGAL}
    assert legal == set(TRANSITIONS)
    for state, move in set(product(CampaignState, Move)) - legal:
        with pytest.raises(MoveRefused) as refused:
            after(state, move, slug="week-48")
        assert f"week-48 is {state.value}" in str(refused.value)


def test_a_refusal_says_what_is_possible_instead():
    with pytest.raises(MoveRefused) as refused:
        after(CampaignState.SENDING, Move.RESUME, slug="week-48")
    assert str(refused.value) == (
        "The campaign week-48 is sending, so it cannot be resumed. From here you can pause or cancel it."
    )


def test_out_of_an_ended_campaign_leads_only_another_attempt_that_staff_order():
    ended = set(CampaignState) - ACTIVE
    assert ended == {CampaignState.CANCELLED, CampaignState.FINISHED}
    assert [edge for edge in TRANSITIONS if edge[0] in ended] == [(CampaignState.FINISHED, Move.REOPEN)]
    with pytest.raises(MoveRefused, match="Nothing more can happen to it"):
        after(CampaignState.FINISHED, Move.CANCEL, slug="week-48")
