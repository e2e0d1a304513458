"""Keep processes running: each is started again when it ends, and all of them stop together."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from types import FrameType

from mailer import clock
from mailer.errors import MailerError
from mailer.forking import STOP_SIGNALS, fork

# A part that refuses sooner, at its first start, was never up: its reason is on the screen, and
# repeating it helps nobody.
HEALTHY_SECONDS = 15.0
# Unless it ends with this code: what stood in its way will go by itself (sysexits.h).
NOT_NOW = os.EX_TEMPFAIL
FIRST_WAIT_SECONDS = 1.0
LAST_WAIT_SECONDS = 30.0
# After [sending] stop_seconds: time for the last outcomes to be written.
STOP_MARGIN_SECONDS = 15.0
_POLL_SECONDS = 0.1

Say = Callable[[str], None]


class PartFailed(MailerError):
    """A part of the site did not start."""


@dataclass
class Part:
    """One supervised process."""

    name: str  #: as a sentence calls it: "the web pages"
    body: Callable[[], None]  #: what the forked process does
    say: Say
    pid: int | None = None  #: None: it does not run
    started_at: float = 0.0
    start_again_at: float = 0.0
    starts: int = 0
    failures: int = 0

    def start(self) -> None:
        """Fork the process; where the system has no room for one, try again later."""
        self.starts += 1
        self.started_at = clock.monotonic()
        try:
            self.pid = fork(self.body)
        except OSError as error:
            self._wait(f"could not be started: {error.strerror}")

    def look(self) -> None:
        """Restart it if it ended, with growing pauses. Raises PartFailed if it refused at its first start."""
        now = clock.monotonic()
        code = self._exit_code()
        if code is not None:
            # A negative code is a signal: it was killed, it did not refuse.
            refused = code > 0 and code != NOT_NOW
            if self.starts == 1 and refused and now - self.started_at < HEALTHY_SECONDS:
                raise PartFailed(
                    f"{self.name.capitalize()} did not start; the reason stands above.", code=code
                )
            self._wait(f"ended with {code}")
        elif self.pid is None:
            if now >= self.start_again_at:
                self.start()
        elif now - self.started_at > LAST_WAIT_SECONDS:
            self.failures = 0

    def _exit_code(self) -> int | None:
        """How the process ended, once; None while it runs and when there is none."""
        if self.pid is None:
            return None
        ended, status = os.waitpid(self.pid, os.WNOHANG)
        if not ended:
            return None
        self.pid = None
        return os.waitstatus_to_exitcode(status)

    def _wait(self, what: str) -> None:
        wait = min(LAST_WAIT_SECONDS, FIRST_WAIT_SECONDS * 2.0 ** min(self.failures, 10))
        self.say(f"mailer: {self.name} {what}; starting again in {wait:g} s.")
        self.failures += 1
        self.start_again_at = clock.monotonic() + wait

    def has_stopped(self) -> bool:
        """Whether the process is gone."""
        self._exit_code()
        return self.pid is None

    def ask_to_stop(self) -> None:
        """SIGTERM: finish what is in hand."""
        if self.pid is not None:
            os.kill(self.pid, signal.SIGTERM)

    def kill(self) -> None:
        """End a process that did not stop in time; what it held is recovered at the next start."""
        if not self.has_stopped() and self.pid is not None:
            self.say(f"mailer: {self.name} did not stop in time and was killed.")
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
            self.pid = None


@dataclass
class Supervisor:
    """Keeps parts running until a signal says stop."""

    parts: Sequence[Part]
    stop_seconds: float
    say: Say
    is_ready: Callable[[], bool] = field(default=lambda: True, kw_only=True)  #: asked until it says so, once
    announce: Callable[[], None] = field(default=lambda: None, kw_only=True)  #: then called
    signals: int = field(default=0, kw_only=True)  #: how often it was asked to stop

    def run(self) -> None:
        """Return when everything has stopped. Raises PartFailed."""
        announced = False
        for number in STOP_SIGNALS:
            signal.signal(number, self._on_signal)
        try:
            while not self.signals:
                for part in self.parts:
                    part.look()
                if not announced and self.is_ready():
                    self.announce()
                    announced = True
                time.sleep(_POLL_SECONDS)
        finally:
            self._stop_all()

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        self.signals += 1

    def _stop_all(self) -> None:
        for part in self.parts:
            part.ask_to_stop()
        deadline = clock.monotonic() + self.stop_seconds + STOP_MARGIN_SECONDS
        heard = self.signals
        while not all(part.has_stopped() for part in self.parts):
            left = deadline - clock.monotonic()
            if left < 0:
                break
            if self.signals > heard:
                # To hurry would leave in doubt what the server is about to answer: it waits, and says so.
                self.say(f"mailer: finishing what is on the wire; at most {left:.0f} s more.")
                heard = self.signals
            time.sleep(_POLL_SECONDS / 5)
        for part in self.parts:
            part.kill()
