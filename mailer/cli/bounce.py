"""`mailer bounce`: what comes back. `classify` reads raw messages and says what they are; it needs no site."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mailer.cli.main import Lazy, LazyGroup
from mailer.cli.output import json_option, printable

if TYPE_CHECKING:
    from mailer.bounces.batch import FileReading


@click.group(
    no_args_is_help=True,
    cls=LazyGroup,
    lazy={
        "report": Lazy(
            "mailer.cli.bounce_report:report", "Say what is wrong, since when, whose fault it is."
        ),
        "show": Lazy("mailer.cli.bounce_show:show", "Show one report, the rule that fired, the raw message."),
        "ingest": Lazy("mailer.cli.bounce_ingest:ingest", "Take mail in: from a pipe, files, folders."),
        "poll": Lazy("mailer.cli.bounce_intake:poll", "Look into the mailboxes once, now."),
        "mails": Lazy("mailer.cli.bounce_intake:mails", "List the mails that came back."),
        "review": Lazy("mailer.cli.bounce_decide:review", "List what waits for a person."),
        "release": Lazy("mailer.cli.bounce_decide:release", "End an alarm: nobody is to blame."),
        "discard": Lazy("mailer.cli.bounce_decide:discard", "End an alarm: it was false, the bounces count."),
        "dismiss": Lazy("mailer.cli.bounce_decide:dismiss", "Take a message off the list."),
        "opt-out": Lazy("mailer.cli.bounce_decide:opt_out", "Opt out whoever wrote a message that waits."),
        "reclassify": Lazy(
            "mailer.cli.bounce_decide:reclassify", "Read all once more, by the rules of today."
        ),
        "classify": Lazy(
            "mailer.cli.bounce:classify", "Say what raw messages are: files, or folders of files."
        ),
    },
)
def bounce() -> None:
    """What comes back: bounces, complaints, replies."""


@click.command()
@click.argument(
    "paths", metavar="PATH...", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path)
)
@click.option(
    "--processes", type=click.IntRange(min=1), default=None, help="Processes; one per core by default."
)
@json_option
def classify(paths: tuple[Path, ...], *, processes: int | None, as_json: bool) -> None:
    """Say what raw messages are: files, or folders of files.

    Needs no site and no database, and changes nothing. With --json, one object per line and file,
    printed as they are read. A file that cannot be read is said so and stops nothing; the exit
    code is 1 then.
    """
    from mailer.bounces.batch import classify_files, files_of

    found = classify_files(files_of(paths), processes=processes or os.cpu_count() or 1)
    unread = _print_lines(found) if as_json else _print_words(found)
    if unread:
        click.echo(f"mailer: {unread} files could not be read; they are named above.", err=True)
        sys.exit(1)


def _print_lines(found: Iterable[FileReading]) -> int:
    unread = 0
    for one in found:
        unread += bool(one.error)
        click.echo(json.dumps(_as_json(one)))
    return unread


def _print_words(found: Iterable[FileReading]) -> int:
    """One line per verdict, as they are read: a folder of a million is no table to wait for."""
    unread = 0
    for one in found:
        unread += bool(one.error)
        what = f"could not be read: {one.error}" if one.error else str(one.reading.kind)
        click.echo(printable(f"{one.file}: {what}"))
        for bounce_ in one.reading.bounces:
            words = [bounce_.recipient or "(reader not named)", bounce_.status or "-", str(bounce_.kind)]
            words += [f"{bounce_.reason} ({bounce_.group})", f"fault: {bounce_.fault}"]
            words += ["still tried"] * bounce_.delayed + [f"rule: {bounce_.rule}"]
            click.echo(printable("    " + "  ".join(words)))
    return unread


def _as_json(one: FileReading) -> dict[str, object]:
    answer: dict[str, object] = {
        "file": one.file,
        "kind": one.reading.kind,
        "bounces": [
            {
                "recipient": found.recipient,
                "status": found.status,
                "kind": found.kind,
                "reason": found.reason,
                "fault": found.fault,
                "delayed": found.delayed,
                "rule": found.rule,
            }
            for found in one.reading.bounces
        ],
    }
    return {**answer, "error": one.error} if one.error else answer
