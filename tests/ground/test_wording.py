"""Every text stands in every language, with the same places to fill."""

from __future__ import annotations

from string import Formatter

import pytest

from mailer.wording import LANGUAGES, WordingMissing, wording


def _places(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name is not None}


@pytest.mark.rule("E17")
@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_has_every_text(language: str) -> None:
    assert wording(language).texts.keys() == wording("en").texts.keys()


@pytest.mark.rule("E17")
@pytest.mark.parametrize("key", sorted(wording("en").texts))
def test_every_language_fills_the_same_places(key: str) -> None:
    """A place that one language forgot would show nothing; one it invented would fail on a page."""
    english = _places(wording("en").texts[key])
    for language in LANGUAGES:
        text = wording(language).texts[key]
        assert _places(text) == english
        assert text.strip() and "" not in _places(text)


def test_a_region_is_served_in_its_language_and_the_rest_in_english() -> None:
    assert wording("de-AT") is wording("de")
    assert wording("DE") is wording("de")
    assert wording("fr") is wording("en")


def test_an_unknown_text_is_named() -> None:
    with pytest.raises(WordingMissing, match=r"page\.nothing"):
        wording("en").text("page.nothing")


def test_a_place_without_a_value_is_named() -> None:
    key = next(key for key, text in wording("en").texts.items() if _places(text))
    with pytest.raises(WordingMissing):
        wording("en").text(key)


def test_a_value_with_braces_stays_as_it_is() -> None:
    """What fills a place is data: it is never read as a place itself."""
    key, place = next((k, _places(t)) for k, t in wording("en").texts.items() if len(_places(t)) == 1)
    assert "{site.secret}" in wording("en").text(key, **{place.pop(): "{site.secret}"})


@pytest.mark.parametrize(
    ("tag", "language"),
    [
        ("en", "en"),
        ("de", "de"),
        ("de-AT", "de"),
        ("de_CH", "de"),
        ("EN-us", "en"),
        ("fr", "en"),
        ("", "en"),
        ("-", "en"),
    ],
)
def test_any_tag_finds_a_language(tag: str, language: str) -> None:
    assert wording(tag).language == language


def test_one_language_is_read_once() -> None:
    assert wording("de-AT") is wording("de_CH") is wording("de")


def test_the_error_about_a_text_names_it_for_the_log() -> None:
    with pytest.raises(WordingMissing) as missing:
        wording("de").text("page.nothing", name="x")
    assert missing.value.facts == {"key": "page.nothing", "language": "de"}


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_text_can_be_filled_with_whatever_its_places_get(language: str) -> None:
    """Braces, percent signs and markup in a value stay a value."""
    for key, text in wording(language).texts.items():
        values = dict.fromkeys(_places(text), "{0} %s <b>")
        filled = wording(language).text(key, **values)
        assert filled.count("{0} %s <b>") == sum(
            name is not None for _, name, _, _ in Formatter().parse(text)
        )


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_text_holds_a_character_that_nobody_sees(language: str) -> None:
    for key, text in wording(language).texts.items():
        assert all(line.replace("\u00a0", " ").isprintable() for line in text.splitlines()), key
