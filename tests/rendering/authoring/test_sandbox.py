"""Compile-time Jinja ends: whatever an author writes, there is an answer within a second or two (D14)."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import pytest
from jinja2 import TemplateError, TemplateSyntaxError, UndefinedError
from jinja2.exceptions import SecurityError

from mailer.rendering.authoring.sandbox import TemplateForbidden, TemplateTooLong, render


def _render(template: str, names: Mapping[str, Any] | None = None) -> str:
    return render(template, names or {}, autoescape=True)


@pytest.mark.rule("D14")
@pytest.mark.parametrize(
    "template",
    [
        "{% for i in range(20000) %}{% for j in range(20000) %}{% endfor %}{% endfor %}",
        "{% for i in range(20000) %}{% for j in range(20000) %}{{ i }}{% endfor %}{% endfor %}",
        "{% for a in range(300) %}" * 3 + "{% endfor %}" * 3,
        "{{ range(10 ** 9) }}",
        "{{ range(99999999) | length }}",
        "{% set a = 'aaaaaaaaaaaaaaaa' %}" + "{% set a = a ~ a %}" * 40 + "{{ a }}",
        "{% set a = 'aaaaaaaaaaaaaaaa' %}" + "{% set a = a + a %}" * 40 + "{{ a }}",
        "{% set a = 'a' %}" + "{% set a = a | replace('a', 'aaaaaaaaaaaaaaaa') %}" * 20 + "{{ a }}",
        "{{ range(19999) | join('" + "x" * 500 + "') }}",
        "{% for i in range(19000) %}" + "x" * 500 + "{% endfor %}",
        "{{ 99999999999999999999 * 99999999999999999999 }}",
    ],
)
def test_a_template_that_does_too_much_ends_with_one_sentence(template: str) -> None:
    started = time.monotonic()
    with pytest.raises((TemplateTooLong, TemplateForbidden)) as caught:
        _render(template)
    assert str(caught.value).endswith(".")
    assert "\n" not in str(caught.value)
    assert time.monotonic() - started < 10


@pytest.mark.rule("D14")
@pytest.mark.parametrize(
    ("template", "word"),
    [
        ("{% macro a() %}{{ a() }}{% endmacro %}{{ a() }}", "macro"),
        ("{% for x in [1] recursive %}{{ loop([x]) }}{% endfor %}", "recursive"),
        ("{% include 'x' %}", "include"),
        ("{% import 'x' as y %}", "import"),
        ("{% extends 'x' %}", "extends"),
        ("{% block x %}{% endblock %}", "block"),
        ("{% filter upper %}x{% endfilter %}", "filter"),
        ("{% set x %}y{% endset %}", "set … endset"),
        ("{% with x = 1 %}{% endwith %}", "with"),
        ("{{ 2 ** 9999999 }}", "**"),
        ("{{ 'x'.upper() }}", "Calling"),
        ("{{ 'x'.format(1) }}", "Calling"),
        ("{{ lipsum() }}", "Calling"),
        ("{{ cycler(1) }}", "Calling"),
        ("{{ [].append(1) }}", "Calling"),
    ],
)
def test_what_messages_do_not_need_is_refused_by_name(template: str, word: str) -> None:
    with pytest.raises(TemplateForbidden) as caught:
        _render("\n" + template)
    assert word in str(caught.value)
    assert caught.value.line == 2


@pytest.mark.rule("D14")
@pytest.mark.parametrize(
    "template",
    [
        "{{ ''.__class__.__mro__[1].__subclasses__ }}",
        "{{ site.__init__.__globals__ }}",
        "{{ site['__class__'] }}",
        "{{ site | attr('__class__') }}",
        "{{ range.__self__ }}",
        "{{ self.__init__ }}",
        "{{ site|map(attribute='__class__')|list }}",
    ],
)
def test_known_escapes_raise(template: str) -> None:
    with pytest.raises((SecurityError, UndefinedError, TemplateSyntaxError, TemplateError)):
        _render(template, {"site": {}})


def test_an_unknown_name_is_an_error_not_an_empty_text() -> None:
    with pytest.raises(UndefinedError, match="nope"):
        _render("{{ nope }}")


@pytest.mark.rule("D15")
def test_values_are_escaped_in_html_and_left_alone_in_text() -> None:
    names = {"site": {"name": "<b>&"}}
    assert render("{{ site.name }}", names, autoescape=True) == "&lt;b&gt;&amp;"
    assert render("{{ site.name }}", names, autoescape=False) == "<b>&"


def test_a_value_is_never_a_template() -> None:
    assert _render("{{ site.name }}", {"site": {"name": "{{ 7 * 7 }}"}}) == "{{ 7 * 7 }}"


def test_loops_conditions_and_arithmetic_work() -> None:
    template = (
        "{% for n in range(3) %}{{ loop.index }}:{{ n * 2 }}{% if not loop.last %}, {% endif %}{% endfor %}"
    )
    assert _render(template) == "1:0, 2:2, 3:4"


@pytest.mark.parametrize(
    ("template", "written"),
    [
        ("{{ 'a' ~ 1 ~ 'b' }}", "a1b"),
        ("{{ x.price * 2 + 1 }}", "7"),
        ("{{ x.items | join(', ') }}", "q, r"),
        ("{{ x.items | first }}{{ x.items | last }}", "qr"),
        ("{{ x.missing | default('none') }}", "none"),
        ("{{ x.day | date('%d.%m.%Y') }}", "27.11.2026"),
        ("{{ 'not a day' | date }}", "not a day"),
        ("{{ 'one two three' | truncate(9) }}", "one two…"),
        ("{{ 'short' | truncate(9) }}", "short"),
        ("{{ '  x ' | trim | upper }}", "X"),
        ("{{ 'a b' | urlencode }}", "a%20b"),
        ("{{ 'abc' | replace('b', 'x') }}", "axc"),
        ("{{ 'yes' if x.price > 2 else 'no' }}", "yes"),
        ("{{ 'q' in x.items }}", "True"),
        ("{{ x.price is odd }}", "True"),
        ("{{ [3, 1, 2] | sort | reverse | join }}", "321"),
    ],
)
def test_the_allowed_filters_and_operators(template: str, written: str) -> None:
    names = {"x": {"price": 3, "items": ["q", "r"], "day": "2026-11-27"}}
    assert _render(template, names) == written


@pytest.mark.rule("D14")
@pytest.mark.parametrize(
    "grown", ["[l, l, l, l, l, l, l, l, l, l]", "(l, l, l, l, l, l, l, l, l, l)", "{1: l, 2: l, 3: l}"]
)
@pytest.mark.parametrize(
    "use", ["l", "l | string", "l | join", "[l] | sort", "l | upper", "l == k", "l ~ ''"]
)
def test_lists_that_hold_each_other_do_not_grow_without_end(grown: str, use: str) -> None:
    template = f"{{% set l = ['x'] %}}{f'{{% set l = {grown} %}}' * 20}{{% set k = l %}}{{{{ {use} }}}}"
    with pytest.raises(TemplateTooLong, match="parts"):
        _render(template)


def test_values_that_hold_each_other_are_refused_before_they_are_used() -> None:
    value: list[object] = ["x"]
    for _ in range(9):
        value = [value] * 10
    with pytest.raises(TemplateTooLong, match="parts"):
        _render("{{ x.items }}", {"x": {"items": value}})


@pytest.mark.parametrize("places", ["400000000", "-400000000"])
def test_rounding_ends_whatever_it_is_asked_for(places: str) -> None:
    assert _render(f"{{{{ 5 | round({places}) }}}}") in ("5", "5.0", "0", "0.0")


def test_text_cannot_be_multiplied() -> None:
    with pytest.raises(TemplateError, match="numbers only"):
        _render("{{ 'x' * 1000 }}")


def test_each_render_has_its_own_budget() -> None:
    """A long message today must not use up the turns of the next one."""
    template = "{% for n in range(15000) %}{% endfor %}"
    assert _render(template) == _render(template) == ""
