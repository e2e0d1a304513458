"""`mailer suppression`: which addresses are not mailed and why; add one, lift one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from mailer.cli.output import json_option, print_json, print_table
from mailer.cli.site_option import pass_site

if TYPE_CHECKING:
    from mailer.application import Site

#: The words of the vocabulary, repeated so that --help needs no database library (tested to agree).
REASONS = ("unsubscribed", "complaint", "not_me", "held", "hard_bounce", "soft_bounce", "manual")

_LIFT_HELP = """Lift a suppression of ADDRESS, as far as its reason allows.

\b
  manual         staff may lift it: say why the block is no longer needed.
  hard_bounce    staff may lift it: say why the verdict was wrong, or that the
                 mailbox works again and how you know.
  soft_bounce    likewise: say that the mailbox works again.
  held           likewise; it ends by itself within a day.
  complaint      staff may clear the way: the address then counts as having
  not_me         left, and only the person's own confirmed sign-up brings it
                 back. Say when and how they asked for it.
  unsubscribed   never: only the person's own new sign-up, confirmed by them.

The reason given with --why goes on record.
"""


@click.group(no_args_is_help=True)
def suppression() -> None:
    """Addresses that are not mailed: list, add, lift. They are stored as keyed hashes only."""


@suppression.command("list")
@click.option("--reason", type=click.Choice(REASONS), help="Only these.")
@json_option
@pass_site
def list_(site: Site, *, reason: str | None, as_json: bool) -> None:
    """List suppressed addresses, oldest first; addresses are masked, or known by their hash alone."""
    from mailer.store.vocabulary import SuppressionReason

    rows = list(site.suppressions.list(SuppressionReason(reason) if reason else None))
    if as_json:
        print_json(rows)
        return
    print_table(
        ["address", "reason", "on", "since", "by", "note"],
        [
            [
                row.masked or f"hash {row.hash[:12]}",
                row.reason.value,
                row.list_name or "every list",
                f"{row.created_at:%Y-%m-%d}",
                row.source,
                row.note,
            ]
            for row in rows
        ],
        empty="No address is suppressed for this reason." if reason else "No address is suppressed.",
    )


@suppression.command()
@click.argument("address")
@click.option("--reason", type=click.Choice(REASONS), default="manual", show_default=True, help="Why.")
@click.option("--list", "list_name", metavar="LIST", help="Only on this list; default: on every list.")
@click.option("--note", metavar="TEXT", help="What happened, for whoever asks later. No addresses, please.")
@pass_site
def add(site: Site, *, address: str, reason: str, list_name: str | None, note: str | None) -> None:
    """Stop all mail to ADDRESS, at once, also what is queued.

    A person who asked you to stop by letter, by phone or in a reply has left: --reason unsubscribed.
    """
    from mailer.addresses import parse_address
    from mailer.store.vocabulary import SuppressionReason

    person = parse_address(address)
    new = site.suppressions.add(person, SuppressionReason(reason), list_name=list_name, note=note)
    where = f"on {list_name}" if list_name else "on every list"
    if new:
        click.echo(f"{person.masked} is not mailed any more {where} ({reason}).")
    else:
        click.echo(f"{person.masked} was suppressed {where} for this reason already; nothing changed.")


@suppression.command(help=_LIFT_HELP)
@click.argument("address")
@click.option("--reason", type=click.Choice(REASONS), required=True, help="Which suppression to lift.")
@click.option("--why", required=True, metavar="TEXT", help="Why it may be lifted; goes on record.")
@pass_site
def lift(site: Site, *, address: str, reason: str, why: str) -> None:
    """Lift a suppression, as far as its reason allows."""
    from mailer.addresses import parse_address
    from mailer.store.vocabulary import SuppressionReason
    from mailer.subscribers.model import StaffLift

    person = parse_address(address)
    result = site.suppressions.lift(person, SuppressionReason(reason), why=why)
    if result is StaffLift.LIFTS:
        click.echo(f"{person.masked} is no longer suppressed as {reason}.")
    else:
        click.echo(
            f"The way is clear: {person.masked} now counts as having left, "
            "and is mailed again only after signing up and confirming."
        )
