"""`mailer work` on PostgreSQL, as a user runs it, against Postfix's smtp-source into the same smtp-sink."""

from __future__ import annotations

from benchmarks import machine
from benchmarks.sending import CONNECTIONS, compare, rounds, send_rows
from benchmarks.stage import has_postgres
from benchmarks.table import Row, missing, run_alone, sized


def rows() -> list[Row]:
    """The rate, and the senders' CPU per message; the server's CPU is in the note."""
    if not machine.postfix_tools():
        return [missing("send_postgres", "Postfix's smtp-source and smtp-sink")]
    if not has_postgres():
        return [missing("send_postgres", "PostgreSQL")]
    people = sized(100_000, quick=5_000)
    found = compare("PostgreSQL", people, rounds=rounds(), connections=CONNECTIONS)
    return send_rows("send_postgres", found, people=people, reach=0.8, floor=0.65)


if __name__ == "__main__":
    run_alone(rows)
