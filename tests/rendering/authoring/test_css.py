"""Authors' CSS: what may stand, what is refused, and which selectors could mean the block."""

from __future__ import annotations

import pytest

from mailer.rendering.authoring import css, dom


def _rules(sheet: str) -> set[str]:
    return {finding.rule for finding in css.check_sheet(sheet)[0]}


def _inline(style: str) -> set[str]:
    return {finding.rule for finding in css.check_inline(style)[0]}


@pytest.mark.parametrize(
    "sheet",
    [
        "p { margin: 0 !important }",
        "a { color: #123456; text-decoration: none }",
        ".card { display: none }",
        "@media (max-width: 480px) { .wide { display: none !important } }",
        "@media (prefers-color-scheme: dark) { body, .page { background: #111 !important } }",
        ":root { color-scheme: light dark }",
        "img { height: auto; max-width: 100% }",
        ".x { position: relative; top: 0 }",
        "@font-face { font-family: x }",
        "#outlook a { padding: 0 }",
        "td .note { font-size: 0 }",
        ".link::after { content: '→' }",
        "body { width: 100% !important; height: 100% }",
        "p { line-height: 1.5 } div { line-height: 20px }",
        "body { -webkit-text-size-adjust: 100%; -ms-text-size-adjust: 100%; letter-spacing: 0 }",
        "p { margin: 1em auto 10% } a { border-bottom: 1px solid #123; padding: 2px }",
        "* { --brand: calc(1px + 2px) } .x { width: calc(100% - 20px) }",
        "body { background: linear-gradient(#fff, #eee); margin: inherit }",
        "@font-face { font-family: Own; src: url(own.woff2); font-display: swap }",
        ".btn:hover td { background: #0d3d85 !important }",
        "",
    ],
)
def test_ordinary_mail_css_passes(sheet: str) -> None:
    assert _rules(sheet) == set()


@pytest.mark.rule("E3")
@pytest.mark.parametrize(
    ("sheet", "rule"),
    [
        ("a { display: none }", "css.hides-block"),
        ("p, .x { visibility: hidden }", "css.hides-block"),
        ("* { opacity: 0.1 }", "css.hides-block"),
        ("div > p { font-size: 1px }", "css.hides-block"),
        ("body { overflow: hidden }", "css.hides-block"),
        ("html { height: 10px }", "css.hides-block"),
        ("a { color: rgba(0, 0, 0, 0) }", "css.hides-block"),
        ("a { color: transparent }", "css.hides-block"),
        ("p { text-indent: -9999px }", "css.size"),
        ("p { text-indent: -999px }", "css.hides-block"),
        ("a:link { display: none }", "css.hides-block"),
        ("a[href*='/u/'] { display: none }", "css.hides-block"),
        ("@media all { a { display: none } }", "css.hides-block"),
        (".x { position: fixed }", "css.position"),
        (".x { position: ABSOLUTE }", "css.position"),
        (".x { pos\\ition: fixed }", "css.position"),
        (".x { transform: scale(0) }", "css.property"),
        (".x { -webkit-transform: scale(0) }", "css.property"),
        (".x { z-index: 9 }", "css.property"),
        (".x { inset: 0 1px }", "css.property"),
        (".x { margin-top: -400px }", "css.margin"),
        (".x { margin: 0 0 -30em }", "css.margin"),
        (".x { width: 99999px }", "css.size"),
        (".x { width: expression(alert(1)) }", "css.script"),
        (".x { behavior: url(x.htc) }", "css.property"),
        (".mailer-way-out { color: red }", "css.block"),
        ("[class*=mailer] { color: red }", "css.block"),
        ("@import 'x.css';", "css.import"),
        ("@layer x { p { color: red } }", "css.at-rule"),
        (".x { .y { color: red } }", "css.nesting"),
        ("} p { color: red }", "css.syntax"),
        ("body { contain: strict }", "css.hides-block"),
        ("a { outline: 60px solid black }", "css.hides-block"),
        ("* { -webkit-text-security: disc }", "css.hides-block"),
        ("* { a-property-of-next-year: hidden }", "css.hides-block"),
        ("body { letter-spacing: -20px }", "css.hides-block"),
        ("p { font-size: calc(0px) }", "css.hides-block"),
        ("p { font-size: var(--x) }", "css.hides-block"),
        ("p { font-size: 1e-3px }", "css.hides-block"),
        ("p { -webkit-text-size-adjust: 1% }", "css.hides-block"),
        ("a::first-line { color: black }", "css.hides-block"),
        ("p:AFTER { color: black }", "css.hides-block"),
        ("body { padding-left: 4900px }", "css.hides-block"),
        ("body { margin: 0 0 0 90% }", "css.hides-block"),
        ("html { border-left: 900px solid white }", "css.hides-block"),
        ("p { min-width: 4000px }", "css.hides-block"),
        ("body { width: 4000px }", "css.hides-block"),
        (".x { margin: calc(0px - 900px) 0 }", "css.margin"),
        (".x { margin-top: -9e2px }", "css.margin"),
        (".x { margin-top: -40lh }", "css.margin"),
        (".x { margin-block-end: var(--x) }", "css.margin"),
        (".x { -webkit-margin-after: -900px }", "css.margin"),
        (".x { display: contents }", "css.property"),
        ("@font-face { font-family: x; size-adjust: 0% }", "css.font"),
        ("@font-face { font-family: x; src: local('Webdings') }", "css.font"),
        ("@font-face { font-family: 'Segoe UI'; src: url(x.woff2) }", "css.font"),
    ],
)  # fmt: skip
def test_css_that_could_take_the_block_away_is_refused(sheet: str, rule: str) -> None:
    assert rule in _rules(sheet)


