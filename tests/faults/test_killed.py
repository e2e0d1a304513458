"""`mailer work` killed at any instant, stopped, and sharing its work: laws 1 and 2 with real processes."""

from __future__ import annotations

import random
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.faults.running import RunningSite, kill, stop

CONNECTIONS = 4  #: the default of [smtp.NAME]

Make = Callable[..., RunningSite]


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Make]:
    """Builds a running site; its processes end with the test."""
    made: list[RunningSite] = []

    def build(**options: object) -> RunningSite:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        root = tmp_path / f"site{len(made)}"
        root.mkdir()
        site = RunningSite(root, port, **options)
        made.append(site)
        return site.build()

    yield build
    for site in made:
        site.end()


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
    assert site.check_conservation(unknown=0) == {"accepted": 60}
    assert site.journals() == []
    assert not list((site.root / "data" / "journals").iterdir())


@pytest.mark.parametrize("seed", range(4))
def test_kill_minus_nine_at_a_random_instant_sends_nobody_two_copies(make: Make, seed: int) -> None:
    """Law 2, A57: at most one unknown per open connection and kill, nobody twice, nobody lost."""
    dice = random.Random(seed)
    site = make(people=120)
    site.start_server(delay=0.02)
    kills = 3
    for _ in range(kills):
        before = len(site.accepted)
        worker = site.start_worker()
        site.wait(lambda seen=before: len(site.accepted) > seen)
        time.sleep(dice.uniform(0.0, 0.25))
        kill(worker)
    deliver_all(site)
    states = site.check_conservation(unknown=CONNECTIONS * kills)
    assert set(states) <= {"accepted", "unknown"}
    assert site.journals() == []


def test_what_only_the_intent_is_known_of_is_named_unknown(make: Make) -> None:
    """Law 2: the server took the message, the worker died before it read the reply."""
    site = make(people=20)
    site.start_server([{"verb": "dot", "do": "stall", "every": 3}], delay=0.0)
    worker = site.start_worker()
    site.wait(lambda: "attempting" in {row.state.value for row in site.rows()} and len(site.accepted) >= 2)
    time.sleep(0.5)
    kill(worker)
    worker = site.start_worker()
    site.wait(lambda: any(row.state.value == "unknown" for row in site.rows()), seconds=15)
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
        site.wait(lambda count=expected: len(site.accepted) >= count)
        assert stop(worker) == 0
        counts = site.check_conservation(unknown=0)
        assert set(counts) <= {"accepted", "queued"}
    assert site.journals() == []
    deliver_all(site)
    assert site.check_conservation(unknown=0) == {"accepted": 100}


def test_a_second_worker_takes_over_within_ten_seconds(make: Make) -> None:
    """Recovery is by whoever lives, not only by a restart."""
    site = make(people=80, sending='rate = "40/s"')
    site.start_server(delay=0.02)
    first, second = site.start_worker(), site.start_worker()
    site.wait(lambda: len(site.accepted) >= 15)
    kill(first)
    killed = time.monotonic()
    site.wait(lambda: len(site.journals()) == 1, seconds=10)
    assert time.monotonic() - killed < 10
    site.wait(site.settled)
    assert stop(second) == 0
    site.check_conservation(unknown=CONNECTIONS)


@pytest.mark.real
def test_two_workers_on_postgresql_share_one_campaign(
    make: Make, postgresql_url: str, postgresql_store: object
) -> None:
    """A89: two processes, one PostgreSQL, each recipient once."""
    site = make(people=100, url=postgresql_url)
    site.start_server(delay=0.02)
    workers = [site.start_worker(), site.start_worker()]
    site.wait(site.settled)
    assert [stop(worker) for worker in workers] == [0, 0]
    assert site.check_conservation(unknown=0) == {"accepted": 100}


def test_the_server_killed_in_mid_campaign_costs_at_most_what_was_in_flight(make: Make) -> None:
    """The route goes down, waits, is probed and comes back."""
    site = make(people=60)
    site.start_server(delay=0.05)
    worker = site.start_worker()
    site.wait(lambda: len(site.accepted) >= 10)
    kill(site.processes[0])
    time.sleep(1.5)
    site.start_server()
    site.wait(site.settled, seconds=40)
    assert stop(worker) == 0
    counts = site.check_conservation(unknown=CONNECTIONS)
    assert set(counts) <= {"accepted", "unknown"}


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
