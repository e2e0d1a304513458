"""Addresses with holes in the text part lead where those of the HTML part lead (E11)."""

from __future__ import annotations

import pytest

from mailer.rendering.program import HoleContext, Program, Value
from tests.rendering.authoring.world import make


def holes(program: Program) -> list[HoleContext]:
    """The contexts of the values at the top of a program, links of the block left out."""
    return [
        node.context
        for node in program
        if isinstance(node, Value) and node.expression not in ("unsubscribe_url", "view_url")
    ]


@pytest.mark.rule("E11")
@pytest.mark.parametrize(
    "written",
    [
        "[shelf](https://shop.example/{{ first_name }})",
        "<https://shop.example/?who={{ first_name }}>",
        "Text [in a run](https://shop.example/#{{ first_name }}) of words",
    ],
)
def test_a_value_inside_a_link_is_a_part_of_an_address_in_the_text_part_too(written: str) -> None:
    assert HoleContext.URL in holes(make(written).text)
    assert HoleContext.TEXT not in holes(make(written).text)


def test_a_value_among_words_is_words_in_the_text_part() -> None:
    assert holes(make("Hello {{ first_name }}").text) == [HoleContext.TEXT]
