"""Laws 1 to 3 hold with staff in the game: whatever is retried and settled, in whatever order."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from mailer.audit import Ledger
from mailer.delivery.retry import RetryPolicy
from tests.delivery.settling.staff_machine import StaffMachine
from tests.delivery.world import World

FEW = settings(
    max_examples=20, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)
)


@pytest.mark.rule("A56", "B13")
def test_no_retry_and_no_evidence_makes_a_second_copy_or_loses_anybody(world: World, ledger: Ledger) -> None:
    """Two deferrals expire here, so that there is something to try again."""
    world.policy = RetryPolicy(give_up=timedelta(hours=1))
    run_state_machine_as_test(lambda: StaffMachine(world, ledger), settings=FEW)
