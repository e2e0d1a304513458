"""`python -m benchmarks [--quick] [name ...]`: run all or some, print one table, write build/bench.json."""

from __future__ import annotations

import os
import sys
import traceback
from importlib import import_module

from benchmarks import machine
from benchmarks.table import RESULTS, Row, show, stop_calmly, write

#: In the order of the table; each is a module with `rows() -> list[Row]`.
BENCHES = (
    "fill",
    "send_sqlite",
    "send_dkim",
    "send_postgres",
    "send_two_hosts",
    "send_million",
    "claim_growth",
    "import_csv",
    "one_click_under_load",
    "cli_start",
    "journal_sync",
    "spam_score",
    "bounce_classify",
)


def main(words: list[str]) -> int:
    """Run the benches; 0: all ran and what was promised is reached, 1: not, 2: no such bench."""
    if "--quick" in words:
        os.environ["QUICK"] = "1"
    names = [word for word in words if not word.startswith("-")] or list(BENCHES)
    unknown = set(names) - set(BENCHES)
    if unknown:
        print(
            f"There is no bench {', '.join(sorted(unknown))}. There are: {', '.join(BENCHES)}.",
            file=sys.stderr,
        )
        return 2
    stop_calmly()
    rows, loops = [], [machine.loop_millis()]
    for name in names:
        rows += _run(name)
        loops.append(machine.loop_millis())
    show(rows)
    print(f"One loop of Python took {min(loops):.0f} to {max(loops):.0f} ms of CPU between the benches.")
    write(rows, loops)
    print(f"Written to {RESULTS}")
    return 0 if all(row.value is not None and row.reached is not False for row in rows) else 1


def _run(name: str) -> list[Row]:
    """The rows of one bench; one that breaks is a row too, so that the others are still measured."""
    print(f"{name} ...", file=sys.stderr, flush=True)
    try:
        found: list[Row] = import_module(f"benchmarks.{name}").rows()
    except Exception as error:  # noqa: BLE001  a bench that breaks must not hide the others' figures
        traceback.print_exc()
        return [Row(name=name, value=None, unit="", reached=False, note=f"FAILED: {type(error).__name__}")]
    return found


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
