"""Settle what dead workers left: outcomes applied, intents named unknown, the rest given back (law 2)."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Row

from mailer import clock
from mailer.delivery import queries
from mailer.delivery.journal import held, read_journal
from mailer.delivery.model import Attempt
from mailer.delivery.record import UNREAD, Records
from mailer.maillog import EventLog
from mailer.store import Store

log = EventLog("delivery")

# A worker whose journal is on another host is believed dead after this silence. Every worker
# stops letting bodies out long before it has been silent for so long (engine.LEASE_SECONDS).
LOST_HOST = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Recovered:
    """What was found in dead workers' hands."""

    workers: int = 0
    settled: int = 0  #: an outcome was in the journal
    unknown: int = 0  #: only the intent was
    released: int = 0  #: neither: it never left

    def __add__(self, other: Recovered) -> Recovered:
        return Recovered(
            self.workers + other.workers,
            self.settled + other.settled,
            self.unknown + other.unknown,
            self.released + other.released,
        )


def recover(store: Store, records: Records, *, journals: Path, besides: int | None = None) -> Recovered:
    """Take over from every worker that is surely dead; harmless to run at any time, anywhere."""
    with store.read() as connection:
        running = queries.running_workers(connection, besides=besides)
    total = Recovered()
    for worker in running:
        found = _recover_one(store, records, worker, journals)
        if found.workers:
            log.worker_recovered(
                worker=worker.id, settled=found.settled, unknown=found.unknown, released=found.released
            )
        total += found
    return total


def _recover_one(store: Store, records: Records, worker: Row[Any], journals: Path) -> Recovered:
    path = _locate(worker.journal, journals)
    if path is None:
        if clock.now() - worker.heartbeat_at > LOST_HOST:
            return _settle(store, records, worker, None)
        return Recovered()
    with held(path) as dead:
        if not dead:
            return Recovered()
        found = _settle(store, records, worker, read_journal(path))
        shutil.rmtree(path, ignore_errors=True)
    return found


def _locate(journal: str, journals: Path) -> Path | None:
    """The journal's folder if this host has it, also after the site folder was moved."""
    stored = Path(journal)
    return next((path for path in (journals / stored.name, stored) if path.is_dir()), None)


def _settle(
    store: Store, records: Records, worker: Row[Any], journal: dict[int, Attempt] | None
) -> Recovered:
    """One transaction; `journal` None: it cannot be read, so every claim may have left."""
    now = clock.now()
    with store.write() as connection:
        if not queries.stop_worker(connection, worker.id, now=now):
            return Recovered()
        claimed = queries.claimed_by(connection, worker.id)
        ended = _endings(claimed, journal, worker.heartbeat_at)
        records.write(connection, ended, worker_id=worker.id, now=now)
        rest = sorted(set(claimed) - {attempt.delivery_id for attempt in ended})
        queries.release(connection, rest, worker_id=worker.id, now=now)
    unknown = sum(attempt.outcome is UNREAD for attempt in ended)
    return Recovered(1, len(ended) - unknown, unknown, len(rest))


def _endings(
    claimed: dict[int, int], journal: dict[int, Attempt] | None, silent_since: datetime
) -> list[Attempt]:
    if journal is None:
        return [Attempt(id_, n + 1, None, None, silent_since, UNREAD) for id_, n in claimed.items()]
    # A record of an earlier attempt says nothing about the claim that was running.
    current = [a for id_, a in journal.items() if id_ in claimed and a.number == claimed[id_] + 1]
    return [a._replace(outcome=a.outcome or UNREAD) for a in current]
