"""The judgement over a run: the server's log against the delivery table (laws 1 and 2, and the digests of law 9)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from mailer.return_path import decode_return_path
from mailer.store.vocabulary import DeliveryState
from tests.faults.running import RunningSite
from tests.faults.taken import Accepted, Turned


@dataclass
class Story:
    """All that the server saw of one recipient, in order."""

    events: list[Accepted | Turned] = field(default_factory=list)

    @property
    def copies(self) -> list[Accepted]:
        """What it took."""
        return [event for event in self.events if isinstance(event, Accepted)]

    @property
    def refusals(self) -> list[int]:
        """The codes of 5yz that it gave."""
        return [e.code for e in self.events if isinstance(e, Turned) and e.code and e.code >= 500]

    @property
    def is_doubtful(self) -> bool:
        """Whether the server itself left a body without an answer that makes sense."""
        turned = [event for event in self.events if isinstance(event, Turned)]
        return any(event.verb in ("dot", "body") and event.code is None for event in turned)

    def repeats_unasked(self) -> bool:
        """Whether a body came again although the one before was not answered with 4yz."""
        # A lone dot that ends a refused transaction (RFC 2920 3.1) is nobody's body.
        bodies = [
            e for e in self.events if e.recipient and (isinstance(e, Accepted) or e.verb in ("dot", "body"))
        ]
        return any(
            isinstance(before, Accepted) or before.code is None or before.code // 100 != 4
            for before in bodies[:-1]
            if not (isinstance(before, Accepted) and _was_doubted(before, bodies))
        )


def _was_doubted(copy: Accepted, bodies: Sequence[Accepted | Turned]) -> bool:
    """An "accept-close" is two lines of the log for one body: taken, then what was done instead of a reply."""
    following = bodies[bodies.index(copy) + 1]
    return isinstance(following, Turned) and following.message_id == copy.message_id


@dataclass
class Verdict:
    """What a run came to."""

    states: Counter[str]
    doubted: list[str]  #: who is unknown although the server gave no cause for it
    problems: list[str]

    @property
    def doubts_of_crashes(self) -> int:
        """How many are unknown because a process ended."""
        return len(self.doubted)


def judge(site: RunningSite) -> Verdict:
    """Compare; every breach is one line of `problems`."""
    rows = site.rows()
    stories = _stories(site, rows)
    states = Counter(row.state.value for row in rows)
    problems = list(_breaches(rows, stories))
    counts = site.counts()
    if sum(counts.values()) != site.people or counts["unwritten"] < 0:
        problems.append(f"law 1: {counts} is not {site.people} people")
    nobody = set(stories) - {row.email for row in rows}
    problems += [f"mail to {name!r}, who is not in the audience" for name in sorted(nobody) if name]
    wrong = site.order()["wrong"] if site.server is not None and site.server.poll() is None else {}
    problems += [f"the client {what}, {times} times" for what, times in wrong.items()]
    unknown = [row for row in rows if row.state is DeliveryState.UNKNOWN]
    doubted = [row.email for row in unknown if not stories.get(row.email, Story()).is_doubtful]
    return Verdict(states, doubted, problems)


def check(site: RunningSite, *, doubts: int) -> Counter[str]:
    """Laws 1 and 2 hold, at most so many are unknown because of a crash. Returns the states."""
    verdict = judge(site)
    assert verdict.problems == [], f"{verdict.problems}\n{site.work_log()[-3000:]}"
    assert verdict.doubts_of_crashes <= doubts, verdict.doubted
    return verdict.states


def _stories(site: RunningSite, rows: Sequence[Any]) -> dict[str, Story]:
    """By address; what was said before RCPT is found by its return path."""
    addresses = {row.id: row.email for row in rows}
    stories: dict[str, Story] = {}
    with site.open() as opened:
        for event in site.book:
            name = event.recipient
            if not name and event.sender:
                name = addresses.get(decode_return_path(opened.secrets, event.sender) or 0, "")
            stories.setdefault(name, Story()).events.append(event)
    return stories


def _breaches(rows: Sequence[Any], stories: dict[str, Story]) -> Iterator[str]:
    for row in rows:
        story = stories.get(row.email, Story())
        copies = story.copies
        if len(copies) > 1:
            yield f"{row.email} got {len(copies)} copies; it is {row.state}"
        if story.repeats_unasked():
            yield f"{row.email} was offered a body again without a 4yz: {story.events}"
        if row.state is DeliveryState.ACCEPTED and len(copies) != 1:
            yield f"{row.email} is accepted, but the server took {len(copies)}"
        if copies and row.state not in (DeliveryState.ACCEPTED, DeliveryState.UNKNOWN):
            yield f"{row.email} is {row.state}, but the server took it"
        if row.state is DeliveryState.REJECTED and row.reply_code and row.reply_code not in story.refusals:
            yield f"{row.email} is rejected with {row.reply_code}, but the server said {story.refusals}"
        if (row.next_attempt_at is None) == (row.state in (DeliveryState.QUEUED, DeliveryState.DEFERRED)):
            yield f"{row.email} is {row.state}, next attempt {row.next_attempt_at}"
        if row.state is DeliveryState.ACCEPTED and copies:
            yield from _differences(row, copies[0])


def _differences(row: Any, copy: Accepted) -> Iterator[str]:
    """Law 9: the digest in the table is that of the bytes that arrived."""
    if copy.digest != bytes(row.digest):
        yield f"{row.email}: other bytes arrived than left"
    if copy.message_id != row.message_id:
        yield f"{row.email}: another Message-ID arrived than left"
    if copy.wrong:
        yield f"{row.email}: {copy.wrong}"
