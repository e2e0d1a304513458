"""Send one campaign with `mailer work` and measure it, smtp-source right before and right after in turns."""

from __future__ import annotations

import signal
import statistics
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select

from benchmarks import machine, relay
from benchmarks.machine import Usage, tree
from benchmarks.relay import Pace
from benchmarks.stage import SLUG, Database, Stage, drop, postgres_pid, stage
from benchmarks.table import Row, number, sized
from mailer import clock
from mailer.application import Site
from mailer.store.schema import Campaign, Delivery
from mailer.store.vocabulary import DeliveryState

CONNECTIONS = 20
#: Starts the senders of a stage, as a user would.
Start = Callable[[Stage], Sequence[subprocess.Popen[bytes]]]
# Seldom: on a machine that is full, who looks takes from who sends.
_LOOK_SECONDS = 0.5
# A send that takes longer, or goes slower (messages per second), hangs.
_LONGEST_SECONDS, _SLOWEST = 60, 500


@dataclass(frozen=True, slots=True)
class Sent:
    """One campaign sent."""

    pace: Pace  #: from the first to the last outcome; CPU of all senders with their start and the clockwork
    steady_micros: float  #: CPU per message without the start of the processes
    sink_share: float  #: of one core, while sending
    server_share: float  #: PostgreSQL's, of one core
    peak_mb: float  #: of the largest process
    connections: int  #: the most that were open at once


@dataclass(frozen=True, slots=True)
class Compared:
    """A send between two runs of smtp-source."""

    sent: Sent
    reference: Pace
    size: int  #: bytes of a message

    @property
    def ratio(self) -> float:
        """Messages per second over smtp-source's."""
        return self.sent.pace.per_second / self.reference.per_second

    @property
    def cpu_ratio(self) -> float:
        """CPU per message over smtp-source's own."""
        return self.sent.pace.cpu_micros / self.reference.cpu_micros


def work(at: Stage) -> list[subprocess.Popen[bytes]]:
    """One `mailer work`, no option but quiet."""
    return [at.start("work", "--quiet")]


