"""`mailer delivery`: what became of single messages."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from mailer.cli.output import MOST_ROWS, json_option, print_facts, print_json, print_table
from mailer.cli.site_option import pass_site

if TYPE_CHECKING:
    from mailer.application import Site

#: The highest id that either database can hold.
HIGHEST_ID = 2**63 - 1
_STATES = ("queued", "attempting", "accepted", "deferred", "rejected", "expired", "skipped", "unknown")


@click.group()
def delivery() -> None:
    """Single messages: who got theirs, who did not, and why."""


@delivery.command("list")
@click.option("--state", type=click.Choice(_STATES), help="Only those in this state.")
@click.option("--campaign", metavar="SLUG", help="Only those of this campaign.")
@click.option(
    "--limit", type=click.IntRange(1, MOST_ROWS), default=50, show_default=True, help="At most so many."
)
@json_option
@pass_site
def list_(site: Site, *, state: str | None, campaign: str | None, limit: int, as_json: bool) -> None:
    """List deliveries, newest first. Addresses are shortened; `show` says more."""
    from mailer.delivery.read import deliveries, short_time
    from mailer.store.vocabulary import DeliveryState

    wanted = DeliveryState(state) if state else None
    found = deliveries(site.store, state=wanted, campaign=campaign, limit=limit)
    if as_json:
        print_json(found)
        return
    print_table(
        ["id", "recipient", "message", "state", "tries", "reply", "next (UTC)"],
        [
            [
                each.id,
                each.masked,
                each.campaign or each.kind,
                each.words,
                each.attempts,
                each.answer,
                short_time(each.next_attempt_at),
            ]
            for each in found
        ],
        whole=("recipient",),
        empty="There is no such delivery." if state or campaign else "Nothing was sent yet.",
    )


@delivery.command()
@click.argument("delivery_id", type=click.IntRange(1, HIGHEST_ID), metavar="ID")
@json_option
@pass_site
def show(site: Site, *, delivery_id: int, as_json: bool) -> None:
    """Show everything known about one delivery, the server's reply in full."""
    from mailer.delivery.read import delivery as find

    found = find(site.store, delivery_id)
    if as_json:
        print_json(found)
    else:
        print_facts(found.as_facts(), title=f"Delivery {found.id} (times are UTC)")
