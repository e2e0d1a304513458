"""How the report on bounces looks in a terminal: words first, then figures, then lines."""

from __future__ import annotations

from collections.abc import Sequence

from rich.box import SIMPLE_HEAD
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from mailer.bounces.reporting.model import COUNTED, Finding, Line, Overview, Sort
from mailer.bounces.reporting.words import NAMES, change, headline, percent, span, told, waiting
from mailer.cli.output import console, printable

_COLOURS = {Sort.HARD: "red", Sort.SOFT: "blue", Sort.POLICY: "yellow", Sort.COMPLAINT: "magenta"}
_EIGHTHS = "▁▂▃▄▅▆▇█"
#: Cells of a line over time; a longer one is drawn together.
_SPARK = 28
_TIMES = ("day", "hour")


def print_overview(overview: Overview, *, limit: int) -> None:
    """All of it; at most `limit` lines of the table."""
    parts: list[RenderableType] = [
        Text("Bounces and complaints", style="bold"),
        Text(span(overview), style="bright_black"),
        Text(),
        _sentence(headline(overview), "bold red" if overview.findings else "bold green"),
    ]
    for place, finding in enumerate(overview.findings, 1):
        parts += [Text(), _finding(place, finding, overview)]
    for sentence in waiting(overview):
        parts += [Text(), _sentence(printable(sentence), "yellow")]
    lines = [line for line in overview.lines if _happened(line)]
    if lines or overview.total.before.sent.answered:
        parts += [Text(), _totals(overview)]
    if lines:
        parts.append(Text())
        # Of times the last are wanted, of all else the first.
        shown = lines[-limit:] if overview.by in _TIMES else lines[:limit]
        parts.append(_lines(overview, shown))
        if len(lines) > len(shown):
            parts.append(Text(f"{len(lines) - len(shown):,} more: --limit, --csv", style="bright_black"))
    console().print(Padding(Group(*parts), (1, 2)))


def _sentence(text: str, style: str) -> Text:
    """Whole also in a pipe, where lines are not broken: a sentence that is cut off is none."""
    return Text(text, style=style, no_wrap=False, overflow="fold")


def _finding(place: int, finding: Finding, overview: Overview) -> Table:
    said = told(finding, overview)
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column(style="bold red")
    table.add_column(overflow="fold")
    table.add_row(str(place), Text(printable(said.what), style="bold"))
    table.add_row("", printable(said.extent))
    table.add_row("", said.fault)
    table.add_row("", Text(f"→ {said.remedy}", style="green"))
    return table


def _totals(overview: Overview) -> Table:
    table = _table(("", "count", "rate", "before", "change", "over time"), numeric=(1, 2, 3, 4))
    now, before = overview.total.current, overview.total.before
    taken = [line.current.sent.answered for line in overview.over_time]
    moved = change(float(now.sent.answered), float(before.sent.answered))
    table.add_row(
        "messages answered", f"{now.sent.answered:,}", "", f"{before.sent.answered:,}", moved, _spark(taken)
    )
    for sort in COUNTED:
        counts = [line.current.count(sort) for line in overview.over_time]
        table.add_row(
            NAMES[sort],
            f"{now.count(sort):,}",
            percent(now.rate(sort)),
            percent(before.rate(sort)),
            change(now.rate(sort), before.rate(sort)),
            Text(_spark(counts), style=_COLOURS[sort]),
        )
    if now.delayed:
        table.add_row("delayed, still tried", f"{now.delayed:,}", "", "", "", "")
    return table


def _lines(overview: Overview, lines: Sequence[Line]) -> Table:
    heads = (overview.by, "answered", "hard", "soft", "policy", "spam", "bounced", "before", "spam %")
    table = _table(heads, numeric=range(1, len(heads)))
    for line in lines:
        now = line.current
        table.add_row(
            printable(line.key),
            f"{now.sent.answered:,}",
            *(
                Text(f"{now.count(sort):,}" if now.count(sort) else "·", style=_COLOURS[sort])
                for sort in COUNTED
            ),
            percent(now.bounce_rate),
            percent(line.before.bounce_rate),
            percent(now.rate(Sort.COMPLAINT)),
        )
    return table


def _table(heads: Sequence[str], *, numeric: Sequence[int]) -> Table:
    table = Table(box=SIMPLE_HEAD, show_edge=False, padding=(0, 1, 0, 0), pad_edge=False)
    for place, head in enumerate(heads):
        right = place in numeric
        table.add_column(head, justify="right" if right else "left", no_wrap=right, overflow="fold")
    return table


def _spark(counts: Sequence[int]) -> str:
    """A line of small columns, the highest for the most; what happened at all is seen."""
    width = -(-len(counts) // _SPARK)
    drawn = [sum(counts[place : place + width]) for place in range(0, len(counts), width or 1)]
    most = max(drawn, default=0)
    return "".join(_EIGHTHS[-(-7 * count // most)] if count else "·" for count in drawn) if most else ""


def _happened(line: Line) -> bool:
    return bool(
        line.current.sent.answered or line.current.bounces or line.current.complaint or line.current.delayed
    )
