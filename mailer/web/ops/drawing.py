"""The charts of /ops: what was counted, as figures with a table under each."""

from __future__ import annotations

from html import escape

from mailer.bounces.reporting.charts import Bar, Series, bars, columns
from mailer.bounces.reporting.model import COUNTED
from mailer.ops.board import Returns


def over_time(found: Returns) -> str:
    """Columns by time, stacked by what came back."""
    total = sum(found.total.values())
    return columns(
        "over-time",
        title="What came back, by time (UTC)",
        desc=f"{total:,} reports: " + ", ".join(f"{count:,} {sort}" for sort, count in found.total.items()),
        labels=found.labels,
        series=[Series(sort.value, found.over_time[sort]) for sort in COUNTED],
    )


def providers(found: Returns) -> str:
    """Bars by provider; the table below says which kind."""
    head = "".join(f'<th scope="col">{sort.value}</th>' for sort in COUNTED)
    rows = [
        Bar(name, sum(counts.values()), f"{sum(counts.values()):,}") for name, counts in found.by_provider
    ]
    return bars(
        "by-provider",
        title="What came back, by provider",
        desc="; ".join(f"{row.label}: {row.words}" for row in rows) or "Nothing came back.",
        rows=rows,
        below=_table(found, head),
    )


def _table(found: Returns, head: str) -> str:
    lines = "".join(
        f'<tr><th scope="row">{escape(name)}</th>'
        + "".join(f"<td>{counts.get(sort, 0):,}</td>" for sort in COUNTED)
        + "</tr>"
        for name, counts in found.by_provider
    )
    return (
        '<div class="wide" tabindex="0" role="region" aria-label="Numbers by provider"><table>'
        f'<thead><tr><th scope="col">provider</th>{head}</tr></thead><tbody>{lines}</tbody></table></div>'
    )
