"""What mailbox providers and readers make of one message: pure, by the plan, the truth and a dice of its own."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from mailer.demo.month.people import Person
from mailer.demo.month.plan import Plan
from mailer.demo.month.providers import LISTING

LISTED = (
    "550 5.7.1 Unfortunately, messages from [192.0.2.25] weren't sent. Please contact your Internet service "
    "provider since part of their network is on our block list (S3140)."
)
UNSIGNED = (
    "550-5.7.26 This mail has been blocked because the sender is unauthenticated. 550 5.7.26 Requires all senders "
    "to authenticate with either SPF or DKIM. DKIM = did not pass"
)
_ACCEPTED = "250 2.0.0 Ok: queued"
_GREYLISTED = "450 4.2.0 Greylisted, please try again later"
_TIMED_OUT = "451 4.4.1 connect to mail server: Connection timed out"
#: Most failures come later: a relay takes the message first and reports afterwards.
_AT_ONCE = 0.25
_LISTED_SHARE = 0.93
_GREYLISTS, _TIMES_OUT = 0.004, 0.0004


class Sort(StrEnum):
    """What can come back after a message was accepted."""

    FAILURE = "failure"
    DELAY = "delay"
    COMPLAINT = "complaint"
    VACATION = "vacation"
    CHALLENGE = "challenge"
    STOP = "stop"  #: somebody answers: take me off
    THANKS = "thanks"  #: somebody answers, and means it
    MAILED_LEAVE = "mailed_leave"  #: to the address in List-Unsubscribe
    ONE_CLICK = "one_click"


@dataclass(frozen=True, slots=True)
class Return:
    """Something that will come back."""

    sort: Sort
    after: timedelta
    reply: str = ""  #: the server's words that a report repeats


@dataclass(frozen=True, slots=True)
class Answer:
    """What the server says to RCPT, and what follows."""

    code: int
    text: str
    returns: tuple[Return, ...] = ()

    @property
    def is_taken(self) -> bool:
        """Whether the message was accepted."""
        return self.code == 250


@dataclass(frozen=True, slots=True)
class _Habit:
    """How often readers do something, and how soon at most."""

    sort: Sort
    share: float
    within: timedelta


_HOUR = timedelta(hours=1)
_HABITS = (
    _Habit(Sort.ONE_CLICK, 0.0008, 36 * _HOUR),
    _Habit(Sort.VACATION, 0.0015, _HOUR / 20),
    _Habit(Sort.CHALLENGE, 0.0001, _HOUR / 20),
    _Habit(Sort.THANKS, 0.0001, 24 * _HOUR),
    _Habit(Sort.STOP, 0.0001, 24 * _HOUR),
    _Habit(Sort.MAILED_LEAVE, 0.0001, 24 * _HOUR),
)
#: Complaints per message read, ordinarily and of the unwanted campaign; they come from FBLs only.
_COMPLAINS, _COMPLAINS_UNWANTED = 0.0002, 0.025


class World:
    """Everything outside of the site."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan

    def answer(self, person: Person, subject: str, *, at: datetime, attempt: int) -> Answer:
        """What becomes of one attempt. The same question has the same answer."""
        dice = self._plan.dice("answer", person.number, subject, attempt)
        provider, plan = person.provider, self._plan
        if provider is LISTING and plan.listing.holds(at) and dice.random() < _LISTED_SHARE:
            return self._failed(dice, LISTED)
        if provider.checks_dkim and plan.dkim_break.holds(at):
            return self._failed(dice, UNSIGNED)
        if person.is_dead(at):
            return self._failed(dice, _worded(provider.unknown, person))
        if person.is_full(at):
            return self._full(dice, _worded(provider.full, person))
        luck = dice.random()
        if attempt == 1 and luck < _GREYLISTS:
            return _reply(_GREYLISTED)
        if luck > 1 - _TIMES_OUT:
            return _taken(
                Return(Sort.DELAY, 4 * _HOUR, _TIMED_OUT), Return(Sort.FAILURE, 5 * 24 * _HOUR, _TIMED_OUT)
            )
        return _taken(*self._done_by_reader(dice, person, subject))

    def _failed(self, dice: random.Random, reply: str) -> Answer:
        if dice.random() < _AT_ONCE:
            return _reply(reply)
        return _taken(Return(Sort.FAILURE, dice.uniform(0.01, 0.7) * _HOUR, reply))

    def _full(self, dice: random.Random, reply: str) -> Answer:
        """Relays go on trying for days; some servers are clear at once."""
        if reply.startswith("5"):
            return self._failed(dice, reply)
        return _taken(
            Return(Sort.DELAY, 4 * _HOUR, reply), Return(Sort.FAILURE, dice.uniform(24, 72) * _HOUR, reply)
        )

    def _done_by_reader(self, dice: random.Random, person: Person, subject: str) -> list[Return]:
        returns = []
        for habit in _HABITS:
            if dice.random() < habit.share:
                returns.append(Return(habit.sort, dice.random() * habit.within))
        is_unwanted = subject == self._plan.unwanted.subject
        share = _COMPLAINS_UNWANTED if is_unwanted else _COMPLAINS
        if person.provider.feedback and dice.random() < share:
            returns.append(Return(Sort.COMPLAINT, dice.uniform(0.1, 20) * _HOUR))
        return returns


def _worded(reply: str, person: Person) -> str:
    return reply.format(address=person.address, domain=person.provider.domain)


def _reply(text: str) -> Answer:
    return Answer(int(text[:3]), text[4:])


def _taken(*returns: Return) -> Answer:
    return Answer(250, _ACCEPTED[4:], returns)
