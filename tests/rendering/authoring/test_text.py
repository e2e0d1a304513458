"""The text part says what the HTML part says, in lines a person can read (E11)."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailer.rendering.authoring import dom
from mailer.rendering.authoring.tags import Placeholders
from mailer.rendering.authoring.text import WIDTH, to_text
from mailer.rendering.identity import Body
from tests.rendering.authoring.world import UNSUBSCRIBE, VIEW, always, html, make, text

LONG = "https://shop.example/" + "long-" * 40


def _text(body: str) -> str:
    return to_text(dom.parse_document(body), Placeholders())


@pytest.mark.rule("E11")
@pytest.mark.parametrize(
    ("body", "lines"),
    [
        ("<h1>One</h1><p>two</p>", ["One", "===", "", "two"]),
        ("<h2>Second</h2><h3>Third</h3>", ["Second", "------", "", "Third"]),
        ("<p>a<br>b</p>", ["a", "b"]),
        ("<p>a  \n  b&nbsp;c</p>", ["a b c"]),
        ("<ul><li>a</li><li>b</li></ul><p>c</p>", ["- a", "- b", "", "c"]),
        ("<ol><li>a</li><li>b</li></ol>", ["1. a", "2. b"]),
        ("<ul><li>a<ul><li>b</li></ul></li></ul>", ["- a", "  - b"]),
        ("<blockquote><p>a</p><p>b</p></blockquote>", ["> a", "", "> b"]),
        ("<pre>  a\n  b</pre>", ["      a", "      b"]),
        ("<p>a</p><hr><p>b</p>", ["a", "", "-" * 20, "", "b"]),
        ("<img src=x alt='A reel'>", ["A reel"]),
        ("<p>a<img src=x alt=''>b</p>", ["ab"]),
        ("<p>see <a href='https://a.example/x'>the page</a>.</p>", ["see the page [https://a.example/x]."]),
        ("<p><a href='https://a.example/x'>Read on</a></p>", ["Read on:", "https://a.example/x"]),
        ("<p><a href='https://a.example/x'>Read on!</a></p>", ["Read on!", "https://a.example/x"]),
        ("<p><a href='https://a.example/x'><img src=x alt='The shop'></a></p>", ["The shop:", "https://a.example/x"]),
        ("<p><a href='https://a.example/x'><img src=x alt=''></a></p>", ["https://a.example/x"]),
        ("<p><a href='https://a.example/'>https://a.example</a></p>", ["https://a.example"]),
        ("<p>write <a href='mailto:a@b.example'>a@b.example</a></p>", ["write a@b.example"]),
        ("<p>call <a href='tel:+4930'>us</a></p>", ["call us [+4930]"]),
        ("<p><a href='#'>nowhere</a></p>", ["nowhere"]),
        ("<a href='https://a.example/'><div>block <b>words</b></div></a>", ["block words:", "https://a.example/"]),
        ("<table><tr><th>a</th><th>b</th></tr><tr><td>1</td><td>2</td></tr></table>", ["a | b", "1 | 2"]),
        ("<table role=presentation><tr><td>a</td><td>b</td></tr></table>", ["a", "", "b"]),
        ("<table role=none><tr><td><table><tr><td>1</td></tr></table></td></tr></table>", ["1"]),
        ("<p>shown</p><p style='display: none'>hidden</p>", ["shown"]),
        ("<p>shown</p><div aria-hidden=true>hidden</div>", ["shown"]),
        ("<style>p{}</style><p>shown</p>", ["shown"]),
        ("<p>a\u200b\u00ad\ufeffb&#8203;</p>", ["ab"]),
        ("<div>a</div><div>&#8202;</div><div>b</div>", ["a", "", "b"]),
        ("<p>1 &lt; 2 &amp; 3</p>", ["1 < 2 & 3"]),
        ("<p>a</p><p><a href='https://a.example/'>a</a></p><p><a href='https://a.example/'>a</a></p>",
         ["a", "", "a:", "https://a.example/"]),
    ],
)  # fmt: skip
def test_elements_become_lines(body: str, lines: list[str]) -> None:
    assert _text(body).rstrip("\n").split("\n") == lines


@pytest.mark.rule("E11")
def test_lines_are_filled_and_addresses_are_never_broken() -> None:
    written = _text(f"<p>{'word ' * 60}<a href='{LONG}'>label</a> {'word ' * 30}</p>")
    assert f"[{LONG}]" in written
    assert all(len(line) <= WIDTH or LONG in line for line in written.split("\n"))
    assert max(len(line) for line in written.split("\n") if LONG not in line) > WIDTH - 5


def test_wide_characters_take_two_columns() -> None:
    written = _text(f"<p>{'電子 ' * 60}</p>")
    assert max(len(line) for line in written.split("\n")) < 60


def test_quotations_and_lists_keep_their_indent_when_filled() -> None:
    written = _text(f"<blockquote><p>{'word ' * 40}</p></blockquote><ul><li>{'word ' * 40}</li></ul>")
    lines = written.rstrip("\n").split("\n")
    assert all(line.startswith("> ") for line in lines[:3])
    assert lines[-2].startswith("  word")
    assert all(len(line) <= WIDTH for line in lines)


@pytest.mark.rule("E11", "E4")
def test_the_unsubscribe_address_stands_alone_on_its_line_below_its_words() -> None:
    lines = text(make("x")).split("\n")
    at = lines.index(UNSUBSCRIBE)
    assert lines[at - 1] == "Unsubscribe from “Ohm & Volt Weekly”:"
    assert VIEW in lines


@pytest.mark.rule("E11")
def test_the_text_part_holds_the_words_of_the_html_part() -> None:
    body = (
        "# Week 47\n\nHello *you*, see [the sheet](https://shop.example/s).\n\n- one\n- two\n\n|a|b|\n|-|-|\n|c|d|\n\n"
        "> said\n\n![A reel](images/reel.png)\n"
    )
    made = make(body, images={"images/reel.png": "https://news.shop.example/media/1.png"})
    document = dom.parse_document(html(made))
    seen = set(re.findall(r"\w{2,}", dom.text_of(dom.first(document, "body"))))
    said = set(re.findall(r"\w{2,}", text(made)))
    assert len(seen & said) / len(seen) >= 0.9
    assert "A reel" in text(made)


@pytest.mark.rule("E11")
def test_nothing_of_markup_is_left_over() -> None:
    body = "# A & B\n\n<p style='color:red'>x&nbsp;y</p>\n\n{% if first_name %}z{% endif %}"
    written = text(make(body))
    for left in ("{{", "{%", "<p", "&nbsp;", "&amp;", "style", "zq"):
        assert left not in written


def test_a_choice_takes_its_empty_line_along() -> None:
    body = "one\n\n{% if first_name %}\ntwo\n{% endif %}\n\nthree"
    assert "one\n\nthree\n" in text(make(body), lambda condition: False)
    assert "one\n\ntwo\n\nthree\n" in text(make(body))


def test_a_paragraph_that_is_one_choice_leaves_no_gap() -> None:
    body = "one\n\n{% if first_name %}two{% endif %}\n\nthree"
    assert "one\n\nthree\n" in text(make(body), lambda condition: False)


def test_a_choice_between_list_items_keeps_the_list() -> None:
    body = "<ul><li>a</li>{% if country %}<li>b</li>{% endif %}<li>c</li></ul>"
    assert "- a\n- b\n- c\n" in text(make(body))
    assert "- a\n- c\n" in text(make(body), lambda condition: False)


def test_an_author_s_own_text_is_used_and_the_block_follows() -> None:
    own = Body(
        "Hello {{ first_name }} & <b>co</b>\n{% if country %}Abroad{% endif %}\n", "text", "campaign.txt"
    )
    written = text(make("# HTML", text_body=own), always, **{"subscriber.first_name": "Ada"})
    assert written.startswith("Hello Ada & <b>co</b>\nAbroad\n")
    assert "HTML" not in written
    assert UNSUBSCRIBE in written.split("\n")


@settings(max_examples=40, deadline=None)
@given(st.lists(st.sampled_from(
    ["<p>", "</p>", "<table>", "<td>", "<li>", "<ul>", "<a href='https://a.example/'>", "</a>", "word ", "<br>", "<h1>",
     "<blockquote>", "</blockquote>", "<pre>", "</div>", "<img alt='x'>", "<ol>", "<tr>"]), max_size=30))  # fmt: skip
def test_no_html_makes_the_text_part_fail_or_start_with_a_gap(pieces: list[str]) -> None:
    written = _text("".join(pieces))
    assert written.endswith("\n")
    assert not written.startswith("\n\n")
    for mark in ("\ue003", "\ue004", "\ue005"):
        assert mark not in written
