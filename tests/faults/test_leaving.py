"""A person who leaves during the send gets nothing that was claimed afterwards (law 3, F2, A58)."""

from __future__ import annotations

import os

import pytest

from tests.faults.conftest import Make
from tests.faults.leavers import breaches, leave_all, serve, some
from tests.faults.running import stop
from tests.faults.script import Script
from tests.faults.verdict import check

#: The size that `make faults` asks for is "100000 1000"; the usual one shows the same in seconds.
PEOPLE, LEAVERS = (int(word) for word in os.environ.get("MAILER_FAULT_LEAVERS", "6000 200").split())


@pytest.mark.rule("F2", "A10", "A58")
def test_nobody_who_left_gets_what_was_claimed_afterwards(make: Make) -> None:
    """One-click POSTs to `mailer serve` in the middle of a send at full speed; the server's clock decides."""
    site = make(people=PEOPLE, sending="batch_size = 500", connections=8)
    site.start_server(script=Script(delay_seconds=0.002, keep_bodies=False))
    address = serve(site)
    tokens = some(site.tokens(), LEAVERS, seed=7)
    worker = site.start_worker()
    site.wait(lambda: site.taken >= PEOPLE // 20, seconds=60)
    left = leave_all(address, tokens, seconds=PEOPLE / 3000, at_once=20)
    assert site.taken < PEOPLE - LEAVERS, "the send was over too soon to show anything"
    site.wait(site.settled, seconds=600)
    assert stop(worker) == 0
    states = check(site, doubts=0)
    assert breaches(site, left, transmission=1.0) == []
    assert 0 < states["skipped"] <= LEAVERS
    assert states["accepted"] + states["skipped"] == PEOPLE
