"""The text part against the HTML part: nested structures line by line, and nine words of ten as a law (E11)."""

from __future__ import annotations

import re
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailer.rendering.authoring import dom
from mailer.rendering.authoring.block import TEXT_RULE
from mailer.rendering.authoring.tags import Placeholders
from mailer.rendering.authoring.text import WIDTH, to_text
from tests.rendering.authoring.world import always, html, in_text, make, text

WORD = re.compile(r"\w+")


def lines(body: str) -> list[str]:
    """The text part of a body, line by line."""
    return to_text(dom.parse_document(body), Placeholders()).rstrip("\n").split("\n")


@pytest.mark.rule("E11")
@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("<ul><li>a<ol><li>b</li><li>c</li></ol></li><li>d</li></ul>", ["- a", "  1. b", "  2. c", "- d"]),
        ("<ul><li><p>a</p><p>b</p></li><li>c</li></ul>", ["- a", "  b", "- c"]),
        ("<ul><li>a<blockquote>q</blockquote>b</li></ul>", ["- a", "  > q", "  b"]),
        ("<ul><li>a</li></ul><ul><li>b</li></ul>", ["- a", "", "- b"]),
        ("<ol><li>a</li></ol><p>p</p><ol start=2><li>b</li></ol>", ["1. a", "", "p", "", "2. b"]),
        ("<ol start=9><li>a</li><li>b</li></ol>", ["9. a", "10. b"]),
        ("<ol start=-1><li>a</li></ol>", ["1. a"]),
        ("<ol start=x><li>a</li></ol>", ["1. a"]),
        ("<dl><dt>Ohm</dt><dd>a unit</dd></dl>", ["Ohm", "", "a unit"]),
    ],
)
def test_lists_keep_their_numbers_and_their_depth(body: str, expected: list[str]) -> None:
    assert lines(body) == expected


@pytest.mark.rule("E11")
@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (
            "<blockquote><p>a</p><blockquote><p>b</p></blockquote><p>c</p></blockquote>",
            ["> a", "", "> > b", "", "> c"],
        ),
        ("<blockquote><ul><li>a</li><li>b</li></ul></blockquote>", ["> - a", "> - b"]),
        ("<blockquote><pre>x\n y</pre></blockquote>", [">     x", ">      y"]),
        ("<blockquote><table><tr><td>a</td><td>b</td></tr></table></blockquote>", ["> a | b"]),
        ("<blockquote>a<hr>b</blockquote>", ["> a", "", "> " + "-" * 20, "", "> b"]),
        ("<blockquote><h2>Head</h2></blockquote>", ["> Head", "> ----"]),
    ],
)
def test_what_stands_in_a_quotation_is_quoted(body: str, expected: list[str]) -> None:
    assert lines(body) == expected


@pytest.mark.rule("E11")
@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("<table><caption>Prices</caption><tr><td>a</td><td>b</td></tr></table>", ["Prices", "", "a | b"]),
        ("<table><tr><td>a</td><td></td><td>c</td></tr></table>", ["a |  | c"]),
        ("<table><tr><td></td><td></td></tr><tr><td>a</td></tr></table>", ["a"]),
        ("<table><tr><td>a<br>b</td><td>c</td></tr></table>", ["a b | c"]),
        ("<table><tr><td><p>a</p><p>b</p></td><td>c</td></tr></table>", ["a b | c"]),
        ("<table><tr><td><h2>Reel</h2></td><td>1 €</td></tr></table>", ["Reel | 1 €"]),
        ("<table><tr><td><img src=x alt='A reel'></td><td>1 €</td></tr></table>", ["A reel | 1 €"]),
        (
            "<table><tr><td><a href='https://s.example/r'>Reel</a> new</td></tr></table>",
            ["Reel [https://s.example/r] new"],
        ),
        (
            "<table><thead><tr><th>Part</th></tr></thead><tbody><tr><td>Coil</td></tr></tbody>"
            "<tfoot><tr><td>Sum</td></tr></tfoot></table>",
            ["Part", "Coil", "Sum"],
        ),
        (
            "<table><tr><td>a</td></tr><tr><td><table><tr><td>1</td><td>2</td></tr></table></td></tr></table>",
            ["a", "1 | 2"],
        ),
        ("<p>x</p><table><tr><td>a</td></tr></table><p>y</p>", ["x", "", "a", "", "y"]),
    ],
)
def test_a_data_table_is_a_line_for_each_row(body: str, expected: list[str]) -> None:
    assert lines(body) == expected


