"""`mailer demo`: the whole story on a temporary site, told while it happens."""

from __future__ import annotations

import tempfile
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from mailer.demo.promises import Evidence
    from mailer.demo.stage import Stage


@click.command()
@click.option(
    "--keep", is_flag=True, help="Stay up afterwards and serve what was caught in a small inbox page."
)
@click.option(
    "--folder",
    type=click.Path(file_okay=False, path_type=Path),
    help="Where the site and the caught mails go; default: a new temporary folder.",
)
def demo(*, keep: bool, folder: Path | None) -> None:
    """Show the whole story: sign-up, confirmation, import, campaign, one-click leaving.

    Everything is real but the world: real HTTP, real SMTP, and a catcher on this machine that keeps
    every mail as a file. Ends with a table of the promises and how each was shown; the exit code is
    1 when one is broken.
    """
    # Imported here: `mailer --help` loads none of it.
    from mailer.demo.promises import Evidence
    from mailer.demo.stage import Stage
    from mailer.demo.story import Story

    place = folder or Path(tempfile.mkdtemp(prefix="mailer-demo-"))
    place.mkdir(parents=True, exist_ok=True)
    stage, evidence = Stage(place, click.echo), Evidence()
    try:
        Story(stage, evidence, click.echo).play()
        _conclude(stage, evidence)
        if keep:
            _serve_inbox(stage)
    finally:
        stage.stop()
    if not evidence.all_kept:
        raise SystemExit(1)


def _conclude(stage: Stage, evidence: Evidence) -> None:
    from mailer.cli.output import print_table

    rows = [[promise, how, "kept" if kept else "BROKEN"] for promise, how, kept in evidence.rows()]
    click.echo("")
    print_table(["promise", "how it was shown", ""], rows)
    click.echo(f"Every mail is a file in {stage.mail}")


def _serve_inbox(stage: Stage) -> None:
    import uvicorn

    from mailer.demo.inbox import create_inbox
    from mailer.demo.stage import free_ports

    port = free_ports(1)[0]
    click.echo(f"The inbox is at http://127.0.0.1:{port}, the site at {stage.url}; stop both with Ctrl-C.")
    inbox = create_inbox(lambda: stage.catcher.caught, site_url=stage.url)
    with suppress(KeyboardInterrupt):  # that is how it is meant to end
        uvicorn.run(inbox, host="127.0.0.1", port=port, log_level="critical", lifespan="off")
