"""How a database went about the statements of a piece of work: its plans, and how much it touched."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import event

from mailer.store import Store

# Values in PostgreSQL's plans: they differ from batch to batch, the plan does not.
_VALUE = re.compile(r"'[^']*'(::[a-z ]+(\[\])?)?|\b\d+\b")
_PLANNED = ("SELECT", "UPDATE", "INSERT")


@dataclass
class Watched:
    """What was seen: one plan for each statement, in order."""

    plans: list[str] = field(default_factory=list)
    touched: int = 0  #: SQLite: steps of its virtual machine; PostgreSQL: rows read in all nodes

    def about(self, table: str) -> str:
        """The plans of the statements that read or write a table."""
        return "\n".join(plan for plan in self.plans if table in plan)


@contextmanager
def watching(store: Store) -> Iterator[Watched]:
    """Ask for the plan of each statement right before it runs, in its own transaction."""
    seen = Watched()
    look = _sqlite if store.is_sqlite else _postgresql

    def explain(_c: Any, cursor: Any, statement: str, parameters: Any, _context: Any, many: bool) -> None:
        if statement.startswith(_PLANNED) and "set_config" not in statement:
            look(seen, cursor.connection, statement, parameters[0] if many else parameters)

    event.listen(store.engine, "before_cursor_execute", explain)
    try:
        yield seen
    finally:
        event.remove(store.engine, "before_cursor_execute", explain)


def _sqlite(seen: Watched, connection: Any, statement: str, parameters: Any) -> None:
    lines = connection.execute(f"EXPLAIN QUERY PLAN {statement}", parameters)
    seen.plans.append("\n".join(line[3] for line in lines))
    if statement.startswith("SELECT"):
        steps = 0

        def step() -> None:
            nonlocal steps
            steps += 1

        connection.set_progress_handler(step, 1)
        connection.execute(statement, parameters).fetchall()
        connection.set_progress_handler(None, 0)
        seen.touched += steps


def _postgresql(seen: Watched, connection: Any, statement: str, parameters: Any) -> None:
    cursor = connection.cursor()
    cursor.execute(f"EXPLAIN (COSTS OFF) {statement}", parameters)
    seen.plans.append("\n".join(_VALUE.sub("?", line) for (line,) in cursor.fetchall()))
    if statement.startswith("SELECT"):
        cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}", parameters)
        (found,) = cursor.fetchone()
        plan = found if isinstance(found, list) else json.loads(found)
        seen.touched += _rows(plan[0]["Plan"])


def _rows(node: dict[str, Any]) -> int:
    read = (node["Actual Rows"] + node.get("Rows Removed by Filter", 0)) * node["Actual Loops"]
    return int(read) + sum(_rows(child) for child in node.get("Plans", ()))
