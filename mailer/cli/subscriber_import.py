"""`mailer subscriber import`: a CSV file of another tool into a list, with a report per reason."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mailer.cli.output import console, dry_run_option, json_option, print_facts, print_json, print_table
from mailer.cli.site_option import pass_site

if TYPE_CHECKING:
    from mailer.application import Site
    from mailer.subscribers.importing import ImportOptions, ImportReport

_HELP = """Import people from a CSV file into LIST.

Files as Mailchimp, listmonk and spreadsheets export them are understood: comma, semicolon or tab,
UTF-8 or UTF-16, headings in any order. [fields] in mailer.toml says which column fills which merge
field. Nobody is mailed. Running the same file twice changes nothing.

A row is confirmed only with evidence of consent (a date, and an IP address or a note: from its own
columns, or by --consent-date and --evidence) and somebody who vouches for it (--declared-by).
Otherwise it waits as pending and is deleted after 30 days; --invite sends each such row one
confirmation mail, paced. Who left, bounced, complained or was blocked in the old tool is suppressed
here, and who is suppressed here stays so.

Try first: mailer subscriber import people.csv --list weekly --dry-run
"""

#: What --as may say of rows that do not say it themselves.
STANDINGS = ("subscribed", "unconfirmed", "unsubscribed", "cleaned", "complained", "blocked", "disabled")


@click.command(name="import", help=_HELP)
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--list", "list_name", required=True, metavar="LIST", help="The list they join.")
@dry_run_option
@click.option("--invite", is_flag=True, help="Queue one confirmation mail for each pending row.")
@click.option("--declared-by", metavar="NAME", help="Who vouches that these people agreed; goes on record.")
@click.option("--source", metavar="TEXT", help="Where the addresses come from; default: the file's name.")
@click.option(
    "--consent-date",
    type=click.DateTime(["%Y-%m-%d"]),
    metavar="DATE",
    help="When they agreed (2024-05-01), for rows that do not say.",
)
@click.option("--evidence", metavar="TEXT", help="How they agreed and where the proof is kept, likewise.")
@click.option(
    "--as", "standing", type=click.Choice(STANDINGS), help="Where people stand whose row does not say."
)
@click.option("--email-column", metavar="HEADING", help="The column with the address.")
@click.option("--encoding", metavar="NAME", help="The file's encoding, for example cp1252; else found out.")
@click.option("--delimiter", metavar="CHARACTER", help="What separates cells; else found out.")
@click.option(
    "--bad-bytes",
    type=click.Choice(["refuse", "reject"]),
    default="refuse",
    show_default=True,
    help="Undecodable bytes: refuse the file, or reject their rows.",
)
@click.option("--rejects", type=click.Path(path_type=Path), metavar="FILE", help="Write rejected rows here.")
@json_option
@pass_site
def import_command(
    site: Site,
    file: Path,
    list_name: str,
    dry_run: bool,
    invite: bool,
    declared_by: str | None,
    source: str | None,
    consent_date: datetime | None,
    evidence: str | None,
    standing: str | None,
    email_column: str | None,
    encoding: str | None,
    delimiter: str | None,
    bad_bytes: str,
    rejects: Path | None,
    as_json: bool,
) -> None:
    """Run the import and print its report."""
    from mailer.subscribers.importing import Declaration, ImportOptions, Standing

    options = ImportOptions(
        dry_run=dry_run,
        invite=invite,
        declaration=Declaration(declared_by, source, _day(consent_date), evidence),
        treat_as=Standing(standing) if standing else None,
        email_column=email_column,
        encoding=encoding,
        delimiter=_one_character(delimiter),
        reject_bad_bytes=bad_bytes == "reject",
        rejects=rejects,
    )
    report = _run(site, file, list_name, options, quiet=as_json)
    if as_json:
        print_json(report.as_json())
    else:
        print_report(report)


def _run(site: Site, file: Path, list_name: str, options: ImportOptions, *, quiet: bool) -> ImportReport:
    with _progress_bar(file.name, shown=not quiet and sys.stderr.isatty()) as progress:
        return site.imports.run(file, list_name, options=options, progress=progress)


@contextmanager
def _progress_bar(label: str, *, shown: bool) -> Iterator[Callable[[int, int], None] | None]:
    """A bar on stderr, for people only."""
    if not shown:
        yield None
        return
    # Imported here: only a terminal needs it.
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, TimeRemainingColumn(), console=console(stderr=True), transient=True) as bar:
        task = bar.add_task(label, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def print_report(report: ImportReport) -> None:
    """The report for people: how the file was read, then each reason with a few line numbers."""
    facts: dict[str, object] = {
        "read as": f"{report.dialect}, {report.encoding}, columns separated by {_named(report.delimiter)}",
        "rows": f"{report.rows:,} in {report.seconds:.1f} s",
        "rows that do not say": f"taken as {report.standing}",
    }
    if report.ignored_columns:
        facts["columns not used"] = ", ".join(report.ignored_columns)
    if report.unread_fields:
        facts["fields left out"] = ", ".join(f"{name} ({n:,}×)" for name, n in report.unread_fields.items())
    if report.invited:
        facts["invitations"] = (
            f"{report.invited:,}, the last one due at {report.last_invitation_at:%Y-%m-%d %H:%M} UTC"
        )
    title = "Dry run, nothing is changed" if report.dry_run else "Imported"
    print_facts(facts, title=f"{title}: {report.file} into {report.list_name}")
    print_table(
        ["", "rows", "what", "lines"],
        [
            (
                group.value,
                number,
                sentence,
                ", ".join(map(str, lines)) + (" …" if number > len(lines) else ""),
            )
            for group, sentence, number, lines in report.lines()
        ],
    )


def _day(moment: datetime | None) -> date | None:
    return moment.date() if moment else None


def _one_character(delimiter: str | None) -> str | None:
    if delimiter in ("tab", r"\t"):
        return "\t"
    if delimiter is not None and (len(delimiter) != 1 or delimiter in '"\r\n'):
        raise click.BadParameter("must be a single character, or tab.", param_hint="--delimiter")
    return delimiter


def _named(delimiter: str) -> str:
    return {"\t": "tab", ",": "comma", ";": "semicolon"}.get(delimiter, delimiter)