@pytest.mark.rule("E11")
@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (
            "<p>See <a href='https://s.example/a'>one</a> and <a href='https://s.example/b'>two</a>.</p>",
            ["See one [https://s.example/a] and two [https://s.example/b]."],
        ),
        (
            "<ul><li><a href='https://s.example/a'>one</a></li></ul>",
            ["- one:", "  https://s.example/a"],
        ),
        (
            "<h1><a href='https://s.example/a'>Week 47</a></h1>",
            ["Week 47:", "========", "https://s.example/a"],
        ),
        (
            "<a href='https://s.example/a'><h2>Reel</h2><p>on sale</p></a>",
            ["Reel on sale:", "https://s.example/a"],
        ),
        ("<p>or <a href='mailto:a@b.example?subject=Hello%20you'>write</a></p>", ["or write [a@b.example]"]),
        ("<p><a href='mailto:a@b.example?subject=Hi'>a@b.example</a></p>", ["a@b.example"]),
        ("<p><a href='MAILTO:a@b.example'>us</a></p>", ["us:", "a@b.example"]),
        (
            "<p><a href='https://s.example/a'><b>bold</b> <i>words</i></a></p>",
            ["bold words:", "https://s.example/a"],
        ),
        ("<p>a<a href='https://s.example/a'> b </a>c</p>", ["a b [https://s.example/a] c"]),
        (
            "<p><a href='https://s.example/a'>Why wait?</a></p>",
            ["Why wait?", "https://s.example/a"],
        ),
    ],
)
def test_every_link_shows_where_it_leads(body: str, expected: list[str]) -> None:
    squeezed = [re.sub(r"^a ?b", "a b", line) for line in lines(body)]
    assert squeezed == expected


@pytest.mark.rule("E11")
def test_the_same_link_under_an_image_and_its_caption_is_said_once() -> None:
    body = (
        "<p><a href='https://s.example/r'><img src=x alt='The reel'></a></p>"
        "<p><a href='https://s.example/r'>The reel</a></p>"
    )
    assert lines(body) == ["The reel:", "https://s.example/r"]


@pytest.mark.rule("E11")
def test_the_same_words_that_lead_elsewhere_are_said_again() -> None:
    body = "<p><a href='https://s.example/1'>Read</a></p><p><a href='https://s.example/2'>Read</a></p>"
    assert lines(body) == ["Read:", "https://s.example/1", "", "Read:", "https://s.example/2"]


@pytest.mark.rule("E11")
def test_repeated_words_without_a_link_are_all_kept() -> None:
    assert lines("<p>again</p><p>again</p>") == ["again", "", "again"]


def test_a_word_longer_than_a_line_is_kept_whole() -> None:
    assert lines(f"<p>a {'x' * 200} b</p>") == ["a", "x" * 200, "b"]


def test_the_underline_of_a_long_heading_stops_at_the_edge() -> None:
    assert max(map(len, lines(f"<h1>{'word ' * 60}</h1>"))) <= WIDTH


def test_the_underline_of_a_wide_heading_is_as_wide_as_it_looks() -> None:
    assert lines("<h1>電子部品</h1>") == ["電子部品", "========"]


def test_right_to_left_words_keep_the_order_they_are_written_in() -> None:
    body = "<p dir=rtl>שלום <a href='https://s.example/'>קישור</a> עולם</p>"
    assert lines(body) == ["שלום קישור [https://s.example/] עולם"]


@pytest.mark.rule("E11")
@pytest.mark.parametrize(
    "hidden",
    [
        "<div style='mso-hide:all'>x</div>",
        "<div style='visibility : hidden'>x</div>",
        "<p hidden>x</p>",
        "<span aria-hidden='true'>x</span>",
        "<title>x</title>",
        "<template>x</template>",
        "<select><option>x</option></select>",
        "<input value=x>",
        "<!-- x -->",
    ],
)
def test_what_no_reader_sees_is_not_said(hidden: str) -> None:
    assert lines(f"<p>shown</p>{hidden}") == ["shown"]


#: Words that cannot be mistaken for one another, so that each lost one is seen.
words = st.lists(st.sampled_from([f"word{number}" for number in range(40)]), min_size=1, max_size=8).map(
    " ".join
)


