"""Merge fields: typed as declared, refused when they could break a header or are none of ours."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailer.settings import FieldSettings
from mailer.subscribers.fields import MAX_TEXT, FieldInvalid, typed_fields

DECLARED = {
    "first_name": FieldSettings(type="text"),
    "orders": FieldSettings(type="number"),
    "trade": FieldSettings(type="boolean"),
    "since": FieldSettings(type="date"),
}

GOOD = [
    ("first_name", "  Ada ", "Ada"),
    ("first_name", "=1+1", "=1+1"),
    ("first_name", "Zoe\u0308", "Zo\u00eb"),
    ("orders", "12", 12),
    ("orders", "-3", -3),
    ("orders", "2.5", 2.5),
    ("orders", 7, 7),
    ("trade", "Yes", True),
    ("trade", "nein", False),
    ("trade", True, True),
    ("since", "2026-11-27", "2026-11-27"),
]
BAD = [
    ("first_name", "Ada\r\nBcc: eve@example.org", "line break"),
    ("first_name", "Ada\u2028Eve", "line break"),
    ("first_name", "Ada\x1cEve", "line break"),
    ("first_name", "A" * (MAX_TEXT + 1), "at most 200"),
    ("orders", "twelve", "not a number"),
    ("orders", "nan", "not a number"),
    ("orders", "inf", "not a number"),
    ("trade", "perhaps", "neither yes nor no"),
    ("since", "27.11.2026", "not a date"),
]


@pytest.mark.parametrize(("name", "given_value", "stored"), GOOD)
def test_a_value_is_stored_in_its_type(name: str, given_value: object, stored: object) -> None:
    assert typed_fields(DECLARED, {name: given_value}) == {name: stored}


@pytest.mark.rule("A29", "D13")
@pytest.mark.parametrize(("name", "given_value", "why"), BAD)
def test_a_value_that_does_not_fit_is_refused_by_name(name: str, given_value: str, why: str) -> None:
    with pytest.raises(FieldInvalid, match=f"^{name}: .*{why}") as refused:
        typed_fields(DECLARED, {name: given_value})
    assert given_value not in str(refused.value)


@pytest.mark.rule("C23")
@pytest.mark.parametrize("value", ["", "   ", None])
def test_empty_values_are_not_stored(value: object) -> None:
    assert typed_fields(DECLARED, {"first_name": value}) == {}


@pytest.mark.rule("C23")
def test_undeclared_fields_are_dropped() -> None:
    assert typed_fields(DECLARED, {"shoe_size": "43"}) == {}


@given(st.dictionaries(st.sampled_from(sorted(DECLARED)), st.text(max_size=30)))
def test_typing_twice_is_typing_once(given_values: dict[str, str]) -> None:
    try:
        once = typed_fields(DECLARED, given_values)
    except FieldInvalid:
        return
    assert typed_fields(DECLARED, once) == once


@given(st.text())
def test_no_stored_text_breaks_a_line(text: str) -> None:
    try:
        stored = typed_fields(DECLARED, {"first_name": text})
    except FieldInvalid:
        return
    assert len(str(stored.get("first_name", "")).splitlines()) <= 1
