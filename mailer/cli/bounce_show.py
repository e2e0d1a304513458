"""`mailer bounce show`: one report, the rule that fired, and the message as it came."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from mailer.cli.output import json_option, print_facts, print_json, printable
from mailer.cli.site_option import pass_site

if TYPE_CHECKING:
    from mailer.application import Site
    from mailer.bounces.reporting.showing import ReportView

#: The highest id that either database can hold.
_HIGHEST_ID = 2**63 - 1
#: Lines of the raw message: the report and the head of what was returned, not its pictures.
_LINES = 120


@click.command()
@click.argument("report_id", type=click.IntRange(1, _HIGHEST_ID), metavar="ID")
@click.option("--all", "whole", is_flag=True, help=f"The whole message, not only its first {_LINES} lines.")
@json_option
@pass_site
def show(site: Site, *, report_id: int, whole: bool, as_json: bool) -> None:
    """Show one report: what it said, the rule that fired, what followed, and the message as it came.

    The message names a reader, so the look is recorded.
    """
    from mailer.bounces.reporting.showing import report

    found = report(site.store, site.ledger, report_id)
    if as_json:
        print_json(found)
        return
    print_facts(_facts(found), title=f"Report {found.id} (times are UTC)")
    click.echo()
    if found.raw is None:
        click.echo(f"  {found.why_not_raw}")
        return
    lines = found.raw.splitlines()
    for line in lines if whole else lines[:_LINES]:
        click.echo(f"  | {printable(line)}")
    if not whole and len(lines) > _LINES:
        click.echo(f"  ({len(lines) - _LINES:,} more lines: --all)")


def _facts(found: ReportView) -> dict[str, object]:
    facts = {
        "came": f"{found.received_at:%Y-%m-%d %H:%M}",
        "says": f"{found.severity} {found.kind}" if found.severity not in (None, found.kind) else found.kind,
        "reason": found.reason and f"{found.reason} ({found.group})",
        "fault": found.fault,
        "status": found.status,
        "rule": found.rule and f"{found.rule} (version {found.reader_version or '-'})",
        "then": found.effect,
        "known by": found.matched_by,
        "came by": found.mail_source or found.source,
        "campaign": found.campaign,
        "delivery": found.delivery,
        "list": found.list_name,
        "reader": f"…@{found.domain}" if found.domain else None,
        "provider": found.provider,
        "joined by": found.origin,
        "relay": found.relay,
        "reply": found.reply,
    }
    return {name: value for name, value in facts.items() if value is not None}
