"""What a reader sees: each way of hiding, what undoes it, and the cascade that decides."""

from __future__ import annotations

import pytest

from mailer.rendering.wire.cascade import Styles, not_print
from mailer.rendering.wire.visible import HIDES_BOX, HIDES_TEXT, seen

#: Property -> values that hide, and values that do not.
VALUES: dict[str, tuple[list[str], list[str]]] = {
    "display": (["none"], ["block", "inline", "table-cell"]),
    "opacity": (["0", "0.0", ".05", "5%"], ["1", "0.5", "50%"]),
    "max-height": (["0", "0px", "1px"], ["20px", "2em", "none"]),
    "height": (["0", "0px", "1px"], ["20px", "auto", "100%"]),
    "max-width": (["0", "1px"], ["600px", "100%", "none"]),
    "width": (["0", "0px"], ["600px", "100%", "auto"]),
    "mso-hide": (["all"], ["none"]),
    "left": (["-9999px", "-1000px"], ["0", "10px", "auto"]),
    "top": (["-9999px"], ["0"]),
    "margin-left": (["-9999px"], ["-10px", "auto"]),
    "margin-top": (["-5000px"], ["-20px"]),
    "clip": (["rect(0,0,0,0)", "rect(1px 1px 1px 1px)"], ["auto", "rect(0,90px,90px,0)"]),
    "clip-path": (["inset(50%)", "inset(100%)", "circle(0)"], ["none", "inset(0)"]),
    "transform": (["scale(0)", "scale( 0 )"], ["none", "scale(1)"]),
    "content-visibility": (["hidden"], ["visible", "auto"]),
    "visibility": (["hidden", "collapse"], ["visible"]),
    "font-size": (["0", "0px", "1px", "0.05em"], ["14px", "1em", "100%", "larger"]),
    "line-height": (["0"], ["1", "20px", "normal"]),
    "color": (["transparent", "rgba(0,0,0,0)", "rgba(0, 0, 0, 0.0)"], ["red", "#000", "rgba(0,0,0,.5)"]),
    "text-indent": (["-9999px"], ["0", "2em", "-10px"]),
}
PAIRS = [(name, value, hides) for name, (bad, good) in VALUES.items() for hides, values in ((True, bad), (False, good))
         for value in values]  # fmt: skip


def shows(html: str, word: str = "word") -> bool:
    return word in seen(html).text.split()


def test_every_property_of_the_tables_is_tried() -> None:
    assert set(VALUES) == {*HIDES_BOX, *HIDES_TEXT}


@pytest.mark.rule("F3", "B15")
@pytest.mark.parametrize(("name", "value", "hides"), PAIRS)
def test_an_inline_style_hides_or_not(name: str, value: str, hides: bool) -> None:
    html = f'<body><p style="overflow:hidden;{name}:{value}">word</p></body>'
    assert shows(html) is not hides


@pytest.mark.parametrize(("name", "value", "hides"), PAIRS)
def test_a_style_sheet_hides_the_same(name: str, value: str, hides: bool) -> None:
    html = f"<head><style>p{{overflow:hidden;{name}:{value}}}</style></head><body><p>word</p></body>"
    assert shows(html) is not hides


@pytest.mark.parametrize("name", sorted(HIDES_BOX))
def test_nothing_inside_a_hidden_box_can_show_itself(name: str) -> None:
    hiding = VALUES[name][0][0]
    showing = VALUES[name][1][0]
    html = f'<div style="overflow:hidden;{name}:{hiding}"><p style="{name}:{showing}">word</p></div>'
    assert not shows(html)


@pytest.mark.parametrize("name", sorted(HIDES_TEXT))
def test_hidden_text_is_inherited_and_can_be_shown_again_inside(name: str) -> None:
    hiding, showing = VALUES[name][0][0], VALUES[name][1][0]
    html = f'<div style="{name}:{hiding}">gone <p>gone</p><p style="{name}:{showing}">word</p></div>'
    assert seen(html).text == "word"


@pytest.mark.parametrize("value", ["inherit", "unset"])
def test_inheriting_a_size_of_nothing_shows_nothing(value: str) -> None:
    assert not shows(f'<div style="font-size:0"><p style="font-size:{value}">word</p></div>')


@pytest.mark.parametrize("value", ["1em", "100%", "2em"])
def test_a_share_of_nothing_is_nothing(value: str) -> None:
    assert not shows(f'<div style="font-size:0"><p style="font-size:{value}">word</p></div>')
    assert shows('<div style="font-size:0"><p style="font-size:1rem">word</p></div>')


@pytest.mark.parametrize(
    ("font", "visible"), [("0/0 a", True), ("0px/0 Arial", False), ("bold 14px/20px Arial", True)]
)
def test_the_font_shorthand_has_a_size(font: str, visible: bool) -> None:
    assert shows(f'<p style="font:{font}">word</p>') is visible


def test_a_height_of_nothing_shows_what_overflows() -> None:
    assert shows('<div style="height:0">word</div>')
    assert not shows('<div style="height:0;overflow:hidden">word</div>')


