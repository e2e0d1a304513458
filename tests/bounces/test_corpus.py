"""The labelled development set is read better than any published parser reads such mail (A81).

The set is not part of this project. Where it is, MAILER_BOUNCE_CORPUS names its folder.
"""

from __future__ import annotations

from collections import Counter

import pytest

from tests.bounces import corpus

#: Of the messages in each family that must not get lost: nothing may be below, and the sums have floors of their own.
FLOORS = {"found": 0.985, "precision": 0.99, "kinds": 0.985, "groups": 0.97}


@pytest.fixture(scope="module")
def counts() -> Counter[str]:
    """All families together."""
    where = corpus.folder()
    if where is None:
        pytest.skip(f"NOT RUN: {corpus.VARIABLE} does not name the folder of labelled bounces")
    return sum(corpus.counted(where).values(), Counter())


@pytest.mark.rule("A81")
def test_recipients_are_found_and_nobody_else(counts: Counter[str]) -> None:
    assert counts["found"] / counts["wanted"] >= FLOORS["found"]
    assert counts["found"] / (counts["found"] + counts["false recipients"]) >= FLOORS["precision"]


@pytest.mark.rule("A76")
def test_hard_and_soft_are_told_apart_and_no_living_address_is_called_dead(counts: Counter[str]) -> None:
    assert counts["kinds right"] / counts["kinds"] >= FLOORS["kinds"]
    assert counts["soft called hard"] == 0


def test_the_group_of_the_reason_is_right(counts: Counter[str]) -> None:
    assert counts["groups right"] / counts["groups"] >= FLOORS["groups"]


@pytest.mark.rule("A80")
def test_other_mail_is_no_bounce(counts: Counter[str]) -> None:
    assert counts["others"] > 0
    assert counts["false bounces"] == 0


@pytest.mark.rule("A82")
def test_every_complaint_is_found(counts: Counter[str]) -> None:
    assert counts["complaints found"] == counts["complaints"] > 0
