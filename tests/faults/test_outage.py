"""A server that is not there, will not talk, or goes away: nobody is blamed, nothing spins, all goes on (A59)."""

from __future__ import annotations

import time
from typing import Any

import pytest

from tests.faults.conftest import Make
from tests.faults.rounds import SHORT
from tests.faults.running import RunningSite, stop
from tests.faults.script import Script
from tests.faults.verdict import check

#: What a server does from now on to everybody who comes, and for how long that is watched.
TROUBLES: tuple[tuple[str, list[dict[str, Any]]], ...] = (
    ("greets with 421", [{"verb": "connect", "do": "421 4.7.0 too many"}]),
    ("greets with 554", [{"verb": "connect", "do": "554 5.7.1 not you"}]),
    ("hangs up at once", [{"verb": "connect", "do": "close"}]),
    ("says nothing", [{"verb": "connect", "do": "stall"}]),
    ("speaks nonsense", [{"verb": "connect", "do": "nonsense"}]),
    ("hangs up at EHLO", [{"verb": "ehlo", "do": "close"}]),
    ("answers MAIL with 421", [{"verb": "mail", "do": "421 4.3.2 closing"}]),
    ("hangs up at MAIL", [{"verb": "mail", "do": "close"}]),
    ("wants a login at MAIL", [{"verb": "mail", "do": "530 5.7.0 sign in first"}]),
    ("wants a login at RCPT", [{"verb": "rcpt", "do": "530 5.7.0 sign in first"}]),
)
WATCHED_SECONDS = 2.2
#: Probes of one sender in that time: 1 s, 2 s apart and then no oftener, two senders, and what stood before.
MOST_CONNECTIONS = 14


def _suffer(site: RunningSite, rules: list[dict[str, Any]]) -> None:
    """Everybody is dropped and meets the trouble; then it is over and mail flows again."""
    site.order(listen=False)
    site.order(rules=rules, listen=True)
    time.sleep(0.2)
    before = site.order()
    time.sleep(WATCHED_SECONDS)
    during = site.order(rules=[])
    assert during["taken"] == before["taken"]
    assert during["connections"] - before["connections"] <= MOST_CONNECTIONS
    assert sum(during["commands"].values()) - sum(before["commands"].values()) <= 4 * MOST_CONNECTIONS
    site.wait(lambda: site.taken >= before["taken"] + 3)


@pytest.mark.rule("A59")
def test_an_outage_of_any_kind_is_waited_for_and_costs_nobody_an_attempt(make: Make) -> None:
    """One campaign goes through all of them, one after the other."""
    site = make(people=400, sending='rate = "30/s"')
    site.patches = {"set": SHORT}
    site.start_server(refuse=True)
    worker = site.start_worker()
    site.wait(lambda: "route_down" in site.work_log())
    time.sleep(1.0)
    assert site.order()["connections"] == 0
    site.order(listen=True)
    site.wait(lambda: site.taken >= 3)
    for _, rules in TROUBLES:
        _suffer(site, rules)
    assert site.counts().get("deferred", 0) == 0
    site.wait(site.settled, seconds=60)
    assert stop(worker) == 0
    states = check(site, doubts=0)
    assert set(states) <= {"accepted", "unknown"}
    assert states["unknown"] <= site.connections * len(TROUBLES)
    assert {row.attempts for row in site.rows()} == {1}


@pytest.mark.parametrize("count", [1, 3])
def test_a_server_that_hangs_up_after_every_few_messages_gets_all_of_them(make: Make, count: int) -> None:
    """The commands that travelled with the last body were never answered: they are offered again."""
    site = make(people=60, connections=2, workers=1)
    site.start_server(script=Script(messages_per_connection=count))
    worker = site.start_worker()
    site.wait(site.settled)
    seen = site.order()
    assert stop(worker) == 0
    assert check(site, doubts=0) == {"accepted": 60}
    assert {row.attempts for row in site.rows()} == {1}
    assert seen["connections"] <= 60 // count + 2
