"""A filter means the same before a message is frozen and when it is filled (D14)."""

from __future__ import annotations

from typing import Any

import pytest

from mailer.rendering.authoring import sandbox
from mailer.rendering.filters import FILTERS, TESTS
from mailer.rendering.program import HoleContext, Value
from mailer.rendering.wire.evaluate import Evaluation, Section

_FIELDS = ("value",)


def _early(expression: str, value: Any) -> str:
    """As for something that is the same for everybody."""
    return sandbox.render(f"{{{{ {expression} }}}}", {"subscriber": {"value": value}}, autoescape=False)


def _late(expression: str, value: Any) -> str:
    """As for something that differs per recipient."""
    section = Section((Value(expression, HoleContext.TEXT),), str)
    pieces, _ = Evaluation((), [section], _FIELDS).fill({"subscriber_value": value}, ())
    return "".join(pieces)


@pytest.mark.rule("D14")
@pytest.mark.parametrize(
    ("filter_", "value", "written"),
    [
        ("abs", -3, "3"),
        ("capitalize", "éa B", "Éa b"),
        ("count", "abc", "3"),
        ("d('x')", "", "x"),
        ("date", "2026-11-27", "2026-11-27"),
        ("date('%d.%m.')", "2026-11-27T09:00:00Z", "27.11."),
        ("date('%d.%m.')", "one day", "one day"),
        ("date", None, ""),
        ("date", "", ""),
        ("default('there')", "", "there"),
        ("default('there')", "  ", "there"),
        ("default('there')", None, "there"),
        ("default(5)", 0, "0"),
        ("default(5, true)", 0, "5"),
        ("first", "Ada", "A"),
        ("first", "", ""),
        ("float", "2.5", "2.5"),
        ("int", "7", "7"),
        ("int", "seven", "0"),
        ("last", "Ada", "a"),
        ("last", "", ""),
        ("length", "Ada", "3"),
        ("lower", "ADA", "ada"),
        ("round(1)", 2.345, "2.3"),
        ("string", 5, "5"),
        ("title", "it's ada lovelace", "It's Ada Lovelace"),
        ("trim", "  Ada ", "Ada"),
        ("truncate(9)", "one two three", "one two…"),
        ("truncate(9)", "short", "short"),
        ("truncate(5)", "unbreakable", "unbr…"),
        ("upper", "straße", "STRASSE"),
        ("wordcount", "one two", "2"),
    ],
)
def test_a_filter_writes_the_same_early_and_late(filter_: str, value: Any, written: str) -> None:
    expression = f"subscriber.value | {filter_}"
    assert _early(expression, value) == _late(expression, value) == written


@pytest.mark.parametrize(
    ("test", "value", "holds"),
    [
        ("none", None, True),
        ("odd", 3, True),
        ("string", "x", True),
        ("divisibleby 3", 7, False),
        ("gt 2", 3, True),
    ],
)
def test_a_test_judges_the_same_early_and_late(test: str, value: Any, holds: bool) -> None:
    expression = f"'yes' if subscriber.value is {test} else 'no'"
    assert _early(expression, value) == _late(expression, value) == ("yes" if holds else "no")


@pytest.mark.rule("D14")
@pytest.mark.parametrize(
    "name",
    [
        "attr",
        "format",
        "map",
        "select",
        "pprint",
        "tojson",
        "xmlattr",
        "safe",
        "center",
        "indent",
        "batch",
    ],
)
def test_what_could_reach_further_or_grow_is_no_filter(name: str) -> None:
    assert name not in sandbox.FILTERS
    assert name not in FILTERS


@pytest.mark.rule("D14")
@pytest.mark.parametrize("name", ["callable", "filter", "test", "escaped", "sameas"])
def test_what_tells_of_the_program_is_no_test(name: str) -> None:
    assert name not in TESTS
