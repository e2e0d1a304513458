"""The allow lists of elements and attributes, with the line of every refusal (D15, D16)."""

from __future__ import annotations

import pytest

from mailer.rendering.authoring import dom
from mailer.rendering.authoring.lint import ELEMENTS
from tests.rendering.authoring.world import document, html, in_text, make, mjml, only, refused, rules, site

#: Elements that stand only inside others, or hold nothing.
_NEEDING_OTHERS = frozenset(
    "style br hr img wbr col caption colgroup tbody td tfoot th thead tr a table".split()
)
IMAGES = {"images/a.png": "https://news.shop.example/media/a.png"}


@pytest.mark.rule("D16")
@pytest.mark.parametrize(
    "element",
    "script form input button textarea select iframe object embed applet svg math video audio canvas template"
    " slot base link meta noscript dialog details marquee portal custom-element".split(),
)
def test_active_and_unknown_elements_are_refused(element: str) -> None:
    problems = refused(f"one\n\n<div><{element}></{element}></div>")
    assert any(each.rule.startswith("html.") and each.line == 3 for each in problems), [
        str(each) for each in problems
    ]


@pytest.mark.rule("D16")
@pytest.mark.parametrize("name", sorted(ELEMENTS - _NEEDING_OTHERS))
def test_ordinary_elements_pass(name: str) -> None:
    assert f"<{name}" in html(make(f"<div><{name}>words</{name}></div>"))


@pytest.mark.rule("D16")
@pytest.mark.parametrize(
    "attribute",
    ["onclick='x'", "onload=x", "ONERROR=x", "formaction='x'", "srcdoc='x'", "ping='https://a.example/'", "hidden",
     "contenteditable", "autofocus", "tabindex=1", "popover", "inert", "srcset='a.png 2x'", "xlink:href='x'",
     "background='https://evil.example/'", "http-equiv=refresh", "is='x'", "slot='x'"],
)  # fmt: skip
def test_active_and_unknown_attributes_are_refused(attribute: str) -> None:
    problem = refused(f"one\n\n<p {attribute}>words</p>")[0]
    assert (problem.rule, problem.line) == ("html.attribute", 3)


@pytest.mark.parametrize(
    "attribute",
    ["class='x'", "id='x'", "lang='de'", "dir='rtl'", "title='x'", "role='note'", "aria-label='x'", "data-x='y'",
     "align='center'", "style='color:red'"],
)  # fmt: skip
def test_ordinary_attributes_pass(attribute: str) -> None:
    name = attribute.split("=")[0]
    p = next(each for each in dom.elements(document(make(f"<p {attribute}>words</p>")), "p"))
    assert name in dom.attributes(p)


@pytest.mark.parametrize("element", ["mj-text", "mj-column", "mj-section"])
def test_mjml_elements_take_no_handlers(element: str) -> None:
    inner = {"mj-text": "<mj-text onclick='x'>a</mj-text>"}.get(element, "")
    attrs = {name: " onclick='x'" if name == element else "" for name in ("mj-column", "mj-section")}
    body = f"<mj-section{attrs['mj-section']}><mj-column{attrs['mj-column']}>{inner}</mj-column></mj-section>"
    assert "html.attribute" in rules(refused(mjml(body), "mjml"))


@pytest.mark.parametrize(
    "value",
    ["red;position:fixed", "red}a{display:none", "red/*", "url(https://evil.example/)", "x\\3b y", "<b>"],
)
def test_an_mjml_attribute_cannot_carry_more_css_than_its_own(value: str) -> None:
    problem = only(
        mjml(f'<mj-section>\n<mj-column><mj-text\n color="{value}">a</mj-text></mj-column></mj-section>'),
        "mjml",
    )
    assert (problem.rule, problem.line) == ("mjml.attribute", 3)


@pytest.mark.rule("F4")
@pytest.mark.parametrize(
    "body",
    [
        "<mj-section><mj-column>\n<mj-image src='https://evil.example/a.png' alt='' /></mj-column></mj-section>",
        "\n<mj-section background-url='https://evil.example/a.png'></mj-section>",
        "\n<mj-wrapper background-url='https://evil.example/a.png'></mj-wrapper>",
        "<mj-section><mj-column>\n<mj-text><img src='https://evil.example/a.png' alt=''></mj-text></mj-column>"
        "</mj-section>",
        "<mj-section><mj-column>\n<mj-text><p style='background:url(https://evil.example/a.png)'>a</p></mj-text>"
        "</mj-column></mj-section>",
        "<mj-section><mj-column>\n<mj-table background='https://evil.example/a.png'></mj-table></mj-column></mj-section>"
        "\n<mj-hero background-url='https://evil.example/a.png'></mj-hero>",
    ],
)
def test_everything_loaded_from_elsewhere_is_named_with_its_line(body: str) -> None:
    problems = [each for each in refused(mjml(body), "mjml") if each.rule == "image.foreign-host"]
    assert problems
    assert problems[0].line in (2, 3)
    assert "evil.example" in problems[0].message


