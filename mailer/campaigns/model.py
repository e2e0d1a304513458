"""The campaign state machine, as data: which move leads from where to where, and what holds a start back."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

from mailer.errors import MailerError
from mailer.store.vocabulary import CampaignState

_S = CampaignState


class Move(StrEnum):
    """What can happen to a campaign once it is scheduled."""

    START = "start"  #: its time has come
    HOLD = "hold"  #: its time has come, but the audience is not the one that was approved
    PAUSE = "pause"
    RESUME = "resume"  #: sending goes on
    APPROVE = "approve"  #: a campaign that never started is put back on the schedule
    CANCEL = "cancel"
    FINISH = "finish"  #: nothing is waiting any more
    REOPEN = "reopen"  #: staff ordered another attempt of a delivery that was settled


TRANSITIONS: Mapping[tuple[CampaignState, Move], CampaignState] = MappingProxyType(
    {
        (_S.SCHEDULED, Move.START): _S.SENDING,
        (_S.SCHEDULED, Move.HOLD): _S.PAUSED,
        (_S.SCHEDULED, Move.PAUSE): _S.PAUSED,
        (_S.SCHEDULED, Move.CANCEL): _S.CANCELLED,
        (_S.SENDING, Move.PAUSE): _S.PAUSED,
        (_S.SENDING, Move.CANCEL): _S.CANCELLED,
        (_S.SENDING, Move.FINISH): _S.FINISHED,
        (_S.PAUSED, Move.RESUME): _S.SENDING,
        (_S.PAUSED, Move.APPROVE): _S.SCHEDULED,
        (_S.PAUSED, Move.CANCEL): _S.CANCELLED,
        (_S.FINISHED, Move.REOPEN): _S.SENDING,
    }
)

#: A campaign in one of these may still send; its folder cannot be scheduled a second time.
ACTIVE = frozenset({_S.SCHEDULED, _S.SENDING, _S.PAUSED})


class MoveRefused(MailerError):
    """A campaign cannot make this move from where it stands."""


def after(state: CampaignState, move: Move, *, slug: str) -> CampaignState:
    """The state that `move` leads to. Raises MoveRefused when it is not legal from `state`."""
    target = TRANSITIONS.get((state, move))
    if target is None:
        raise MoveRefused(refusal(state, move, slug=slug), slug=slug, state=state.value, move=move.value)
    return target


def refusal(state: CampaignState, move: Move, *, slug: str) -> str:
    """Why not, and what is possible instead."""
    possible = [m.value for m in _BY_HAND if (state, m) in TRANSITIONS]
    ways = f"From here you can {' or '.join(possible)} it." if possible else "Nothing more can happen to it."
    if _DONE[move] == state.value:
        return f"The campaign {slug} is {state.value} already. {ways}"
    return f"The campaign {slug} is {state.value}, so it cannot be {_DONE[move]}. {ways}"


#: The moves that staff make; the others are made by the clock.
_BY_HAND = (Move.PAUSE, Move.RESUME, Move.CANCEL)
_DONE: Mapping[Move, str] = MappingProxyType(
    {
        Move.START: "started",
        Move.HOLD: "held back",
        Move.PAUSE: "paused",
        Move.RESUME: "resumed",
        Move.APPROVE: "put back on the schedule",
        Move.CANCEL: "cancelled",
        Move.FINISH: "finished",
        Move.REOPEN: "reopened",
    }
)


def drift_reason(slug: str, *, expected: int, count: int, drift: float) -> str | None:
    """Why a campaign must wait for a person (E18), or None while the count moved no further than allowed.

    `drift` is a fraction of the approved count: `[sending] audience_drift`.
    """
    if abs(count - expected) <= expected * drift:
        return None
    return (
        f"The audience is {count:,} now; {expected:,} was approved, and it may not move by more than "
        f"{drift * 100:g} %. If {count:,} is right, run `mailer campaign resume {slug} --expect {count}`."
    )
