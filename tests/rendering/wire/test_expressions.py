"""What may stand in a hole, and what is refused when the message is compiled."""

from __future__ import annotations

import pytest

from mailer.rendering.program import HoleContext, Static, Value
from mailer.rendering.wire.evaluate import Evaluation, Section
from mailer.rendering.wire.expressions import ExpressionRefused, as_boolean, as_number, parse_expression

FIELDS = ("first_name", "points", "joined")


def evaluated(expression: str, **names: object) -> str:
    section = Section((Value(expression, HoleContext.TEXT),), str)
    pieces, _ = Evaluation((), [section], FIELDS).fill(dict(names), ())
    return "".join(pieces)


@pytest.mark.parametrize(
    ("expression", "names", "text"),
    [
        ("subscriber.first_name", {"subscriber_first_name": "Ada"}, "Ada"),
        ("subscriber['first_name']", {"subscriber_first_name": "Ada"}, "Ada"),
        ("subscriber.first_name | upper", {"subscriber_first_name": "Ada"}, "ADA"),
        ("subscriber.first_name | default('there')", {"subscriber_first_name": ""}, "there"),
        ("subscriber.first_name | default('there')", {"subscriber_first_name": "  "}, "there"),
        ("subscriber.first_name | default('there')", {"subscriber_first_name": None}, "there"),
        ("subscriber.points | default(5)", {"subscriber_points": 0}, "0"),
        ("subscriber.points | default(5, true)", {"subscriber_points": 0}, "5"),
        ("subscriber.points * 2 + 1", {"subscriber_points": 20}, "41"),
        ("subscriber.points / 2", {"subscriber_points": 20}, "10"),
        ("'many' if subscriber.points > 10 else 'few'", {"subscriber_points": 20}, "many"),
        ("'yes' if subscriber.points in [1, 2] else 'no'", {"subscriber_points": 2}, "yes"),
        ("'Dear ' ~ subscriber.first_name", {"subscriber_first_name": "Ada"}, "Dear Ada"),
        ("subscriber.joined | date('%d.%m.%Y')", {"subscriber_joined": "2026-11-23"}, "23.11.2026"),
        ("subscriber.joined | date", {"subscriber_joined": None}, ""),
        ("subscriber.first_name is none", {"subscriber_first_name": None}, "True"),
        ("unsubscribe_url | length", {"unsubscribe_url": "https"}, "5"),
    ],
)
def test_an_expression_is_evaluated(expression: str, names: dict[str, object], text: str) -> None:
    assert evaluated(expression, **names) == text


@pytest.mark.rule("D14")
@pytest.mark.parametrize(
    "expression",
    [
        "subscriber.first_name.__class__.__mro__", "''.__class__", "subscriber.first_name.upper()", "range(9)",
        "subscriber", "subscriber.__class__", "self", "cycler", "lipsum()", "9 ** 9 ** 9", "[1, 2][0]", "{'a': 1}",
        "subscriber.first_name | attr('x')", "subscriber.first_name | map('upper')", "subscriber.first_name | safe",
        "'%1000000000s' | format(1)", "'a' | center(100000000)", "subscriber.first_name | replace('a', 'b')",
        "subscriber.first_name | wire_raw", "subscriber.first_name is callable", "subscriber.first_name[0]",
        "subscriber_first_name", "namespace()", "subscriber.first_name | join(subscriber)",
    ],
)  # fmt: skip
def test_everything_else_is_refused(expression: str) -> None:
    with pytest.raises(ExpressionRefused):
        parse_expression(expression, FIELDS)


@pytest.mark.rule("D14")
@pytest.mark.parametrize(
    "expression", ["subscriber.first_name * 1000000000", "'%9999999999d' % subscriber.points"]
)
def test_text_cannot_be_multiplied(expression: str) -> None:
    with pytest.raises(Exception, match="takes numbers"):
        evaluated(expression, subscriber_first_name="Ada", subscriber_points=1)


@pytest.mark.parametrize("expression", ["subscriber.first_name |", "a b", "", "'open", "{{ x }}", "%}"])
def test_a_broken_expression_is_named(expression: str) -> None:
    with pytest.raises(ExpressionRefused, match="not a complete expression"):
        parse_expression(expression, FIELDS)


@pytest.mark.rule("D14")
@pytest.mark.parametrize("places", [400_000_000, -400_000_000])
def test_rounding_ends_whatever_it_is_asked_for(places: int) -> None:
    assert evaluated(f"subscriber.points | round({places})", subscriber_points=7) in ("7", "7.0", "0", "0.0")


def test_an_endless_expression_is_refused() -> None:
    with pytest.raises(ExpressionRefused, match="too long"):
        parse_expression(" ~ ".join(["subscriber.first_name"] * 200), FIELDS)


@pytest.mark.rule("E18")
@pytest.mark.parametrize(
    ("expression", "hint"),
    [
        ("subscriber.firstname", "did you mean `first_name`"),
        ("subscriber.shoe_size", r"declare it under \[fields\]"),
        ("unsubscribe_link", "did you mean `unsubscribe_url`"),
        ("subscriber.first_name | uper", "did you mean `upper`"),
    ],
)
def test_an_unknown_name_says_what_could_be_meant(expression: str, hint: str) -> None:
    with pytest.raises(ExpressionRefused, match=hint):
        parse_expression(expression, FIELDS)


def test_the_names_an_expression_needs_are_known_beforehand() -> None:
    _, names = parse_expression("subscriber.first_name ~ subscriber.email ~ view_url", FIELDS)
    assert names == {"subscriber_first_name", "subscriber_email", "view_url"}


@pytest.mark.rule("D14")
@pytest.mark.parametrize("value", ["{{ 7 * 7 }}", "{% raw %}", "{# x #}", "}}", "\ue000"])
def test_a_value_that_looks_like_a_template_stays_text(value: str) -> None:
    assert evaluated("subscriber.first_name", subscriber_first_name=value) == value


@pytest.mark.rule("D14")
def test_static_text_that_looks_like_a_template_stays_text() -> None:
    pieces, _ = Evaluation((), [Section((Static("{{ 7 * 7 }}{% x %}"),))], FIELDS).fill({}, ())
    assert "".join(pieces) == "{{ 7 * 7 }}{% x %}"


@pytest.mark.parametrize(
    ("value", "number"),
    [("3", 3), ("3.50", 3.5), (4, 4), ("x", "x"), ("inf", "inf"), ("nan", "nan"), (None, None)],
)
def test_numbers_stored_as_text_count_as_numbers(value: object, number: object) -> None:
    assert as_number(value) == number


@pytest.mark.parametrize(
    ("value", "boolean"), [("true", True), ("No", False), ("1", True), ("0", False), (1, True)]
)
def test_booleans_stored_as_text_count_as_booleans(value: object, boolean: bool) -> None:
    assert as_boolean(value) is boolean
