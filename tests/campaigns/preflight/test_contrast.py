"""Colours as mail programs resolve them: what is on what, at which size, in which scheme (E8)."""

from __future__ import annotations

import pytest

from mailer.campaigns.preflight.contrast import _weak

WEAK, STRONG = "#999", "#333"


def weak(body: str, *, css: str = "", scheme: str = "light") -> set[tuple[str, str]]:
    """The pairs of colours that are too weak."""
    return set(_weak(f"<html><head><style>{css}</style></head><body>{body}</body></html>", scheme))


def passes(body: str, *, css: str = "", scheme: str = "light") -> bool:
    return not weak(body, css=css, scheme=scheme)


@pytest.mark.rule("E8")
@pytest.mark.parametrize(
    ("colour", "enough"),
    [("#000", True), ("#767676", True), ("#777777", False), ("#999", False), ("#fff", False), ("yellow", False),
     ("rgb(118, 118, 118)", True), ("hsl(0, 0%, 60%)", False), ("navy", True)],
)  # fmt: skip
def test_text_on_white(colour: str, enough: bool) -> None:
    assert passes(f'<p style="color:{colour}">word</p>') is enough


@pytest.mark.parametrize(
    ("style", "enough"),
    [
        ("font-size:23px", False), ("font-size:24px", True), ("font-size:18pt", True), ("font-size:1.5em", True),
        ("font-size:150%", True), ("font-size:1.5rem", True), ("font-size:19px;font-weight:bold", True),
        ("font-size:19px;font-weight:700", True), ("font-size:19px;font-weight:600", False),
        ("font-size:18px;font-weight:bold", False), ("font-size:19px", False),
    ],
)  # fmt: skip
def test_large_text_needs_less(style: str, enough: bool) -> None:
    assert passes(f'<p style="color:#949494;{style}">word</p>') is enough


@pytest.mark.parametrize(
    ("tag", "enough"), [("h1", True), ("h2", True), ("h3", True), ("h4", False), ("p", False)]
)
def test_headings_are_large_by_themselves(tag: str, enough: bool) -> None:
    assert passes(f'<{tag} style="color:#949494">word</{tag}>') is enough


@pytest.mark.parametrize(
    "outer",
    ['style="background-color:#000"', 'style="background:#000"', 'style="background:#000 none repeat"',
     'bgcolor="#000000"', 'bgcolor="000000"', 'style="background-color:rgb(0,0,0)"'],
)  # fmt: skip
def test_what_is_behind_is_looked_for_outside(outer: str) -> None:
    assert passes(f'<table {outer}><tr><td><p style="color:#fff">word</p></td></tr></table>')
    assert weak(f"<table {outer}><tr><td>word</td></tr></table>") == {("#000000", "#000000")}


@pytest.mark.parametrize("value", ["transparent", "none", "inherit", "initial"])
def test_a_transparent_background_shows_what_is_behind(value: str) -> None:
    body = f'<div style="background:#000"><p style="background-color:{value};color:#fff">word</p></div>'
    assert passes(body)


@pytest.mark.parametrize(
    "style",
    ["background-image:url(x.png)", "background:url(x.png) #fff", "background:#fff url('x.png')",
     "background-color:rgba(0,0,0,.5)"],
)  # fmt: skip
def test_nothing_is_said_of_text_on_an_image_or_a_veil(style: str) -> None:
    assert passes(f'<div style="{style}"><p style="color:#fff">word</p></div>')
    assert passes('<table background="x.png"><tr><td style="color:#fff">word</td></tr></table>')


def test_a_box_on_an_image_has_its_own_colour_again() -> None:
    body = f'<div style="background:url(x.png)"><p style="background:#fff;color:{WEAK}">word</p></div>'
    assert weak(body) == {("#999999", "#ffffff")}


def test_colours_are_inherited() -> None:
    assert weak(f'<div style="color:{WEAK}"><p>word</p></div>') == {("#999999", "#ffffff")}
    assert passes(f'<div style="color:{WEAK}"><p style="color:{STRONG}">word</p></div>')
    assert weak(f'<div style="color:{WEAK}"><p style="color:inherit">word</p></div>')


def test_a_link_has_its_own_colour_unless_told() -> None:
    assert passes('<div style="color:#999"><a href="x">word</a></div>')
    assert weak('<div style="background:#000"><a href="x">word</a></div>') == {("#0000ed", "#000000")}
    assert weak(f'<div style="color:{WEAK}"><a href="x" style="color:inherit">word</a></div>')


def test_the_old_color_attribute_counts() -> None:
    assert weak('<font color="#999999">word</font>') == {("#999999", "#ffffff")}
    assert passes('<font color="#999999" style="color:#000">word</font>')


@pytest.mark.parametrize(
    "css",
    ["p{color:#999}", "div p{color:#999}", "p{color:#000} .x{color:#999}", "p.x{color:#999!important}",
     "@media screen{p{color:#999}}", "@media (prefers-color-scheme: light){p{color:#999}}"],
)  # fmt: skip
def test_style_sheets_count(css: str) -> None:
    assert weak('<div><p class="x">word</p></div>', css=css) == {("#999999", "#ffffff")}


@pytest.mark.parametrize("css", ["@media print{p{color:#999}}", "p:hover{color:#999}", "q{color:#999}"])
def test_rules_that_do_not_reach_the_text_do_not(css: str) -> None:
    assert passes("<p>word</p>", css=css)


@pytest.mark.rule("E8", "E9")
def test_the_dark_scheme_is_judged_by_its_own_rules() -> None:
    css = "@media (prefers-color-scheme: dark){body{background:#111}p{color:#222}}"
    assert passes("<p>word</p>", css=css)
    assert weak("<p>word</p>", css=css, scheme="dark") == {("#222222", "#111111")}


@pytest.mark.rule("E8", "E9")
def test_a_dark_background_without_light_text_is_found() -> None:
    css = "@media (prefers-color-scheme: dark){.box{background:#111!important}}"
    body = '<div class="box" style="background:#fff;color:#222">word</div>'
    assert passes(body, css=css)
    assert weak(body, css=css, scheme="dark") == {("#222222", "#111111")}


def test_hidden_text_needs_no_contrast() -> None:
    assert passes('<p style="display:none;color:#fff">word</p>')
    assert passes('<p style="opacity:0;color:#fff">gone</p>')


@pytest.mark.parametrize("text", ["", " ", "&nbsp;", "→", "•", "|"])
def test_what_holds_no_letter_or_digit_is_no_text(text: str) -> None:
    assert passes(f'<p style="color:#fff">{text}</p>')


def test_a_pair_is_told_once() -> None:
    assert (
        len(weak('<p style="color:#999">one</p><p style="color:#999">two</p><p style="color:#aaa">three</p>'))
        == 2
    )


def test_the_text_after_an_element_has_the_outer_colour() -> None:
    assert passes(f'<p>one <b style="color:{STRONG}">two</b> three</p>')
    assert weak(f'<p style="color:{WEAK}">one <b style="color:{STRONG}">two</b> three</p>')


@pytest.mark.parametrize("value", ["currentcolor", "unset"])
def test_keywords_take_the_outer_colour(value: str) -> None:
    assert passes(f'<div style="color:{STRONG}"><p style="color:{value}">word</p></div>')


def test_a_colour_that_cannot_be_read_is_not_guessed() -> None:
    assert passes('<p style="color:var(--x)">word</p>')
    assert passes('<p style="color:rgba(255,255,255,.2)">word</p>')
