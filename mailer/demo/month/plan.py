"""What happens in the month, and when: the campaigns, and four things that go wrong."""

from __future__ import annotations

import hashlib
import random
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property

#: Campaigns leave on these days of each week, counted from the first day, at this hour.
_WEEKDAYS, _HOUR = (0, 2, 4), 9
_SUBJECTS = (
    "Week {week}: what is new on the shelf",
    "Week {week}: one circuit for the weekend",
    "Week {week}: questions you asked",
)


@dataclass(frozen=True, slots=True)
class Window:
    """From when to when something is wrong."""

    since: datetime
    until: datetime

    def holds(self, at: datetime) -> bool:
        """Whether it is wrong at this instant."""
        return self.since <= at < self.until


@dataclass(frozen=True, slots=True)
class Issue:
    """One campaign of the month."""

    slug: str
    subject: str
    at: datetime
    is_unwanted: bool = False  #: the one that makes people complain


@dataclass(frozen=True)
class Plan:
    """A month, all of it given by these four: the same plan is the same month."""

    seed: int
    people: int
    days: int
    start: datetime  #: a full hour, UTC

    @property
    def end(self) -> datetime:
        """The last instant."""
        return self.start + timedelta(days=self.days)

    @cached_property
    def issues(self) -> tuple[Issue, ...]:
        """Every campaign, in order."""
        # One on the last day, so that there is news when the month is over.
        days = [day for day in range(self.days) if day % 7 in _WEEKDAYS or day == self.days - 1]
        unwanted = days[round(len(days) * 0.75)]
        return tuple(
            Issue(
                slug=f"letter-{number:02}",
                subject="Only today: 70 percent off, all must go"
                if day == unwanted
                else _SUBJECTS[number % 3].format(week=1 + day // 7),
                at=self._day(day) + timedelta(hours=_HOUR),
                is_unwanted=day == unwanted,
            )
            for number, day in enumerate(days, 1)
        )

    @property
    def listing(self) -> Window:
        """One provider takes our address for a spammer's."""
        begins = self._before_issue(0.1)
        return Window(
            begins, min(begins + timedelta(days=3, hours=4), self.bad_import_at - timedelta(hours=3))
        )

    @property
    def bad_import_at(self) -> datetime:
        """A file of bought addresses is imported."""
        return self._before_issue(0.3)

    @property
    def dkim_break(self) -> Window:
        """Somebody has edited the DNS zone, and the key's record is gone until it is noticed."""
        # Begins while a campaign is under way, so that before and after are in one report.
        begins = self._issue_at(0.52).at + timedelta(minutes=20)
        return Window(begins, begins + timedelta(hours=5))

    @property
    def unwanted(self) -> Issue:
        """The campaign that makes people complain."""
        return next(issue for issue in self.issues if issue.is_unwanted)

    def dice(self, *about: object) -> random.Random:
        """Chance that depends on nothing but the seed and what it is about: threads cannot change it."""
        text = repr((self.seed, *about)).encode()
        return random.Random(int.from_bytes(hashlib.blake2b(text, digest_size=8).digest()))

    def _day(self, day: int) -> datetime:
        return self.start + timedelta(days=day)

    def _issue_at(self, share: float) -> Issue:
        return self.issues[round((len(self.issues) - 1) * share)]

    def _before_issue(self, share: float) -> datetime:
        return self._issue_at(share).at - timedelta(hours=3)
