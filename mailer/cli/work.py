"""`mailer work`: the scheduler and the senders."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from mailer.cli.logs import log_to_stderr
from mailer.cli.site_option import pass_site

if TYPE_CHECKING:
    from mailer.application import Site


@click.command()
@click.option("--quiet", is_flag=True, help="Log only what goes wrong.")
@pass_site
def work(site: Site, *, quiet: bool) -> None:
    """Run the scheduler and the senders: start campaigns that are due, send what is queued.

    SIGTERM or Ctrl-C finishes what is on the wire, within [sending] stop_seconds, gives
    everything else back, and stops. Several may run, also on several hosts with PostgreSQL.
    """
    # Imported here: the libraries for sending must not slow down `mailer --help`.
    import asyncio

    from mailer.settings.relay import require_relay

    require_relay(site.settings)
    log_to_stderr(quiet=quiet)
    relay = site.settings.relay
    click.echo(f"Sending for {site.settings.site.name} through {relay.host}:{relay.port}", err=True)
    asyncio.run(_work(site))


async def _work(site: Site) -> None:
    import asyncio

    from mailer.delivery.worker import stop_on_signals

    stop = asyncio.Event()
    stop_on_signals(stop)
    scheduler = site.scheduler()
    scheduler.start()
    try:
        await site.send(stop)
    finally:
        await asyncio.to_thread(scheduler.stop)
