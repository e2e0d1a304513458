"""Two hundred people a second leave, while a campaign is written out and sent, and while a file is imported."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from benchmarks import machine, relay
from benchmarks.clicking import LATE_SECONDS, PER_SECOND, Clicked, click_while
from benchmarks.sending import CONNECTIONS, finished, materialised_at, rate, running, schedule, work
from benchmarks.stage import drop, people_file, stage
from benchmarks.table import Row, missing, number, run_alone, sized
from mailer import clock

_WAIT_MILLIS = 100
_RATE_KEPT = 0.85
_AHEAD_SECONDS = 10
#: A server that has just started compiles its pages and statements; in a send that is done before it is due.
_WARM_SECONDS = 2


@dataclass(frozen=True, slots=True)
class _Run:
    """One send: its rate, the clicks beside it, and when (since 1970) it was due and all rows were written."""

    per_second: float
    clicked: Clicked
    due: float
    written: float


def rows() -> list[Row]:
    """Waits while materialising, sending and importing; and what the clicks cost the send."""
    if not machine.postfix_tools():
        return [missing("one_click_under_load", "Postfix's smtp-source and smtp-sink")]
    people = sized(100_000, quick=20_000)
    with relay.sink():
        alone = _send(people, clicking=False)
        both = _send(people, clicking=True)
    ratio = both.per_second / alone.per_second
    return [
        _waits("materialising", both.clicked, both.due, both.written),
        _waits("sending", both.clicked, both.written),
        Row(
            name="one_click_under_load: send rate",
            value=both.per_second,
            unit="messages/s",
            reference="the same without clicks",
            reference_value=alone.per_second,
            ratio=ratio,
            reach=f"ratio ≥ {_RATE_KEPT}",
            reached=ratio >= _RATE_KEPT,
            note=f"{people} recipients on SQLite, serve, work, sink and clients on {machine.cores()} cores",
        ),
        _importing(),
    ]


def _waits(during: str, clicked: Clicked, since: float = 0.0, until: float = math.inf) -> Row:
    waits = sorted(click.millis for click in clicked.clicks if since <= click.due < until)
    if not waits:
        return Row(
            name=f"one_click_under_load: {during}",
            value=None,
            unit="",
            note="it was over before anybody clicked",
        )
    p50, p99 = waits[len(waits) // 2], waits[min(int(len(waits) * 0.99), len(waits) - 1)]
    wrong = clicked.refused + clicked.unanswered + clicked.lost + clicked.late
    return Row(
        name=f"one_click_under_load: {during}",
        value=p99,
        unit="ms, p99",
        reach=f"≤ {_WAIT_MILLIS} ms, all 200, all durable",
        reached=p99 <= _WAIT_MILLIS and not wrong,
        note=f"{len(waits)} clicks at {PER_SECOND} a second, median {number(p50)} ms, longest {number(waits[-1])} ms; "
        f"of the run: {clicked.refused} not 200, {clicked.unanswered} unanswered, {clicked.lost} lost "
        f"by kill -9 right after, {clicked.late} mailed later than {LATE_SECONDS} s after their answer",
    )


def _send(people: int, *, clicking: bool) -> _Run:
    at = stage("SQLite", people, connections=CONNECTIONS)
    # Who leaves before it is due is no drift of the audience that should hold the campaign.
    at = replace(at, environ={**at.environ, "MAILER_SENDING__AUDIENCE_DRIFT": "1"})
    site = at.open()
    due = (clock.now() + timedelta(seconds=_AHEAD_SECONDS)).replace(microsecond=0)
    written: datetime | None = None

    def until_sent() -> None:
        nonlocal written
        while not finished(site):
            written = written or materialised_at(site)
            time.sleep(0.05)

    with running(work(at)):
        schedule(at, people, when=f"{due:%Y-%m-%d %H:%M:%S} UTC")
        clicked = Clicked()
        if clicking:
            clicked = click_while(at, site, until_sent, people)
        else:
            until_sent()
    _, per_second = rate(site)
    site.close()
    drop(at)
    assert written is not None
    return _Run(per_second, clicked, due.timestamp(), written.timestamp())


def _importing() -> Row:
    """Clicks while a file of other people comes in."""
    at = stage("SQLite", sized(20_000, quick=10_000), connections=CONNECTIONS)
    path = people_file(at.root / "more.csv", range(1_000_000, 1_000_000 + sized(200_000, quick=10_000)))
    site, began = at.open(), 0.0

    def until_imported() -> None:
        nonlocal began
        time.sleep(_WARM_SECONDS)
        began = time.time()
        words = ("subscriber", "import", str(path), "--list", "news", "--declared-by", "the bench")
        with at.start(*words) as importing:
            assert importing.wait() == 0

    clicked = click_while(at, site, until_imported, 20_000)
    site.close()
    drop(at)
    return _waits("importing", clicked, began)


if __name__ == "__main__":
    run_alone(rows)
