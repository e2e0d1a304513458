"""Whether claiming a batch costs the same at 10 000 and at 5 000 000 delivery rows, on both databases.

Most rows are settled, the rest waits in three campaigns that send. PostgreSQL is given no time to
gather statistics: that is how a table looks after an audience was written out.
"""

from __future__ import annotations

import os
import statistics
import time
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.plans import watching
from benchmarks.rows import fill
from benchmarks.table import Row, missing, run_alone, sized
from mailer.delivery.claim import Claims
from mailer.store import Store, migrate, open_store
from tests.postgres import find_binaries, running_postgres

SIZES = (10_000, 100_000, 1_000_000, 5_000_000)
BATCH = 50
ROUNDS = 20


@dataclass(frozen=True, slots=True)
class Cost:
    """Of claiming one batch."""

    milliseconds: float  #: median
    touched: int
    plans: str


def rows() -> list[Row]:
    """One row for each database: the slowest size against the smallest."""
    sizes = sized(SIZES, quick=SIZES[:2])
    found = []
    with TemporaryDirectory(prefix="mailer-bench-") as place:
        found.append(_row("SQLite", _measure(f"sqlite:///{place}/growth.db", sizes)))
    if find_binaries() is None:
        return [*found, missing("claim_growth PostgreSQL", "PostgreSQL")]
    with TemporaryDirectory(prefix="mailer-bench-") as place, running_postgres(Path(place)) as url:
        found.append(_row("PostgreSQL", _measure(url, sizes)))
    return found


def _measure(url: str, sizes: tuple[int, ...]) -> dict[int, Cost]:
    costs = {}
    for size in sizes:
        store = open_store(url, root=Path("/"))
        migrate.downgrade(store, "base")
        migrate.upgrade(store)
        fill(store, size)
        # What was written goes to the table, and to the disk, before it is measured, not meanwhile.
        store.empty_log()
        os.sync()
        costs[size] = claim_cost(store)
        store.dispose()
    return costs


def _row(database: str, costs: dict[int, Cost]) -> Row:
    smallest, *_ = costs
    slowest = max(costs, key=lambda size: costs[size].milliseconds)
    ratio = costs[slowest].milliseconds / costs[smallest].milliseconds
    touched = {cost.touched for cost in costs.values()}
    same = len({cost.plans for cost in costs.values()}) == 1 and max(touched) <= 1.05 * min(touched)
    unit = "steps" if database == "SQLite" else "rows"
    each = ", ".join(
        f"{size:,}: {cost.milliseconds:.2f} ms, {cost.touched} {unit}" for size, cost in costs.items()
    )
    return Row(
        name=f"claim_growth {database}",
        value=costs[slowest].milliseconds,
        unit="ms per batch",
        reference=f"the same at {smallest:,} rows".replace(",", " "),
        reference_value=costs[smallest].milliseconds,
        ratio=ratio,
        reach="ratio ≤ 1.5, same plans and rows touched",
        reached=ratio <= 1.5 and same,
        note=f"batches of {BATCH}; {each.replace(',', ' ')}; plans {'equal' if same else 'DIFFER'}",
    )


def claim_cost(store: Store) -> Cost:
    """Claim batches until the median can be believed; then once more, watched."""
    claims = Claims(store, 1)
    claims.take_campaigns(BATCH)
    taken = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        claimed = claims.take_campaigns(BATCH)
        taken.append((time.perf_counter() - began) * 1000)
        assert len(claimed) == BATCH
    with watching(store) as seen:
        claims.take_campaigns(BATCH)
    return Cost(statistics.median(taken), seen.touched, seen.about("deliveries"))


if __name__ == "__main__":
    run_alone(rows)
