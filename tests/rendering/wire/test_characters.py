"""Merged values are data."""

from __future__ import annotations

from datetime import date, datetime
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from justhtml import JustHTML

from mailer.rendering.wire import characters
from mailer.rendering.wire.characters import HTML_GROWTH, URL_GROWTH, VALUE_LIMIT

anything = st.text(max_size=600)


@pytest.mark.rule("A29", "D13")
@given(anything)
def test_a_plain_value_is_one_line_whatever_it_was(value: str) -> None:
    text = characters.plain(value)
    assert len(text.splitlines()) <= 1
    assert not characters.UNSAFE.search(text)
    text.encode("utf-8")


@pytest.mark.rule("B17")
@given(anything)
def test_a_value_has_a_size_limit_in_every_context(value: str) -> None:
    assert len(characters.plain(value)) <= VALUE_LIMIT
    assert len(characters.html(value).encode()) <= VALUE_LIMIT * HTML_GROWTH + 6
    assert len(characters.url_component(value)) <= VALUE_LIMIT * URL_GROWTH
    assert len(characters.link(value)) <= characters.URL_LIMIT * 12


@pytest.mark.rule("D15")
@given(anything)
def test_html_values_read_back_as_text_and_open_no_element(value: str) -> None:
    written = characters.html(value)
    document = JustHTML(f'<p title="{written}">x{written}x</p>', fragment=True, sanitize=False)
    (paragraph,) = document.root.children
    assert paragraph.attrs == {"title": characters.isolated(value)}
    assert (
        paragraph.to_text(strip=False, separator="") == f"x{characters.isolated(value)}x"
        or not value.isprintable()
    )
    assert [child.name for child in paragraph.children] == ["#text"]


@given(anything)
def test_a_link_component_is_free_of_syntax_and_reads_back(value: str) -> None:
    written = characters.url_component(value)
    assert not set(written) & set("/?#&=:@\"'<> ")
    assert unquote(written) == characters.plain(value)


@pytest.mark.rule("D15")
@pytest.mark.parametrize(
    "value",
    ["javascript:alert(1)", " JaVaScript:alert(1)", "data:text/html,x", "//evil.example/", "http://shop.example/",
     "vbscript:x", "java\nscript:alert(1)", "", "/relative", "https://" + "x" * 2000, "http://127.0.0.1.evil.example/",
     "http://localhost@evil.example/"],
)  # fmt: skip
def test_a_link_that_is_not_https_mailto_or_tel_goes_nowhere(value: str) -> None:
    assert characters.link(value) == "#"


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("https://shop.example/a?b=1&c=2", "https://shop.example/a?b=1&amp;c=2"),
        ("HTTPS://shop.example/", "HTTPS://shop.example/"),
        ("mailto:a@shop.example", "mailto:a@shop.example"),
        ("tel:+4930123", "tel:+4930123"),
        ("http://127.0.0.1:8025/u/x", "http://127.0.0.1:8025/u/x"),
        ('https://shop.example/"><script>', "https://shop.example/%22%3E%3Cscript%3E"),
        ("https://shop.example/ü x", "https://shop.example/%C3%BC%20x"),
        ("https://shop.example/%20", "https://shop.example/%20"),
        (" https://shop.example/ ", "https://shop.example/"),
    ],
)
def test_a_good_link_is_written_for_an_attribute(value: str, written: str) -> None:
    assert characters.link(value) == written


@pytest.mark.rule("E17")
def test_a_right_to_left_name_is_isolated() -> None:
    assert characters.isolated("أحمد") == "\u2068أحمد\u2069"
    assert characters.isolated("Zoë") == "Zoë"


@pytest.mark.rule("E17")
def test_a_value_cannot_turn_the_text_around_it() -> None:
    assert characters.plain("a\u202eb\u2066c") == "a b c"


def test_an_overlong_value_ends_in_an_ellipsis() -> None:
    assert characters.plain("x" * 1000) == "x" * 255 + "…"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, ""), (3, "3"), (3.0, "3"), (3.5, "3.5"), (True, "True"),
        (date(2026, 11, 23), "2026-11-23"), (datetime(2026, 11, 23, 9, 5), "2026-11-23 09:05"),
    ],
)  # fmt: skip
def test_values_of_other_types_are_written_plainly(value: object, text: str) -> None:
    assert characters.plain(value) == text
