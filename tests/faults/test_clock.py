"""The wall clock is stepped during a send: nobody gets two copies, nothing waits for a day to pass."""

from __future__ import annotations

import pytest

from tests.faults.conftest import Make
from tests.faults.running import stop
from tests.faults.verdict import check

DAY = 86_400


@pytest.mark.parametrize("steps", [(DAY, 0), (-DAY, 0), (-DAY, DAY)], ids=["forward", "backward", "both"])
def test_the_clock_jumps_by_a_day_and_the_campaign_goes_on(make: Make, steps: tuple[int, ...]) -> None:
    """Materialising, claiming, heartbeats and recovery go by the wall clock; leases and ages must not."""
    site = make(people=300, sending='batch_size = 20\nrate = "60/s"')
    offset = site.root / "offset"
    offset.write_text("0")
    site.patches = {"clock": str(offset), "set": {"mailer.campaigns.audience:SLICE": 100}}
    site.start_server(delay=0.02)
    worker = site.start_worker()
    for number, step in enumerate(steps, 1):
        site.wait(lambda enough=number * 60: site.taken >= enough)
        offset.write_text(str(step))
    site.wait(site.settled, seconds=30)
    assert stop(worker) == 0
    assert check(site, doubts=0) == {"accepted": 300}


def test_a_clock_that_was_wrong_at_the_start_is_put_right_before_the_first_message(make: Make) -> None:
    """The host came up with a clock of tomorrow, the time service steps it back."""
    site = make(people=100)
    offset = site.root / "offset"
    offset.write_text(str(DAY))
    site.patches = {"clock": str(offset)}
    site.start_server(refuse=True)
    worker = site.start_worker()
    site.wait(lambda: "route_down" in site.work_log())
    offset.write_text("0")
    site.order(listen=True)
    site.wait(site.settled, seconds=30)
    assert stop(worker) == 0
    assert check(site, doubts=0) == {"accepted": 100}
