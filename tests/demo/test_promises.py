"""The table of promises: a promise nobody looked at, or that broke once, is not kept."""

from __future__ import annotations

from mailer.demo.promises import PROMISES, Evidence


def _all_shown() -> Evidence:
    evidence = Evidence()
    for promise in PROMISES:
        evidence.show(promise, "seen", kept=True)
    return evidence


def test_every_promise_shown_is_kept() -> None:
    evidence = _all_shown()
    assert evidence.all_kept
    assert [kept for _, _, kept in evidence.rows()] == [True] * len(PROMISES)


def test_a_promise_nobody_looked_at_counts_as_broken() -> None:
    evidence = Evidence()
    assert not evidence.all_kept
    assert {how for _, how, _ in evidence.rows()} == {"not shown"}


def test_one_bad_observation_breaks_a_promise_and_is_the_one_that_is_told() -> None:
    evidence = _all_shown()
    evidence.show("opt-out", "the next campaign reached her", kept=False)
    rows = {promise: (how, kept) for promise, how, kept in evidence.rows()}
    assert rows[PROMISES["opt-out"]] == ("the next campaign reached her", False)
    assert not evidence.all_kept