def _block(kind: str, said: str) -> str:
    rows = said.split(" ")
    return {
        "paragraph": said,
        "heading": f"## {said}",
        "bullets": "\n".join(f"- {row}" for row in rows),
        "numbers": "\n".join(f"{n}. {row}" for n, row in enumerate(rows, start=3)),
        "nested": "\n".join(f"{'  ' * min(n, 3)}- {row}" for n, row in enumerate(rows)),
        "quote": f"> {said}",
        "quote in quote": f"> > {said}",
        "table": f"| {' | '.join(rows)} |\n|{'-|' * len(rows)}\n| {' | '.join(rows)} |",
        "link": f"[{said}](https://shop.example/parts)",
        "strong": f"**{said}**",
        "code": f"`{said}`",
        "fence": f"```\n{said}\n```",
        "image": f"![{said}](images/reel.png)",
        "html": f"<div><div>{said}</div></div>",
        "captioned": f"<table><caption>{said}</caption><tr><td>{said}</td></tr></table>",
        "struck": f"~~{said}~~",
    }[kind]


blocks = st.tuples(
    st.sampled_from(
        ["paragraph", "heading", "bullets", "numbers", "nested", "quote", "quote in quote", "table", "link"]
        + ["strong", "code", "fence", "image", "html", "captioned", "struck"]
    ),
    words,
)


@pytest.mark.rule("E11")
@settings(max_examples=40, deadline=None)
@given(st.lists(blocks, min_size=1, max_size=6))
def test_nine_words_of_ten_of_any_message_are_in_its_text_part(parts: list[tuple[str, str]]) -> None:
    # Each block ends in a word of its own: of two links that say the same, the text keeps one.
    blocks = (_block(kind, f"{said} part{number}") for number, (kind, said) in enumerate(parts))
    source = "\n\n<!-- -->\n\n".join(blocks)
    made = make(source, images={"images/reel.png": "https://news.shop.example/media/1.png"})
    seen = Counter(WORD.findall(_visible(html(made))))
    said = Counter(WORD.findall(text(made)))
    kept = sum((seen & said).values())
    assert kept / sum(seen.values()) >= 0.9


@pytest.mark.rule("E11")
@settings(max_examples=40, deadline=None)
@given(st.lists(blocks, min_size=1, max_size=6))
def test_no_line_but_one_with_an_address_is_wider_than_the_text_part(parts: list[tuple[str, str]]) -> None:
    source = "\n\n<!-- -->\n\n".join(_block(kind, said) for kind, said in parts if "fence" not in kind)
    made = make(source or "x", images={"images/reel.png": "https://news.shop.example/media/1.png"})
    for line in text(made).split("\n"):
        assert len(line) <= WIDTH or "://" in line or " | " in line, line


@pytest.mark.rule("E11")
@settings(max_examples=30, deadline=None)
@given(words, words, words)
def test_a_choice_takes_from_both_parts_alike(before: str, inside: str, after: str) -> None:
    source = f"{before}\n\n{{% if first_name %}}\nXX{inside}XX\n{{% endif %}}\n\n{after}"
    made = make(source)
    for decide, there in ((always, True), (lambda condition: False, False)):
        assert (f"XX{inside}XX" in html(made, decide)) is there
        assert (f"XX{inside}XX" in " ".join(text(made, decide).split())) is there
        assert "\n\n\n" not in text(made, decide).split(f"{TEXT_RULE}\n")[0].rstrip("\n")


@pytest.mark.rule("E11")
def test_an_mjml_button_image_and_table_are_said_as_well() -> None:
    body = (
        "<mjml><mj-body><mj-section><mj-column>"
        "<mj-button href='https://shop.example/reel'>Buy the reel</mj-button>"
        "<mj-table><tr><th>Part</th><th>Price</th></tr><tr><td>Coil</td><td>2 €</td></tr></mj-table>"
        "</mj-column></mj-section></mj-body></mjml>"
    )
    written = text(make(body, "mjml"))
    assert "Buy the reel:\nhttps://shop.example/reel\n" in written
    assert "Part | Price\nCoil | 2 €\n" in written


@pytest.mark.rule("E11")
def test_an_entity_reads_as_the_character_it_stands_for() -> None:
    made = make(in_text("5&nbsp;k&Omega; &lt;tested&gt; &amp; sold &#8211; caf&eacute;"), "mjml")
    assert "5 kΩ <tested> & sold – café" in text(made)


def _visible(written: str) -> str:
    """The words a reader of the HTML part sees, those of images among them."""
    body = dom.first(dom.parse_document(written), "body")
    alts = " ".join(dom.attributes(image).get("alt", "") for image in dom.elements(body, "img"))
    return f"{dom.text_of(body)} {alts}"
