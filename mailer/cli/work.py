"""`mailer work`: the clockwork and the senders, each a process of its own."""

from __future__ import annotations

import os
from functools import partial
from typing import TYPE_CHECKING

import click

from mailer.cli.site_option import pass_site

if TYPE_CHECKING:
    from mailer.application import Site


@click.command()
@click.option(
    "--workers",
    type=click.IntRange(min=1),
    metavar="N",
    help="Sender processes; default: [sending] workers, or as many as this process may use cores.",
)
@click.option("--quiet", is_flag=True, help="Log only what goes wrong.")
@pass_site
def work(site: Site, *, workers: int | None, quiet: bool) -> None:
    """Run the scheduler and the senders: start campaigns that are due, send what is queued, take in
    what comes back, where [mailbox.NAME] or [listener] say from where.

    The senders share the connections to each relay; there are never more of them than connections.
    One that dies is replaced, and what it held is settled. SIGTERM or Ctrl-C finishes what is on
    the wire, within [sending] stop_seconds, gives everything else back, and stops. Several hosts
    may run this with one PostgreSQL.
    """
    # Imported here: the libraries for sending must not slow down `mailer --help`.
    from mailer.settings.relay import relays_in_use, require_relay

    settings = site.settings
    require_relay(settings)
    from mailer.bounces.intake.intake import is_wanted
    from mailer.cli.working import prepare, run_clockwork, run_intake, run_sender, shares
    from mailer.supervision import Part, Supervisor

    wanted = workers or settings.sending.workers or len(os.sched_getaffinity(0))
    relays = relays_in_use(settings)
    connections = shares(relays, wanted)
    say = partial(click.echo, err=True)
    say(f"Sending for {settings.site.name} through {', '.join(relay.address for relay in relays)}")
    prepare(site)
    parts = [Part("the clockwork", partial(run_clockwork, site, quiet=quiet), say)]
    if is_wanted(settings):
        parts.append(Part("the intake", partial(run_intake, site, quiet=quiet), say))
    for number, share in enumerate(connections, 1):
        body = partial(
            run_sender, site, f"sender-{number}", connections=share, sends_system=number == 1, quiet=quiet
        )
        parts.append(Part(f"sender {number}", body, say))
    Supervisor(parts, settings.sending.stop_seconds, say).run()
