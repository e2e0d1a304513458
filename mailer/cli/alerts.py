"""`mailer alerts`: what ops were told, and whether it arrives."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from mailer.cli.output import MOST_ROWS, json_option, print_json, print_table
from mailer.cli.site_option import pass_site
from mailer.errors import MailerError

if TYPE_CHECKING:
    from mailer.application import Site


class AlertsDoNotArrive(MailerError):
    """Nobody is told when something goes wrong; see [alerts] in mailer.toml."""


@click.group()
def alerts() -> None:
    """What ops are told by mail and webhook: that a campaign was paused, that a relay is down."""


@alerts.command()
@json_option
@pass_site
def test(site: Site, *, as_json: bool) -> None:
    """Send a test alert on every way in [alerts], now, and say which of them took it."""
    results = site.try_alerts()
    if as_json:
        print_json([{"channel": name, "taken": why is None, "reason": why} for name, why in results.items()])
    else:
        for name, why in results.items():
            click.echo(f"{name}: " + ("sent; look whether it is there" if why is None else why))
    if not results:
        raise AlertsDoNotArrive(
            'Nobody would be told: name yourself in mailer.toml, [alerts] mail = "ops@shop.example" or webhook.'
        )
    if any(results.values()):
        raise AlertsDoNotArrive("Not every alert would arrive.")


@alerts.command("list")
@click.option(
    "--limit", type=click.IntRange(1, MOST_ROWS), default=20, show_default=True, help="At most so many."
)
@json_option
@pass_site
def list_(site: Site, *, limit: int, as_json: bool) -> None:
    """List the alerts of the last 90 days, newest first, and how each was sent."""
    from mailer.alerts.sending import recent

    found = recent(site.store, limit)
    if as_json:
        print_json(found)
    elif not found:
        click.echo("There was no alert.")
    else:
        rows = [[f"{one['raised_at']:%Y-%m-%d %H:%M}", one["subject"], _ways(one["ways"])] for one in found]
        print_table(["raised (UTC)", "alert", "sent"], rows)


def _ways(ways: list[dict[str, object]]) -> str:
    return ", ".join(f"{way['channel']} {way['state']}" for way in ways) or "nobody is told, see [alerts]"


@alerts.command()
@pass_site
def key(site: Site) -> None:
    """Print the key that signs what is posted to the webhook, in hex; keep it as a secret."""
    from mailer.delivery.alerting import webhook_key

    click.echo(webhook_key(site.secrets).hex())
