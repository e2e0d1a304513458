"""`mailer work` killed at any instant, stopped, and sharing its work: laws 1 and 2 with real processes."""

from __future__ import annotations

import os
import random
import signal
import time

import pytest

from tests.faults.conftest import Make
from tests.faults.running import RunningSite, kill, kill_all, stop
from tests.faults.verdict import check

CONNECTIONS = 4  #: of one `mailer work`, whatever the number of its senders
#: So that several senders have work, whoever claims first.
SMALL = "batch_size = 10"


def deliver_all(site: RunningSite, *, seconds: float = 40) -> None:
    """A healthy worker brings everything to its end, then stops."""
    worker = site.start_worker()
    site.wait(site.settled, seconds=seconds)
    assert stop(worker) == 0


def test_a_worker_sends_a_due_campaign_to_everybody_once(make: Make) -> None:
    """From the schedule to the wire, with nothing in the way."""
    site = make(people=60)
    site.start_server()
    deliver_all(site)
    assert check(site, doubts=0) == {"accepted": 60}
    assert site.journals() == []
    assert not list((site.root / "data" / "journals").iterdir())


@pytest.mark.rule("A57")
@pytest.mark.parametrize("seed", range(4))
def test_kill_minus_nine_at_a_random_instant_sends_nobody_two_copies(make: Make, seed: int) -> None:
    """Law 2, A57: at most one unknown per open connection and kill, nobody twice, nobody lost."""
    dice = random.Random(seed)
    site = make(people=120, sending=SMALL)
    site.start_server(delay=0.02)
    kills = 3
    for _ in range(kills):
        before = site.taken
        worker = site.start_worker()
        site.wait(lambda seen=before: site.taken > seen)
        time.sleep(dice.uniform(0.0, 0.25))
        kill_all(site, worker)
    deliver_all(site)
    states = check(site, doubts=CONNECTIONS * kills)
    assert set(states) <= {"accepted", "unknown"}
    assert site.journals() == []


def test_what_only_the_intent_is_known_of_is_named_unknown(make: Make) -> None:
    """Law 2: the server has the message, the worker died before it read a reply."""
    site = make(people=20, sending=SMALL)
    site.start_server([{"verb": "dot", "do": "stall", "every": 3}])
    worker = site.start_worker()
    site.wait(lambda: bool(site.counts().get("attempting")) and site.taken >= 2)
    time.sleep(0.5)
    kill_all(site, worker)
    worker = site.start_worker()
    site.wait(lambda: "unknown" in site.counts(), seconds=15)
    unknown = [row for row in site.rows() if row.state.value == "unknown"]
    assert 1 <= len(unknown) <= CONNECTIONS
    for row in unknown:
        assert row.message_id.endswith("@bounce.shop.example")
        assert row.digest is not None
        assert row.attempts == 1
        assert "before the server's last reply was read" in row.reply


def test_sigterm_in_the_middle_leaves_nothing_unknown(make: Make) -> None:
    """What the server answers within stop_seconds is recorded; the rest goes back."""
    site = make(people=100)
    site.start_server(delay=0.1)
    for expected in (5, 30):
        worker = site.start_worker()
        site.wait(lambda count=expected: site.taken >= count)
        assert stop(worker) == 0
        assert set(check(site, doubts=0)) <= {"accepted", "queued"}
    assert site.journals() == []
    deliver_all(site)
    assert check(site, doubts=0) == {"accepted": 100}


def test_a_sender_that_is_killed_is_replaced_within_ten_seconds(make: Make) -> None:
    """`mailer work` goes on by itself, and settles what the dead one held."""
    site = make(people=80, sending=f'{SMALL}\nrate = "20/s"')
    site.start_server(delay=0.02)
    worker = site.start_worker()
    site.wait(lambda: site.taken >= 15)
    victim = site.senders(worker)[0]
    os.kill(victim, signal.SIGKILL)
    # It is still there for the moment that its kill takes.
    site.wait(lambda: victim not in site.senders(worker), seconds=10)
    site.wait(lambda: not site.unburied() and len(site.senders(worker)) == 2, seconds=10)
    site.wait(site.settled)
    assert stop(worker) == 0
    check(site, doubts=CONNECTIONS)


def test_another_worker_of_the_host_takes_over_within_ten_seconds(make: Make) -> None:
    """Recovery is by whoever lives, not only by a restart."""
    site = make(people=80, sending=f'{SMALL}\nrate = "20/s"')
    site.start_server(delay=0.02)
    first, second = site.start_worker(), site.start_worker()
    site.wait(lambda: site.taken >= 15)
    kill_all(site, first)
    site.wait(lambda: not site.unburied(), seconds=10)
    site.wait(site.settled)
    assert stop(second) == 0
    check(site, doubts=CONNECTIONS)


def test_senders_whose_parent_is_killed_finish_and_end(make: Make) -> None:
    """Nobody sends without a supervisor, and what was on the wire is not in doubt."""
    site = make(people=100, sending=SMALL)
    site.start_server(delay=0.1)
    worker = site.start_worker()
    site.wait(lambda: site.taken >= 10)
    senders = site.senders(worker)
    assert senders
    kill(worker)
    site.wait(lambda: site.journals() == [] and site.order()["open"] == 0, seconds=15)
    assert set(check(site, doubts=0)) <= {"accepted", "queued"}
    deliver_all(site)
    assert check(site, doubts=0) == {"accepted": 100}


@pytest.mark.real
def test_two_workers_on_postgresql_share_one_campaign(
    make: Make, postgresql_url: str, postgresql_store: object
) -> None:
    """A89: two `mailer work` with a clockwork each, one PostgreSQL, each recipient once."""
    site = make(people=100, url=postgresql_url, sending=SMALL)
    site.start_server(delay=0.02)
    workers = [site.start_worker(), site.start_worker()]
    site.wait(site.settled)
    assert [stop(worker) for worker in workers] == [0, 0]
    assert check(site, doubts=0) == {"accepted": 100}


def test_the_server_killed_in_mid_campaign_costs_at_most_what_was_in_flight(make: Make) -> None:
    """The route goes down, waits, is probed and comes back."""
    site = make(people=60)
    site.start_server(delay=0.05)
    worker = site.start_worker()
    site.wait(lambda: site.taken >= 10)
    assert site.server is not None
    kill(site.server)
    time.sleep(1.5)
    site.start_server()
    site.wait(site.settled, seconds=40)
    assert stop(worker) == 0
    assert set(check(site, doubts=CONNECTIONS)) <= {"accepted", "unknown"}


def test_no_log_line_of_a_worker_holds_an_address_or_a_token(make: Make) -> None:
    """D25: canaries are the people's local parts and the tokens in their mail."""
    site = make(people=10)
    site.start_server([{"verb": "rcpt", "who": "p0003", "do": "550 5.1.1 <p0003@example.net> is unknown"}])
    worker = site.start_worker()
    site.wait(site.settled)
    stop(worker)
    log = site.work_log()
    assert "worker_started" in log
    assert "p000" not in log
    assert "/u/" not in log
