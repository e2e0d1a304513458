"""`mailer work` on SQLite, as a user runs it, against Postfix's smtp-source into the same smtp-sink."""

from __future__ import annotations

from benchmarks import machine
from benchmarks.sending import CONNECTIONS, compare, rounds, send_rows
from benchmarks.table import Row, missing, run_alone, sized


def rows() -> list[Row]:
    """The rate, and the senders' CPU per message."""
    if not machine.postfix_tools():
        return [missing("send_sqlite", "Postfix's smtp-source and smtp-sink")]
    people = sized(100_000, quick=5_000)
    found = compare("SQLite", people, rounds=rounds(), connections=CONNECTIONS)
    return send_rows("send_sqlite", found, people=people, reach=0.9, floor=0.8)


if __name__ == "__main__":
    run_alone(rows)
