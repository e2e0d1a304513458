"""`mailer up`: the pages and the senders under one command, each a process of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

import click

from mailer import clock
from mailer.cli.site_option import pass_site
from mailer.errors import MailerError

if TYPE_CHECKING:
    from mailer.application import Site

# A part that refuses sooner was never up: its reason is on the screen, repeating it helps nobody.
HEALTHY_SECONDS = 15.0
FIRST_WAIT_SECONDS = 1.0
LAST_WAIT_SECONDS = 30.0
# After [sending] stop_seconds: time for the last outcomes to be written.
STOP_MARGIN_SECONDS = 15.0
_POLL_SECONDS = 0.1
_PR_SET_PDEATHSIG = 1


class PartFailed(MailerError):
    """A part of the site did not start."""


@dataclass
class Part:
    """One supervised process."""

    name: str
    command: Sequence[str]
    process: subprocess.Popen[bytes] | None = None
    started_at: float = 0.0
    start_again_at: float = 0.0
    failures: int = 0
    was_healthy: bool = False

    def start(self) -> None:
        """Start the process, in a session of its own: Ctrl-C reaches it once, through us."""
        self.process = subprocess.Popen(self.command, start_new_session=True, preexec_fn=_die_with_parent)
        self.started_at = clock.monotonic()

    def look(self) -> None:
        """Restart it if it ended, with growing pauses. Raises PartFailed if it never was healthy."""
        now = clock.monotonic()
        if self.process is None:
            if now >= self.start_again_at:
                self.start()
        elif self.process.poll() is None:
            if now - self.started_at > HEALTHY_SECONDS:
                self.was_healthy = True
            if now - self.started_at > LAST_WAIT_SECONDS:
                self.failures = 0
        else:
            self._ended(self.process.returncode, now)

    def _ended(self, code: int, now: float) -> None:
        # A negative code is a signal: it was killed, it did not refuse.
        if not self.was_healthy and code > 0:
            raise PartFailed(f"The {self.name} did not start; the reason stands above.", code=code)
        wait = min(LAST_WAIT_SECONDS, FIRST_WAIT_SECONDS * 2.0**self.failures)
        click.echo(f"mailer: the {self.name} ended with {code}; starting again in {wait:g} s.", err=True)
        self.failures += 1
        self.process, self.start_again_at = None, now + wait

    def stop(self) -> None:
        """Ask it to stop."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)

    def wait(self, deadline: float) -> None:
        """Wait until it has stopped; after the deadline it is killed, and recovered at the next start."""
        if self.process is None:
            return
        try:
            self.process.wait(max(0.1, deadline - clock.monotonic()))
        except subprocess.TimeoutExpired:
            click.echo(f"mailer: the {self.name} did not stop in time and was killed.", err=True)
            self.process.kill()
            self.process.wait()


@dataclass
class Supervisor:
    """Keeps parts running until a signal says stop."""

    parts: Sequence[Part]
    stop_seconds: float
    is_ready: Callable[[], bool] = field(kw_only=True)  #: asked until it says so, once
    announce: Callable[[], None] = field(kw_only=True)  #: then called
    stopping: bool = field(default=False, kw_only=True)

    def run(self) -> None:
        """Return when everything has stopped. Raises PartFailed."""
        announced = False
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._on_signal)
        try:
            while not self.stopping:
                for part in self.parts:
                    part.look()
                if not announced and self.is_ready():
                    self.announce()
                    announced = True
                time.sleep(_POLL_SECONDS)
        finally:
            self._stop_all()

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        self.stopping = True

    def _stop_all(self) -> None:
        for part in self.parts:
            part.stop()
        deadline = clock.monotonic() + self.stop_seconds + STOP_MARGIN_SECONDS
        for part in self.parts:
            part.wait(deadline)


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
    from mailer.web.listening import check_free, is_ready

    web = site.settings.web
    require_relay(site.settings)
    check_free(web.host, web.port)
    parts = [
        Part("web pages", _mailer("serve", site.folder.root, quiet=quiet)),
        Part("senders", _mailer("work", site.folder.root, quiet=quiet)),
    ]
    Supervisor(
        parts,
        site.settings.sending.stop_seconds,
        is_ready=lambda: is_ready(web.host, web.port),
        announce=lambda: _announce(site),
    ).run()
    click.echo("mailer: stopped.", err=True)


def _announce(site: Site) -> None:
    settings = site.settings
    host = f"[{settings.web.host}]" if ":" in settings.web.host else settings.web.host
    click.echo(f"{settings.site.name} is up.")
    click.echo(f"  pages      {settings.site.base_url}/  (listening on http://{host}:{settings.web.port}/)")
    for name, entry in settings.lists.items():
        if entry.public:
            click.echo(f"  sign up    {settings.site.base_url}/subscribe/{name}")
    click.echo(f"  mail goes  through {settings.relay.host}:{settings.relay.port}")
    click.echo("Stop with Ctrl-C.")


def _mailer(command: str, root: Path, *, quiet: bool) -> list[str]:
    line = [sys.executable, "-m", "mailer", command, "--site", str(root)]
    return [*line, "--quiet"] if quiet else line


def _die_with_parent() -> None:
    """Ask Linux to stop the part when this process is killed: no senders without a supervisor."""
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() == 1:  # it was killed before we could ask
            os._exit(1)
