"""When a campaign is stopped, and in which words: one table, judged over what became of its messages.

The same rows judge the whole campaign and the most recent messages of one sender. In so few,
chance alone makes some fail: there a share must be `RECENT_FACTOR` times as large.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

RECENT_FACTOR = 3
#: Half of the last messages is enough of anything.
RECENT_AT_MOST = 0.5
#: A domain that refuses nearly all of the last messages to it by policy refuses all of us.
DOMAIN_SHARE = 0.9


class End(StrEnum):
    """How one message of a campaign ended, as far as breakers care."""

    ACCEPTED = "accepted"
    HARD = "hard"  #: the address does not exist (A76)
    POLICY = "policy"  #: they refuse us, not the address (A77)
    REFUSED = "refused"  #: any other 5yz
    UNRENDERABLE = "unrenderable"  #: it could not be made


class Breaker(StrEnum):
    """What stopped a campaign."""

    POLICY = "policy_rejections"
    UNRENDERABLE = "unrenderable"
    HARD = "hard_bounces"
    ALIKE = "alike_failures"
    COMPLAINTS = "complaints"


@dataclass(frozen=True, slots=True)
class Limits:
    """Shares at which a breaker trips, and how many failures there must be at least."""

    policy: float = 0.05
    unrenderable: float = 0.02
    hard: float = 0.05
    alike: float = 0.5
    complaints: float = 0.001
    complaints_warn: float = 0.0008
    least_failures: int = 20
    least_complaints: int = 3
    least_at_domain: int = 5
    recent: int = 200  #: messages of one sender that count as recent


@dataclass(frozen=True, slots=True)
class Tally:
    """What became of a campaign's messages, all of them or the most recent."""

    ends: Mapping[End, int]
    alike: int = 0  #: failures with the commonest reply
    complaints: int = 0
    delivered: int = 0  #: what complaints are a share of (B9)
    replies: Mapping[End, str] = field(default_factory=dict)  #: the commonest code of each, "550 5.7.26"

    def count(self, *ends: End) -> int:
        """How many ended in one of these ways."""
        return sum(self.ends.get(end, 0) for end in ends)


@dataclass(frozen=True, slots=True)
class Trip:
    """One breaker that tripped."""

    breaker: Breaker
    failures: int
    volume: int
    sentence: str  #: what happened and what to do; without any address


@dataclass(frozen=True, slots=True)
class Rule:
    """One row."""

    breaker: Breaker
    failures: Callable[[Tally], int]
    volume: Callable[[Tally], int]
    limit: Callable[[Limits], float]
    least: Callable[[Limits], int]
    words: str
    remedy: str
    reply_of: End | None = None  #: whose commonest code is named


_TRIED = (End.ACCEPTED, End.HARD, End.POLICY, End.REFUSED)


def _tried(tally: Tally) -> int:
    return tally.count(*_TRIED)


def _failures(limits: Limits) -> int:
    return limits.least_failures


#: In the order in which a cause explains the others.
RULES: tuple[Rule, ...] = (
    Rule(
        Breaker.UNRENDERABLE,
        lambda tally: tally.count(End.UNRENDERABLE),
        lambda tally: tally.count(*End),
        lambda limits: limits.unrenderable,
        _failures,
        "could not be made",
        "See why with `mailer delivery list --state skipped`.",
    ),
    Rule(
        Breaker.POLICY,
        lambda tally: tally.count(End.POLICY),
        _tried,
        lambda limits: limits.policy,
        _failures,
        "were refused because of the sender, not the recipients",
        "Run `mailer doctor`, mend what it names; those refused can be sent again with `mailer delivery retry`.",
        End.POLICY,
    ),
    Rule(
        Breaker.HARD,
        lambda tally: tally.count(End.HARD),
        _tried,
        lambda limits: limits.hard,
        _failures,
        "went to addresses that do not exist",
        "Find out where these addresses came from, such as an old import, before any more are written to.",
        End.HARD,
    ),
    Rule(
        Breaker.ALIKE,
        lambda tally: tally.alike,
        _tried,
        lambda limits: limits.alike,
        _failures,
        "were refused in the same words",
        "That is about the message or the relay, not about people: `mailer campaign status` shows the words.",
        End.REFUSED,
    ),
    Rule(
        Breaker.COMPLAINTS,
        lambda tally: tally.complaints,
        lambda tally: tally.delivered,
        lambda limits: limits.complaints,
        lambda limits: limits.least_complaints,
        "were reported as spam",
        "Find out who did not expect this mail: from 0.3 % on, mailbox providers refuse all you send.",
    ),
)


def judge(tally: Tally, limits: Limits, *, recent: bool = False) -> Trip | None:
    """The first breaker that trips, or None. `recent`: the tally is of the last messages only."""
    for rule in RULES:
        failures, volume = rule.failures(tally), rule.volume(tally)
        limit = rule.limit(limits)
        if recent:
            limit = max(limit, min(RECENT_AT_MOST, limit * RECENT_FACTOR))
        if failures >= max(1, rule.least(limits)) and failures >= _share(limit, volume):
            return Trip(rule.breaker, failures, volume, _sentence(rule, tally, recent=recent))
    return None


def refuses_us(tally: Tally, limits: Limits) -> bool:
    """Whether the last messages to one domain show that it takes none of our mail (A77).

    Mail to such a domain is slowed at once by its pace, so there are but few of them.
    """
    refused = tally.count(End.POLICY)
    return refused >= limits.least_at_domain and refused >= _share(DOMAIN_SHARE, _tried(tally))


def domain_trip(tally: Tally, domain: str) -> Trip:
    """The same as a reason to pause."""
    rule = next(rule for rule in RULES if rule.breaker is Breaker.POLICY)
    sentence = _sentence(rule, tally, recent=True, to=f" to {domain}")
    return Trip(rule.breaker, rule.failures(tally), rule.volume(tally), sentence)


def _share(limit: float, volume: int) -> float:
    # 15 % of 200 is 30, not 30.000000000000004.
    return round(limit * volume, 6)


def _sentence(rule: Rule, tally: Tally, *, recent: bool, to: str = "") -> str:
    reply = tally.replies.get(rule.reply_of) if rule.reply_of else None
    code = f" ({reply})" if reply else ""
    of = "of the last" if recent else "of"
    failures, volume = rule.failures(tally), rule.volume(tally)
    return f"{failures:,} {of} {volume:,} messages{to} {rule.words}{code}. {rule.remedy}"


def is_worrying(tally: Tally, limits: Limits) -> bool:
    """Whether the complaints deserve a warning, though no pause yet (B9: warn at 0.08 %)."""
    enough = tally.complaints >= max(1, limits.least_complaints)
    return enough and tally.complaints >= _share(limits.complaints_warn, tally.delivered)
