"""What operators may do from /ops: each action is a row, its role is checked here, and who did it is recorded."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from mailer.audit import Ledger
from mailer.bounces.deciding import Deciding
from mailer.campaigns.service import Campaigns
from mailer.errors import MailerError
from mailer.ops.model import NotAllowed, Staff
from mailer.store import Store
from mailer.store.vocabulary import Stream

_MOST_WORDS = 300


class ActionRefused(MailerError):
    """The action cannot be done like this."""


@dataclass(frozen=True, slots=True)
class Action:
    """One thing that operators may do: to what, how, and the sentence that says it is done."""

    do: Callable[[Actions, str, str], object]
    done: str


def _number(target: str) -> int:
    if not (target.isascii() and target.isdigit() and len(target) < 18):
        raise ActionRefused("That is no number of anything that waits.")
    return int(target)


class Actions:
    """Does what is asked for, by whoever may."""

    def __init__(self, store: Store, ledger: Ledger, *, deciding: Deciding, campaigns: Campaigns) -> None:
        self.deciding = deciding
        self.campaigns = campaigns
        self._store = store
        self._ledger = ledger

    def perform(self, staff: Staff, name: str, *, target: str, why: str) -> str:
        """Do it; returns a sentence. Raises NotAllowed, ActionRefused, or what the action's room refuses."""
        self._require(staff)
        action, why = ACTIONS.get(name), " ".join(why.split())
        if action is None:
            raise ActionRefused("There is no such action.")
        if not why or len(why) > _MOST_WORDS:
            raise ActionRefused(f"Say why, in at most {_MOST_WORDS} characters: it stays on record.")
        # Before it is done: an action that breaks off half way is on record too (D27).
        self._record(staff, name, target=target[:128], why=why)
        action.do(self, target, f"{why} ({staff.name}, at /ops)")
        return action.done

    def message(self, staff: Staff, mail_id: int) -> bytes:
        """A message as it came, for operators alone: it names people. Raises NotAllowed, MailUnknown."""
        self._require(staff)
        self._record(staff, "read", target=str(mail_id), why="read at /ops")
        return self.deciding.message(mail_id)

    def _require(self, staff: Staff) -> None:
        if not staff.may_act:
            raise NotAllowed("You may look, and not act: this needs the role operator.")

    def _record(self, staff: Staff, action: str, **facts: str) -> None:
        with self._store.write() as connection:
            payload = {"staff": staff.name, "action": action, **facts}
            self._ledger.append(connection, stream=Stream.AUDIT, event="staff_acted", payload=payload)


#: By the last part of the address that a form is posted to.
ACTIONS: Mapping[str, Action] = {
    "release": Action(
        lambda on, target, why: on.deciding.release(_number(target), why=why),
        "Released: nobody is blamed. A paused campaign stays paused.",
    ),
    "discard": Action(
        lambda on, target, why: on.deciding.discard(_number(target), why=why),
        "Discarded: the reports count; who bounced hard is held for a day from now.",
    ),
    "dismiss": Action(
        lambda on, target, why: on.deciding.dismiss(_number(target), why=why), "It is off the list."
    ),
    "opt-out": Action(
        lambda on, target, why: on.deciding.opt_out(_number(target), why=why),
        "Whoever wrote is on no list any more.",
    ),
    "pause": Action(lambda on, target, why: on.campaigns.pause(target, why), "The campaign is paused."),
}
