"""Workers that are frozen, and hosts that never return: what cannot be known is named, and never sent again."""

from __future__ import annotations

import os
import shutil
import signal
import time
from collections import Counter
from pathlib import Path

import pytest

from mailer.store.vocabulary import DeliveryState
from tests.faults.conftest import Make
from tests.faults.running import RunningSite, kill_all, stop
from tests.faults.verdict import check, judge

BATCH = 20
#: The lease, the heartbeat and the time after which a host is given up: 60 s, 5 s and 15 min in the product.
TIMES = {
    "mailer.delivery.engine:LEASE_SECONDS": 1.5,
    "mailer.delivery.engine:BEAT_SECONDS": 0.3,
    "mailer.delivery.recover:LOST_HOST": 4.0,
}


def two_hosts(make: Make) -> tuple[RunningSite, Path]:
    """A site, and the folder of the same site on another host: the same database, journals of its own."""
    site = make(people=200, workers=1, sending=f"batch_size = {BATCH}")
    site.patches = {"set": TIMES}
    other = site.root.parent / "other-host"
    other.mkdir()
    for name in ("mailer.toml", "secrets.toml"):
        shutil.copy2(site.root / name, other / name)
    settings = (other / "mailer.toml").read_text()
    database = f'[database]\nurl = "sqlite:///{site.root}/data/mailer.db"\n'
    (other / "mailer.toml").write_text(settings + database)
    return site, other


def hide_journals(site: RunningSite) -> None:
    """What another host sees of them: nothing. Their owner goes on writing."""
    (site.root / "data" / "journals").rename(site.root / "data" / "elsewhere")


def attempting(site: RunningSite) -> int:
    """Deliveries in the hands of a worker."""
    return sum(row.state is DeliveryState.ATTEMPTING for row in site.rows())


@pytest.mark.rule("A57")
def test_a_host_that_never_returns_leaves_one_batch_in_doubt_and_nobody_is_sent_two(make: Make) -> None:
    """Its journal cannot be read: every claim it held may have left."""
    site, other = two_hosts(make)
    site.start_server(delay=0.03)
    worker = site.start_worker()
    site.wait(lambda: site.taken >= 40)
    kill_all(site, worker)
    held = attempting(site)
    hide_journals(site)
    assert 0 < held <= BATCH
    second = site.start_worker(root=other)
    site.wait(site.settled, seconds=40)
    assert stop(second) == 0
    states = check(site, doubts=BATCH)
    assert states == {"accepted": 200 - held, "unknown": held}


def test_a_worker_frozen_for_so_long_that_its_claims_were_taken_sends_nothing_more(make: Make) -> None:
    """SIGSTOP past the lease, SIGCONT after another host gave it up: it withholds every body and ends."""
    site, other = two_hosts(make)
    site.start_server(delay=0.03)
    first = site.start_worker()
    site.wait(lambda: site.taken >= 40)
    (frozen,) = site.senders(first)
    site.freeze(frozen)
    hide_journals(site)
    second = site.start_worker(root=other)
    site.wait(site.settled, seconds=40)
    before = site.taken
    os.kill(frozen, signal.SIGCONT)
    time.sleep(2.0)
    stop(second)
    stop(first)
    verdict = judge(site)
    assert verdict.problems == []
    assert set(verdict.states) == {"accepted", "unknown"}
    assert verdict.states["unknown"] <= BATCH
    # At most the bodies whose intent was written in the instant of the freeze.
    late = Counter(message.recipient for message in site.accepted[before:])
    assert sum(late.values()) <= site.connections
    assert "took this one's claims" in site.work_log()


def test_a_worker_frozen_past_its_lease_keeps_its_claims_while_its_host_can_see_it(make: Make) -> None:
    """Its journal is locked: it lives. It goes on where it stood, once it could say so again."""
    site = make(people=200, workers=2, sending=f"batch_size = {BATCH}")
    site.patches = {"set": TIMES}
    site.start_server(delay=0.03)
    worker = site.start_worker()
    site.wait(lambda: site.taken >= 40 and len(site.senders(worker)) == 2)
    frozen = site.senders(worker)[0]
    os.kill(frozen, signal.SIGSTOP)
    time.sleep(5.0)
    os.kill(frozen, signal.SIGCONT)
    site.wait(site.settled, seconds=40)
    assert stop(worker) == 0
    assert check(site, doubts=0) == {"accepted": 200}
