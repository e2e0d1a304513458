"""A million recipients: memory, the wait for the first message, and the rate at the end against the beginning."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select

from benchmarks import machine, relay
from benchmarks.machine import Usage
from benchmarks.sending import CONNECTIONS, finished, look_alive, materialised_at, running, schedule, work
from benchmarks.stage import Database, Stage, drop, has_postgres, stage
from benchmarks.table import Row, missing, run_alone, sized
from mailer import clock
from mailer.application import Site
from mailer.store.schema import Delivery
from mailer.store.vocabulary import DeliveryState

_LOOK_SECONDS = 0.2
#: Long enough to approve the audience and start the senders before the campaign is due.
_AHEAD_SECONDS = 10


@dataclass(frozen=True, slots=True)
class Course:
    """How a big campaign went."""

    people: int
    peak_mb: float
    wait_seconds: float  #: from due to the first outcome
    materialised_seconds: float  #: from due to the last row written
    first_rate: float  #: messages per second over the first tenth after materialising
    last_rate: float  #: over the last tenth


def rows() -> list[Row]:
    """Three rows per database."""
    if not machine.postfix_tools():
        return [missing("send_million", "Postfix's smtp-source and smtp-sink")]
    found = _rows("SQLite")
    if has_postgres():
        return found + _rows("PostgreSQL")
    return [*found, missing("send_million (PostgreSQL)", "PostgreSQL")]


def _rows(database: Database) -> list[Row]:
    people = sized(1_000_000, quick=20_000)
    at = stage(database, people, connections=CONNECTIONS)
    with relay.sink():
        course = _run(at, people)
    drop(at)
    ratio, name = course.last_rate / course.first_rate, f"send_million ({database})"
    return [
        Row(
            name=f"{name}: memory",
            value=course.peak_mb,
            unit="MB",
            reach="≤ 200 MB",
            reached=course.peak_mb <= 200,
            note="peak resident memory of the largest process, shared pages included",
        ),
        Row(
            name=f"{name}: first message",
            value=course.wait_seconds,
            unit="s after due",
            reach="≤ 3 s",
            reached=course.wait_seconds <= 3,
            note=f"all {people} rows were written {course.materialised_seconds:.0f} s after due",
        ),
        Row(
            name=f"{name}: last tenth",
            value=course.last_rate,
            unit="messages/s",
            reference="first tenth after materialising",
            reference_value=course.first_rate,
            ratio=ratio,
            reach="ratio ≥ 0.95",
            reached=ratio >= 0.95,
        ),
    ]


def _run(at: Stage, people: int) -> Course:
    due = (clock.now() + timedelta(seconds=_AHEAD_SECONDS)).replace(microsecond=0)
    usage, site = Usage(), at.open()
    with running(work(at)) as processes:
        schedule(at, people, when=f"{due:%Y-%m-%d %H:%M:%S} UTC")
        materialised = None
        while not finished(site):
            look_alive(usage, processes)
            materialised = materialised or materialised_at(site)
            time.sleep(_LOOK_SECONDS)
        look_alive(usage, processes)
    times = _times(site)
    site.close()
    assert len(times) == people, f"{len(times)} of {people} accepted"
    assert materialised is not None
    rest = [at for at in times if at >= materialised]
    assert len(rest) >= people // 5, f"only {len(rest)} were sent after materialising"
    return Course(
        people,
        usage.peak_mb,
        wait_seconds=(times[0] - due).total_seconds(),
        materialised_seconds=(materialised - due).total_seconds(),
        first_rate=_rate(rest[: people // 10]),
        last_rate=_rate(times[-people // 10 :]),
    )


def _times(site: Site) -> list[datetime]:
    """When each message was accepted, in order."""
    accepted = Delivery.state == DeliveryState.ACCEPTED
    with site.store.read() as connection:
        return sorted(connection.scalars(select(Delivery.settled_at).where(accepted)))


def _rate(times: Sequence[datetime]) -> float:
    return (len(times) - 1) / (times[-1] - times[0]).total_seconds()


if __name__ == "__main__":
    run_alone(rows)
