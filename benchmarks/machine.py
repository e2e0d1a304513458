"""What is measured on: cores and versions; and what processes used: CPU seconds and memory, from /proc."""

from __future__ import annotations

import os
import platform
import shutil
import sqlite3
import statistics
import subprocess
import tempfile
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

SBIN = "/usr/sbin"
_TICK = os.sysconf("SC_CLK_TCK")


def cores() -> int:
    """The cores this process may use."""
    return len(os.sched_getaffinity(0))


def facts() -> dict[str, str | int]:
    """Cores and versions, for the JSON."""
    return {
        "cores": cores(),
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
        "postfix": _first_line("postconf", "-d", "-h", "mail_version"),
        "postgres": _first_line("postgres", "--version") or _first_line("psql", "--version"),
        "kernel": platform.release(),
    }


def summary() -> str:
    """The same in one line."""
    return ", ".join(
        f"{value} cores" if name == "cores" else f"{name} {value}" for name, value in facts().items()
    )


def postfix_tools() -> bool:
    """Whether smtp-source and smtp-sink are installed."""
    return all(Path(SBIN, name).exists() for name in ("smtp-source", "smtp-sink"))


def sync_millis(folder: Path, *, times: int = 50) -> float:
    """Median milliseconds that a small write takes to be on the disk under `folder`."""
    took = []
    with tempfile.TemporaryFile(dir=folder) as file:
        for _ in range(times):
            began = time.perf_counter()
            os.write(file.fileno(), b"x" * 4096)
            os.fdatasync(file.fileno())
            took.append(time.perf_counter() - began)
    return statistics.median(took) * 1000


def loop_millis() -> float:
    """CPU milliseconds of a fixed loop of Python: on a machine that is shared, neighbours are heard in it."""
    held: dict[int, int] = {}
    began = time.process_time()
    for n in range(1_000_000):
        held[n & 0xFFFF] = n
    return (time.process_time() - began) * 1000


def _first_line(program: str, *words: str) -> str:
    path = shutil.which(program) or shutil.which(program, path=SBIN)
    if path is None:
        return "not installed"
    shown = subprocess.run([path, *words], capture_output=True, text=True, check=False).stdout
    return shown.split("\n")[0].partition(" (Debian")[0].removeprefix("postgres (PostgreSQL) ").strip()


@dataclass
class Usage:
    """CPU seconds and peak memory of processes that come and go, by process id."""

    cpu: dict[int, float] = field(default_factory=dict)
    peak_kb: dict[int, int] = field(default_factory=dict)

    def look(self, pids: Iterable[int]) -> None:
        """Note what these processes have used so far; one that has ended keeps its last figure."""
        for pid in pids:
            try:
                after_name = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
                status = Path(f"/proc/{pid}/status").read_text()
            except (FileNotFoundError, ProcessLookupError):
                continue
            self.cpu[pid] = (int(after_name[11]) + int(after_name[12])) / _TICK
            peak = status.partition("VmHWM:")[2].split()
            if peak:
                self.peak_kb[pid] = int(peak[0])

    @property
    def seconds(self) -> float:
        """User and system seconds of all of them."""
        return sum(self.cpu.values())

    @property
    def peak_mb(self) -> float:
        """The most memory that any one of them ever held, in MB (10^6 bytes)."""
        return max(self.peak_kb.values(), default=0) * 1024 / 1e6


def tree(pid: int) -> Iterator[int]:
    """A process and all that descend from it now."""
    yield pid
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except (FileNotFoundError, ProcessLookupError):
        return
    for child in children:
        yield from tree(int(child))