def test_a_finding_has_its_line() -> None:
    findings, _ = css.check_sheet("p { margin: 0 }\n\n@media all {\n  a { display: none }\n}")
    assert [finding.line for finding in findings] == [4]


@pytest.mark.parametrize(
    ("selector", "could"),
    [
        ("a", True),
        ("*", True),
        ("html", True),
        (":root", True),
        ("body > div:last-child", True),
        ("[role]", True),
        (".card a", True),
        (".mailer-way-out", True),
        (":is(a, .x)", True),
        ("h1", False),
        ("td", False),
        ("a.button", False),
        ("#id", False),
        (".card", False),
        ("div.card:hover", False),
        ("p .note", False),
        ("h1, h2, .x", False),
        ("h1, a", True),
    ],
)
def test_which_selectors_could_mean_the_block(selector: str, could: bool) -> None:
    assert css.could_match(selector) is could


@pytest.mark.parametrize(
    "style", ["color: red", "display:none", "max-height:0;overflow:hidden", "float:left"]
)
def test_inline_style_may_hide_its_own_element(style: str) -> None:
    assert _inline(style) == set()


@pytest.mark.parametrize("style", ["position:fixed", "transform:none;position: absolute", "margin:-999px"])
def test_inline_style_may_not_leave_its_place(style: str) -> None:
    assert _inline(style) != set()


@pytest.mark.rule("B15")
@pytest.mark.parametrize(
    ("style", "hidden"),
    [
        ("display:none", True),
        ("visibility: hidden", True),
        ("opacity:0", True),
        ("font-size:0", True),
        ("color:red", False),
    ],
)
def test_hidden_text_is_noticed(style: str, hidden: bool) -> None:
    assert css.hides(style) is hidden


@pytest.mark.rule("F4")
@pytest.mark.parametrize(
    "sheet",
    [
        ".x { background: url(https://evil.example/a.png) }",
        ".x { background: url( 'https://evil.example/a.png' ) }",
        ".x { background-image: image-set('https://evil.example/a.png' 1x) }",
        "@media all { .x { background: URL(https://evil.example/a.png) } }",
        "@font-face { src: url(https://evil.example/a.png) }",
        "@import 'https://evil.example/a.png';",
        "@import url(https://evil.example/a.png);",
        ".x { background: u\\72l(https://evil.example/a.png) }",
        ".x { --a: url(https://evil.example/a.png) }",
    ],
)
def test_everything_a_sheet_loads_is_found(sheet: str) -> None:
    assert [address.url for address in css.check_sheet(sheet)[1]] == ["https://evil.example/a.png"]


def test_an_inline_sheet_becomes_style_attributes() -> None:
    document = dom.parse_document("<p class='a'>x</p><p>y</p>")
    css.inline(document, ".a { color: red; margin: 0 } p { padding: 0 !important }")
    styles = [dom.attributes(each).get("style") for each in dom.elements(document, "p")]
    assert styles == ["color:red;margin:0;padding:0!important", "padding:0!important"]


def test_an_element_s_own_style_wins_over_an_inline_sheet_unless_important() -> None:
    document = dom.parse_document("<p style='color:blue;margin:1px'>x</p>")
    css.inline(document, "p { color: red; margin: 0 !important }")
    p = dom.first(document, "p")
    assert p is not None
    assert dom.attributes(p)["style"] == "color:blue;margin:0!important"


def test_a_cell_inside_a_cell_is_meant_by_a_descendant_selector() -> None:
    document = dom.parse_document(
        "<table><tr><td class=a><table><tr><td>x</td></tr></table></td></tr></table>"
    )
    css.inline(document, ".a td { color: red }")
    assert [dom.attributes(each).get("style") for each in dom.elements(document, "td")] == [None, "color:red"]


def test_a_selector_that_cannot_be_read_is_left_out() -> None:
    document = dom.parse_document("<p>x</p>")
    css.inline(document, "p:::nope { color: red } p { margin: 0 }")
    p = dom.first(document, "p")
    assert p is not None
    assert dom.attributes(p)["style"] == "margin:0"
