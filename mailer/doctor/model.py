"""What a check is made of, and what it says: verdict, reason, remedy."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from mailer.doctor.scene import Scene

F = TypeVar("F")


class Verdict(StrEnum):
    """How a check ended; only `failure` makes the exit code 1."""

    OK = "ok"
    NOTE = "note"
    WARNING = "warning"
    FAILURE = "failure"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Finding:
    """One sentence or two of advice about one subject: a domain, a relay, a file."""

    subject: str
    verdict: Verdict
    reason: str
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class Unasked:
    """In place of facts: what could not be looked at here, why, and what would change that."""

    subject: str
    reason: str
    remedy: str = ""

    @property
    def finding(self) -> Finding:
        """The same as a finding."""
        return Finding(self.subject, Verdict.SKIPPED, self.reason, self.remedy)


@dataclass(frozen=True, slots=True)
class Check(Generic[F]):
    """One row of the table: `gather` waits and touches the world, `judge` decides and touches nothing."""

    name: str
    title: str
    group: str
    gather: Callable[[Scene], Awaitable[Sequence[F | Unasked]]]
    judge: Callable[[F], Iterable[Finding]]
    asks_network: bool = True  #: `--offline` leaves it out


@dataclass(frozen=True, slots=True)
class Line:
    """A finding with the name of its check: what the page and the JSON are made of."""

    check: str
    group: str
    subject: str
    verdict: Verdict
    reason: str
    remedy: str


def line_of(check: Check[F], finding: Finding) -> Line:
    """The finding as a line of the page."""
    return Line(check.name, check.group, finding.subject, finding.verdict, finding.reason, finding.remedy)
