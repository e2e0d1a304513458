"""One row per figure: what was measured, against what, and whether that is enough; as a table and as JSON."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TypeVar

from benchmarks import machine

RESULTS = Path("build/bench.json")
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One figure. `ratio` is the value over the reference's; `reached` is None where nothing is promised."""

    name: str
    value: float | None  #: None: not measured, `note` says why
    unit: str  #: of the value and of the reference
    reference: str = ""  #: what it is measured against, in words; "" where the reach is absolute
    reference_value: float | None = None
    ratio: float | None = None
    reach: str = ""  #: "ratio ≥ 0.9 (floor 0.8)", "≤ 100 ms"
    reached: bool | None = None
    note: str = ""  #: sizes, versions, what a reader must know to believe the figure


def missing(name: str, part: str) -> Row:
    """The row of a bench that could not run: a real part is not installed."""
    return Row(name=name, value=None, unit="", note=f"MISSING REAL PART: {part}. Nothing was measured.")


def sized(full: T, *, quick: T) -> T:
    """The size of a bench: in full, or a small one with QUICK=1 in the environment."""
    return quick if is_quick() else full


def is_quick() -> bool:
    """Whether a quick look is wanted: the same code on small sizes; its figures prove nothing."""
    return os.environ.get("QUICK", "") not in {"", "0"}


def show(rows: Sequence[Row]) -> None:
    """Print the table, notes below it."""
    heads = ("bench", "value", "unit", "reference", "ratio", "reach", "reached")
    lines = [heads, *map(_cells, rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(heads))]
    for line in lines:
        print("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())
    print()
    for row in rows:
        if row.note:
            print(f"{row.name}: {row.note}")
    print(machine.summary() + (", QUICK sizes" if is_quick() else ""))


def write(rows: Sequence[Row], loops: Sequence[float], path: Path = RESULTS) -> None:
    """Write the rows, the machine's facts and `loop_millis` before and after each bench as JSON."""
    path.parent.mkdir(parents=True, exist_ok=True)
    facts = {
        "machine": machine.facts(),
        "loop_ms": [round(millis, 1) for millis in loops],
        "quick": is_quick(),
        "rows": [asdict(row) for row in rows],
    }
    path.write_text(json.dumps(facts, indent=1, ensure_ascii=False) + "\n")


def run_alone(rows: Callable[[], list[Row]]) -> None:
    """`python -m benchmarks.<name>`: this bench's rows, printed."""
    stop_calmly()
    show(rows())


def stop_calmly() -> None:
    """Let SIGTERM end the run as Ctrl-C does: servers and senders are stopped, folders removed."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)


def number(value: float | None) -> str:
    """A figure with as many digits as it deserves; thousands apart."""
    if value is None:
        return "-"
    digits = 0 if abs(value) >= 100 or value == int(value) else 1 if abs(value) >= 10 else 2
    return f"{value:,.{digits}f}".replace(",", " ")


def _cells(row: Row) -> tuple[str, ...]:
    against = row.reference
    if row.reference_value is not None:
        against = f"{row.reference}: {number(row.reference_value)}".removeprefix(": ")
    verdict = {True: "yes", False: "NO", None: "-"}[row.reached]
    return (
        row.name,
        number(row.value),
        row.unit,
        against or "-",
        "-" if row.ratio is None else f"{row.ratio:.2f}",
        row.reach or "-",
        verdict,
    )
