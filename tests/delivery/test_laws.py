"""Laws 1 to 3 of the design over the whole life of a campaign, on both databases."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.delivery.machine import DeliveryMachine
from tests.delivery.world import World

FEW = settings(
    max_examples=30, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)
)


@pytest.mark.rule("A58", "A89")
def test_whatever_happens_in_whatever_order_nobody_gets_two_copies_and_nobody_is_lost(world: World) -> None:
    """Claims, outcomes, opt-outs, pauses, kills and recoveries, in every order that hypothesis thinks of."""
    run_state_machine_as_test(lambda: DeliveryMachine(world), settings=FEW)
