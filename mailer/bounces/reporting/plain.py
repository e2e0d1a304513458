"""The report for programs: an object for JSON, rows for CSV; shares from 0 to 1, times in UTC."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from mailer.bounces.reporting.model import COUNTED, Figures, Line, Overview
from mailer.bounces.reporting.words import paragraph, told

#: A row of the CSV; `before_` is the period of the same length before.
CSV_COLUMNS = (
    "key",
    *("accepted", "refused", "hard", "soft", "policy", "complaints", "delayed"),
    *("hard_rate", "soft_rate", "policy_rate", "complaint_rate", "bounce_rate"),
    *(
        "before_accepted",
        "before_refused",
        "before_hard",
        "before_soft",
        "before_policy",
        "before_complaints",
    ),
    *("before_bounce_rate", "before_complaint_rate"),
)


def as_json(overview: Overview) -> dict[str, Any]:
    """Everything the report says."""
    return {
        "since": overview.period.since,
        "until": overview.period.until,
        "paragraph": paragraph(overview),
        "findings": [_finding(place, overview) for place in range(len(overview.findings))],
        "total": _line(overview.total),
        "by": overview.by,
        "groups": [{"key": line.key, **_line(line)} for line in overview.lines],
        "over_time": [{"at": line.key, **_figures(line.current)} for line in overview.over_time],
        "waiting": overview.waiting,
    }


def csv_rows(overview: Overview) -> Iterator[list[object]]:
    """The lines of the table, and their total."""
    for key, line in [*((line.key, line) for line in overview.lines), ("total", overview.total)]:
        values = {"key": key, **_figures(line.current)}
        values |= {f"before_{name}": value for name, value in _figures(line.before).items()}
        yield [round(value, 6) if isinstance(value := values[name], float) else value for name in CSV_COLUMNS]


def _finding(place: int, overview: Overview) -> dict[str, Any]:
    finding = overview.findings[place]
    said = told(finding, overview)
    return {
        "name": finding.name,
        "key": finding.key,
        "what": said.what,
        "count": finding.count,
        "of": finding.of,
        "since": finding.since,
        "last": finding.last,
        "reasons": finding.reasons,
        "providers": finding.providers,
        "fault": said.fault,
        "remedy": said.remedy,
    }


def _line(line: Line) -> dict[str, Any]:
    return {**_figures(line.current), "before": _figures(line.before)}


def _figures(figures: Figures) -> dict[str, Any]:
    rates = {f"{sort.value}_rate": figures.rate(sort) for sort in COUNTED}
    return {
        "accepted": figures.sent.accepted,
        "refused": figures.sent.refused,
        "hard": figures.hard,
        "soft": figures.soft,
        "policy": figures.policy,
        "complaints": figures.complaint,
        "delayed": figures.delayed,
        **rates,
        "bounce_rate": figures.bounce_rate,
    }
