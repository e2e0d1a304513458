"""Markdown with tags in it: what stands on a line of its own is a block of its own."""

from __future__ import annotations

from mailer.rendering.authoring.markdown import to_html
from mailer.rendering.authoring.tags import Located, Names, Origin, Placeholders, lex, locate
from mailer.rendering.identity import Body

NAMES = Names(("first_name",), ("unsubscribe_url",), ("site",))


def _html(text: str) -> tuple[str, Located]:
    placeholders = Placeholders()
    lexed = lex(Body(text, "markdown", "c.md", 1), NAMES, placeholders)
    assert lexed.problems == ()
    located = to_html(locate(lexed.template, "c.md", placeholders), placeholders)
    return placeholders.readable(located.text), located


def test_an_if_on_its_own_line_stands_between_blocks() -> None:
    html, _ = _html("one\n{% if first_name %}\ntwo\n{% endif %}\nthree")
    assert html.split("\n") == [
        "<p>one</p>",
        "<!--{% if subscriber.first_name %}-->",
        "<p>two</p>",
        "<!--{% endif %}-->",
        "<p>three</p>",
    ]


def test_an_if_inside_a_line_stays_in_its_paragraph() -> None:
    html, _ = _html("Hello{% if first_name %} {{ first_name }}{% endif %}, welcome")
    assert (
        html == "<p>Hello{% if subscriber.first_name %} {{ subscriber.first_name }}{% endif %}, welcome</p>"
    )


def test_an_if_between_list_items_splits_the_list() -> None:
    html, _ = _html("- a\n{% if first_name %}\n- b\n{% endif %}\n")
    assert html.count("<ul>") == 2
    assert html.index("{% if") > html.index("</ul>")


def test_an_indented_if_stays_inside_the_list_item() -> None:
    html, _ = _html("- a\n\n  {% if first_name %}\n\n  more\n\n  {% endif %}\n- b\n")
    assert html.count("<ul>") == 1
    assert html.index("<!--{% if") < html.index("</li>")


def test_a_tag_in_a_code_block_is_filled_like_any_text() -> None:
    html, _ = _html("```\n{{ first_name }}\n```")
    assert html == "<pre><code>{{ subscriber.first_name }}\n</code></pre>"


def test_a_tag_in_a_link_address_is_not_percent_encoded() -> None:
    html, _ = _html("[leave]({{ unsubscribe_url }}) [go](https://shop.example/?n={{ first_name }}&x=1)")
    assert 'href="{{ unsubscribe_url }}"' in html
    assert 'href="https://shop.example/?n={{ subscriber.first_name }}&amp;x=1"' in html


def test_a_tag_between_stars_is_still_emphasised() -> None:
    assert "<strong>{{ subscriber.first_name }}</strong>" in _html("Dear **{{ first_name }}**")[0]


def test_tables_and_strikethrough_work_and_bare_addresses_stay_text() -> None:
    html, _ = _html("|a|b|\n|-|-|\n|1|~~2~~|\n\nhttps://shop.example/")
    assert "<th>a</th>" in html
    assert "<s>2</s>" in html
    assert "<a " not in html


def test_html_lines_know_their_markdown_lines() -> None:
    _, located = _html("# One\n\ntwo\nthree\n\n<div>\n<p>x</p>\n</div>\n")
    where = {line: origin.line for line, origin in zip(located.text.split("\n"), located.lines, strict=True)}
    assert where == {"<h1>One</h1>": 1, "<p>two": 3, "three</p>": 4, "<div>": 6, "<p>x</p>": 7, "</div>": 8}


def test_an_empty_message_has_an_origin() -> None:
    assert _html("")[1].lines == (Origin("c.md", 1),)
