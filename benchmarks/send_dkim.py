"""One worker that signs, against the CPU of `send_sqlite` per message plus the bare key operation."""

from __future__ import annotations

import re
import shutil
import subprocess

from benchmarks import machine, relay
from benchmarks.sending import CONNECTIONS, Sent, rounds, schedule, send, work
from benchmarks.stage import Stage, drop, stage
from benchmarks.table import Row, missing, run_alone, sized
from mailer.dkim import create_key
from mailer.site import SiteFolder

_SELECTOR = "bench"
_REACH = 0.9


def rows() -> list[Row]:
    """The rate with a signature on every message."""
    if not machine.postfix_tools():
        return [missing("send_dkim", "Postfix's smtp-source and smtp-sink")]
    if shutil.which("openssl") is None:
        return [missing("send_dkim", "openssl, which is measured against")]
    found = []
    people = sized(40_000, quick=3_000)
    with relay.sink() as sink:
        for _ in range(rounds()):
            plain = _unsigned(sized(100_000, quick=5_000), sink)
            per_second = signatures_per_second()
            signed = _signed(people, sink)
            found.append((signed, plain, min(per_second, signatures_per_second())))
    found.sort(key=lambda one: _ratio(*one))
    return [_row(*found[len(found) // 2], people=people)]


def signatures_per_second() -> float:
    """What OpenSSL signs with RSA-2048 on one core."""
    command = ["openssl", "speed", "-seconds", "3", "rsa2048"]
    shown = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    (line,) = re.findall(r"^rsa +2048 bits.*$", shown, re.MULTILINE)
    return float(line.split()[-2])


def _unsigned(people: int, sink: int) -> Sent:
    """As `send_sqlite` sends."""
    at = stage("SQLite", people, connections=CONNECTIONS)
    schedule(at, people)
    sent = send(at, people, start=work, sink=sink)
    drop(at)
    return sent


def _signed(people: int, sink: int) -> Sent:
    at = stage("SQLite", people, connections=CONNECTIONS)
    create_key(SiteFolder(at.root).dkim_keys, _SELECTOR)
    settings = {"MAILER_SENDING__WORKERS": "1", "MAILER_DKIM__SELECTOR": _SELECTOR}
    at = Stage(at.root, {**at.environ, **settings}, at.database)
    schedule(at, people)
    sent = send(at, people, start=work, sink=sink)
    drop(at)
    return sent


def _ratio(signed: Sent, plain: Sent, per_second: float) -> float:
    return signed.pace.per_second / _possible(plain, per_second)


def _possible(plain: Sent, per_second: float) -> float:
    """Messages per second if a signature cost its key operation and nothing else, on one core."""
    return 1e6 / (plain.pace.cpu_micros + 1e6 / per_second)


def _row(signed: Sent, plain: Sent, per_second: float, *, people: int) -> Row:
    ratio = _ratio(signed, plain, per_second)
    must = plain.pace.cpu_micros + 1e6 / per_second
    return Row(
        name="send_dkim",
        value=signed.pace.per_second,
        unit="messages/s",
        reference="1 / (CPU of send_sqlite + openssl)",
        reference_value=_possible(plain, per_second),
        ratio=ratio,
        reach=f"ratio ≥ {_REACH}",
        reached=ratio >= _REACH,
        note=f"{people} recipients, one worker; CPU per message {signed.steady_micros:.0f} µs, of send_sqlite "
        f"{plain.pace.cpu_micros:.0f} µs ({plain.steady_micros:.0f} µs without the start); openssl speed rsa2048: "
        f"{per_second:.0f} signs/s, {1e6 / per_second:.0f} µs; by CPU alone the ratio is "
        f"{must / signed.steady_micros:.2f}",
    )


if __name__ == "__main__":
    run_alone(rows)