@pytest.mark.parametrize(
    ("css", "visible"),
    [
        ("p{display:none} p{display:block}", True),
        ("p{display:block} p{display:none}", False),
        ("#x{display:block} p{display:none}", True),
        (".x{display:none} p{display:block}", False),
        ("p{display:none!important} #x{display:block}", False),
        ("p{display:block!important} #x.x{display:none}", True),
        ("div > p{display:none}", False),
        ("span > p{display:none}", True),
        ("p:first-child{display:none}", False),
        ("p:hover{display:none}", True),
        ("p::before{display:none}", True),
        ("q, p{display:none}", False),
        ("*{display:none}", False),
        ("p[id]{display:none}", False),
        ("p:not(.x){display:none}", True),
        ("@media screen{p{display:none}}", False),
        ("@media (max-width:480px){p{display:none}}", False),
        ("@media print{p{display:none}}", True),
        ("@media screen{@media (min-width:1px){p{display:none}}}", False),
        ("@supports (display:grid){p{display:none}}", False),
        ("@font-face{font-family:x;display:none}", True),
        ("p{display:none", False),
        ("p{{display:none}}", True),
        ("<!-- p{display:none} -->", False),
        ("p{/* display:none */}", True),
        ("p{DISPLAY:NONE}", False),
        ("p{display: none ! important}", False),
        ("p{di\\73play:none}", False),
        ("p:unknown-thing(x){display:none}", True),
    ],
)
def test_the_cascade_decides(css: str, visible: bool) -> None:
    html = (
        f'<html><head><style>{css}</style></head><body><div><p id="x" class="x">word</p></div></body></html>'
    )
    assert shows(html) is visible


@pytest.mark.parametrize(
    ("inline", "css", "visible"),
    [
        ("display:block", "p{display:none}", True),
        ("display:block", "p{display:none!important}", False),
        ("display:block!important", "#x{display:none!important}", True),
        ("display:none", "#x{display:block}", False),
        ("display:none", "p{display:block!important}", True),
        ("display:none;display:block", "", True),
    ],
)
def test_an_inline_style_stands_between_rules_and_importance(inline: str, css: str, visible: bool) -> None:
    html = f'<head><style>{css}</style></head><body><p id="x" style="{inline}">word</p></body>'
    assert shows(html) is visible


@pytest.mark.parametrize(
    "html",
    ["<!-- word -->", "<script>word</script>", "<style>word</style>", "<title>word</title>", "<textarea>word",
     "<template>word</template>", "<noscript>word</noscript>", "<p hidden>word</p>",
     '<p hidden="">word', "<!--[if mso]>word",
     "<select><option>word", "<svg><text>word</text></svg>", "<iframe>word", "<p title='word'>", "<img alt=word>"],
)  # fmt: skip
def test_elements_that_show_no_text(html: str) -> None:
    assert not shows(f"<body>{html}</body>")


def test_words_of_blocks_stand_apart_and_of_inline_elements_do_not() -> None:
    assert seen("<p>one</p><p>two</p>").text == "one two"
    assert seen("<p>on<b>e</b> t<i>w</i>o</p>").text == "one two"
    assert seen("<table><tr><td>one</td><td>two</td></tr></table>").text == "one two"


def test_invisible_characters_are_no_words() -> None:
    assert seen("<p>a\u200b\u200c\u2060 \ufeffb</p>").text == "a b"


def test_links_are_told_with_their_visible_words() -> None:
    html = '<a href="x">One <b>two</b></a><a href="y"><span style="display:none">no</span></a><a>none</a>'
    assert seen(html).links == [("x", "One two"), ("y", "")]
    assert seen('<div style="display:none"><a href="x">word</a></div>').links == []
    assert seen('<p style="font-size:0"><a href="x">word</a></p>').links == [("x", "")]


def test_entities_in_links_are_read() -> None:
    assert (
        seen('<a href="https://x.example/?a=1&amp;b=2">word</a>').links[0][0] == "https://x.example/?a=1&b=2"
    )


def test_without_styles_everything_written_is_told() -> None:
    html = '<style>p{display:none}</style><p>word</p><p style="opacity:0">more</p>'
    assert seen(html).text == ""
    assert seen(html, styled=False).text == "word more"


@pytest.mark.parametrize("html", ["", "<!doctype html>", "plain", "</p></div>", "<", "\x00"])
def test_nothing_breaks_on_odd_documents(html: str) -> None:
    assert seen(html).text in ("", "plain", "<", "\ufffd", "\x00")


class TestStyles:
    HTML = (
        "<style>p{color:red;margin:0} @media (prefers-color-scheme: dark){p{color:white}} @media print{p{color:blue}}"
        '</style><p style="background:#fff">x</p>'
    )

    def declared(self, styles: Styles) -> dict[str, str]:
        found = [each for each in styles.root.iter_subtree() if each.etree_element.tag == "p"]
        return styles.declared(found[0])

    def test_only_the_properties_asked_for_are_kept(self) -> None:
        assert self.declared(Styles(self.HTML, ["margin"])) == {"margin": "0"}

    def test_media_are_chosen_by_the_caller(self) -> None:
        light = Styles(self.HTML, ["color"], media=lambda query: "dark" not in query and query != "print")
        assert self.declared(light) == {"color": "red"}
        assert self.declared(Styles(self.HTML, ["color"], media=not_print)) == {"color": "white"}
        assert self.declared(Styles(self.HTML, ["color"], media=lambda query: True)) == {"color": "blue"}

    def test_inline_and_sheet_come_together(self) -> None:
        assert self.declared(Styles(self.HTML, ["background", "margin"])) == {
            "background": "#fff",
            "margin": "0",
        }
