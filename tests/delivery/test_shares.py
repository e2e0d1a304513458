"""Senders pull, and still every relay has its share: laws of the arithmetic behind it."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailer.delivery.shares import PATIENCE_SECONDS, SLACK, Shares

WEIGHTS = st.lists(st.integers(1, 20), min_size=2, max_size=6)


def among(*weights: int) -> Shares:
    """Relays a, b, c... with these weights."""
    shares = Shares()
    shares.share_among({chr(97 + number): weight for number, weight in enumerate(weights)})
    return shares


def pull(
    shares: Shares, speeds: dict[str, float], *, messages: int, seed: int, now: float = 0.0
) -> dict[str, int]:
    """Relays ask in any order, some much oftener than others, until so many messages are gone."""
    dice, taken = random.Random(seed), dict.fromkeys(speeds, 0)
    while sum(taken.values()) < messages:
        (name,) = dice.choices(list(speeds), list(speeds.values()))
        taken[name] += shares.take(name, now=now)
    return taken


@pytest.mark.rule("B16")
@given(weights=WEIGHTS, seed=st.integers(), data=st.data())
def test_over_a_batch_every_relay_has_its_share_however_quick_it_is(
    weights: list[int], seed: int, data: st.DataObject
) -> None:
    """Within eight messages of it: 1.6 % of a batch of 500."""
    shares = among(*weights)
    names = [chr(97 + number) for number in range(len(weights))]
    speeds = {name: data.draw(st.floats(0.02, 1.0)) for name in names}
    taken = pull(shares, speeds, messages=500, seed=seed)
    for name, weight in zip(names, weights, strict=True):
        assert abs(taken[name] - 500 * weight / sum(weights)) <= SLACK + 1e-6, (name, taken)


@given(weights=WEIGHTS, asks=st.lists(st.integers(0, 5), max_size=300))
def test_somebody_may_always_take(weights: list[int], asks: list[int]) -> None:
    """Whatever was asked before, and without any time passing."""
    shares = among(*weights)
    names = [chr(97 + number) for number in range(len(weights))]
    for ask in asks:
        shares.take(names[ask % len(names)], now=0.0)
    assert any(shares.take(name, now=0.0) for name in names)


def test_a_relay_that_says_nothing_holds_the_others_for_seconds_once() -> None:
    """Not for the ten minutes that a server may take to answer, and not again after every few messages."""
    shares = among(1, 1)
    assert sum(shares.take("a", now=0.0) for _ in range(100)) == 2 * SLACK  # half of it is its own
    assert not shares.take("a", now=PATIENCE_SECONDS - 0.1)
    assert all(shares.take("a", now=PATIENCE_SECONDS) for _ in range(1000))


def test_a_relay_that_was_left_out_shares_again_when_it_takes() -> None:
    shares = among(1, 1)
    for now in (0.0, PATIENCE_SECONDS):
        for _ in range(100):
            shares.take("a", now=now)
    assert shares.take("b", now=PATIENCE_SECONDS)
    taken = pull(shares, {"a": 1.0, "b": 0.1}, messages=100, seed=1, now=PATIENCE_SECONDS)
    assert abs(taken["a"] - taken["b"]) <= 2 * SLACK


def test_a_relay_that_is_slow_but_takes_keeps_its_share() -> None:
    """The slowest for its share sets the pace of all: weights are promises to the relays, too."""
    shares = among(1, 1)
    taken = {"a": 0, "b": 0}
    for second in range(100):
        taken["b"] += shares.take("b", now=float(second))
        taken["a"] += sum(shares.take("a", now=float(second)) for _ in range(20))
    assert taken["b"] == 100
    assert taken["a"] <= 100 + 2 * SLACK


def test_what_could_not_be_sent_does_not_count() -> None:
    shares = among(1, 1)
    for _ in range(100):
        assert shares.take("a", now=0.0)
        shares.gave_back("a")


def test_who_was_told_to_wait_hears_when_the_others_have_caught_up() -> None:
    shares = among(1, 1)
    while shares.take("a", now=0.0):
        assert not shares.freed()
    told = [shares.freed() for _ in range(10) if shares.take("b", now=0.0)]
    assert told.count(True) == 1


def test_relays_that_all_stand_by_share_evenly() -> None:
    taken = pull(among(0, 0), {"a": 1.0, "b": 0.3}, messages=200, seed=3)
    assert abs(taken["a"] - taken["b"]) <= 2 * SLACK


def test_one_that_does_not_share_is_not_counted() -> None:
    """A relay whose connection is on trial: nobody waits for it."""
    shares = among(1)
    assert all(shares.take(name, now=0.0) for name in "ab" * 100)
