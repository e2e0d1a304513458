"""The processes an import is measured with: itself, with its transactions timed, and one of opt-outs.

Run: python -m benchmarks.import_watch import RESULT <words of mailer>  |  opt_out RESULT STOP SITE
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from benchmarks.machine import Usage
from mailer.addresses import parse_address
from mailer.application import open_site
from mailer.cli.main import main
from mailer.store import Store
from mailer.store.vocabulary import SuppressionReason

_PAUSE_SECONDS = 0.02


def import_timed(result: Path, words: list[str]) -> None:
    """A `mailer` command; writes down the seconds of each write transaction, from its lock to its commit, and
    the most memory it held: that of its own pages, for wait4 counts those of the process that it was forked from.
    """
    spans: list[float] = []
    write = Store.write

    @contextmanager
    def timed(self: Store, **options: Any) -> Iterator[Connection]:
        with write(self, **options) as connection:
            started = time.perf_counter()
            yield connection
        spans.append(time.perf_counter() - started)

    Store.write = timed  # type: ignore[method-assign]  # only from outside can all of them be seen
    try:
        main(words)
    finally:
        used = Usage()
        used.look([os.getpid()])
        result.write_text(json.dumps({"transactions": spans, "peak_mb": used.peak_mb}))


def opt_out(result: Path, stop: Path, root: Path) -> None:
    """One durable opt-out every 20 ms until `stop` exists; writes down how long each took."""
    site = open_site(root, os.environ)
    waits: list[float] = []
    while not stop.exists():
        person = parse_address(f"leaver{len(waits)}@left.example")
        started = time.perf_counter()
        site.suppressions.add(person, SuppressionReason.UNSUBSCRIBED)
        waits.append(time.perf_counter() - started)
        time.sleep(_PAUSE_SECONDS)
    site.close()
    result.write_text(json.dumps(waits))


if __name__ == "__main__":
    if sys.argv[1] == "import":
        import_timed(Path(sys.argv[2]), sys.argv[3:])
    else:
        opt_out(*map(Path, sys.argv[2:5]))
