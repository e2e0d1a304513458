"""`mailer subscriber history`: what happened to one person, in the order of time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from mailer.cli.output import json_option, print_json, print_table
from mailer.cli.site_option import pass_site

if TYPE_CHECKING:
    from mailer.application import Site


@click.command()
@click.argument("address")
@json_option
@pass_site
def history(site: Site, *, address: str, as_json: bool) -> None:
    """Show what happened to one person: consent, mails, bounces, complaints, and what followed.

    The look is recorded. A number names the delivery (mailer delivery show) or, of a bounce or a
    complaint, the report (mailer bounce show).
    """
    from mailer.addresses import parse_address
    from mailer.bounces.reporting.history import history as find

    found = find(site.store, site.secrets, site.ledger, parse_address(address))
    if as_json:
        print_json(found)
        return
    print_table(
        ["at (UTC)", "what", "in words", "id"],
        [[f"{event.at:%Y-%m-%d %H:%M}", event.what, event.words, event.id] for event in found],
    )
