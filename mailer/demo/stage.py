"""The stage of the demo: a temporary site, a catcher, the running programs, and a CLI to type into."""

from __future__ import annotations

import json
import os
import shlex
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from mailer import clock
from mailer.demo.catcher import Catcher, Caught
from mailer.demo.visitor import open_page
from mailer.errors import MailerError

#: The longest that anything in the story may take; nothing comes near it on an ordinary machine.
PATIENCE_SECONDS = 30.0
_STOP_SECONDS = 15.0


class DemoFailed(MailerError):
    """The demo could not go on."""


class Stage:
    """Everything the story needs; `start` and `stop` bracket it."""

    def __init__(self, folder: Path, say: Callable[[str], None]) -> None:
        self.site = folder / "site"
        self.mail = folder / "mail"
        self.port, smtp_port = free_ports(2)
        self.url = f"http://127.0.0.1:{self.port}"
        self.catcher = Catcher(self.mail, port=smtp_port)
        self._say = say
        self._log_path = folder / "up.log"
        self._running: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Listen for mail, run `mailer up`, wait until the site answers."""
        self.catcher.start()
        self._say("$ mailer up")
        with self._log_path.open("wb") as log:
            self._running = subprocess.Popen(
                self._command("up"), cwd=self.site, stdout=log, stderr=log, start_new_session=True
            )
        self.wait(self._is_ready, "the site to answer")

    def stop(self) -> int:
        """Stop as systemd would, by SIGTERM; returns the exit code."""
        self.catcher.stop()
        if self._running is None:
            return 0
        self._running.send_signal(signal.SIGTERM)
        try:
            return self._running.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(self._running.pid, signal.SIGKILL)
            return self._running.wait()

    def run(self, *words: str, fails: bool = False, quiet: bool = False) -> str:
        """Type one `mailer` command in the site; its output, or DemoFailed with its error."""
        if not quiet:
            self._say(f"$ mailer {shlex.join(words)}")
        folder = self.site if self.site.is_dir() else self.site.parent  # `init` makes the site
        done = subprocess.run(
            self._command(*words),
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=PATIENCE_SECONDS,
            check=False,
        )
        if (done.returncode != 0) is not fails:
            raise DemoFailed(
                f"`mailer {shlex.join(words)}` ended with {done.returncode}: {done.stderr.strip()}"
            )
        return done.stdout + done.stderr if fails else done.stdout

    def ask(self, *words: str) -> Any:
        """The answer of a reading command, from its --json."""
        return json.loads(self.run(*words, "--json", quiet=True))

    def mails(self, recipient: str) -> list[Caught]:
        """What was caught for one address, oldest first."""
        return [mail for mail in self.catcher.caught if mail.recipient == recipient]

    def wait(self, until: Callable[[], bool], what: str) -> float:
        """Wait until it is so; returns the seconds it took. Raises DemoFailed when it never is."""
        start = clock.monotonic()
        while not until():
            if self._running is not None and self._running.poll() is not None:
                last = self._log_path.read_text("utf-8", "replace").strip().rpartition("\n")[2]
                raise DemoFailed(
                    f"`mailer up` ended while we waited for {what}: {last}", log=str(self._log_path)
                )
            if clock.monotonic() - start > PATIENCE_SECONDS:
                raise DemoFailed(
                    f"We waited {PATIENCE_SECONDS:.0f} seconds for {what}; see {self._log_path}."
                )
            time.sleep(0.05)
        return clock.monotonic() - start

    def _is_ready(self) -> bool:
        try:
            return open_page(f"{self.url}/readyz").status == 200
        except OSError:
            return False

    @staticmethod
    def _command(*words: str) -> list[str]:
        return [sys.executable, "-m", "mailer", *words]


def free_ports(count: int) -> list[int]:
    """Loopback ports that nobody listens on, all different."""
    probes = [socket.socket() for _ in range(count)]
    try:
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [probe.getsockname()[1] for probe in probes]
    finally:
        for probe in probes:
            probe.close()
