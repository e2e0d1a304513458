"""What one worker's last messages came to, campaign by campaign: a sudden failure is seen within a batch."""

from __future__ import annotations

import re
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from functools import partial
from typing import NamedTuple

from mailer import clock
from mailer.campaigns.breakers import Breakers, Tally, Trip, judge
from mailer.campaigns.breakers.counts import code_of, end_of_rejection
from mailer.campaigns.breakers.rules import End, refuses_us
from mailer.delivery.claim import Skip
from mailer.delivery.model import Attempt, OutcomeKind
from mailer.maillog import EventLog
from mailer.store import StoreError
from mailer.store.vocabulary import SYSTEM_STREAM, SkipReason

log = EventLog("delivery")

# What differs from one recipient to the next: addresses, and ids with a digit in them.
_PERSONAL = re.compile(r"\S*[@\d]\S*")
# Domains are watched from their first policy rejection on; the oldest are forgotten first.
_MOST_DOMAINS = 1_000


class _Ended(NamedTuple):
    end: End
    at: datetime
    reply: str = ""  #: the code of a refusal
    words: str = ""  #: the same for everybody who is refused alike


class Suspect(NamedTuple):
    """A campaign, or its mail to one domain, of which the last messages look as if a breaker trips."""

    stream: int
    domain: str = ""  #: "": all of them


class Watch:
    """The recent messages of one worker's campaigns."""

    def __init__(self, breakers: Breakers) -> None:
        self._breakers = breakers
        self._recent: dict[Suspect, deque[_Ended]] = {}

    def heard(self, attempts: Sequence[Attempt], skips: Sequence[Skip]) -> set[Suspect]:
        """Take in what a batch came to; returns what looks as if a breaker trips."""
        now = clock.now()
        fine = _Ended(End.ACCEPTED, now)
        failed = set()
        for stream, domain, ended in (*_attempted(attempts, fine), *_skipped(skips, now)):
            if stream == SYSTEM_STREAM:
                continue
            self._window(Suspect(stream)).append(ended)
            at_domain = Suspect(stream, domain)
            if domain and (ended.end is End.POLICY or at_domain in self._recent):
                self._window(at_domain).append(ended)
            if ended is not fine:
                failed |= {Suspect(stream), at_domain}
        return {one for one in failed if self._looks_bad(one)}

    def _window(self, one: Suspect) -> deque[_Ended]:
        found = self._recent.get(one)
        if found is None:
            if len(self._recent) >= _MOST_DOMAINS:
                oldest = next(iter(self._recent))
                del self._recent[next((old for old in self._recent if old.domain), oldest)]
            found = self._recent[one] = deque(maxlen=self._breakers.limits.recent)
        return found

    def _looks_bad(self, one: Suspect) -> bool:
        tally, limits = _tally(self._recent.get(one, ())), self._breakers.limits
        if one.domain:
            return refuses_us(tally, limits)
        return judge(tally, limits, recent=True) is not None

    def pause(self, suspects: Iterable[Suspect]) -> set[int]:
        """Pause campaigns that trip a breaker by what ended since they were counted afresh; slow.

        Returns which were. When the database cannot be asked, the next failure asks again.
        """
        paused = set()
        for one in sorted(suspects):
            try:
                trip = self._ask(one)
            except StoreError as error:
                log.breaker_waits(campaign=one.stream, reason=str(error))
                continue
            self._recent[one].clear()
            if trip is not None:
                paused.add(one.stream)
        return paused

    def _ask(self, one: Suspect) -> Trip | None:
        recent = partial(_tally, tuple(self._recent[one]))
        if not one.domain:
            return self._breakers.tripped(one.stream, recent)
        return self._breakers.refused_by(one.stream, one.domain, recent)


def _attempted(attempts: Sequence[Attempt], fine: _Ended) -> Iterator[tuple[int, str, _Ended]]:
    for attempt in attempts:
        outcome = attempt.outcome
        if outcome is None:
            continue
        if outcome.kind is OutcomeKind.ACCEPTED:
            yield attempt.stream, attempt.domain, fine
        elif outcome.kind is OutcomeKind.REJECTED:
            reply = code_of(outcome.reply_code, outcome.status)
            words = f"{reply} {_PERSONAL.sub('', outcome.reply)}"
            ended = _Ended(end_of_rejection(outcome.status), fine.at, reply, words)
            yield attempt.stream, attempt.domain, ended


def _skipped(skips: Sequence[Skip], now: datetime) -> Iterator[tuple[int, str, _Ended]]:
    for skip in skips:
        if skip.reason is SkipReason.UNRENDERABLE:
            yield skip.stream, "", _Ended(End.UNRENDERABLE, now)


def _tally(recent: Iterable[_Ended], since: datetime | None = None) -> Tally:
    counted = [ended for ended in recent if since is None or ended.at > since]
    refused = Counter(ended.words for ended in counted if ended.words)
    replies: dict[End, str] = {}
    for (end, reply), _count in reversed(Counter((e.end, e.reply) for e in counted if e.reply).most_common()):
        replies[end] = reply
    return Tally(
        Counter(ended.end for ended in counted),
        alike=max(refused.values(), default=0),
        replies=replies,
    )
