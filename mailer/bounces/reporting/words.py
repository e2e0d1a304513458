"""The report in words: the first paragraph, what each finding says, figures as people read them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from mailer.bounces.reporting.model import (
    COUNTED,
    LEAST_MAILS,
    Figures,
    Finding,
    Line,
    Overview,
    Period,
    Sort,
)

_NUMBERS = ("Nothing", "One thing", "Two things", "Three things", "Four things", "Five things", "Six things")
#: What mattered so shortly before the end of the period is not over.
_STILL = timedelta(hours=6)
#: What a sort is called where there is room.
NAMES = {
    Sort.HARD: "hard bounces",
    Sort.SOFT: "soft bounces",
    Sort.POLICY: "refused by policy",
    Sort.COMPLAINT: "complaints",
}


@dataclass(frozen=True, slots=True)
class Told:
    """One finding in four sentences."""

    what: str
    extent: str  #: how many, since when
    fault: str
    remedy: str


def headline(overview: Overview) -> str:
    """The first sentence."""
    number = len(overview.findings)
    if number:
        many = _NUMBERS[number] if number < len(_NUMBERS) else f"{number} things"
        return f"{many} {'is' if number == 1 else 'are'} wrong."
    now = overview.total.current
    if not now.sent.answered and not now.bounces and not now.complaint:
        return f"Nothing was sent and nothing came back in these {length(overview.period)}."
    return f"Nothing is wrong. {_calm(overview.total, overview.period)}"


def told(finding: Finding, overview: Overview) -> Told:
    """What is wrong, since when, whose fault, what to do."""
    zone = ZoneInfo(overview.zone)
    since = moment(finding.since, zone)
    hits = "complaints about" if finding.name.startswith("complaints") else "of"
    extent = f"{finding.count:,} {hits} {finding.of:,} messages"
    if finding.of >= LEAST_MAILS:
        extent += f" ({percent(finding.count / finding.of)})"
    last = finding.last + timedelta(hours=1)
    if last >= overview.period.until - _STILL:
        when = f"since {since}, and it goes on"
    else:
        when = f"from {since} to {moment(last, zone)}, hardly any since"
    return Told(f"{finding.title}.", f"{extent}, {when}.", finding.fault, finding.remedy)


def waiting(overview: Overview) -> Iterator[str]:
    """What waits for a person, a sentence each."""
    held = overview.waiting
    if held.frozen:
        names = ", ".join(held.frozen)
        yield f"Failures too much alike wait for you (`mailer bounce release` or `discard`): {names}."
    if held.review:
        yield f"{_messages(held.review)} came back that nobody could place: see `mailer bounce review`."
    if held.unreadable:
        yield f"{_messages(held.unreadable)} came back that could not be read."


def paragraph(overview: Overview) -> str:
    """All of it as one text."""
    parts = [headline(overview)]
    for finding in overview.findings:
        said = told(finding, overview)
        parts += [said.what, said.extent, said.fault, said.remedy]
    return " ".join((*parts, *waiting(overview)))


def percent(rate: float | None) -> str:
    """A share with two digits that count: 0.31 %, 8.0 %, 40 %; a dash where there were too few messages."""
    if rate is None:
        return "–"
    value = 100 * rate
    digits = 0 if value >= 10 or value == 0 else 1 if value >= 1 else 2 if value >= 0.01 else 3
    return f"{value:.{digits}f} %"


def change(now: float | None, before: float | None) -> str:
    """How a rate moved: "3.1×" and "÷2.0" for much, "+12 %" for less, "new", "gone", "same"."""
    if now is None or before is None:
        return "–"
    if before == 0:
        return "new" if now else "same"
    factor = now / before
    if factor == 0:
        return "gone"
    if factor >= 2:
        return f"{factor:,.1f}×"
    if factor <= 0.5:
        return f"÷{1 / factor:,.1f}"
    return "same" if abs(factor - 1) < 0.05 else f"{100 * (factor - 1):+.0f} %"


def moment(instant: datetime, zone: ZoneInfo) -> str:
    """3 Nov, 10:00, on the site's clock."""
    local = instant.astimezone(zone)
    return f"{local.day} {local:%b}, {local:%H:%M}"


def length(period: Period) -> str:
    """24 hours, 7 days."""
    hours = round((period.until - period.since) / timedelta(hours=1))
    if hours == 1:
        return "1 hour"
    return f"{hours} hours" if hours <= 48 else f"{round(hours / 24)} days"


def span(overview: Overview) -> str:
    """24 Oct, 07:00 to 23 Nov 2026, 07:00 (30 days), Europe/Berlin."""
    zone = ZoneInfo(overview.zone)
    since, until = (moment(each, zone) for each in (overview.period.since, overview.period.until))
    year = overview.period.until.astimezone(zone).year
    return f"{since} to {until.replace(',', f' {year},')} ({length(overview.period)}), {overview.zone}"


def _calm(total: Line, period: Period) -> str:
    now, before = total.current, total.before
    if now.bounce_rate is None:
        return f"Few messages left in these {length(period)}: {_counts(now)}."
    rates = ", ".join(f"{percent(now.rate(sort))} {NAMES[sort]}" for sort in COUNTED)
    said = f"Of {now.sent.answered:,} messages: {rates}."
    moved = change(now.bounce_rate, before.bounce_rate)
    if moved in ("–", "new"):
        return said
    as_before = "as in" if moved == "same" else f"all bounces together {moved} against"
    return f"{said[:-1]}; {as_before} the {length(period)} before."


def _counts(figures: Figures) -> str:
    return (
        f"{figures.sent.answered:,} answered, {figures.bounces:,} bounced, {figures.complaint:,} complaints"
    )


def _messages(number: int) -> str:
    return "One message" if number == 1 else f"{number:,} messages"
