"""MJML read with the line of everything, and its mistakes named before the compiler sees them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailer.rendering.authoring.markup import Element, Words, read_mjml
from mailer.rendering.authoring.tags import Located, Origin
from mailer.rendering.identity import Problem


def _located(text: str) -> Located:
    return Located(text, tuple(Origin("c.mjml", line) for line in range(1, text.count("\n") + 2)))


def _read(text: str) -> tuple[Element, list[Problem]]:
    return read_mjml(_located(text))


def _first(text: str) -> Element:
    root, problems = _read(text)
    assert problems == []
    assert isinstance(root.children[0], Element)
    return root.children[0]


def test_elements_and_attributes_know_their_lines() -> None:
    section = _first(
        "<mj-section\n  padding='0'\n  background-color=\"#fff\">\n<mj-column></mj-column></mj-section>"
    )
    assert section.origin.line == 1
    assert [(each.name, each.value, each.origin.line) for each in section.attributes] == [
        ("padding", "0", 2),
        ("background-color", "#fff", 3),
    ]
    column = next(child for child in section.children if isinstance(child, Element))
    assert (column.name, column.origin.line) == ("mj-column", 4)


def test_html_content_is_kept_as_written() -> None:
    text = _first("<mj-text>\n  a <br> b & <b>c</mj-text>")
    assert text.content is not None
    assert text.content.text == "\n  a <br> b & <b>c"
    assert text.content.origin(2).line == 2


def test_a_greater_than_inside_an_attribute_does_not_end_the_tag() -> None:
    assert _first('<mj-image alt="a > b" src="x" />').get("alt") is not None


def test_self_closed_elements_have_no_children() -> None:
    root, problems = _read("<mj-section /><mj-text /><mj-section></mj-section>")
    assert problems == []
    assert [child.name for child in root.children if isinstance(child, Element)] == [
        "mj-section",
        "mj-text",
        "mj-section",
    ]


def test_comments_between_elements_are_dropped_and_text_is_kept() -> None:
    section = _first("<mj-section><!-- note --> stray <mj-column></mj-column></mj-section>")
    words = [child for child in section.children if isinstance(child, Words)]
    assert [each.located.text.strip() for each in words] == ["stray"]


def test_an_unquoted_attribute_is_remembered_as_such() -> None:
    attribute = _first("<mj-image width=100 src='x'/>").get("width")
    assert attribute is not None
    assert (attribute.value, attribute.quoted) == ("100", False)


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ("<mjml>\n<mj-body>\n", 2, "<mj-body> is never closed."),
        (
            "<mj-section>\n<mj-column>\n</mj-section>",
            2,
            "<mj-column> is not closed before </mj-section> in line 3.",
        ),
        ("\n</mj-section>", 2, "</mj-section> closes nothing that is open here."),
        ("\n\n<mj-text>words", 3, "<mj-text> is never closed."),
        ("<mj-sektion>\n</mj-sektion>", 1, "<mj-sektion> is not an MJML element."),
        ("\n<p>words</p>", 2, "<p> is not an MJML element."),
        ("<mj-include path='x'/>", 1, "<mj-include> is not available."),
        ("\n<!-- never", 2, "This comment is never closed."),
        ("\n<mj-section padding='0", 2, "is not a complete tag."),
        ("\n<mj-section <mj-column>", 2, "is not a complete tag."),
    ],
)
def test_broken_mjml_is_named_with_its_line(text: str, line: int, says: str) -> None:
    _, problems = _read(text)
    assert any(says in each.message and each.line == line for each in problems), [
        str(each) for each in problems
    ]


def test_a_misspelt_element_is_answered_with_a_guess() -> None:
    _, problems = _read("<mj-colum></mj-colum>")
    assert problems[0].remedy == "Did you mean <mj-column>?"


def test_all_mistakes_are_found_at_once() -> None:
    _, problems = _read("<mj-foo></mj-foo>\n<mj-bar></mj-bar>\n</mj-section>")
    assert [each.line for each in problems] == [1, 2, 3]


_PIECES = [
    "<mjml>",
    "</mjml>",
    "<mj-text>",
    "</mj-text>",
    "<mj-raw",
    ">",
    "<!--",
    "-->",
    "'",
    '"',
    "x=",
    "/>",
    "<",
    "\n",
]


@given(st.lists(st.sampled_from(_PIECES)))
def test_no_sequence_of_mjml_pieces_makes_the_reader_raise(pieces: list[str]) -> None:
    _, problems = _read("".join(pieces))
    assert all(each.message for each in problems)
