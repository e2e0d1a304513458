"""`mailer subscriber import` of good rows, against the database's own loader; and how long it makes others wait.

Run: python -m benchmarks.import_csv [rows]
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from benchmarks.import_reference import Loaded, has_shell, load_postgres, load_sqlite
from benchmarks.stage import Database, Stage, drop, has_postgres, scratch, stage
from benchmarks.table import Row, missing, run_alone, sized

REACH = 3.0
_LOCK_SECONDS = 0.05
_MEMORY_MB = 200
_numbers = count(1)


@dataclass(frozen=True, slots=True)
class Imported:
    """How one import went; times in seconds."""

    seconds: float
    cpu: float
    peak_mb: float
    transactions: list[float]  #: from the lock to the commit, ascending
    waits: list[float]  #: of the opt-outs beside it, ascending


def rows(people: int | None = None) -> list[Row]:
    """Four rows per database: time, write lock, opt-outs, memory."""
    size = people or sized(1_000_000, quick=20_000)
    file = scratch() / "people.csv"
    _write(file, size)
    found = _sqlite(file, size) if has_shell() else [missing("import_csv (SQLite)", "the sqlite3 command")]
    if has_postgres():
        return found + _postgres(file, size)
    return [*found, missing("import_csv (PostgreSQL)", "PostgreSQL")]


def _sqlite(file: Path, size: int) -> list[Row]:
    at = stage("SQLite", 0, connections=1)
    imported = _import(at, file)
    reference = load_sqlite(at.root / "data" / "mailer.db", scratch() / "reference")
    drop(at)
    return _rows("SQLite", imported, reference, size=size, named="sqlite3 .import")


def _postgres(file: Path, size: int) -> list[Row]:
    at, empty = stage("PostgreSQL", 0, connections=1), stage("PostgreSQL", 0, connections=1)
    imported = _import(at, file)
    made, target = (
        one.environ["MAILER_DATABASE__URL"].replace("postgresql+psycopg", "postgresql") for one in (at, empty)
    )
    reference = load_postgres(made, target, scratch() / "reference")
    drop(at)
    drop(empty)
    return _rows("PostgreSQL", imported, reference, size=size, named="COPY")


def _import(at: Stage, file: Path) -> Imported:
    result = scratch() / f"transactions-{next(_numbers)}"
    words = ("subscriber", "import", str(file), "--list", "news", "--declared-by", "the bench", "--json")
    with _opting_out(at) as waits:
        started = time.perf_counter()
        process = _watch(at, "import", str(result), *words)
        _, status, used = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, "the import failed"
    cpu, found = used.ru_utime + used.ru_stime, json.loads(result.read_text())
    return Imported(seconds, cpu, found["peak_mb"], sorted(found["transactions"]), sorted(waits))


@contextmanager
def _opting_out(at: Stage) -> Iterator[list[float]]:
    """Somebody opts out every 20 ms meanwhile; the list is filled at the end."""
    result, stop = scratch() / f"waits-{next(_numbers)}", scratch() / f"stop-{next(_numbers)}"
    waits: list[float] = []
    process = _watch(at, "opt_out", str(result), str(stop), str(at.root))
    try:
        yield waits
    finally:
        stop.touch()
        process.wait(timeout=60)
    waits.extend(json.loads(result.read_text()))


def _watch(at: Stage, *words: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "benchmarks.import_watch", *words]
    return subprocess.Popen(command, cwd=at.root, env=dict(at.environ), stdout=subprocess.DEVNULL)


def _write(path: Path, size: int) -> None:
    """Good rows in no order of addresses, as tools export them by date: a person, a name, a consent."""
    chance = random.Random(size)  # the same file for the same size
    order = list(range(size))
    chance.shuffle(order)
    with path.open("w") as file:
        file.write("Email,First Name,Confirmed at,Confirm IP\n")
        for n in order:
            stamp = f"2024-03-{1 + n % 28:02} {n % 24:02}:{n % 60:02}:{n % 59:02}"
            file.write(
                f"reader{n}.{chance.randrange(10_000)}@d{n % 5000}.example,Ada{n % 977},{stamp},192.0.2.{n % 250}\n"
            )


def _rows(name: Database, found: Imported, reference: Loaded, *, size: int, named: str) -> list[Row]:
    bench, ratio = f"import_csv ({name})", found.seconds / reference.seconds
    late = found.waits[int(len(found.waits) * 0.99)] * 1000
    longest = found.transactions[-1] * 1000
    over = sum(span > _LOCK_SECONDS for span in found.transactions)
    cpu = f", {reference.cpu:.1f} s of CPU" if reference.cpu is not None else ""
    return [
        Row(
            name=bench, value=found.seconds, unit="s", reference=named, reference_value=reference.seconds,
            ratio=ratio, reach=f"ratio ≤ {REACH:g}", reached=ratio <= REACH,
            note=f"{size} rows into the same tables and indexes, ledger included, beside {len(found.waits)} "
            f"opt-outs; the import took {found.cpu:.1f} s of CPU, {named} {reference.seconds:.1f} s{cpu}",
        ),
        Row(
            name=f"{bench}: longest write", value=longest, unit="ms", reach="≤ 50 ms" if name == "SQLite" else "",
            reached=longest <= _LOCK_SECONDS * 1000 if name == "SQLite" else None,
            note=f"{len(found.transactions)} write transactions, median "
            f"{found.transactions[len(found.transactions) // 2] * 1000:.0f} ms, {over} above 50 ms",
        ),
        Row(
            name=f"{bench}: opt-out p99", value=late, unit="ms", reach="≤ 100 ms", reached=late <= 100,
            note=f"median {found.waits[len(found.waits) // 2] * 1000:.1f} ms, longest {found.waits[-1] * 1000:.0f} ms",
        ),
        Row(
            name=f"{bench}: memory", value=found.peak_mb, unit="MB", reach=f"≤ {_MEMORY_MB} MB",
            reached=found.peak_mb <= _MEMORY_MB,
        ),
    ]  # fmt: skip


if __name__ == "__main__":
    run_alone(lambda: rows(int(sys.argv[1]) if len(sys.argv) > 1 else None))
