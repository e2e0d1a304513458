"""How campaigns look in a terminal: findings like a good compiler's, plans, progress."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from rich.box import SIMPLE_HEAD
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from mailer import clock
from mailer.campaigns.findings import CheckReport, Finding, Severity
from mailer.campaigns.status import CampaignStatus
from mailer.campaigns.when import zone_named
from mailer.cli.output import console, printable
from mailer.delivery.read import reply_code, reply_words
from mailer.store.vocabulary import CampaignState, DeliveryState

if TYPE_CHECKING:
    from mailer.campaigns.schedule import Scheduled, SchedulePlan

_COLOURS = {Severity.ERROR: "red", Severity.WARNING: "yellow"}
_STATE_COLOURS = {
    CampaignState.SCHEDULED: "cyan",
    CampaignState.SENDING: "blue",
    CampaignState.PAUSED: "yellow",
    CampaignState.CANCELLED: "red",
    CampaignState.FINISHED: "green",
}
#: What is counted, in the order of a message's life: colour of the bar, words beside it.
_PARTS: Sequence[tuple[DeliveryState, str, str]] = (
    (DeliveryState.ACCEPTED, "green", "taken by the receiving side"),
    (DeliveryState.REJECTED, "red", "refused by the receiving side"),
    (DeliveryState.EXPIRED, "red", "given up after days of trying"),
    (DeliveryState.UNKNOWN, "magenta", "connection lost before the answer came; never sent twice"),
    (DeliveryState.SKIPPED, "bright_black", "not sent, on purpose"),
    (DeliveryState.DEFERRED, "yellow", "put off by the receiving side, tried again later"),
    (DeliveryState.ATTEMPTING, "blue", "on the wire now"),
    (DeliveryState.QUEUED, "cyan", "waiting for their turn"),
)
_BAR_WIDTH = 48
_EXCERPT_WIDTH = 96


# --- check -------------------------------------------------------------------------------------


def print_report(report: CheckReport, root: Path) -> None:
    """Every finding with its place and the line it is about, then the verdict."""
    out = console()
    for finding in report.findings:
        out.print(_finding(finding, root))
    out.print(_verdict(report))


def _finding(finding: Finding, root: Path) -> Text:
    colour = _COLOURS[finding.severity]
    text = Text()
    text.append(finding.severity.value, style=f"bold {colour}")
    text.append(f"[{finding.rule}]", style=colour)
    text.append(f" {_printable_lines(finding.message)}\n", style="bold")
    text.append(f"  ┌ {printable(finding.place)}\n", style="bright_black")
    excerpt = _source_line(root / finding.path, finding.line)
    if excerpt is not None:
        text.append("  │ ", style="bright_black")
        text.append(f"{excerpt}\n", style="cyan")
    if finding.remedy:
        text.append("  └ ", style="bright_black")
        text.append(f"{_printable_lines(finding.remedy)}\n", style="green")
    return text


def _printable_lines(text: str) -> str:
    return " ".join(printable(line) for line in text.splitlines())


def _source_line(path: Path, line: int | None) -> str | None:
    """The line itself, without what a terminal would act on, cut to fit."""
    if line is None or line < 1:
        return None
    try:
        with path.open(encoding="utf-8", errors="replace") as lines:
            found = next(islice(lines, line - 1, None), "")
    except OSError:
        return None
    shown = printable(found.strip().replace("\t", " ")[:_EXCERPT_WIDTH])
    return shown or None


def _verdict(report: CheckReport) -> Text:
    errors, warnings = len(report.errors), len(report.warnings)
    tried = ""
    if report.recipients_rendered:
        tried = f" Rendered for {_count(report.recipients_rendered, 'real subscriber')}."
    if errors:
        return Text(
            f"{report.slug}: {_count(errors, 'error')}, {_count(warnings, 'warning')}.", style="bold red"
        )
    if warnings:
        return Text(f"{report.slug}: no error, {_count(warnings, 'warning')}.{tried}", style="bold yellow")
    return Text(f"{report.slug}: nothing to complain about.{tried}", style="bold green")


def _count(number: int, noun: str, several: str | None = None) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {several or noun + 's'}"


# --- schedule ----------------------------------------------------------------------------------


def print_plan(plan: SchedulePlan) -> None:
    """What would happen, for the person who has to state the count."""
    table = _facts()
    table.add_row("subject", Text(printable(plan.subject), style="bold"))
    table.add_row("list", printable(plan.list_title))
    table.add_row("leaves", f"{plan.moment.local:%A, %d %B %Y, %H:%M} {plan.moment.zone}")
    table.add_row("in UTC", f"{plan.moment.instant:%Y-%m-%d %H:%M}")
    table.add_row("ends", _end(plan))
    for reason, count in plan.exclusions.items():
        table.add_row("left out", f"{count:,} {reason}")
    table.add_row("reaches", Text(f"{plan.audience:,} people", style="bold cyan"))
    out = console()
    out.print(Text(f"\n  {plan.slug}", style="bold"))
    out.print(table)
    for finding in plan.report.warnings:
        out.print(
            Text(f"  warning[{finding.rule}] {finding.place}: {printable(finding.message)}", style="yellow")
        )
    out.print()


def _end(plan: SchedulePlan) -> str:
    if plan.expected_end is None:
        return "as soon as your relay has taken them all (rate: unlimited)"
    # Rounded up to the minute: an end before the start would look like a mistake.
    local = (plan.expected_end + timedelta(seconds=59)).astimezone(zone_named(plan.moment.zone))
    same_day = local.date() == plan.moment.local.date()
    return f"about {local:%H:%M}{'' if same_day else f' on {local:%A, %d %B}'}, at {plan.rate}"


def print_scheduled(done: Scheduled) -> None:
    """That it is frozen, and what comes next."""
    out = console()
    out.print(Text(f"{done.slug} is scheduled: {done.audience:,} people, {done.moment}.", style="bold green"))
    out.print(f"Frozen as {done.artefact_hash[:12]}; editing the file changes nothing any more.")
    out.print(f"It leaves while `mailer up` is running. Watch it: mailer campaign status {done.slug} --watch")


# --- status ------------------------------------------------------------------------------------


def print_statuses(everything: Sequence[CampaignStatus]) -> None:
    """One line per scheduling, newest first."""
    if not everything:
        console().print("No campaign was scheduled yet. Start with: mailer campaign new SLUG")
        return
    table = Table(box=SIMPLE_HEAD, show_edge=False, padding=(0, 1, 0, 0), pad_edge=False)
    for heading, numeric in _COLUMNS:
        table.add_column(
            heading, justify="right" if numeric else "left", no_wrap=heading != "campaign", overflow="fold"
        )
    for one in everything:
        counts = one.counts
        numbers = (
            one.audience or one.expected_count,
            counts.get(DeliveryState.ACCEPTED, 0),
            one.waiting,
            sum(counts.get(state, 0) for state in _FAILED),
            counts.get(DeliveryState.SKIPPED, 0),
        )
        table.add_row(
            one.slug,
            Text(one.state.value, style=_STATE_COLOURS[one.state]),
            _short(one.started_at or one.scheduled_at, one.timezone),
            *(f"{number:,}" for number in numbers),
        )
    console().print(table)
    for one in everything:
        if one.state is CampaignState.PAUSED and one.reason:
            console().print(Text(f"{one.slug} is paused: {printable(one.reason)}", style="yellow"))


_FAILED = (DeliveryState.REJECTED, DeliveryState.EXPIRED, DeliveryState.UNKNOWN)
_COLUMNS = (
    ("campaign", False),
    ("state", False),
    ("leaves", False),
    ("people", True),
    ("accepted", True),
    ("waiting", True),
    ("failed", True),
    ("skipped", True),
)


def print_status(status: CampaignStatus) -> None:
    """One campaign, person by person."""
    console().print(status_view(status))


def status_view(status: CampaignStatus, note: str = "") -> RenderableType:
    """The same, to be printed once or kept up to date; `note` is a line of its own at the end."""
    head = Text.assemble(
        (f"{status.slug}  ", "bold"),
        (status.state.value, f"bold {_STATE_COLOURS[status.state]}"),
        (f"  {printable(status.subject)}", ""),
    )
    parts: list[RenderableType] = [head]
    if status.reason:
        # Also in a pipe, where lines are not broken: a reason that is cut off is none.
        parts.append(Text(printable(status.reason), style="yellow", no_wrap=False, overflow="fold"))
    if status.breaker is not None and status.state is CampaignState.PAUSED:
        again = f'Go on with: mailer campaign resume {status.slug} --mended "what was done"'
        parts.append(Text(again, style="bright_black"))
    parts.append(Text(_times(status), style="bright_black"))
    if status.started_at is not None:
        parts += [Text(), _bar(status), Text(), _counts(status)]
    if status.complaints:
        rate = f" ({100 * status.complaint_rate:.2f} % of the accepted)" if status.complaint_rate else ""
        words = f"{_count(status.complaints, 'reader', 'readers')} reported it as spam{rate}"
        parts += [Text(), Text(words, style="red")]
    if status.replies:
        parts += [Text(), _replies(status)]
    if note:
        parts += [Text(), Text(note, style="bright_black")]
    return Padding(Group(*parts), (1, 2))


def _times(status: CampaignStatus) -> str:
    if status.started_at is None:
        when = f"{_local(status.scheduled_at, status.timezone)} {status.timezone}"
        if status.is_over:
            return f"was to leave {when}; it reached nobody"
        return f"leaves {when} to about {_count(status.expected_count, 'person', 'people')}"
    text = f"started {_local(status.started_at, status.timezone)} {status.timezone}"
    if status.finished_at is None:
        return text
    return f"{text}, ended {_local(status.finished_at, status.timezone)}"


def _bar(status: CampaignStatus) -> Text:
    """Each state's share of the audience in its colour; what has one person has one cell."""
    bar = Text()
    left = _BAR_WIDTH
    for state, colour, _words in _PARTS:
        count = status.counts.get(state, 0)
        if count and status.audience:
            cells = min(left, max(1, round(_BAR_WIDTH * count / status.audience)))
            bar.append("█" * cells, style=colour)
            left -= cells
    bar.append("░" * left, style="bright_black")
    done = 100 * status.settled // status.audience if status.audience else 100
    bar.append(f"  {done} % of {status.audience:,}", style="bold")
    return bar


