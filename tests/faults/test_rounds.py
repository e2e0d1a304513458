"""Kill rounds of the usual test run: the same seeds each time, their moments never quite the same.

`make faults` plays 300 others. One seed again: `python -m tests.faults.rounds --only SEED`.
"""

from __future__ import annotations

import os

import pytest

from tests.faults.plans import plan_of
from tests.faults.rounds import Arena, report

ROUNDS = int(os.environ.get("MAILER_FAULT_ROUNDS", "24"))
FIRST_SEED = 20_000


@pytest.fixture(scope="module")
def arena(tmp_path_factory: pytest.TempPathFactory, postgresql_url: str) -> Arena:
    """Prepared sites on both databases."""
    return Arena(tmp_path_factory.mktemp("rounds") / "arena", cluster_url=postgresql_url)


@pytest.mark.real
@pytest.mark.rule("A57")
@pytest.mark.parametrize("seed", range(FIRST_SEED, FIRST_SEED + ROUNDS))
def test_whatever_is_killed_nobody_gets_two_copies_and_nobody_is_lost(arena: Arena, seed: int) -> None:
    """Laws 1 and 2 under a misbehaving server and random blows to the processes."""
    result = arena.play(seed)
    assert result.problems == [], report(result)


def test_the_plan_of_a_seed_is_always_the_same() -> None:
    """A printed seed can be played again."""
    assert str(plan_of(7, people=10)) == str(plan_of(7, people=10))
    assert len({str(plan_of(seed, people=10)) for seed in range(50)}) == 50
