"""Charts as accessible SVG: numbers in, HTML out; no script, no style of its own, a table under each.

Widths are percentages and heights pixels, so letters keep their size on a phone. Every series has a
pattern beside its colour. A page adds CHART_CSS once, inline or as a file.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from mailer.bounces.reporting.chart_parts import (
    BASE,
    TOP,
    figure,
    gridlines,
    legend,
    nice_ceiling,
    number,
    patterns,
    table,
    ticks,
)
from mailer.bounces.reporting.chart_style import CHART_CSS

__all__ = ["CHART_CSS", "Bar", "Series", "bars", "columns"]

_ROW = 44  #: pixels of one horizontal bar with its words above it


@dataclass(frozen=True, slots=True)
class Series:
    """One kind of thing counted along an axis."""

    name: str
    values: Sequence[float]
    style: int | None = None  #: 0 to 3; its own place in the chart by default


@dataclass(frozen=True, slots=True)
class Bar:
    """One row of a chart of shares; `words` stands for the number where a plain one says too little."""

    label: str
    value: float
    words: str = ""


def columns(key: str, *, title: str, desc: str, labels: Sequence[str], series: Sequence[Series]) -> str:
    """Stacked columns, one per label, as a figure with legend and table; `key` is unique on its page."""
    totals = [sum(each.values[place] for each in series) for place in range(len(labels))]
    ceiling = nice_ceiling(max(totals, default=0))
    step = 100 / max(len(labels), 1)
    drawn = [
        _column(key, place * step, step, label, [(each, each.values[place]) for each in styled], ceiling)
        for styled in [_styled(series)]
        for place, label in enumerate(labels)
    ]
    body = patterns(key) + gridlines(ceiling) + "".join(drawn) + ticks(labels)
    rows = [(label, *(each.values[place] for each in series)) for place, label in enumerate(labels)]
    return figure(
        key,
        title=title,
        desc=desc,
        body=body,
        height=BASE + 24,
        legend=legend(key, [(each.name, each.style or 0) for each in _styled(series)]),
        table=table(title, ("", *(each.name for each in series)), rows),
    )


def bars(
    key: str,
    *,
    title: str,
    desc: str,
    rows: Sequence[Bar],
    columns: tuple[str, str] = ("", ""),
    below: str = "",
) -> str:
    """Horizontal bars, the longest as wide as the page, as a figure with its table.

    `columns` heads that table; `below` stands instead of it where one with more to say is at hand.
    """
    most = max((row.value for row in rows), default=0) or 1
    drawn = "".join(_bar(place, row, 100 * row.value / most) for place, row in enumerate(rows))
    listed = [(row.label, row.words or row.value) for row in rows]
    return figure(
        key,
        title=title,
        desc=desc,
        body=drawn,
        height=_ROW * max(len(rows), 1),
        table=below or table(title, columns, listed),
    )


def _styled(series: Sequence[Series]) -> list[Series]:
    return [
        Series(each.name, each.values, place % 4 if each.style is None else each.style)
        for place, each in enumerate(series)
    ]


def _column(
    key: str, left: float, step: float, label: str, parts: Sequence[tuple[Series, float]], ceiling: float
) -> str:
    said = ", ".join(f"{number(value)} {each.name}" for each, value in parts if value) or "nothing"
    drawn, below = [], float(BASE)
    for each, value in parts:
        # A pixel at least: what happened once is seen beside what happened a thousand times.
        height = max((BASE - TOP) * value / ceiling, 1.0) if value else 0.0
        below -= height
        drawn.append(
            f'<rect class="c{each.style}" fill="url(#{key}-p{each.style})" x="{left + step * 0.1:.3f}%"'
            f' width="{step * 0.8:.3f}%" y="{below:.1f}" height="{height:.1f}"/>'
            if value
            else ""
        )
    # Hovering anywhere above a column tells its numbers.
    touch = f'<rect class="touch" x="{left:.3f}%" width="{step:.3f}%" y="0" height="{BASE}"/>'
    return f"<g><title>{escape(label)}: {escape(said)}</title>{''.join(drawn)}{touch}</g>"


def _bar(place: int, row: Bar, width: float) -> str:
    top = place * _ROW
    words = row.words or number(row.value)
    return (
        f"<g><title>{escape(row.label)}: {escape(words)}</title>"
        f'<text x="0" y="{top + 16}">{escape(_short(row.label))}</text>'
        f'<text x="100%" y="{top + 16}" text-anchor="end">{escape(words)}</text>'
        f'<rect class="rail" x="0" width="100%" y="{top + 23}" height="10" rx="2"/>'
        f'<rect class="c1 solid" x="0" width="{width:.2f}%" y="{top + 23}" height="10" rx="2"/></g>'
    )


def _short(label: str) -> str:
    return label if len(label) <= 24 else label[:23] + "…"
