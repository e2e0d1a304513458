"""The small parts of the receiving end: JSON within limits, proofs used once, times that are near (D31, A79)."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailer.bounces.webhooks import Forged, Malformed, Unsigned
from mailer.bounces.webhooks.payload import MAX_EVENTS, MAX_TEXT, an_object, loaded, objects, text, within
from mailer.bounces.webhooks.proof import is_one_of, require, require_near, seconds_since_1970
from mailer.bounces.webhooks.receiving import digest
from mailer.bounces.webhooks.seen import MOST, Seen
from tests.bounces.webhooks.conftest import START

WINDOW = timedelta(minutes=5)


@pytest.mark.parametrize(
    ("value", "path", "found"),
    [
        ({"a": {"b": "c"}}, ("a", "b"), "c"),
        ({"a": 7}, ("a",), "7"),
        ({"a": 1.5}, ("a",), "1.5"),
        ({"a": True}, ("a",), ""),
        ({"a": None}, ("a",), ""),
        ({"a": ["b"]}, ("a",), ""),
        ({"a": "b"}, ("a", "b"), ""),
        ([], ("a",), ""),
        (None, ("a",), ""),
        ({"a": "x\0y"}, ("a",), "xy"),
        ({"a": "\ud800"}, ("a",), "?"),
        ({"a": "x" * 9000}, ("a",), "x" * MAX_TEXT),
    ],
)
def test_a_text_is_found_or_empty_and_always_storable(value: Any, path: tuple[str, ...], found: str) -> None:
    assert text(value, *path) == found


def test_a_list_gives_its_objects_and_no_more_than_are_looked_at() -> None:
    assert objects({"a": [1, {"b": 2}, "c", None, {}]}, "a") == [{"b": 2}, {}]
    assert objects({"a": {"b": 2}}, "a") == []
    assert len(objects({"a": [{}] * (MAX_EVENTS + 1)}, "a")) == MAX_EVENTS
    assert within({"a": {"b": [1]}}, "a", "b") == [1]


@pytest.mark.parametrize("body", [b"", b"\xff\xfe", b"{", b"nan", b"[Infinity]", b"[" * 200_000, b"9" * 5000])
def test_what_is_no_json_is_refused(body: bytes) -> None:
    with pytest.raises(Malformed):
        loaded(body)


@pytest.mark.parametrize("value", [None, [], "x", 7, True])
def test_only_an_object_is_one(value: Any) -> None:
    with pytest.raises(Malformed):
        an_object(value)


@given(st.binary(max_size=200))
def test_any_bytes_are_json_or_refused(body: bytes) -> None:
    with suppress(Malformed):
        loaded(body)


@pytest.mark.rule("D31")
def test_the_window_is_open_to_both_sides_up_to_its_edge(clock: Any) -> None:
    for near in (START, START - WINDOW, START + WINDOW):
        require_near(near, WINDOW)
    for far in (START - WINDOW - timedelta(seconds=1), START + WINDOW + timedelta(seconds=1)):
        with pytest.raises(Forged):
            require_near(far, WINDOW)


@pytest.mark.parametrize("stamp", ["", "-1", "1e9", "1795424400.5", " 1795424400", "9" * 12, "\u0661"])
def test_a_stamp_is_whole_seconds(stamp: str) -> None:
    with pytest.raises(Forged):
        seconds_since_1970(stamp)


def test_a_stamp_names_its_instant() -> None:
    assert seconds_since_1970(str(int(START.timestamp()))) == START


def test_what_is_missing_is_named_in_words() -> None:
    require(signature="x")
    with pytest.raises(Unsigned, match="no time stamp"):
        require(signature="x", time_stamp="")


def test_a_secret_is_one_of_those_that_are_valid() -> None:
    assert is_one_of("b", ["a", "b"])
    assert not is_one_of("c", ["a", "b"])
    assert not is_one_of("", [])
    assert not is_one_of("\ud800", ["a"])


@pytest.mark.rule("D31")
def test_a_proof_is_used_once_for_as_long_as_it_could_be_valid(clock: Any) -> None:
    seen = Seen(WINDOW)
    assert seen.claim("a")
    assert not seen.claim("a")
    assert seen.claim("b")
    clock.shift(2 * WINDOW - timedelta(seconds=1))
    assert not seen.claim("a")
    clock.shift(timedelta(seconds=1))
    assert seen.claim("a"), "its stamp is stale by now, whatever it was"


def test_a_proof_that_was_given_back_may_be_used(clock: Any) -> None:
    seen = Seen(WINDOW)
    assert seen.claim("a")
    seen.release("a")
    seen.release("never seen")
    assert seen.claim("a")


def test_proofs_do_not_pile_up(clock: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mailer.bounces.webhooks.seen.MOST", 10)
    seen = Seen(WINDOW)
    for number in range(100):
        assert seen.claim(str(number))
    assert len(seen._until) == 10
    assert not seen.claim("99")
    clock.shift(3 * WINDOW)
    seen.claim("later")
    assert len(seen._until) == 1
    assert MOST >= 10_000


def test_events_are_told_apart_by_provider_and_id() -> None:
    seen = {digest(provider, number) for provider in ("ses", "mailgun") for number in ("1", "2", "\ud800")}
    assert len(seen) == 6
    assert all(len(one) == 32 for one in seen)
