"""`mailer serve`: the web pages only."""

from __future__ import annotations

import contextlib
import signal
from typing import TYPE_CHECKING

import click

from mailer.cli.logs import log_to_stderr
from mailer.cli.site_option import pass_site

if TYPE_CHECKING:
    from mailer.application import Site


@click.command()
@click.option("--host", metavar="ADDRESS", help="Address to listen on; default: [web] host.")
@click.option("--port", type=click.IntRange(1, 65535), metavar="PORT", help="Port; default: [web] port.")
@click.option("--quiet", is_flag=True, help="Log only what goes wrong.")
@pass_site
def serve(site: Site, *, host: str | None, port: int | None, quiet: bool) -> None:
    """Run the web pages: join, confirm, leave, read, privacy.

    Mail is sent by `mailer work`; `mailer up` runs both. Ctrl-C finishes what is being answered
    and stops.
    """
    # Imported here: the web libraries must not slow down `mailer --help`.
    from mailer.web.listening import listen
    from mailer.web.server import build_server

    log_to_stderr(quiet=quiet, form=site.settings.logging.format)
    web = site.settings.web
    at, on = host or web.host, port or web.port
    listener = listen(at, on)
    click.echo(
        f"Serving {site.settings.site.name} on http://{f'[{at}]' if ':' in at else at}:{on}/", err=True
    )
    # The server hands the signal on once it has stopped; by then all is done and the exit is a clean one.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with contextlib.suppress(KeyboardInterrupt):
        build_server(site).run(sockets=[listener])
