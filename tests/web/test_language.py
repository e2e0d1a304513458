"""Which language a page speaks, and that both are complete (E17)."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from mailer.addresses import AddressFault
from mailer.web.errors import KINDS, LINK_BROKEN, LINK_EXPIRED
from mailer.web.language import accepted
from mailer.web.stamp import Verdict
from mailer.wording import LANGUAGES, wording
from tests.web.conftest import Desk

TEMPLATES = Path(__file__).parents[2] / "templates" / "web"


@pytest.mark.rule("E17")
@pytest.mark.parametrize(
    ("query", "header", "expected"),
    [
        ("", "", "en"),
        ("", "de", "de"),
        ("", "de-AT,de;q=0.9,en;q=0.5", "de"),
        ("", "fr, de;q=0.3", "de"),
        ("", "fr", "en"),
        ("", "en;q=0.1, de;q=0.9", "de"),
        ("", "de;q=0, en", "en"),
        ("?lang=de", "en", "de"),
        ("?lang=klingon", "de", "de"),
        ("", "de;q=broken", "en"),
        ("", "," * 5000, "en"),
    ],
)
def test_the_page_speaks_what_was_asked_for(desk: Desk, query: str, header: str, expected: str) -> None:
    answer = desk.client.get(f"/{query}", headers={"accept-language": header})
    assert answer.headers["content-language"] == expected
    assert f'<html lang="{expected}"' in answer.text


def test_preferences_are_sorted_by_weight_and_then_by_place() -> None:
    assert accepted("da, en-gb;q=0.8, en;q=0.8, *;q=0.1") == ["da", "en-gb", "en", "*"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_outcome_has_its_words(language: str) -> None:
    words = wording(language).text
    for fault in AddressFault:
        assert words(f"page.fault.{fault}")
    for verdict in set(Verdict) - {Verdict.GOOD}:
        assert words(f"page.subscribe.stamp.{verdict}")
    for kind in (*KINDS.values(), LINK_BROKEN, LINK_EXPIRED):
        assert words(f"page.error.{kind.name}.title")
        assert words(f"page.error.{kind.name}.lead")


@pytest.mark.rule("E17")
def test_both_languages_have_the_same_texts_with_the_same_places() -> None:
    english, german = (
        {
            key: sorted(re.findall(r"{(\w+)}", text))
            for key, text in wording(code).texts.items()
            if key.startswith("page.")
        }
        for code in ("en", "de")
    )
    assert english == german


def test_no_text_of_the_pages_is_unused() -> None:
    sources = [*TEMPLATES.glob("*.html"), *(TEMPLATES.parents[1] / "mailer" / "web").glob("*.py")]
    everything = "\n".join(path.read_text(encoding="utf-8") for path in sources)
    built = (
        "page.fault.",
        "page.error.",
        "page.subscribe.stamp.",
        "page.subscribe.label.",
        "page.date.month_",
    )
    built += ("page.subscribe.wrong.", "page.confirm.", "page.leave.", "page.help.")
    texts = [key for key in wording("en").texts if key.startswith("page.") and not key.startswith(built)]
    assert [key for key in texts if key not in everything] == []


def test_german_pages_address_people_formally() -> None:
    informal = re.compile(r"\b([Dd]u|[Dd]ein\w*|[Dd]ich|[Dd]ir|[Ee]uch|[Ee]uer\w*)\b")
    texts = {key: text for key, text in wording("de").texts.items() if key.startswith("page.")}
    assert {key for key, text in texts.items() if informal.search(text)} == set()


@pytest.mark.rule("E15")
@pytest.mark.parametrize("language", LANGUAGES)
def test_every_page_has_a_title_of_its_own(desk: Desk, language: str) -> None:
    paths = ("/", "/help", "/privacy", "/subscribe/weekly", "/subscribe/clearance", "/nothing")
    pages = [desk.client.get(f"{path}?lang={language}").text for path in paths]
    titles = [re.search("<title>(.*?)</title>", html, re.DOTALL).group(1) for html in pages]  # type: ignore[union-attr]  # a page without a title fails here
    assert len(set(titles)) == len(titles)
