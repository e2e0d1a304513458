"""What is on its way back, and how it gets in: as raw mail into the intake, or as a press of the button."""

from __future__ import annotations

import heapq
import itertools
from collections import Counter
from datetime import datetime, timedelta
from typing import TypeAlias

from mailer.application import Site
from mailer.bounces.intake import keep
from mailer.demo.month import replies, reports
from mailer.demo.month.original import Coming
from mailer.demo.month.people import Person
from mailer.demo.month.plan import Plan
from mailer.demo.month.stage import LEAVE_BY_MAIL
from mailer.demo.month.world import Sort

_SOURCE = "imap:bounces"
#: Rubbish per day that finds every address: spam, and reports that somebody forged.
_SPAM, _FORGED = 4, 1
_Queued: TypeAlias = tuple[datetime, int, str, int, Coming]


class Post:
    """The way back, in the order of time."""

    def __init__(self, site: Site, plan: Plan, people: list[Person]) -> None:
        self._site = site
        self._plan = plan
        self._people = people
        self._queue: list[_Queued] = []
        self._number = itertools.count()
        self._spammed_until = plan.start
        self.came: Counter[str] = Counter()
        self.complained: set[int] = set()  #: by number: who pressed the spam button
        self.left: set[int] = set()  #: who asked to leave, in whatever way

    def send_back(self, coming: Coming) -> None:
        """This will come back. Who is first does not depend on which message was sent first."""
        due, what = coming.original.sent_at + coming.what.after, coming.what
        entry = (due, coming.original.person.number, what.sort.value, next(self._number), coming)
        heapq.heappush(self._queue, entry)

    def bring(self, now: datetime) -> int:
        """Everything that has arrived by now; returns how many mails were kept."""
        kept = self._bring_rubbish(now)
        while self._queue and self._queue[0][0] <= now:
            kept += self._arrive(heapq.heappop(self._queue)[-1], now)
        return kept

    def _arrive(self, coming: Coming, now: datetime) -> int:
        sort, original = coming.what.sort, coming.original
        self.came[sort.value] += 1
        if sort is Sort.COMPLAINT:
            self.complained.add(original.person.number)
        if sort in (Sort.ONE_CLICK, Sort.STOP, Sort.MAILED_LEAVE):
            self.left.add(original.person.number)
        if sort is Sort.ONE_CLICK:
            self._site.leaving.leave(original.unsubscribe_token, scope="list", via="one-click")
            return 0
        if sort in (Sort.FAILURE, Sort.DELAY):
            raw = reports.failure(original, coming.what.reply, at=now, delayed=sort is Sort.DELAY)
        else:
            raw = replies.WRITERS[sort](original, now)
        to = LEAVE_BY_MAIL if sort is Sort.MAILED_LEAVE else original.return_path
        return keep(self._site.store, raw, source=_SOURCE, envelope_to=to)

    def _bring_rubbish(self, now: datetime) -> int:
        kept = 0
        to = self._site.settings.sending.return_path
        while self._spammed_until + timedelta(days=1) <= now:
            self._spammed_until += timedelta(days=1)
            day = (self._spammed_until - self._plan.start).days
            dice = self._plan.dice("rubbish", day)
            for number in range(_SPAM):
                kept += keep(self._site.store, replies.spam(day * 100 + number, now, to), source=_SOURCE)
            for number in range(_FORGED):
                victim = dice.choice(self._people).address
                kept += keep(
                    self._site.store, replies.forged(day * 100 + number, victim, now, to), source=_SOURCE
                )
            self.came["spam"] += _SPAM
            self.came["forged"] += _FORGED
        return kept