def compare(
    database: Database, people: int, *, start: Start = work, rounds: int, connections: int
) -> Compared:
    """Sends and smtp-source in turns; the send of median ratio, against its two neighbours."""
    found = []
    with relay.sink() as sink:
        for _ in range(rounds):
            at = stage(database, people, connections=connections)
            size = schedule(at, people)
            before = relay.source(people // 2, connections=CONNECTIONS, size=size)
            sent = send(at, people, start=start, sink=sink)
            after = relay.source(people // 2, connections=CONNECTIONS, size=size)
            found.append(Compared(sent, _mean(before, after), size))
            drop(at)
    found.sort(key=lambda one: one.ratio)
    return found[len(found) // 2]


def schedule(at: Stage, people: int, *, when: str = "now") -> int:
    """Put the campaign on the schedule; returns the bytes of one message."""
    site = at.open()
    try:
        size = len(site.campaigns.preview(SLUG).raw)
        site.campaigns.schedule(SLUG, when, expect=people)
    finally:
        site.close()
    return size


def send(at: Stage, people: int, *, start: Start, sink: int) -> Sent:
    """Run the senders until the campaign is finished; raises AssertionError if not all was accepted."""
    senders, sinks, server = Usage(), Usage(), Usage()
    site, connections, started = at.open(), 0, (0, 0.0)
    sinks.look([sink])
    sink_before, server_before = sinks.seconds, _look_at_server(server, at)
    with running(start(at)) as processes:
        deadline = time.monotonic() + _LONGEST_SECONDS + people / _SLOWEST
        while not finished(site):
            assert time.monotonic() < deadline, "the campaign does not end"
            look_alive(senders, processes)
            connections = max(connections, relay.open_connections(relay.relay_port()))
            if not started[0]:
                started = (accepted(site), senders.seconds)
            _look_at_server(server, at)
            time.sleep(_LOOK_SECONDS)
        look_alive(senders, processes)
        sinks.look([sink])
    seconds, per_second = rate(site)
    assert accepted(site) == people, f"{accepted(site)} of {people} accepted"
    site.close()
    return Sent(
        Pace(per_second, senders.seconds / people * 1e6),
        steady_micros=(senders.seconds - started[1]) / max(people - started[0], 1) * 1e6,
        sink_share=(sinks.seconds - sink_before) / seconds,
        server_share=(server.seconds - server_before) / seconds,
        peak_mb=senders.peak_mb,
        connections=connections,
    )


@contextmanager
def running(processes: Sequence[subprocess.Popen[bytes]]) -> Iterator[Sequence[subprocess.Popen[bytes]]]:
    """Stop these processes at the end, calmly, whatever happened."""
    try:
        yield processes
    finally:
        for process in processes:
            process.send_signal(signal.SIGTERM)
        for process in processes:
            process.wait()


def look_alive(usage: Usage, processes: Sequence[subprocess.Popen[bytes]]) -> None:
    """Note what the processes and their children used; AssertionError when one has ended on its own."""
    assert all(process.poll() is None for process in processes), "a process ended before the campaign did"
    usage.look(pid for process in processes for pid in tree(process.pid))


def rate(site: Site) -> tuple[float, float]:
    """Seconds from the first to the last outcome, and the outcomes per second after the first instant."""
    when = Delivery.settled_at
    outcome = select(func.min(when), func.max(when), func.count()).where(
        Delivery.state == DeliveryState.ACCEPTED
    )
    with site.store.read() as connection:
        first, last, count = connection.execute(outcome).one()
        at_first = connection.scalar(select(func.count()).where(when == first)) or 0
    assert first is not None
    assert last is not None
    seconds = (last - first).total_seconds()
    return seconds, (count - at_first) / seconds


def materialised_at(site: Site) -> datetime | None:
    """Now, if every row of the audience is written."""
    done = select(func.count()).where(Campaign.materialised_upto >= Campaign.audience_bound)
    with site.store.read() as connection:
        return clock.now() if connection.scalar(done) else None


def finished(site: Site) -> bool:
    """Whether the campaign has ended."""
    return finished_at(site) is not None


def finished_at(site: Site) -> datetime | None:
    """When the campaign ended."""
    with site.store.read() as connection:
        return connection.scalar(select(Campaign.finished_at))


def accepted(site: Site) -> int:
    """How many messages the relay has taken so far."""
    with site.store.read() as connection:
        state = Delivery.state == DeliveryState.ACCEPTED
        return connection.scalar(select(func.count()).where(Delivery.stream > 0, state)) or 0


def send_rows(name: str, found: Compared, *, people: int, reach: float, floor: float) -> list[Row]:
    """The rate of a send as a row, and what it cost."""
    sent, reference = found.sent, found.reference
    return [
        Row(
            name=name,
            value=sent.pace.per_second,
            unit="messages/s",
            reference="smtp-source -d",
            reference_value=reference.per_second,
            ratio=found.ratio,
            reach=f"ratio ≥ {reach} (floor {floor})",
            reached=found.ratio >= reach,
            note=describe(found, people),
        ),
        Row(
            name=f"{name} CPU",
            value=sent.pace.cpu_micros,
            unit="µs per message",
            reference="smtp-source -d",
            reference_value=reference.cpu_micros,
            ratio=found.cpu_ratio,
            reach="ratio ≤ 2.2",
            reached=found.cpu_ratio <= 2.2,
            note=f"all sender processes, their start included; {number(sent.steady_micros)} µs without it",
        ),
    ]


def describe(found: Compared, people: int) -> str:
    """Sizes and circumstances of a send, in one line."""
    sent = found.sent
    server = f", PostgreSQL {sent.server_share:.2f}" if sent.server_share else ""
    return (
        f"{people} recipients, {found.size / 1000:.1f} kB, {sent.connections} connections, "
        f"{machine.cores()} cores; of one core: senders "
        f"{sent.steady_micros * sent.pace.per_second / 1e6:.2f}, sink {sent.sink_share:.2f}{server}; "
        f"largest process {sent.peak_mb:.0f} MB"
    )


def rounds() -> int:
    """How often a send is measured."""
    return sized(3, quick=1)


def _mean(one: Pace, other: Pace) -> Pace:
    return Pace(
        statistics.mean((one.per_second, other.per_second)),
        statistics.mean((one.cpu_micros, other.cpu_micros)),
    )


def _look_at_server(usage: Usage, at: Stage) -> float:
    if at.database == "PostgreSQL":
        usage.look(tree(postgres_pid()))
    return usage.seconds
