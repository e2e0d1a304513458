"""`mailer bounce report`: what is wrong, since when, whose fault, what to do; and the figures behind it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from mailer import clock
from mailer.cli.instants import instant
from mailer.cli.output import json_option, print_csv, print_json
from mailer.cli.site_option import pass_site

if TYPE_CHECKING:
    from mailer.application import Site
    from mailer.bounces.reporting.model import Overview

#: The names of DIMENSIONS, repeated so that --help needs no database library (tested to agree).
GROUPS = ("provider", "domain", "reason", "fault", "campaign", "list", "import", "relay", "day", "hour")
_SHOWN = 15


@click.command()
@click.option(
    "--since",
    default="24h",
    show_default=True,
    metavar="TIME",
    help="From when on: 24h, 7d, 30d, 2026-11-01; compared with the same length of time before.",
)
@click.option(
    "--by", type=click.Choice(GROUPS), default="provider", show_default=True, help="What a line stands for."
)
@click.option(
    "--limit", type=click.IntRange(min=1), default=_SHOWN, show_default=True, help="Lines in the terminal."
)
@click.option("--csv", "as_csv", is_flag=True, help="Print CSV, all lines, for spreadsheets.")
@click.option(
    "--html",
    "page",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Write one page with charts that needs nothing else.",
)
@json_option
@pass_site
def report(
    site: Site, *, since: str, by: str, limit: int, as_csv: bool, page: Path | None, as_json: bool
) -> None:
    """What came back: what is wrong, since when, whose fault, what to do.

    Rates are shares of the messages that got an answer (accepted, or refused at once); complaints are
    a share of the accepted. Of fewer than 100 messages no rate is told.
    """
    from mailer.bounces.reporting.plain import CSV_COLUMNS, csv_rows
    from mailer.bounces.reporting.plain import as_json as plain

    if sum((as_csv, as_json, page is not None)) > 1:
        raise click.UsageError("Say one of --csv, --json and --html.")
    found = _overview(site, since, by=by)
    if as_csv:
        print_csv(CSV_COLUMNS, csv_rows(found))
    elif as_json:
        print_json(plain(found))
    elif page is not None:
        _write(page, found, site.settings.site.name)
    else:
        from mailer.cli.bounce_report_view import print_overview

        print_overview(found, limit=limit)


def _overview(site: Site, since: str, *, by: str) -> Overview:
    from mailer.bounces.reporting.model import Period
    from mailer.bounces.reporting.overview import overview

    zone = site.settings.site.timezone
    start, now = instant(since, zone, hint="--since"), clock.now()
    if start >= now:
        raise click.BadParameter(f"{since!r} lies in the future.", param_hint="--since")
    return overview(site.store, Period(start, now), by=by, zone=zone)


def _write(path: Path, found: Overview, site: str) -> None:
    from mailer.bounces.reporting.page import page

    try:
        path.write_text(page(found, site=site), encoding="utf-8")
    except OSError as error:
        raise click.ClickException(f"{path} cannot be written: {error.strerror}.") from error
    click.echo(f"Written: {path}")
