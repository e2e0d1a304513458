"""Two servers, one of them killed in the middle, senders killed as well: nobody lost, nobody twice (laws 1 and 2)."""

from __future__ import annotations

import os
import random
import signal
import subprocess

import pytest

from mailer.store.vocabulary import DeliveryState
from tests.faults.conftest import Make
from tests.faults.rounds import SHORT
from tests.faults.running import RunningSite, free_port, kill, stop
from tests.faults.script import Script
from tests.faults.taken import read_log
from tests.faults.verdict import check

CONNECTIONS = 4  #: of one `mailer work` to each of the two
_SECOND = """tls = "none"
{first}
[smtp.second]
host = "127.0.0.1"
port = {port}
tls = "none"
{second}
"""


def two_relays(
    make: Make, *, first: str = "", second: str = "", people: int = 150
) -> tuple[RunningSite, int]:
    """A site with two relays, and the port of the second."""
    port = free_port()
    relay = _SECOND.format(first=first, port=port, second=second)
    site = make(people=people, sending="batch_size = 20", relay=relay)
    site.patches = {"set": SHORT}
    return site, port


def check_relays(site: RunningSite, port: int) -> None:
    """Each row that was accepted names the relay that took its message."""
    by_relay = {
        f"127.0.0.1:{at}": {message.message_id for message in read_log(site.log_of(log))}
        for at, log in ((site.port, None), (port, port))
    }
    for row in site.rows():
        if row.state is DeliveryState.ACCEPTED:
            assert row.message_id in by_relay[row.relay]


@pytest.mark.rule("A57")
@pytest.mark.parametrize("weights", [("weight = 1", "weight = 1"), ("", "")], ids=["shared", "standing by"])
@pytest.mark.parametrize("seed", range(2))
def test_a_relay_that_is_killed_in_the_middle_costs_nobody_the_message(
    make: Make, weights: tuple[str, str], seed: int
) -> None:
    """The other one takes all that is left at once; one unknown at most for each connection that was cut."""
    site, port = two_relays(make, first=weights[0], second=weights[1])
    first = site.start_server(delay=0.02)
    second = site.start_server(delay=0.02, port=port)
    worker = site.start_worker()
    least = random.Random(seed).randrange(5, 50)
    site.wait(lambda: site.taken >= least)
    kill(first)
    site.server = second  # who answers questions from now on
    site.wait(site.settled)
    assert stop(worker) == 0
    states = check(site, doubts=CONNECTIONS)
    assert set(states) <= {"accepted", "unknown"}
    assert {row.attempts for row in site.rows()} == {1}
    check_relays(site, port)


@pytest.mark.rule("A57")
def test_senders_and_relays_that_die_in_turn_lose_nobody(make: Make) -> None:
    """Fail-over there and back, with a sender killed while it is on its way."""
    site, port = two_relays(make, first="weight = 1", second="weight = 1", people=300)
    site.start_server(delay=0.02)
    second = site.start_server(delay=0.02, port=port)

    def taken() -> int:
        return int(site.order()["taken"] + site.order(second)["taken"])

    worker = site.start_worker()
    blows = 0
    for round_ in range(4):
        mine: subprocess.Popen[bytes] | None = second if round_ % 2 else None
        before = taken()
        site.order(mine, listen=False)
        site.wait(lambda seen=before: taken() > seen + 10)
        for pid in site.senders(worker)[:1]:
            os.kill(pid, signal.SIGKILL)
        site.order(mine, listen=True)
        blows += 1
        site.wait(lambda seen=before: taken() > seen + 25)
    site.wait(site.settled, seconds=60)
    assert stop(worker) == 0
    states = check(site, doubts=4 * CONNECTIONS * blows)
    assert set(states) <= {"accepted", "unknown"}
    check_relays(site, port)


@pytest.mark.rule("B16")
def test_two_relays_of_a_running_site_have_their_shares(make: Make) -> None:
    """Over all its senders, each of which keeps to the weights."""
    site, port = two_relays(make, first="weight = 2", second="weight = 1", people=300)
    site.start_server()
    second = site.start_server(port=port, script=Script(delay_seconds=0.01))
    worker = site.start_worker()
    site.wait(site.settled)
    taken = [site.order()["taken"], site.order(second)["taken"]]
    assert stop(worker) == 0
    assert check(site, doubts=0) == {"accepted": 300}
    check_relays(site, port)
    assert sum(taken) == 300
    assert abs(taken[0] - 200) <= 8 * site.workers
