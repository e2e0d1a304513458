"""The unsubscribe block says everything it must, in the message's language, and stays last (C12, E4, F3, F7)."""

from __future__ import annotations

import dataclasses

import pytest

from mailer.rendering.authoring import block, dom
from mailer.rendering.authoring.text import WIDTH
from mailer.rendering.program import Value
from mailer.wording import wording
from tests.rendering.authoring.world import (
    SITE,
    UNSUBSCRIBE,
    VIEW,
    WEEKLY,
    document,
    html,
    in_text,
    make,
    site,
    text,
)


def _panel(made_document: dom.Node) -> dom.Element:
    found = [
        each
        for each in dom.elements(made_document)
        if block.BLOCK_CLASS in dom.attributes(each).get("class", "").split()
    ]
    assert len(found) == 1
    return found[0]


def _styles(element: dom.Element) -> dict[str, str]:
    parted = (part.partition(":") for part in dom.attributes(element)["style"].split(";"))
    return {name: value for name, _, value in parted}


@pytest.mark.rule("F3", "C12", "F7", "B7", "C13")
@pytest.mark.parametrize("language", ["en", "de"])
def test_both_parts_say_why_how_to_leave_who_sends_and_whom_to_ask(language: str) -> None:
    made = make("x", language=language)
    words = wording(language)
    for part in (dom.text_of(_panel(document(make("x", language=language)))), text(made)):
        squeezed = " ".join(part.split())
        for said in (
            words.text("block.why", list=WEEKLY.title, site=SITE.name),
            words.text("block.leave"),
            words.text("block.leave_link", list=WEEKLY.title),
            "Ohm & Volt Electronics GmbH, Lötstraße 12, 10115 Berlin, Germany",
            "privacy@shop.example",
            words.text("block.imprint_link"),
        ):
            assert said in squeezed


@pytest.mark.rule("E4")
def test_the_link_says_what_it_does_and_for_which_list() -> None:
    link = next(each for each in dom.elements(_panel(document(make("x"))), "a"))
    assert dom.text_of(link) == "Unsubscribe from “Ohm & Volt Weekly”"
    assert dom.attributes(link)["href"] == UNSUBSCRIBE


@pytest.mark.rule("E4", "E8", "B7")
def test_the_block_is_large_enough_underlined_and_cannot_be_restyled() -> None:
    panel = _panel(document(make("x")))
    for element in dom.elements(panel):
        assert all(value.endswith("!important") for value in _styles(element).values())
        assert _styles(element)["visibility"] == "visible!important"
        assert _styles(element)["opacity"] == "1!important"
    for link in dom.elements(panel, "a"):
        assert _styles(link)["text-decoration"] == "underline!important"
        assert int(_styles(link)["font-size"].removesuffix("px!important")) >= 12


def _luminance(color: str) -> float:
    parts = [int(color[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.rule("E8")
@pytest.mark.parametrize("color", [block.TEXT, block.LINK])
def test_the_contrast_of_the_block_is_far_above_the_limit(color: str) -> None:
    """It brings its own background, so light and dark mail programs show the same pair."""
    assert (_luminance(color) + 0.05) / (_luminance(block.BACKGROUND) + 0.05) > 7


@pytest.mark.rule("E1")
@pytest.mark.parametrize(
    ("language", "way"), [("en", "ltr"), ("de-AT", "ltr"), ("ar", "rtl"), ("he-IL", "rtl")]
)
def test_language_and_direction_stand_on_the_document_and_on_each_child_of_the_body(
    language: str, way: str
) -> None:
    made = document(make("x", language=language))
    body, root = dom.first(made, "body"), dom.first(made, "html")
    assert root is not None
    for element in (root, *(each for each in dom.children(body) if dom.is_element(each))):
        assert (dom.attributes(element)["lang"], dom.attributes(element)["dir"]) == (language, way)


@pytest.mark.rule("E1")
def test_a_whole_mjml_document_gets_language_and_direction_as_well() -> None:
    made = document(make(in_text("x"), "mjml", language="de"))
    children = [each for each in dom.children(dom.first(made, "body")) if dom.is_element(each)]
    assert {dom.attributes(each)["lang"] for each in children} == {"de"}


@pytest.mark.rule("F3")
def test_the_block_is_there_once_even_when_the_author_links_to_leaving() -> None:
    made = make("[leave now]({{ unsubscribe_url }})\n\nUnsubscribe from “Ohm & Volt Weekly”")
    links = [dom.attributes(each)["href"] for each in dom.elements(document(made), "a")]
    assert links.count(UNSUBSCRIBE) == 2
    assert len(list(dom.elements(_panel(document(made)), "a"))) == 4


@pytest.mark.rule("F3")
def test_the_block_is_not_inside_any_choice() -> None:
    made = make("{% if first_name %}\nx\n{% endif %}")
    assert sum(isinstance(node, Value) and node.expression == "unsubscribe_url" for node in made.html) == 1
    assert sum(isinstance(node, Value) and node.expression == "unsubscribe_url" for node in made.text) == 1
    assert UNSUBSCRIBE in html(made, lambda condition: False)


def test_without_an_imprint_there_is_no_imprint_link() -> None:
    written = html(make("x", site=site(imprint_url=None)))
    assert "Imprint" not in written


@pytest.mark.rule("D15")
def test_names_with_markup_are_shown_as_they_are() -> None:
    list_ = dataclasses.replace(WEEKLY, title="<b>A</b> & {B} “C”")
    made = make("x", list_=list_, site=site(legal_name="<script>1</script> {x}"))
    shown = dom.text_of(_panel(document(made)))
    assert "Unsubscribe from “<b>A</b> & {B} “C””" in shown
    assert "<script>1</script> {x}" in shown
    assert not list(dom.elements(document(made), "script"))


def test_every_line_of_the_text_block_keeps_to_the_width() -> None:
    list_ = dataclasses.replace(WEEKLY, title="A very long title of a list " * 4)
    lines = text(make("x", list_=list_)).split("\n")
    assert max(len(line) for line in lines if not line.startswith("https://")) <= WIDTH


def test_the_view_link_comes_with_the_block() -> None:
    assert VIEW in [dom.attributes(each)["href"] for each in dom.elements(_panel(document(make("x"))), "a")]


@pytest.mark.parametrize("key", [key for key in wording("en").texts if key.startswith("block.")])
def test_every_word_of_the_block_is_translated(key: str) -> None:
    assert wording("de").texts[key] != wording("en").texts[key]
