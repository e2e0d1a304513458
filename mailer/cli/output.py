"""Print results: tables for people, JSON for programs; no control character reaches the terminal (D26)."""

from __future__ import annotations

import dataclasses
import json
import sys
import unicodedata
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from rich.console import Console

F = TypeVar("F", bound=Callable[..., Any])
#: What --limit may say at most: more than anybody reads, and a number that every database takes.
MOST_ROWS = 1_000_000_000
#: Columns that a cell takes which is cut off rather than folded; the rest of 80 is for the other cells.
_WIDEST = 20


def json_option(command: F) -> F:
    """Add --json, passed as `as_json`."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")(command)


def dry_run_option(command: F) -> F:
    """Add --dry-run, passed as `dry_run`."""
    return click.option(
        "--dry-run", "dry_run", is_flag=True, help="Show what would be done; change nothing."
    )(command)


def console(*, stderr: bool = False) -> Console:
    """A rich console on stdout or stderr; markup in data is data."""
    # Imported here: rich is slow to load and `mailer --help` needs none of it.
    from rich.console import Console

    return Console(stderr=stderr, markup=False, highlight=False, soft_wrap=not _is_terminal())


def print_json(value: object) -> None:
    """Print `value` (dataclasses, times and paths included) as JSON; letters stay, what could act is escaped."""
    text = json.dumps(value, default=_plain, ensure_ascii=False, indent=2)
    click.echo("\n".join(line if line.isprintable() else _escaped_json(line) for line in text.split("\n")))


def print_table(
    columns: Sequence[str],
    rows: Iterable[Sequence[object]],
    *,
    title: str | None = None,
    whole: Collection[str] = (),
    empty: str = "",
) -> None:
    """Print rows under headings; numbers stand right.

    Columns named in `whole` are cut off, not folded; `empty` is said instead of a table without rows.
    """
    from rich import box
    from rich.table import Table

    listed = [list(row) for row in rows]
    if empty and not listed:
        click.echo(empty)
        return
    table = Table(
        title=title, box=box.SIMPLE_HEAD, title_justify="left", padding=(0, 1, 0, 0), pad_edge=False
    )
    for index, name in enumerate(columns):
        numeric = bool(listed) and all(_is_number(row[index]) for row in listed)
        kept = name in whole
        table.add_column(
            name,
            justify="right" if numeric else "left",
            overflow="ellipsis" if kept else "fold",
            no_wrap=kept,
            max_width=_WIDEST if kept else None,
        )
    for row in listed:
        table.add_row(*(printable(_shown(cell)) for cell in row))
    console().print(table)


def print_csv(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print rows as RFC 4180 has them, one by one, no cell of them a formula (D17)."""
    # Imported here: few commands print CSV, and all of them load this file.
    import csv

    from mailer.subscribers.importing.rejects import safe_cell

    writer = csv.writer(sys.stdout, lineterminator="\r\n")
    writer.writerow(columns)
    for row in rows:
        writer.writerow([safe_cell(_csv_cell(cell)) for cell in row])


def print_facts(facts: Mapping[str, object], *, title: str | None = None) -> None:
    """Print names and values below each other."""
    if title:
        click.echo(printable(title))
    width = max((len(name) for name in facts), default=0)
    for name, value in facts.items():
        indent = " " * (width + 4)
        click.echo(folded(f"  {name.ljust(width)}  {printable(_shown(value))}", indent=indent))


def folded(line: str, *, indent: str) -> str:
    """The line as a terminal shows it well: what is too long goes on below, indented."""
    if len(line) <= blocks_width():
        return line
    # Imported here: most output fits.
    import textwrap

    cut = textwrap.wrap(
        line, blocks_width(), subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
    )
    return "\n".join(cut)


def blocks_width() -> int:
    """Columns that a block of lines may take: the terminal's; a file or a pipe gets its lines whole."""
    return console().width if _is_terminal() else sys.maxsize


def printable(text: str) -> str:
    """`text` with every control, format and line character spelled out: a reply cannot paint the terminal."""
    return "".join(
        character
        if character == " " or unicodedata.category(character)[0] not in "CZ"
        else _escaped(character)
        for character in text
    )


def _escaped_json(line: str) -> str:
    """The same JSON with the escapes that JSON knows; such a character can only stand inside a string."""
    return "".join(each if each.isprintable() else json.dumps(each)[1:-1] for each in line)


def _escaped(character: str) -> str:
    return (
        character.encode("unicode_escape").decode("ascii")
        if not character.isspace() or character in "\r\n\t"
        else f"\\u{ord(character):04x}"
    )


def _shown(value: object) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return value.isoformat(sep=" ", timespec="seconds")
    return str(value)


def _csv_cell(value: object) -> str:
    if value is None:
        return ""
    return value.isoformat() if isinstance(value, datetime) else str(value)


def _plain(value: object) -> object:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, Iterable):
        return list(value)
    raise TypeError(f"{type(value).__name__} has no JSON form")


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_terminal() -> bool:
    return sys.stdout.isatty()
