"""The verdict of the first page: rows of a table, each a question with an answer and what to do about it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum


class Grade(StrEnum):
    """How bad it is."""

    GOOD = "good"
    LOOK = "look"
    BAD = "bad"


@dataclass(frozen=True, slots=True)
class Facts:
    """What the verdict is made of."""

    workers: int
    silent: int
    sending: int  #: campaigns on their way
    paused: Sequence[tuple[str, str]]  #: slug and reason
    resting: Sequence[str]  #: relays that take nothing now
    alarms: int
    review: int
    unreadable: int
    unread: int  #: mails that came back and wait for the reader
    alerts: int  #: of the last day
    complaints: int
    hard: int
    policy: int


@dataclass(frozen=True, slots=True)
class Note:
    """One line of the verdict."""

    grade: Grade
    words: str
    remedy: str = ""
    link: str = ""


@dataclass(frozen=True, slots=True)
class _Rule:
    grade: Grade
    holds: Callable[[Facts], object]
    words: Callable[[Facts], str]
    remedy: str
    link: str = ""


def _some(count: int, one: str, many: str = "") -> str:
    return f"{count:,} {one if count == 1 else many or one + 's'}"


#: Worst first.
RULES: tuple[_Rule, ...] = (
    _Rule(
        Grade.BAD,
        lambda facts: facts.sending and not facts.workers,
        lambda facts: f"{_some(facts.sending, 'campaign')} on the way, and nobody sends.",
        "Start mailer up or mailer work.",
        "/ops/workers",
    ),
    _Rule(
        Grade.BAD,
        lambda facts: facts.resting,
        lambda facts: f"{', '.join(facts.resting)}: takes nothing at the moment.",
        "Look at its last answer.",
        "/ops/queue",
    ),
    _Rule(
        Grade.BAD,
        lambda facts: facts.paused,
        lambda facts: (
            "; ".join(f"{slug} is paused: {reason.rstrip('.')}" for slug, reason in facts.paused) + "."
        ),
        "Once the cause is mended, resume it: mailer campaign resume.",
        "/ops/campaigns",
    ),
    _Rule(
        Grade.BAD,
        lambda facts: facts.alarms,
        lambda facts: f"{_some(facts.alarms, 'alarm')} of failures alike: nobody is blamed until you decide.",
        "Release or discard.",
        "/ops/review",
    ),
    _Rule(
        Grade.LOOK,
        lambda facts: facts.silent,
        lambda facts: f"{_some(facts.silent, 'sender')} silent for more than a minute.",
        "Look whether its host is up; its claims go to others.",
        "/ops/workers",
    ),
    _Rule(
        Grade.LOOK,
        lambda facts: facts.policy >= 20 and facts.policy > facts.hard,
        lambda facts: f"{facts.policy:,} refusals of us as a sender in 24 hours.",
        "See whose fault it is: mailer bounce report --since 24h --by provider.",
        "/ops/returns",
    ),
    _Rule(
        Grade.LOOK,
        lambda facts: facts.review or facts.unreadable,
        lambda facts: (
            f"{_some(facts.review + facts.unreadable, 'message')} that came back wait for a person."
        ),
        "Look, then dismiss or opt out.",
        "/ops/review",
    ),
    _Rule(
        Grade.LOOK,
        lambda facts: facts.unread >= 1000,
        lambda facts: "More than 1,000 mails that came back are not read yet.",
        "Is mailer up or mailer work running?",
        "/ops/workers",
    ),
    _Rule(
        Grade.LOOK,
        lambda facts: facts.alerts,
        lambda facts: f"{_some(facts.alerts, 'alert')} in 24 hours.",
        "",
        "/ops/workers",
    ),
)


def verdict(facts: Facts) -> tuple[Note, ...]:
    """What is not as it should be, worst first; nothing: one note that says so."""
    found = tuple(
        Note(rule.grade, rule.words(facts), rule.remedy, rule.link) for rule in RULES if rule.holds(facts)
    )
    return found or (Note(Grade.GOOD, "Nothing asks for you."),)
