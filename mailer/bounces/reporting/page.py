"""The report as one page that needs nothing else: words, charts, tables; a phone, the dark and paper will do."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date
from html import escape

from mailer.bounces.reporting.chart_parts import number, table
from mailer.bounces.reporting.charts import CHART_CSS, Bar, Series, bars, columns
from mailer.bounces.reporting.model import COUNTED, Finding, Line, Overview, Sort
from mailer.bounces.reporting.page_style import PAGE_CSS
from mailer.bounces.reporting.words import NAMES, change, headline, length, percent, span, told, waiting

#: Rows of the chart of rates; the table below has more.
_BARS, _ROWS = 12, 100
_TIMES = ("day", "hour")
_HEADS = ("answered", "hard", "soft", "policy", "complaints", "bounced", "before", "complaint rate")


def page(overview: Overview, *, site: str) -> str:
    """The whole document; nothing in it is loaded from anywhere."""
    title = f"Bounces and complaints · {site}"
    said = "".join(_finding(each, overview) for each in overview.findings)
    waits = "".join(f"<p class='waits'>{_code(each)}</p>" for each in waiting(overview))
    calm = " calm" if not overview.findings else ""
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="color-scheme" content="light dark"><meta name="robots" content="noindex">'
        f"<title>{escape(title)}</title><style>{PAGE_CSS}{CHART_CSS}</style></head><body><main>"
        f"<header><p class='site'>{escape(site)}</p><h1>Bounces and complaints</h1>"
        f"<p class='span'>{escape(span(overview))}</p></header>"
        f"<section class='verdict{calm}'><h2>{escape(headline(overview))}</h2>{_ordered(said)}{waits}</section>"
        f"<section><h2>In figures</h2>{_totals(overview)}{_over_time(overview)}</section>"
        f"<section><h2>By {escape(overview.by)}</h2>{_lines(overview)}</section>"
        "<footer><p>Rates are shares of the messages that got an answer, accepted or refused at once; "
        "complaints are a share of the accepted. Of fewer than 100 messages no rate is told. "
        "“Before” is the period of the same length before this one.</p></footer>"
        "</main></body></html>\n"
    )


def _ordered(items: str) -> str:
    return f"<ol>{items}</ol>" if items else ""


def _finding(finding: Finding, overview: Overview) -> str:
    said = told(finding, overview)
    return (
        f"<li><h3>{escape(said.what)}</h3><p>{escape(said.extent)} {escape(said.fault)}</p>"
        f"<p class='remedy'><strong>What to do:</strong> {_code(said.remedy)}</p></li>"
    )


def _code(text: str) -> str:
    """Commands between backticks, set as such."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(text))


def _totals(overview: Overview) -> str:
    now, before = overview.total.current, overview.total.before
    cards = [
        _card("messages answered", number(now.sent.answered), f"{number(before.sent.answered)} before"),
        *(
            _card(
                NAMES[sort],
                percent(now.rate(sort)),
                f"{number(now.count(sort))}; {percent(before.rate(sort))} before "
                f"({change(now.rate(sort), before.rate(sort))})",
            )
            for sort in COUNTED
        ),
    ]
    return f"<dl class='cards'>{''.join(cards)}</dl>"


def _card(name: str, value: str, more: str) -> str:
    return f"<div><dt>{escape(name)}</dt><dd><b>{escape(value)}</b> <span>{escape(more)}</span></dd></div>"


def _over_time(overview: Overview) -> str:
    lines = overview.over_time
    hourly = bool(lines) and len(lines[0].key) > len("2026-11-23")
    series = [
        Series(
            "complaints" if sort is Sort.COMPLAINT else sort.value,
            [line.current.count(sort) for line in lines],
        )
        for sort in COUNTED
    ]
    return columns(
        "over-time",
        title=f"What came back, by {'hour' if hourly else 'day'}",
        desc=f"Stacked columns over {length(overview.period)}: hard, soft and policy bounces and complaints.",
        labels=[line.key[11:16] if hourly else _day(line.key) for line in lines],
        series=series,
    )


def _day(key: str) -> str:
    """3 Nov."""
    day = date.fromisoformat(key)
    return f"{day.day} {day:%b}"


def _lines(overview: Overview) -> str:
    """A chart of the worst rates, and the table below it."""
    if not overview.lines:
        return "<p>Nothing came back, and nothing was sent.</p>"
    below = table(f"By {overview.by}", (overview.by, *_HEADS), _rows(overview.lines[:_ROWS]))
    shown = [line for line in overview.lines if line.current.bounce_rate] if overview.by not in _TIMES else []
    rows = [
        Bar(line.key, 100 * (line.current.bounce_rate or 0), percent(line.current.bounce_rate))
        for line in sorted(shown, key=lambda line: -(line.current.bounce_rate or 0))[:_BARS]
    ]
    if not rows:
        return f"<div class='chart'>{below}</div>"
    desc = f"Horizontal bars: the share of messages that bounced, the worst {overview.by} first."
    return bars("rates", title="Share of messages that bounced", desc=desc, rows=rows, below=below)


def _rows(lines: Sequence[Line]) -> list[tuple[object, ...]]:
    return [
        (
            line.key,
            line.current.sent.answered,
            *(line.current.count(sort) for sort in COUNTED),
            percent(line.current.bounce_rate),
            percent(line.before.bounce_rate),
            percent(line.current.rate(Sort.COMPLAINT)),
        )
        for line in lines
    ]
