"""Reading and writing HTML: what is written is what was checked."""

from __future__ import annotations

import html5lib
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailer.rendering.authoring import dom

_PIECES = [
    "<p>", "</p>", "<b>", "</b>", "<i>", "<table>", "</table>", "<tr>", "<td>", "words", " ", "<!--", "-->",
    "<a href='x'>", "</a>", "<style>", "</style>", "<br>", "&amp;", "<", "&lt;script&gt;", "<title>", "</title>", "'",
    '"', "<li>", "</div>", "<!--[if mso]>", "<![endif]-->", "<textarea>", "<h1>", "\n", "<img alt='>'>",
]  # fmt: skip


@pytest.mark.parametrize(
    ("source", "written"),
    [
        ("<p a='\"<>&'>x</p>", '<p a="&quot;&lt;&gt;&amp;">x</p>'),
        ("<p>1 < 2 & 3 > 2</p>", "<p>1 &lt; 2 &amp; 3 &gt; 2</p>"),
        ("<p>a&nbsp;b</p>", "<p>a&nbsp;b</p>"),
        ("<br/><img src=x>", '<br><img src="x">'),
        ("<p hidden>x", '<p hidden="">x</p>'),
        ("<p>a<p>b", "<p>a</p><p>b</p>"),
        ("<b><i>x</b>y</i>", "<b><i>x</i></b><i>y</i>"),
        ("<table><tr><td>x</table>", "<table><tbody><tr><td>x</td></tr></tbody></table>"),
        ("<style>a > b {}</style>", "<style>a > b {}</style>"),
        ("<pre>\n\n x</pre>", "<pre>\n\n x</pre>"),
        ("<pre>\nx</pre>", "<pre>x</pre>"),
        ("<!--[if mso]><b><![endif]-->", "<!--[if mso]><b><![endif]-->"),
    ],
)
def test_html_is_written_in_one_plain_form(source: str, written: str) -> None:
    assert dom.serialise(dom.parse_fragment(source).root) == written


@settings(max_examples=150, deadline=None)
@given(st.lists(st.sampled_from(_PIECES), max_size=25))
def test_what_is_written_reads_back_the_same(pieces: list[str]) -> None:
    once = dom.serialise(dom.parse_document("".join(pieces)))
    twice = dom.serialise(dom.parse_document(once))
    assert dom.serialise(dom.parse_document(twice)) == twice


@pytest.mark.rule("E3")
@settings(max_examples=150, deadline=None)
@given(st.lists(st.sampled_from(_PIECES), max_size=25))
def test_a_written_fragment_cannot_reach_past_its_element(pieces: list[str]) -> None:
    """By the reading of another HTML5 parser: what follows the fragment is still outside of it."""
    fragment = dom.serialise(dom.parse_fragment("".join(pieces)).root)
    tree = html5lib.parse(
        f"<div>{fragment}</div><p id='after'>x</p>", treebuilder="etree", namespaceHTMLElements=False
    )
    after = [each for each in tree.find("body") if each.get("id") == "after"]
    assert [each.text for each in after] == ["x"]


@pytest.mark.parametrize("text", ["--> x", "--!> x", "> x", "-> x", "x --"])
def test_a_comment_cannot_end_early(text: str) -> None:
    node = dom.parse_fragment("<!-- y -->").root.children[0]
    node.data = text
    written = f"<p>{dom.serialise(node)}</p>"
    assert [each.name for each in dom.walk(dom.parse_fragment(written).root.children[0])][1:] == ["#comment"]


def test_style_text_cannot_end_its_element_early() -> None:
    style = dom.make("style", text="a{}</style><script>x</script><!--")
    read = dom.parse_fragment(dom.serialise(style)).root
    assert [each.name for each in dom.elements(read)] == ["style"]


def test_depth_is_measured_without_recursion() -> None:
    deep = dom.parse_fragment("<div>" * 2000).root
    assert dom.deeper_than(deep, 100)
    assert not dom.deeper_than(dom.parse_fragment("<div><div>x</div></div>").root, 100)
