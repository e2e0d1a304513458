"""A worker killed in the middle of writing an audience out: the next one ends the work, nobody twice (laws 1, 2)."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import func, select

from mailer import clock
from mailer.campaigns import audience, queries
from mailer.campaigns.audience import materialise_slice
from mailer.campaigns.due import start_due
from mailer.campaigns.status import status_of
from mailer.store.schema import Delivery

PEOPLE = 400
#: Writes slices of five, and says so after each, until it is killed.
WORKER = """
import sys
from pathlib import Path
from mailer.campaigns import audience
from mailer.store import open_store
audience.SLICE = 5
store = open_store(sys.argv[1], root=Path("/"))
while audience.materialise_slice(store, int(sys.argv[2])):
    print("slice", flush=True)
"""


def rows(store) -> int:
    with store.read() as connection:
        return connection.scalar(select(func.count()).select_from(Delivery)) or 0


@pytest.mark.parametrize("slices", [1, 7])
def test_a_killed_worker_leaves_whole_slices_and_the_next_one_goes_on(
    store, ledger, crowd, campaign_row, monkeypatch, slices
):
    crowd.join(PEOPLE)
    campaign_id = campaign_row(expected=PEOPLE)
    start_due(store, ledger, clock.now(), drift=0.05)
    url = store.engine.url.render_as_string(hide_password=False)

    root = Path(__file__).parents[2]
    with subprocess.Popen(
        [sys.executable, "-c", WORKER, url, str(campaign_id)], stdout=subprocess.PIPE, cwd=root, text=True
    ) as worker:
        assert worker.stdout is not None
        for _ in range(slices):
            assert worker.stdout.readline() == "slice\n"
        worker.send_signal(signal.SIGKILL)

    written = rows(store)
    assert written % 5 == 0
    assert slices * 5 <= written < PEOPLE
    with store.read() as connection:
        now = status_of(connection, queries.campaign_by_id(connection, campaign_id))
    assert now.audience == PEOPLE == now.not_materialised + sum(now.counts.values())

    monkeypatch.setattr(audience, "SLICE", 50)
    while materialise_slice(store, campaign_id):
        pass
    with store.read() as connection:
        reached = connection.scalars(select(Delivery.subscription_id)).all()
    assert len(reached) == len(set(reached)) == PEOPLE
