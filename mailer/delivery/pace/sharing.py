"""What one worker heard, brought to the table that all share, and what all know brought back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

from mailer import clock
from mailer.delivery.pace import table
from mailer.delivery.pace.controller import PROVIDER, ROUTE, Heard, Pace, Rules, step
from mailer.store import Store


@dataclass(frozen=True, slots=True)
class Known:
    """What all workers know together."""

    paces: Mapping[str, Pace]
    workers: tuple[int, ...]  #: the ids of those that share the limits


def rules_of(key: str) -> Rules:
    """The numbers for this key's kind."""
    return ROUTE if key.startswith(table.RELAY) else PROVIDER


def share(store: Store, heard: Mapping[str, Heard], own: Mapping[str, Pace]) -> tuple[Known, dict[str, Pace]]:
    """Tell and ask; `own` is what this worker counts of those that never refused. Raises StoreError.

    Nothing is written while nobody refuses: what is not in the table is returned to be counted on.
    """
    now = clock.now()
    with store.read() as connection:
        paces = table.paces(connection)
        workers = tuple(table.living_workers(connection, now=now))
    counted: dict[str, Pace] = {}
    changed: dict[str, Heard] = {}
    for key, one in heard.items():
        if key in paces:
            if one.accepted or one.refusal:
                changed[key] = one
            continue
        after = step(own.get(key, Pace()), one, now=now.timestamp(), rules=rules_of(key))
        if after.refused_at:
            changed[key] = one
        elif key.startswith(table.RELAY) or one.maybe or after.maybe:
            counted[key] = after
    if changed:
        with store.write() as connection:
            # In one order: two workers that lock several rows must not wait for each other.
            for key in sorted(changed):
                taken = partial(_taken, own.get(key, Pace()), changed[key], key=key, now=now.timestamp())
                paces[key] = table.change(connection, key, taken, now=now)
    return Known(paces, workers), counted


def _taken(own: Pace, heard: Heard, stored: Pace, *, key: str, now: float) -> Pace:
    return step(own if stored == Pace() else stored, heard, now=now, rules=rules_of(key))
