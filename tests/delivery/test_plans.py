"""Claiming, reading again and recording look rows up by index, whatever the table has grown to."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import text

from benchmarks.plans import Watched, watching
from benchmarks.rows import fill
from mailer import clock
from mailer.delivery.claim import Claim, Claims, Skip
from mailer.delivery.model import Attempt, Outcome, OutcomeKind
from mailer.delivery.record import Records
from mailer.delivery.retry import RetryPolicy
from mailer.store import Store, migrate
from mailer.store.lookups import look_up_only
from mailer.store.vocabulary import SkipReason

SMALL, LARGE = 8_000, 40_000
ACCEPTED = Outcome(OutcomeKind.ACCEPTED, 250, "2.0.0", "2.0.0 ok")
DEFERRED = Outcome(OutcomeKind.DEFERRED, 451, "4.7.1", "4.7.1 later")
#: SQLite reads a table from end to end; PostgreSQL does, or sorts rows, or fills a hash with them.
ENDLESS = re.compile(
    r"^SCAN (?!json_each)|Seq Scan|Hash|Merge|Bitmap|TEMP B-TREE|^ *(-> *)?Sort", re.MULTILINE
)


@dataclass
class Desk:
    """One worker at a table of some size."""

    store: Store

    def __post_init__(self) -> None:
        self.claims = Claims(self.store, 1)

    def claimed(self) -> list[Claim]:
        """A batch in hand."""
        return self.claims.take_campaigns(20)

    def record(self, claims: list[Claim], outcome: Outcome) -> None:
        """One outcome for all."""
        now = clock.now()
        attempts = [Attempt(claim.id, claim.attempts + 1, "m@x", b"1", now, outcome) for claim in claims]
        with self.store.write() as connection:
            Records(RetryPolicy(), lambda *_: None).write(connection, attempts, worker_id=1, now=now)


def _first_claim(desk: Desk) -> Callable[[], object]:
    return desk.claimed


def _next_claim(desk: Desk) -> Callable[[], object]:
    desk.claimed()
    return desk.claimed


def _system_claim(desk: Desk) -> Callable[[], object]:
    return lambda: desk.claims.take_system(20)


def _recheck(desk: Desk) -> Callable[[], object]:
    held = desk.claimed()
    return lambda: desk.claims.recheck(held)


def _record(desk: Desk) -> Callable[[], object]:
    held = desk.claimed()
    return lambda: desk.record(held, ACCEPTED)


def _defer(desk: Desk) -> Callable[[], object]:
    held = desk.claimed()
    return lambda: desk.record(held, DEFERRED)


def _release(desk: Desk) -> Callable[[], object]:
    held = desk.claimed()
    return lambda: desk.claims.release([claim.id for claim in held])


def _skip(desk: Desk) -> Callable[[], object]:
    held = desk.claimed()
    return lambda: desk.claims.skip([Skip(claim.id, SkipReason.STALE) for claim in held])


STEPS = [_first_claim, _next_claim, _system_claim, _recheck, _record, _defer, _release, _skip]


def _watched(store: Store, step: Callable[[Desk], Callable[[], object]]) -> Watched:
    work = step(Desk(store))
    with watching(store) as seen:
        work()
    return seen


def _nodes(seen: Watched) -> list[str]:
    """How rows of deliveries are come by; the few campaigns beside them may be read in any way."""
    lines = seen.about("deliveries").splitlines()
    return [line.strip() for line in lines if " deliveries" in line or "deliveries." in line]


def _all_steps(store: Store, size: int) -> dict[str, Watched]:
    """Every step, watched at a table of so many rows."""
    fill(store, size)
    return {step.__name__.strip("_"): _watched(store, step) for step in STEPS}


def test_no_step_reads_more_than_its_rows(store: Store) -> None:
    steps = _all_steps(store, SMALL)
    plans = {name: seen.about("deliveries") for name, seen in steps.items()}
    assert [name for name, plan in plans.items() if "deliveries" not in plan] == []
    assert {name: ENDLESS.findall(plan) for name, plan in plans.items()} == {name: [] for name in plans}


def test_a_larger_table_changes_neither_plans_nor_rows_read(store: Store) -> None:
    small = _all_steps(store, SMALL)
    _empty(store)
    large = _all_steps(store, LARGE)
    for name, seen in large.items():
        assert _nodes(seen) == _nodes(small[name]), name
        assert seen.touched <= small[name].touched + 2, name


def test_statistics_of_an_empty_table_change_no_plan(postgresql_store: Store) -> None:
    """What a bulk insert leaves behind: PostgreSQL still believes that there is nothing."""
    _analyze(postgresql_store)
    fill(postgresql_store, LARGE)
    stale = _watched(postgresql_store, _next_claim).about("deliveries")
    _analyze(postgresql_store)
    assert _watched(postgresql_store, _next_claim).about("deliveries") == stale


def test_claims_read_the_index_of_due_rows_in_its_order(store: Store) -> None:
    fill(store, SMALL)
    assert "ix_deliveries_due" in _watched(store, _first_claim).about("deliveries")


def test_the_planner_is_told_for_one_transaction_only(postgresql_store: Store) -> None:
    Claims(postgresql_store, 1).take_campaigns(1)
    with postgresql_store.read() as connection:
        assert connection.scalar(text("SHOW enable_seqscan")) == "on"
        look_up_only(connection)
        assert connection.scalar(text("SHOW enable_seqscan")) == "off"
    with postgresql_store.read() as connection:
        assert connection.scalar(text("SHOW enable_seqscan")) == "on"


def _empty(store: Store) -> None:
    migrate.downgrade(store, "base")
    migrate.upgrade(store)


def _analyze(store: Store) -> None:
    with store.write() as connection:
        connection.exec_driver_sql("ANALYZE")
