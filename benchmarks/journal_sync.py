"""What `[sending] journal_sync` costs: the journal on the disk before a message may leave, or left to the system."""

from __future__ import annotations

from dataclasses import replace

from benchmarks import machine, relay
from benchmarks.sending import CONNECTIONS, Sent, rounds, schedule, send, work
from benchmarks.stage import drop, scratch, stage
from benchmarks.table import Row, missing, run_alone, sized


def rows() -> list[Row]:
    """The rate with it against the rate without, in turns, on SQLite; a price, not a promise."""
    if not machine.postfix_tools():
        return [missing("journal_sync", "Postfix's smtp-source and smtp-sink")]
    people = sized(50_000, quick=5_000)
    with relay.sink() as sink:
        pairs = [
            (_send(people, sink, sync="false"), _send(people, sink, sync="true")) for _ in range(rounds())
        ]
    pairs.sort(key=lambda pair: _ratio(*pair))
    without, synced = pairs[len(pairs) // 2]
    return [
        Row(
            name="journal_sync",
            value=synced.pace.per_second,
            unit="messages/s",
            reference="without",
            reference_value=without.pace.per_second,
            ratio=_ratio(without, synced),
            note=f"{people} recipients on SQLite; a disk that takes {machine.sync_millis(scratch()):.2f} ms to sync",
        )
    ]


def _ratio(without: Sent, synced: Sent) -> float:
    return synced.pace.per_second / without.pace.per_second


def _send(people: int, sink: int, *, sync: str) -> Sent:
    at = stage("SQLite", people, connections=CONNECTIONS)
    at = replace(at, environ={**at.environ, "MAILER_SENDING__JOURNAL_SYNC": sync})
    schedule(at, people)
    try:
        return send(at, people, start=work, sink=sink)
    finally:
        drop(at)


if __name__ == "__main__":
    run_alone(rows)
