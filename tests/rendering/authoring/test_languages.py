"""Both languages whole, either direction of writing, light and dark, in campaigns and confirmation mail."""

from __future__ import annotations

import pytest

from mailer.bundled import bundled
from mailer.rendering.authoring import block, dom
from mailer.rendering.authoring.author import author_confirmation
from mailer.rendering.program import Parts
from tests.rendering.authoring.world import (
    SITE,
    UNSUBSCRIBE,
    WEEKLY,
    document,
    fill,
    html,
    in_text,
    make,
    mjml,
    text,
)

#: A sentence of the block in each language.
LEAVING = {"en": "You can leave at any time", "de": "Sie können sich jederzeit"}
IMAGES = {"images/reel.png": "https://news.shop.example/media/0a1b2c.png"}


def asked(language: str) -> Parts:
    """The mail that asks for a confirmation, in one language."""
    return author_confirmation(
        language=language, list_=WEEKLY, site=SITE, template_dirs=[bundled("templates")]
    )


@pytest.mark.rule("E17")
@pytest.mark.parametrize(("language", "other"), [("en", "de"), ("de", "en")])
def test_a_campaign_speaks_one_language_in_both_parts(language: str, other: str) -> None:
    made = make("x", language=language)
    for written in (" ".join(html(made).split()), " ".join(text(made).split())):
        assert LEAVING[language] in written
        assert LEAVING[other] not in written


@pytest.mark.rule("E17")
@pytest.mark.parametrize("language", ["de-AT", "de_CH", "DE"])
def test_a_region_speaks_the_language_of_its_country(language: str) -> None:
    assert LEAVING["de"] in text(make("x", language=language))


@pytest.mark.rule("E17")
def test_a_language_without_words_of_its_own_gets_the_english_ones() -> None:
    assert LEAVING["en"] in text(make("x", language="fr"))


@pytest.mark.rule("E17", "C6")
@pytest.mark.parametrize("language", ["en", "de"])
def test_a_confirmation_speaks_one_language_from_subject_to_imprint(language: str) -> None:
    here, there = asked(language), asked({"en": "de", "de": "en"}[language])
    assert fill(here.subject) != fill(there.subject)
    assert dom.attributes(_root(here))["lang"] == language
    lines, others = set(_sentences(text(here))), set(_sentences(text(there)))
    assert not {line for line in lines & others if " " in line and "Ohm" not in line and "@" not in line}


@pytest.mark.rule("E1")
@pytest.mark.parametrize("language", ["ar", "fa", "he", "ur-PK", "he_IL"])
def test_a_right_to_left_message_runs_that_way_from_its_root_to_the_block(language: str) -> None:
    made = document(make("# שלום\n\nעולם", language=language))
    panel = next(each for each in dom.elements(made) if _is_block(each))
    assert dom.attributes(_first(made, "html"))["dir"] == "rtl"
    assert dom.attributes(panel)["dir"] == "rtl"
    assert "direction:rtl!important" in dom.attributes(panel)["style"].replace(" ", "")


@pytest.mark.rule("E1")
def test_a_direction_the_author_set_on_a_paragraph_is_kept() -> None:
    made = make("<p dir='rtl' lang='he'>שלום</p>\n\nwords")
    paragraph = next(
        each for each in dom.elements(document(made), "p") if dom.attributes(each).get("dir") == "rtl"
    )
    assert dom.attributes(paragraph)["lang"] == "he"
    assert dom.attributes(_root(made))["dir"] == "ltr"


@pytest.mark.rule("E9")
@pytest.mark.parametrize("source", ["x", "# x\n\n> y"])
def test_a_message_says_once_that_it_knows_light_and_dark(source: str) -> None:
    names = [
        dom.attributes(meta).get("name") for meta in dom.elements(document(make(source)), "meta")
    ]  # fmt: skip
    assert names.count("color-scheme") == names.count("supported-color-schemes") == 1


@pytest.mark.rule("E9")
@pytest.mark.parametrize(
    ("head", "schemes"),
    [
        ("", "light"),
        ("<mj-style>p { color: #000 }</mj-style>", "light"),
        (
            "<mj-style>@media (prefers-color-scheme: dark) { p { color: #fff !important } }</mj-style>",
            "light dark",
        ),
    ],
)
def test_an_own_document_is_said_to_know_the_dark_only_if_it_has_rules_for_it(
    head: str, schemes: str
) -> None:
    """A mail program lays a dark page under what claims to know it: black letters would be lost."""
    source = mjml("<mj-section><mj-column><mj-text>x</mj-text></mj-column></mj-section>", head)
    metas = {
        dom.attributes(each).get("name"): dom.attributes(each).get("content")
        for each in dom.elements(document(make(source, "mjml")), "meta")
    }
    assert metas["color-scheme"] == metas["supported-color-schemes"] == schemes


@pytest.mark.rule("E9", "F3")
def test_the_block_brings_both_its_colours_so_that_dark_mode_cannot_part_them() -> None:
    panel = next(each for each in dom.elements(document(make("x"))) if _is_block(each))
    style = dom.attributes(panel)["style"].replace(" ", "")
    assert f"background-color:{block.BACKGROUND}!important" in style
    assert f"color:{block.TEXT}!important" in style


def test_an_image_is_found_in_markdown_html_and_mjml_alike() -> None:
    public = IMAGES["images/reel.png"]
    for source, kind in (
        ("![A reel](images/reel.png)", "markdown"),
        ("<img src='images/reel.png' alt='A reel'>", "markdown"),
        (in_text("<img src='images/reel.png' alt='A reel'>"), "mjml"),
    ):
        made = make(source, kind, images=IMAGES)
        assert [
            dom.attributes(each)["src"]
            for each in dom.elements(document(made), "img")
            if dom.attributes(each)["alt"] == "A reel"
        ] == [public]
        assert "A reel" in text(made)


def test_an_image_used_twice_has_one_address() -> None:
    written = html(make("![a](images/reel.png)\n\n![b](images/reel.png)", images=IMAGES))
    assert written.count(IMAGES["images/reel.png"]) == 2
    assert "images/reel.png" not in written


@pytest.mark.rule("E3")
@pytest.mark.parametrize("language", ["en", "de", "ar"])
def test_the_way_out_is_the_same_in_every_language(language: str) -> None:
    made = make("x", language=language)
    assert UNSUBSCRIBE in text(made).split("\n")
    panel = next(each for each in dom.elements(document(made)) if _is_block(each))
    assert UNSUBSCRIBE in [dom.attributes(link).get("href") for link in dom.elements(panel, "a")]


def _sentences(words: str) -> list[str]:
    return [line.strip() for line in words.split("\n") if line.strip()]


def _is_block(element: dom.Element) -> bool:
    return block.BLOCK_CLASS in dom.attributes(element).get("class", "").split()


def _first(node: dom.Node, name: str) -> dom.Element:
    found = dom.first(node, name)
    assert found is not None
    return found


def _root(parts: Parts) -> dom.Element:
    return _first(document(parts), "html")
