"""What a report on bounces is made of: a period, counted cells, figures with their rates, findings."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from mailer.store.vocabulary import ReportKind, ReportSeverity

#: Of fewer messages no rate is told: one of two is not "50 %".
LEAST_MAILS = 100


class Sort(StrEnum):
    """What is counted apart, since each asks for another answer."""

    HARD = "hard"  #: nobody is there
    SOFT = "soft"  #: not this time
    POLICY = "policy"  #: they refuse us, not the address
    COMPLAINT = "complaint"
    DELAYED = "delayed"  #: still tried: no failure, in no rate


#: The columns of every table, in this order.
COUNTED = (Sort.HARD, Sort.SOFT, Sort.POLICY, Sort.COMPLAINT)


def sort_of(kind: ReportKind, severity: ReportSeverity | None, cause_group: str | None) -> Sort:
    """Where one report is counted."""
    if kind is ReportKind.COMPLAINT:
        return Sort.COMPLAINT
    if severity is ReportSeverity.DELAYED:
        return Sort.DELAYED
    if cause_group == "policy":
        return Sort.POLICY
    return Sort.HARD if severity is ReportSeverity.HARD else Sort.SOFT


@dataclass(frozen=True, slots=True)
class Period:
    """From an instant up to, not with, another."""

    since: datetime
    until: datetime

    @property
    def before(self) -> Period:
        """The period of the same length before it."""
        return Period(self.since - (self.until - self.since), self.since)


@dataclass(frozen=True, slots=True)
class Cell:
    """So many reports of one hour that are alike in everything that is asked for."""

    hour: datetime
    first_at: datetime
    sort: Sort
    provider: str
    domain: str  #: empty unless domains are asked for
    reason: str
    fault: str
    campaign_id: int
    origin: str
    list_id: int
    relay: str
    count: int
    example: int  #: the newest of them


@dataclass(frozen=True, slots=True)
class Sent:
    """Messages that got a final answer: taken, or refused at once."""

    accepted: int = 0
    refused: int = 0

    @property
    def answered(self) -> int:
        """What a bounce rate is measured against: a refusal at once is a bounce of a message never accepted."""
        return self.accepted + self.refused

    def __add__(self, other: Sent) -> Sent:
        return Sent(self.accepted + other.accepted, self.refused + other.refused)


@dataclass(frozen=True, slots=True)
class Figures:
    """Counts of one group of messages, and what they are of."""

    sent: Sent
    hard: int = 0
    soft: int = 0
    policy: int = 0
    complaint: int = 0
    delayed: int = 0

    @property
    def bounces(self) -> int:
        """Hard, soft and policy together."""
        return self.hard + self.soft + self.policy

    def count(self, sort: Sort) -> int:
        """One of the counts."""
        found: int = getattr(self, sort.value)
        return found

    def rate(self, sort: Sort) -> float | None:
        """A share from 0 to 1, of the accepted for complaints; None where there are too few to say."""
        return share(self.count(sort), self.sent.accepted if sort is Sort.COMPLAINT else self.sent.answered)

    @property
    def bounce_rate(self) -> float | None:
        """All bounces of the answered, from 0 to 1."""
        return share(self.bounces, self.sent.answered)


def share(count: int, of: int) -> float | None:
    """A part of a whole that is large enough to speak of."""
    return count / of if of >= LEAST_MAILS else None


@dataclass(frozen=True, slots=True)
class Line:
    """One group of a table, in this period and the one before."""

    key: str
    current: Figures
    before: Figures


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong."""

    name: str  #: of the pattern that found it
    key: str  #: the provider, import or campaign it is about; empty: all of them
    title: str  #: what is wrong
    count: int
    of: int  #: messages that could have been hit
    since: datetime
    last: datetime  #: the hour in which it was last seen to matter
    reasons: tuple[str, ...]  #: the commonest first
    providers: tuple[str, ...]  #: those it shows at, the worst first
    fault: str  #: whose, in words
    remedy: str  #: what to do, in words
    example: int  #: a report to look at


@dataclass(frozen=True, slots=True)
class Waiting:
    """What waits for a person."""

    review: int = 0
    unreadable: int = 0
    frozen: tuple[str, ...] = ()  #: providers and campaigns whose failures are too much alike


@dataclass(frozen=True, slots=True)
class Overview:
    """The whole report."""

    period: Period
    zone: str
    total: Line
    by: str
    lines: tuple[Line, ...]
    findings: tuple[Finding, ...]
    over_time: tuple[Line, ...]  #: hours of a short period, days of a long one
    waiting: Waiting
