"""Postfix's own test tools: smtp-sink takes mail and drops it, smtp-source is the fastest sender there is."""

from __future__ import annotations

import resource
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from benchmarks.machine import SBIN

_ESTABLISHED = "01"


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast messages went, and what one cost its sender."""

    per_second: float
    cpu_micros: float  #: user and system CPU of the sender, per message


@cache
def relay_port() -> int:
    """One free port of this machine for the whole run."""
    return free_port()


def free_port() -> int:
    """A port of this machine that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def sink(*options: str) -> Iterator[int]:
    """A running smtp-sink on the relay's port; yields its process id."""
    command = [f"{SBIN}/smtp-sink", "-u", "nobody", *options, f"127.0.0.1:{relay_port()}", "1000"]
    with subprocess.Popen(command) as process:
        try:
            wait_for_port(relay_port())
            yield process.pid
        finally:
            process.terminate()


def source(messages: int, *, connections: int, size: int) -> Pace:
    """Send one fixed message of `size` bytes over and over: no rendering, no database."""
    options = ["-d", "-s", str(connections), "-m", str(messages), "-l", str(size)]
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run([f"{SBIN}/smtp-source", *options, f"127.0.0.1:{relay_port()}"], check=True)
    seconds, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Pace(messages / seconds, cpu / messages * 1e6)


def open_connections(port: int) -> int:
    """How many connections this port has now."""
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    here = f":{port:04X}"
    return sum(row[1].endswith(here) and row[3] == _ESTABLISHED for row in rows)


def wait_for_port(port: int) -> None:
    """Return once somebody listens there; RuntimeError after ten seconds."""
    for _ in range(200):
        try:
            socket.create_connection(("127.0.0.1", port)).close()
            return
        except ConnectionRefusedError:
            time.sleep(0.05)
    raise RuntimeError(f"nobody listens on port {port}")
