"""`mailer demo`: the whole story on a temporary site, told while it happens."""

from __future__ import annotations

import signal
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mailer.cli.demo_month import DAYS, FEWEST_DAYS, FEWEST_PEOPLE, PEOPLE, SEED, play_month

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
@click.option("--month", is_flag=True, help="Simulate a month instead, with four things that go wrong.")
@click.option(
    "--seed", type=int, default=SEED, show_default=True, help="Of the month: the same seed is the same month."
)
@click.option(
    "--people",
    type=click.IntRange(min=FEWEST_PEOPLE),
    default=PEOPLE,
    show_default=True,
    help="Readers in the month.",
)
@click.option(
    "--days",
    type=click.IntRange(min=FEWEST_DAYS, max=366),
    default=DAYS,
    show_default=True,
    help="Its length.",
)
def demo(*, keep: bool, folder: Path | None, month: bool, seed: int, people: int, days: int) -> None:
    """Show the whole story: sign-up, confirmation, import, campaign, one-click leaving.

    Everything is real but the world: real HTTP, real SMTP, and a catcher on this machine that keeps
    every mail as a file. Ends with a table of the promises and how each was shown; the exit code is
    1 when one is broken.

    With --month: a month of a large newsletter, simulated from a seed through the real code, in
    minutes. A provider lists us, addresses are bought, DKIM breaks, a campaign annoys people; at the
    end stands what `mailer bounce report` finds, and the truth beside it.
    """
    # Imported here: `mailer --help` loads none of it.
    from mailer.demo.promises import Evidence
    from mailer.demo.stage import Stage
    from mailer.demo.story import Story

    place = folder or Path(tempfile.mkdtemp(prefix="mailer-demo-"))
    place.mkdir(parents=True, exist_ok=True)
    if month:
        play_month(place, seed=seed, people=people, days=days, keep=keep)
        return
    # However it is ended, its site ends with it, as by Ctrl-C; under nohup it outlives its terminal.
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, signal.default_int_handler)
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
