"""Two `mailer work` on one PostgreSQL and one campaign: nobody gets it twice, and it is no slower than one.

The hosts share this machine's cores, so each has half of them and as many workers: a host with workers
for all cores of a machine that another host fills as well would measure how processes crowd each other.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections import Counter
from pathlib import Path

from benchmarks import machine, relay
from benchmarks.sending import CONNECTIONS, Sent, rounds, schedule, send, work
from benchmarks.stage import Stage, drop, has_postgres, scratch, stage
from benchmarks.table import Row, missing, run_alone, sized

# Two runs of the same thing on a machine of two cores differ by as much.
_NOISE = 0.95
_RECIPIENT = re.compile(rb"^X-Rcpt-Args: <([^>]*)>", re.MULTILINE)


def rows() -> list[Row]:
    """The rate of two hosts against that of one, in turns; and a count at the sink, in a run of its own."""
    if not machine.postfix_tools():
        return [missing("send_two_hosts", "Postfix's smtp-source and smtp-sink")]
    if not has_postgres():
        return [missing("send_two_hosts", "PostgreSQL")]
    people, pairs = sized(100_000, quick=5_000), []
    with relay.sink() as sink:
        for _ in range(rounds()):
            one, two = _send(people, sink, hosts=1), _send(people, sink, hosts=2)
            pairs.append((two.pace.per_second / one.pace.per_second, one, two))
    ratio, one, two = sorted(pairs, key=lambda pair: pair[0])[len(pairs) // 2]
    return [
        Row(
            name="send_two_hosts",
            value=two.pace.per_second,
            unit="messages/s",
            reference="one `mailer work` on PostgreSQL",
            reference_value=one.pace.per_second,
            ratio=ratio,
            reach=f"ratio ≥ {_NOISE}",
            reached=ratio >= _NOISE,
            note=f"{people} recipients, {two.connections} connections in all, {_kind_of_hosts()}, "
            f"`--workers {_workers()}` each; "
            f"PostgreSQL {two.server_share:.2f} of one core",
        ),
        _doubles(sized(20_000, quick=2_000)),
    ]


def _send(people: int, sink: int, *, hosts: int) -> Sent:
    at = stage("PostgreSQL", people, connections=CONNECTIONS // hosts)
    schedule(at, people)
    try:
        return send(at, people, start=work if hosts == 1 else two_hosts, sink=sink)
    finally:
        drop(at)


def two_hosts(at: Stage) -> list[subprocess.Popen[bytes]]:
    """`mailer work` in two folders with one database, under two host names where that is allowed."""
    words = ("work", "--quiet", "--workers", str(_workers()))
    rename = ("unshare", "--uts", "sh", "-c", 'hostname second-host && exec "$@"', "sh")
    return [at.start(*words), at.twin().start(*words, before=rename if os.geteuid() == 0 else ())]


def _workers() -> int:
    return max(1, machine.cores() // 2)


def _kind_of_hosts() -> str:
    named = "two host names" if os.geteuid() == 0 else "one host name (no right to take another)"
    return f"two folders, {named}"


def _doubles(people: int) -> Row:
    """What the sink took, message by message, from its own dump."""
    dump = scratch() / "sink"
    dump.mkdir(exist_ok=True)
    dump.chmod(0o777)  # the sink runs as nobody
    at = stage("PostgreSQL", people, connections=CONNECTIONS // 2)
    schedule(at, people)
    with relay.sink("-d", f"{dump}/mail.") as sink:
        send(at, people, start=two_hosts, sink=sink)
    drop(at)
    copies = _copies(dump)
    twice = sum(count > 1 for count in copies.values())
    assert len(copies) == people, f"{len(copies)} of {people} recipients at the sink"
    return Row(
        name="send_two_hosts: recipients twice",
        value=twice,
        unit="people",
        reach="0",
        reached=twice == 0,
        note=f"{sum(copies.values())} messages for {people} recipients, counted in the sink's dump",
    )


def _copies(dump: Path) -> Counter[bytes]:
    found: Counter[bytes] = Counter()
    for path in dump.iterdir():
        found.update(_RECIPIENT.findall(path.read_bytes()))
        path.unlink()
    return found


if __name__ == "__main__":
    run_alone(rows)
