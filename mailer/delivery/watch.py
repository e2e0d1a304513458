"""What one worker's last messages came to, campaign by campaign: a sudden failure is seen within a batch."""

from __future__ import annotations

import logging
import re
from collections import Counter, deque
from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import partial
from typing import NamedTuple

from mailer import clock
from mailer.campaigns.breakers import Breakers, Tally, judge
from mailer.campaigns.breakers.counts import code_of, end_of_rejection
from mailer.campaigns.breakers.rules import End
from mailer.delivery.claim import Skip
from mailer.delivery.model import Attempt, OutcomeKind
from mailer.store import StoreError
from mailer.store.vocabulary import SYSTEM_STREAM, SkipReason

log = logging.getLogger("mailer.delivery")

# What differs from one recipient to the next: addresses, and ids with a digit in them.
_PERSONAL = re.compile(r"\S*[@\d]\S*")


class _Ended(NamedTuple):
    end: End
    at: datetime
    reply: str = ""  #: the code of a refusal
    words: str = ""  #: the same for everybody who is refused alike


class Watch:
    """The recent messages of one worker's campaigns."""

    def __init__(self, breakers: Breakers) -> None:
        self._breakers = breakers
        self._recent: dict[int, deque[_Ended]] = {}

    def heard(self, attempts: Sequence[Attempt], skips: Sequence[Skip]) -> set[int]:
        """Take in what a batch came to; returns the campaigns that look as if a breaker trips."""
        limits, now = self._breakers.limits, clock.now()
        fine = _Ended(End.ACCEPTED, now)
        failed = set()
        for stream, ended in (*_attempted(attempts, fine), *_skipped(skips, now)):
            if stream == SYSTEM_STREAM:
                continue
            self._recent.setdefault(stream, deque(maxlen=limits.recent)).append(ended)
            if ended is not fine:
                failed.add(stream)
        return {
            stream
            for stream in failed
            if judge(_tally(self._recent[stream]), limits, recent=True) is not None
        }

    def pause(self, campaigns: Iterable[int]) -> set[int]:
        """Pause those that trip a breaker by what ended since they were counted afresh; slow.

        Returns which were. When the database cannot be asked, the next failure asks again.
        """
        paused = set()
        for campaign_id in sorted(campaigns):
            recent = tuple(self._recent[campaign_id])
            try:
                trip = self._breakers.tripped(campaign_id, partial(_tally, recent))
            except StoreError as error:
                log.error("breaker_waits", extra={"campaign": campaign_id, "reason": str(error)})
                continue
            self._recent[campaign_id].clear()
            if trip is not None:
                paused.add(campaign_id)
        return paused


def _attempted(attempts: Sequence[Attempt], fine: _Ended) -> Iterable[tuple[int, _Ended]]:
    for attempt in attempts:
        outcome = attempt.outcome
        if outcome is None:
            continue
        if outcome.kind is OutcomeKind.ACCEPTED:
            yield attempt.stream, fine
        elif outcome.kind is OutcomeKind.REJECTED:
            reply = code_of(outcome.reply_code, outcome.status)
            words = f"{reply} {_PERSONAL.sub('', outcome.reply)}"
            yield attempt.stream, _Ended(end_of_rejection(outcome.status), fine.at, reply, words)


def _skipped(skips: Sequence[Skip], now: datetime) -> Iterable[tuple[int, _Ended]]:
    for skip in skips:
        if skip.reason is SkipReason.UNRENDERABLE:
            yield skip.stream, _Ended(End.UNRENDERABLE, now)


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
