"""`mailer delivery list` and `show`: who got it, who did not, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from mailer.cli.instants import instant
from mailer.cli.output import MOST_ROWS, json_option, print_csv, print_facts, print_json, print_table
from mailer.cli.site_option import pass_site

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mailer.application import Site
    from mailer.delivery.read import DeliveryView

#: The highest id that either database can hold.
HIGHEST_ID = 2**63 - 1
#: The words of the vocabulary, repeated so that --help needs no database library (tested to agree).
STATES = ("queued", "attempting", "accepted", "deferred", "rejected", "expired", "skipped", "unknown")
_LISTED = 50

states_option = click.option(
    "--state",
    "states",
    type=click.Choice(STATES),
    multiple=True,
    help="Only those in this state; repeatable.",
)
campaign_option = click.option("--campaign", metavar="SLUG", help="Only those of this campaign.")


@click.command("list")
@states_option
@campaign_option
@click.option(
    "--reason",
    metavar="WHY",
    help="Only those with this reply code (550), status (5.7.1, or 5.7 for all of them) or reason why "
    "they were skipped (unsubscribed).",
)
@click.option(
    "--since",
    metavar="TIME",
    help="Only what was queued, tried or settled since: 2h, 3d, 2026-11-22 or '2026-11-22 09:00'.",
)
@click.option(
    "--limit",
    type=click.IntRange(1, MOST_ROWS),
    help=f"At most so many; default: {_LISTED}, and all of them with --csv.",
)
@click.option("--csv", "as_csv", is_flag=True, help="Print CSV, one row per delivery, for spreadsheets.")
@json_option
@pass_site
def list_(
    site: Site,
    *,
    states: tuple[str, ...],
    campaign: str | None,
    reason: str | None,
    since: str | None,
    limit: int | None,
    as_csv: bool,
    as_json: bool,
) -> None:
    """List deliveries, newest first. Addresses are shortened; `show` says more about one."""
    from mailer.delivery.listing import ReasonUnknown, Wanted
    from mailer.delivery.read import deliveries
    from mailer.store.vocabulary import DeliveryState

    if as_csv and as_json:
        raise click.UsageError("Say --csv or --json, not both.")
    start = instant(since, site.settings.site.timezone, hint="--since") if since else None
    try:
        wanted = Wanted(frozenset(map(DeliveryState, states)), campaign, reason, start)
    except ReasonUnknown as unknown:
        raise click.BadParameter(str(unknown), param_hint="--reason") from unknown
    if campaign:
        site.campaigns.ensure_scheduled(campaign)
    found = deliveries(site.store, wanted, limit=limit or (None if as_csv else _LISTED))
    if as_csv:
        print_csv(CSV_COLUMNS, ([getattr(one, name) for name in CSV_COLUMNS] for one in found))
    elif as_json:
        print_json(list(found))
    else:
        _print(found, empty="Nothing was sent yet." if wanted == Wanted() else "There is no such delivery.")


#: One row per delivery; times are UTC.
CSV_COLUMNS = (
    *(
        "id",
        "campaign",
        "kind",
        "masked",
        "state",
        "skip_reason",
        "attempts",
        "reply_code",
        "status",
        "reply",
    ),
    *("relay", "created_at", "attempted_at", "next_attempt_at", "settled_at", "message_id"),
)


def _print(found: Iterable[DeliveryView], *, empty: str) -> None:
    print_table(
        ["id", "recipient", "message", "state", "tries", "why", "next (UTC)"],
        [
            [
                each.id,
                each.masked,
                each.campaign or each.kind,
                each.state,
                each.attempts,
                each.skip_reason or each.answer,
                each.next_attempt_at and f"{each.next_attempt_at:%m-%d %H:%M}",
            ]
            for each in found
        ],
        whole=("recipient",),
        empty=empty,
    )


@click.command()
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