@pytest.mark.rule("F4", "E13")
def test_a_web_font_is_named_as_foreign_and_never_sent() -> None:
    head = "\n<mj-font name='Inter' href='https://fonts.example/css?family=Inter' />"
    body = "<mj-section><mj-column><mj-text font-family='Inter, Arial'>a</mj-text></mj-column></mj-section>"
    problem = only(mjml(body, head), "mjml")
    assert (problem.rule, problem.line) == ("image.foreign-host", 2)
    made = make(mjml(body, head), "mjml", site=site(asset_hosts=("fonts.example",)))
    assert "fonts.example" not in html(made)
    assert [each.rule for each in made.warnings] == ["font.web"]


@pytest.mark.rule("F4")
def test_the_icons_the_compiler_would_fetch_for_social_links_are_foreign() -> None:
    body = mjml("<mj-section><mj-column><mj-social>\n<mj-social-element name='facebook' href='https://shop.example/'>F"
                "</mj-social-element></mj-social></mj-column></mj-section>")  # fmt: skip
    problem = only(body, "mjml")
    assert (problem.rule, problem.line) == ("image.foreign-host", 2)


@pytest.mark.rule("F4")
def test_no_font_is_fetched_for_the_default_family() -> None:
    assert "fonts.googleapis.com" not in html(make(in_text("words"), "mjml"))


@pytest.mark.rule("E6")
def test_an_image_without_words_gets_empty_ones_and_a_warning() -> None:
    made = make("<img src='images/a.png'>", images=IMAGES)
    assert dom.attributes(next(dom.elements(document(made), "img")))["alt"] == ""
    assert [each.rule for each in made.warnings] == ["image.alt"]
    body = mjml("<mj-section><mj-column><mj-image src='images/a.png' /></mj-column></mj-section>")
    assert [each.rule for each in make(body, "mjml", images=IMAGES).warnings] == ["image.alt"]


@pytest.mark.rule("C26")
def test_an_image_of_one_pixel_is_a_tracking_pixel() -> None:
    assert only("<img src='images/a.png' alt='' width=1 height=1>", images=IMAGES).rule == "image.pixel"


@pytest.mark.rule("B15")
def test_hidden_text_is_a_warning() -> None:
    made = make("words <span style='display:none'>secret</span>")
    assert [each.rule for each in made.warnings] == ["html.hidden"]


@pytest.mark.parametrize("tag", ["style", "title", "textarea"])
def test_an_unclosed_element_that_swallows_text_is_named_with_its_line(tag: str) -> None:
    problems = refused(f"one\n\ntwo\n\n<{tag}>\nmore")
    assert any(each.rule == "html.unclosed" and each.line == 5 for each in problems)


def test_a_block_comment_without_end_would_swallow_the_rest_and_is_refused() -> None:
    assert only("words\n\n<!-- never\n\nmore").line == 3


def test_an_unclosed_tag_is_refused_where_it_begins() -> None:
    assert only("words\n\n<div title='x\n\nmore").line == 3


def test_a_comment_inside_a_line_that_has_no_end_is_text_for_commonmark() -> None:
    assert "words &lt;!-- never" in html(make("words <!-- never"))


def test_a_style_sheet_inside_the_body_is_checked_with_its_lines() -> None:
    problem = only("<div>\n<style>\np { margin: 0 }\na { display: none }\n</style></div>")
    assert (problem.rule, problem.line) == ("css.hides-block", 4)


def test_a_style_sheet_of_mjml_is_checked_with_its_lines() -> None:
    problem = only(mjml("", "<mj-style>\n.x { color: red }\n.y { position: fixed }\n</mj-style>"), "mjml")
    assert (problem.rule, problem.line) == ("css.position", 3)


def test_raw_html_must_close_what_it_opens() -> None:
    body = mjml("<mj-section><mj-column><mj-raw>\n</td></mj-raw></mj-column></mj-section>")
    assert only(body, "mjml").rule == "html.syntax"


def test_raw_html_in_a_wrapper_is_left_out_with_a_warning() -> None:
    made = make(mjml("<mj-wrapper><mj-raw>RAW</mj-raw><mj-section></mj-section></mj-wrapper>"), "mjml")
    assert "RAW" not in html(made)
    assert [each.rule for each in made.warnings] == ["mjml.raw"]


def test_text_between_elements_is_left_out_with_a_warning() -> None:
    made = make(mjml("<mj-section>stray</mj-section>"), "mjml")
    assert "stray" not in html(made)
    assert [each.rule for each in made.warnings] == ["mjml.text"]