def _counts(status: CampaignStatus) -> Table:
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column(justify="right")
    table.add_column()
    table.add_column(style="bright_black")
    for state, colour, words in _PARTS:
        count = status.counts.get(state, 0)
        if count:
            table.add_row(f"{count:,}", Text(state.value, style=colour), words)
        if count and state is DeliveryState.SKIPPED:
            for reason, number in sorted(status.skipped.items()):
                table.add_row("", "", f"{number:,} {reason}")
    if status.not_materialised:
        table.add_row(f"{status.not_materialised:,}", "to come", "not written out yet")
    return table


def _replies(status: CampaignStatus) -> Table:
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column(justify="right")
    table.add_column(style="yellow")
    table.add_column(style="bright_black", overflow="fold")
    for reply in status.replies:
        code = reply_code(reply.reply_code, reply.status)
        words = reply_words(reply.reply_code, reply.status, reply.example)
        table.add_row(f"{reply.count:,}", code, _printable_lines(words))
    return table


def _facts() -> Table:
    table = Table(box=None, show_header=False, padding=(0, 1, 0, 2))
    table.add_column(justify="right", style="bright_black")
    table.add_column()
    return table


def _short(instant: datetime, zone: str) -> str:
    """Day and time; the year only where it is another than this one."""
    local = instant.astimezone(zone_named(zone))
    return f"{local:%d %b %H:%M}" if local.year == clock.now().year else f"{local:%d %b %Y}"


def _local(instant: datetime, zone: str) -> str:
    return f"{instant.astimezone(zone_named(zone)):%Y-%m-%d %H:%M}"
