"""What follows from a log for one delivery whose end nobody saw: taken, never arrived, or still in doubt.

A wrong "taken" is a person without the message; a wrong "never arrived" is a second copy, which
is worse. So the second is said only where the log must have named the message, had it arrived.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from mailer.delivery.settling.files import Span
from mailer.delivery.settling.traces import Trace


class Finding(StrEnum):
    """What became of a delivery, as far as can be told."""

    ACCEPTED = "accepted"
    ABSENT = "absent"  #: it never arrived: it may be sent again
    DOUBT = "doubt"


@dataclass(frozen=True, slots=True)
class Doubtful:
    """A delivery whose end nobody saw."""

    id: int
    attempts: int
    attempted_at: datetime  #: the Date of the copy; of a lost host: when it was last heard of
    relay: str | None  #: "host:port" that it went to, where that is known


@dataclass(frozen=True, slots=True)
class Witness:
    """A message that the relay is known to have taken at about the same time: a whole log names it."""

    id: int
    attempted_at: datetime
    seen_at: datetime | None  #: when the log says that it was taken; None: the log does not name it


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is found, in words that are kept with the delivery."""

    delivery_id: int
    attempts: int  #: of the row that was judged; one that has moved on since is left alone
    finding: Finding
    words: str


@dataclass(frozen=True, slots=True)
class Limits:
    """How much log there must be around an attempt before silence means anything."""

    #: The body of a lost host may have left so long before the host was last heard of: the reply to a
    #: final dot is waited for ten minutes.
    before: timedelta = timedelta(minutes=15)
    #: A kernel goes on sending for minutes after its process died, and a server reads on for five more.
    after: timedelta = timedelta(minutes=30)
    #: Further apart, our clock and the log's are not set alike, or the zone or the year is wrong.
    clocks: timedelta = timedelta(minutes=15)
    #: Known messages that the log must name; with the operator's word that it is the right one, one will do.
    witnesses: int = 3


@dataclass(frozen=True, slots=True)
class Case:
    """All that bears on one delivery."""

    doubtful: Doubtful
    trace: Trace
    spans: Sequence[Span]
    witnesses: Sequence[Witness]
    relay: str | None = None  #: whose log it is, by the operator's word
    limits: Limits = Limits()


def judge(case: Case) -> Verdict:
    """The verdict; every doubt says what would end it."""
    finding, words = _judge(case)
    return Verdict(case.doubtful.id, case.doubtful.attempts, finding, words)


def _judge(case: Case) -> tuple[Finding, str]:
    trace = case.trace
    if trace.taken_as is not None:
        at = f" at {_short(trace.taken_at)} UTC" if trace.taken_at else ""
        return Finding.ACCEPTED, f"The relay's log has it in the queue as {trace.taken_as}{at}."
    if open_ids := sorted(trace.arrived - trace.cut):
        return Finding.DOUBT, (
            f"It reached the relay as {open_ids[-1]}, and the log does not say whether that was taken: "
            "look for it in the relay's queue, or give a log that reaches further."
        )
    if trace.cut and case.doubtful.attempts == 1:
        # Of several attempts, the one in question may have left no trace beside an older one's.
        return (
            Finding.ABSENT,
            f"The relay's log has its connection cut inside the message ({max(trace.cut)}).",
        )
    for check in _CHECKS:
        doubt = check(case)
        if doubt is not None:
            return Finding.DOUBT, doubt
    return Finding.ABSENT, "The relay's log covers the time of the attempt and does not name it."


def _relay(case: Case) -> str | None:
    went_to, named = case.doubtful.relay, case.relay
    if went_to is None and named is None:
        return "It is not known which relay it went to: if it was this log's, say so with --relay HOST:PORT."
    if went_to is not None and named is not None and went_to != named:
        return f"It went to {went_to}: give the log of that relay."
    return None


def _clocks(case: Case) -> str | None:
    for witness in case.witnesses:
        if witness.seen_at is None:
            continue
        apart = witness.seen_at - witness.attempted_at
        if abs(apart) > case.limits.clocks:
            minutes = round(apart.total_seconds() / 60)
            return (
                f"The log has delivery {witness.id} {abs(minutes):,} minutes "
                f"{'after' if minutes > 0 else 'before'} it was sent: name the log's time zone with --zone."
            )
    return None


def _covered(case: Case) -> str | None:
    begin, end = _needed(case)
    if any(first <= begin and end <= last for first, last in case.spans):
        return None
    has = ", ".join(f"{_short(first)} to {_short(last)}" for first, last in case.spans)
    return f"The log must reach from {_short(begin)} to {_short(end)} (UTC) without a hole; it has {has}."


def _whole(case: Case) -> str | None:
    for witness in case.witnesses:
        if witness.seen_at is None and _within(case, witness.attempted_at):
            return (
                f"The log does not name delivery {witness.id}, which the relay took at "
                f"{_short(witness.attempted_at)} (UTC): it is another relay's log, or not whole."
            )
    return None


def _witnessed(case: Case) -> str | None:
    seen = sum(witness.seen_at is not None for witness in case.witnesses)
    if seen >= (case.limits.witnesses if case.relay is None else 1):
        return None
    if case.relay is None and seen:
        return (
            f"The log names {seen} of the messages that this relay is known to have taken, too few to know "
            "it by: if it is that relay's log, say so with --relay HOST:PORT."
        )
    return (
        "The log names no message that this relay is known to have taken. Send a proof through it and give "
        "the log up to then; or settle it by your word with --accept or --resend."
    )


#: What must hold before silence means "never arrived"; the first that does not is the doubt.
_CHECKS: Sequence[Callable[[Case], str | None]] = (_relay, _clocks, _covered, _whole, _witnessed)


def _needed(case: Case) -> Span:
    at = case.doubtful.attempted_at
    return at - case.limits.before, at + case.limits.after


def _within(case: Case, instant: datetime) -> bool:
    """Whether a message taken at this time must be in the log; at its very ends clocks may differ."""
    slack = min(case.limits.clocks, case.limits.before)
    return any(first + slack <= instant <= last - slack for first, last in case.spans)


def _short(instant: datetime | None) -> str:
    return "" if instant is None else f"{instant.astimezone(UTC):%Y-%m-%d %H:%M}"
