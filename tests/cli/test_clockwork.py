"""The clockwork's process: SIGTERM ends it at whatever instant it comes."""

from __future__ import annotations

import subprocess
import sys
import textwrap

import pytest

from tests.faults.running import ROOT

#: A site whose scheduler sends SIGTERM itself: at once, a moment later, or, with `in_lock`, while the
#: main thread holds a lock of the threading module, as happens when ticks compete with it for the interpreter.
STAGE = """
import os, signal, sys, threading, time
from types import SimpleNamespace
from mailer.cli.working import run_clockwork

def shoot():
    os.kill(os.getpid(), signal.SIGTERM)

def spy(frame, event, _argument):
    if frame.f_code is threading.Condition.wait.__code__:
        sys.settrace(None)
        shoot()
    return spy

class Scheduler:
    def start(self):
        threading.Timer({seconds}, shoot).start()
        if {in_lock}:
            sys.settrace(spy)

    def stop(self):
        sys.settrace(None)
        {twice} and shoot()
        print("stopped", flush=True)

class Site:
    settings = SimpleNamespace(logging=SimpleNamespace(format="text"))

    def scheduler(self):
        return Scheduler()

run_clockwork(Site(), quiet=True)
"""


@pytest.mark.parametrize(
    ("seconds", "in_lock", "twice"),
    [
        pytest.param(0, False, False, id="at once"),
        pytest.param(0.3, False, False, id="while it waits"),
        pytest.param(0.3, True, False, id="while it holds a lock"),
        pytest.param(0, False, True, id="again while it stops"),
    ],
)
def test_it_stops_calmly_whenever_the_signal_comes(seconds: float, in_lock: bool, twice: bool) -> None:
    script = textwrap.dedent(STAGE).format(seconds=seconds, in_lock=in_lock, twice=twice)
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False, timeout=60
    )
    assert (done.returncode, done.stdout) == (0, "stopped\n"), done.stderr
