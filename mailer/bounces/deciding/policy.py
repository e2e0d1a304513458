"""What follows from a report, as tables: whose fault it is decides before anything else does (law 10, A73-A78)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from types import MappingProxyType

from mailer.addresses import AddressInvalid, parse_address
from mailer.bounces.model import Bounce, Fault, Severity
from mailer.settings.bounces import BouncesSettings
from mailer.store.vocabulary import ReportEffect, ReportSeverity

_S = ReportSeverity
_E = ReportEffect

#: What a report does to the person it is about. What is not here is noted: it counts against nobody.
EFFECTS: Mapping[tuple[ReportSeverity, Fault], ReportEffect] = MappingProxyType(
    {
        (_S.HARD, Fault.RECIPIENT): _E.HELD,
        (_S.SOFT, Fault.RECIPIENT): _E.SCORED,
        **{(_S.COMPLAINT, fault): _E.SUPPRESSED for fault in Fault},
    }
)

#: A soft score is worth half after so long: a newsletter once a month must still be able to reach the limit.
HALF_LIFE = timedelta(days=180)
#: Accepted and no report for so long is a success: a relay accepts first and reports later (A78).
SUCCESS_AFTER = timedelta(days=5)
#: A tag that is older proves nothing any more: reports come within days (RFC 5321 4.5.4.1).
LATEST_REPORT = timedelta(days=30)
#: Failures are alike within this time.
ALIKE_WITHIN = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Limits:
    """`[bounces]` as the rules read it."""

    hold: timedelta = timedelta(hours=24)
    soft: float = 5.0
    soft_over: timedelta = timedelta(days=14)
    alike_least: int = 30
    alike_share: float = 0.1

    @classmethod
    def of(cls, settings: BouncesSettings) -> Limits:
        """From the settings."""
        return cls(
            hold=timedelta(hours=settings.hold_hours),
            soft=settings.soft_limit,
            soft_over=timedelta(days=settings.soft_days),
            alike_least=settings.alike_least,
            alike_share=settings.alike_share,
        )


@dataclass(frozen=True, slots=True)
class Score:
    """What soft bounces count against one person."""

    value: float
    first_at: datetime
    last_at: datetime

    def now_worth(self, at: datetime) -> float:
        """After its decay."""
        halves = max(timedelta(0), at - self.last_at) / HALF_LIFE
        return float(self.value * 0.5**halves)


def severity_of(bounce: Bounce) -> ReportSeverity:
    """As it is stored: a delay is information, whatever else the report says (A73)."""
    delayed = bounce.delayed and bounce.kind is not Severity.COMPLAINT
    return _S.DELAYED if delayed else _S(bounce.kind.value)


def effect_of(bounce: Bounce) -> ReportEffect:
    """What a proven report of our address does, as far as the report itself says."""
    return EFFECTS.get((severity_of(bounce), bounce.fault), _E.NOTED)


def of_our_address(bounce: Bounce, email_key: str) -> Bounce:
    """A verdict as one on the address that we wrote to.

    Mail may be forwarded to an address that is dead, while ours still has a reader: that we are told so
    again and again still counts, once is not enough (A74).
    """
    if bounce.kind is not Severity.HARD or not email_key or _is_same(bounce.recipient, email_key):
        return bounce
    return replace(bounce, kind=Severity.SOFT, rule=f"{bounce.rule[:40]}, of another address")


def _is_same(recipient: str | None, email_key: str) -> bool:
    """Whether a report means that address, also by the name that its own servers have for it."""
    if not recipient:
        return True
    try:
        named = parse_address(recipient).key
    except AddressInvalid:
        return False
    local, _, host = named.rpartition("@")
    ours, _, domain = email_key.rpartition("@")
    inside = host == domain or host.endswith(f".{domain}") or domain.endswith(f".{host}")
    return local == ours and inside


def scored(before: Score | None, *, at: datetime, had_success: bool) -> Score | None:
    """The score after one more soft bounce; None: it does not count, there was one within a day (A78)."""
    if before is None or had_success:
        return Score(1.0, at, at)
    if at - before.last_at < timedelta(days=1):
        return None
    return Score(before.now_worth(at) + 1.0, before.first_at, at)


def is_too_much(score: Score, limits: Limits) -> bool:
    """Whether it suppresses: enough, and over long enough. A little less than whole, for the decay."""
    long_enough = score.last_at - score.first_at >= limits.soft_over
    return long_enough and score.value >= limits.soft - 0.5


def is_alarming(failures: int, accepted: int, limits: Limits) -> bool:
    """Whether so many failures alike, of so many accepted, are no longer people's own doing."""
    return failures >= limits.alike_least and failures >= limits.alike_share * accepted
