"""How long `mailer --help` takes, against a Python that only imports click."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

from benchmarks.table import Row, missing, run_alone, sized

_HEAVY = ("sqlalchemy", "rich")


def rows() -> list[Row]:
    """Both in turns, after one run of each that fills the caches; medians."""
    command = Path(sys.executable).with_name("mailer")
    if not command.exists():
        return [missing("cli_start", "the installed command `mailer` beside this Python")]
    ours, reference = [str(command), "--help"], [sys.executable, "-c", "import click"]
    environ = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    pairs = [(_run(ours, environ), _run(reference, environ)) for _ in range(sized(41, quick=11))][1:]
    value, against = (statistics.median(column) * 1000 for column in zip(*pairs, strict=True))
    loaded = _loaded(environ)
    return [
        Row(
            name="cli_start",
            value=value,
            unit="ms",
            reference="python -c 'import click'",
            reference_value=against,
            ratio=value / against,
            reach=f"ratio ≤ 1.3, neither {' nor '.join(_HEAVY)} imported",
            reached=value / against <= 1.3 and not loaded,
            note=f"mailer --help, median of {len(pairs)}; imported: {', '.join(loaded) or 'neither'}",
        )
    ]


def _run(command: list[str], environ: dict[str, str]) -> float:
    began = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=environ)
    return time.perf_counter() - began


def _loaded(environ: dict[str, str]) -> list[str]:
    """Which of the heavy libraries `mailer --help` imports."""
    script = (
        "import sys\nfrom mailer.cli.main import main\n"
        "main(['--help'], standalone_mode=False)\n"
        "print(*sys.modules, file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], check=True, capture_output=True, text=True, env=environ
    )
    return [name for name in _HEAVY if name in done.stderr.split()]


if __name__ == "__main__":
    run_alone(rows)
