"""`mailer up`: the pages and the senders under one command, each a process of its own."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mailer.cli.site_option import pass_site

if TYPE_CHECKING:
    from mailer.application import Site

# The senders have a supervisor of their own, which is given the time to name and kill who does not stop.
PATIENCE_SECONDS = 5.0


@click.command()
@click.option("--quiet", is_flag=True, help="Log only what goes wrong.")
@pass_site
def up(site: Site, *, quiet: bool) -> None:
    """Run everything: the web pages, the scheduler and the senders.

    A part that ends by itself is started again. Ctrl-C or SIGTERM answers what was asked, finishes
    what is on the wire, and stops.
    """
    # Imported here: `mailer --help` must not wait for them.
    from mailer.settings.relay import require_relay
    from mailer.supervision import Part, Supervisor
    from mailer.web.listening import check_free, is_ready

    web = site.settings.web
    require_relay(site.settings)
    check_free(web.host, web.port)
    site.close()  # the parts open it themselves
    say = partial(click.echo, err=True)
    Supervisor(
        [
            Part("the web pages", _mailer("serve", site.folder.root, quiet=quiet), say),
            Part("the senders", _mailer("work", site.folder.root, quiet=quiet), say),
        ],
        site.settings.sending.stop_seconds + PATIENCE_SECONDS,
        say,
        is_ready=lambda: is_ready(web.host, web.port),
        announce=lambda: _announce(site),
    ).run()
    say("mailer: stopped.")


def _announce(site: Site) -> None:
    from mailer.settings.relay import relays_in_use

    settings = site.settings
    host = f"[{settings.web.host}]" if ":" in settings.web.host else settings.web.host
    click.echo(f"{settings.site.name} is up.")
    click.echo(f"  pages      {settings.site.base_url}/  (listening on http://{host}:{settings.web.port}/)")
    for name, entry in settings.lists.items():
        if entry.public:
            click.echo(f"  sign up    {settings.site.base_url}/subscribe/{name}")
    click.echo(f"  mail goes  through {', '.join(relay.address for relay in relays_in_use(settings))}")
    click.echo("Stop with Ctrl-C.")


def _mailer(command: str, root: Path, *, quiet: bool) -> Callable[[], None]:
    line = [sys.executable, "-m", "mailer", command, "--site", str(root)]
    return partial(os.execv, sys.executable, [*line, "--quiet"] if quiet else line)
