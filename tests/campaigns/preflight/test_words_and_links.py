"""The rules about words, links, hidden text and support, case by case, on the parts themselves."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import TypeAlias

import pytest

from mailer.campaigns.draft import Draft
from mailer.campaigns.preflight import hidden, links, structure, subject, support, text_part
from mailer.campaigns.preflight.links import SHORTENERS, links_of
from mailer.campaigns.preflight.places import line_of, shortened
from mailer.campaigns.preflight.support import SUPPORT
from mailer.campaigns.recipients import EMPTY, SAMPLE
from mailer.rendering.authoring.block import TEXT_RULE
from mailer.rendering.identity import Problem
from tests.campaigns.preflight.conftest import Drafting

Rule: TypeAlias = Callable[[Draft], Iterable[Problem]]
BLOCK = "<div><p>You can leave at any time.</p></div>"


@pytest.fixture
def draft(drafting: Drafting) -> Draft:
    """A draft whose parts the tests replace."""
    return drafting()


def seen_as(draft: Draft, html: str = "<p>words</p>", text: str = "words\n") -> Draft:
    """The draft with these parts, the unsubscribe block last."""
    whole = f"<html><head><title>x</title></head><body>{html}{BLOCK}</body></html>"
    specimen = replace(
        draft.specimens[SAMPLE], html=whole, text=f"{text}\n{TEXT_RULE}\nYou can leave at any time.\n"
    )
    return replace(draft, specimens={SAMPLE: specimen})


def found(rule: Rule, draft: Draft) -> list[str]:
    return [problem.rule for problem in rule(draft)]


@pytest.mark.rule("B14")
@pytest.mark.parametrize(
    "begins",
    ["Re:", "RE:", "re :", "Fwd:", "FW:", "AW:", "WG:", "Antw:", "SV:", "Re[2]:", " Re:", "TR:", "Rif:"],
)
def test_every_false_answer_is_known(draft: Draft, begins: str) -> None:
    assert subject._REPLY.match(f"{begins} your order")


@pytest.mark.parametrize(
    "text", ["Reading list", "Reply by Friday", "Forward bias", "Recap: week 47", "Award: us"]
)
def test_words_that_only_begin_alike_are_no_answers(text: str) -> None:
    assert not subject._REPLY.match(text)


@pytest.mark.rule("E18", "E11")
@pytest.mark.parametrize(
    "tag",
    ["{{ name }}", "{{name}}", "{{", "{% if x %}", "*|FNAME|*", "*|MC:SUBJECT|*", "%%first_name%%", "<%= name %>",
     "${name}", "|FNAME|"],
)  # fmt: skip
def test_tags_of_any_tool_are_found(draft: Draft, tag: str) -> None:
    shown = tag.replace("<", "&lt;")
    assert found(text_part.unresolved_tag, seen_as(draft, html=f"<p>Hello {shown}</p>")) == ["unresolved-tag"]
    assert found(text_part.unresolved_tag, seen_as(draft, text=f"Hello {tag} there")) == ["unresolved-tag"]


@pytest.mark.parametrize(
    "text", ["a { b }", "100 % and 5 %", "a | b | c", "$5 {each}", "C|O|D", "{ {x} }", "%s %d"]
)
def test_braces_and_signs_of_prose_are_no_tags(draft: Draft, text: str) -> None:
    assert found(text_part.unresolved_tag, seen_as(draft, html=f"<p>{text}</p>", text=text)) == []


def test_a_tag_in_both_parts_is_told_once(draft: Draft) -> None:
    both = seen_as(draft, html="<p>{{ x }}</p>", text="{{ x }}")
    assert found(text_part.unresolved_tag, both) == ["unresolved-tag"]


@pytest.mark.rule("E18")
@pytest.mark.parametrize(
    ("text", "empty"), [("", True), ("…", True), ("- - -", True), ("a", True), ("ok", False)]
)
def test_a_text_part_needs_a_word(draft: Draft, text: str, empty: bool) -> None:
    assert bool(found(text_part.empty_text, seen_as(draft, text=text))) is empty


@pytest.mark.rule("E11")
@pytest.mark.parametrize(
    ("text", "markup"),
    [("<p>x</p>", True), ('<a href="x">y</a>', True), ("<br>", True), ("&nbsp;", True), ("<!-- x", True),
     ("a < b > c", False), ("<ada@shop.example>", False), ("R&D; AT&T", False), ("<https://x.example/>", False)],
)  # fmt: skip
def test_markup_in_the_text_part(draft: Draft, text: str, markup: bool) -> None:
    assert bool(found(text_part.leftover_markup, seen_as(draft, text=text))) is markup


@pytest.mark.rule("E18")
@pytest.mark.parametrize("host", sorted(SHORTENERS))
def test_every_shortener_of_the_table_is_refused(draft: Draft, host: str) -> None:
    page = seen_as(draft, html=f'<a href="https://{host}/x">The sale of this week</a>')
    assert found(links.shortened_link, page) == ["link-shortener"]
    assert found(links.shortened_link, seen_as(draft, text=f"See https://www.{host}/x.")) == [
        "link-shortener"
    ]


def test_links_are_gathered_from_both_parts_without_our_own(draft: Draft) -> None:
    own = draft.specimens[SAMPLE].values
    html = (
        f'<a href="https://a.example/x">A</a><a href="mailto:b@c.example">B</a><a href="{own.view_url}">C</a>'
    )
    both = seen_as(draft, html=html, text=f"See https://b.example/y. And {own.unsubscribe_url}\n")
    assert links_of(both) == {"https://a.example/x": "A", "https://b.example/y": ""}


@pytest.mark.parametrize(
    ("words", "href", "lies"),
    [
        ("https://bank.example/login", "https://evil.example/", True),
        ("bank.example", "https://evil.example/", True),
        ("www.bank.example/x", "https://evil.example/", True),
        ("bank.example", "https://www.bank.example/y", False),
        ("Bank.Example", "https://bank.example/", False),
        ("the bank", "https://evil.example/", False),
        ("v1.2", "https://shop.example/", False),
        ("node.js guide", "https://shop.example/", False),
    ],
)
def test_links_that_say_another_host(draft: Draft, words: str, href: str, lies: bool) -> None:
    page = seen_as(draft, html=f'<a href="{href}">{words}</a>')
    assert bool(found(links.says_another_host, page)) is lies


@pytest.mark.parametrize(
    "words", ["here", "Click here", "READ MORE", "more …", "hier", "Mehr erfahren", "Learn more ›"]
)
def test_links_that_say_nothing(draft: Draft, words: str) -> None:
    assert found(links.vague_link, seen_as(draft, html=f'<a href="https://x.example/">{words}</a>')) == [
        "link-words"
    ]


@pytest.mark.rule("B15")
@pytest.mark.parametrize(
    "style",
    [
        "display:none",
        "visibility:hidden",
        "font-size:0",
        "opacity:0",
        "max-height:0;overflow:hidden",
        "color:transparent",
    ],
)
def test_much_hidden_text_is_found_however_it_is_hidden(draft: Draft, style: str) -> None:
    page = seen_as(draft, html=f'<p>seen</p><div style="{style}">{"bargain words " * 20}</div>')
    assert found(hidden.hidden_text, page) == ["hidden-text"]


def test_a_short_hidden_line_may_repeat_what_is_seen(draft: Draft) -> None:
    repeats = seen_as(draft, html='<div style="display:none">New parts today</div><p>New parts today</p>')
    says_more = seen_as(draft, html='<div style="display:none">You won a car</div><p>New parts today</p>')
    assert found(hidden.hidden_text, repeats) == []
    assert found(hidden.hidden_text, says_more) == ["hidden-line"]


def test_the_preheader_may_be_hidden(draft: Draft) -> None:
    page = seen_as(draft, html=f'<div style="display:none">{draft.source.preheader}</div><p>words</p>')
    assert found(hidden.hidden_text, page) == []


@pytest.mark.parametrize(
    ("run", "pads"),
    [
        ("&zwnj;&nbsp;" * 10, True),
        ("\u200b" * 10, True),
        ("&#847; " * 10, True),
        ("&shy;" * 3, False),
        ("a&nbsp;" * 9, False),
    ],
)
def test_runs_of_invisible_characters(draft: Draft, run: str, pads: bool) -> None:
    assert bool(found(hidden.padding, seen_as(draft, html=f"<p>{run}</p>"))) is pads


#: One sample for each row of the support table.
SAMPLES = {
    "display: flex": '<p style="display:flex">', "display: grid": '<p style="display: inline-grid">',
    "gap": '<p style="gap:4px">', "object-fit": '<img style="object-fit:cover">',
    "aspect-ratio": '<img style="aspect-ratio:1">', "calc()": '<p style="width:calc(100% - 2px)">',
    "var()": '<p style="color:var(--x)">', "clamp(), min(), max()": '<p style="width:min(10px, 5%)">',
    "CSS nesting": "<style>a{color:red;&:hover {color:blue}}</style>",
    "linear-gradient()": '<p style="background:linear-gradient(red, blue)">',
    "text-shadow": '<p style="text-shadow:1px 1px">', "box-shadow": '<p style="box-shadow:1px 1px">',
    "columns": '<p style="column-count:2">', "@container": "<style>@container (width>1px){}</style>",
    ":has()": "<style>p:has(a){color:red}</style>", "<picture>": "<picture></picture>",
    "<details>": "<details></details>", "<dialog>": "<dialog></dialog>", "srcset": '<img srcset="a.png 2x">',
    "WebP or AVIF image": '<img src="images/a.webp">', "SVG image": '<img src="images/a.svg">',
    "CSS unit vw or vh": '<p style="width:50vw">', "light-dark()": '<p style="color:light-dark(red,blue)">',
    "oklch() or color-mix()": '<p style="color:oklch(1 0 0)">',
}  # fmt: skip
TAME = (
    '<p style="display:block;max-width:600px;min-width:1px;background-color:#fff;columns:auto">display:flex; '
    'gap: 3px and calc(1)</p><img src="images/a.png"><style>.a{width:50%;color:red} a:hover{color:blue}</style>'
)


@pytest.mark.rule("E13")
@pytest.mark.parametrize("feature", SUPPORT, ids=lambda feature: feature.name)
def test_every_row_of_the_support_table_is_found(draft: Draft, feature: support.Feature) -> None:
    body = replace(draft.source.body, text=SAMPLES[feature.name])
    problems = list(support.poor_support(replace(draft, source=replace(draft.source, body=body))))
    assert any(problem.message.startswith(feature.name) for problem in problems)
    assert all(problem.remedy for problem in problems)


def test_what_mail_programs_show_is_left_alone(draft: Draft) -> None:
    body = replace(draft.source.body, text=TAME)
    assert not list(support.poor_support(replace(draft, source=replace(draft.source, body=body))))


@pytest.mark.rule("E7")
@pytest.mark.parametrize(
    ("html", "rules"),
    [
        ("<h1>a</h1><h2>b</h2><h3>c</h3><h2>d</h2>", []),
        ("<h2>b</h2>", ["heading-main"]),
        ("<h1>a</h1><h1>b</h1>", ["heading-main"]),
        ("<h1>a</h1><h3>c</h3>", ["heading-order"]),
        ("<h1>a</h1><h2>b</h2><h4>c</h4><h2>d</h2><h6>e</h6>", ["heading-order", "heading-order"]),
        ("<p>none</p>", ["heading-main"]),
    ],
)
def test_headings_in_order(draft: Draft, html: str, rules: list[str]) -> None:
    assert found(structure.headings, seen_as(draft, html=html)) == rules


@pytest.mark.rule("E5")
@pytest.mark.parametrize(
    ("html", "rules"),
    [
        ('<table role="presentation"><tr><td>a</td></tr></table>', []),
        ('<table role="none"><tr><td>a</td></tr></table>', []),
        ("<table><tr><th>a</th></tr><tr><td>b</td></tr></table>", []),
        ("<table><tr><td>a</td></tr></table>", ["table-headers"]),
        ('<table role="presentation"><caption>x</caption><tr><td>a</td></tr></table>', ["table-layout"]),
        ('<table role="presentation" summary="x"><tr><td>a</td></tr></table>', ["table-layout"]),
        ('<table role="presentation"><tr><td><table><tr><th>a</th></tr></table></td></tr></table>', []),
    ],
)
def test_tables_are_layout_or_data(draft: Draft, html: str, rules: list[str]) -> None:
    assert found(structure.layout_tables, seen_as(draft, html=html)) == rules


@pytest.mark.rule("E6")
@pytest.mark.parametrize(
    ("html", "alone"),
    [
        ("<img src=x alt=''>", True),
        ("<img src=x alt='a picture'>", True),
        ("<p>words</p><img src=x>", False),
        ("", False),
    ],
)
def test_a_message_of_images_alone(draft: Draft, html: str, alone: bool) -> None:
    assert bool(found(structure.only_images, seen_as(draft, html=html))) is alone


def test_a_place_is_the_first_text_that_is_found(drafting: Drafting) -> None:
    draft = drafting("# One\n\ntwo words\n\nthree\n", text="plain words\n\nfour\n")
    main, text = "campaigns/week-47/campaign.md", "campaigns/week-47/campaign.txt"
    first = draft.source.body.first_line
    assert line_of(draft, "three") == (main, first + 4)
    assert line_of(draft, "absent", "two words") == (main, first + 2)
    assert line_of(draft, "four") == (text, 3)
    assert line_of(draft, "nowhere", "") == (main, None)


def test_quotes_in_findings_are_short() -> None:
    assert shortened("a\n b") == "a b"
    assert len(shortened("word " * 40)) == 60


def test_a_reader_without_fields_is_asked_too(drafting: Drafting) -> None:
    draft = drafting(subject="{{ subscriber.first_name }}")
    only_sample = replace(draft, specimens={SAMPLE: draft.specimens[SAMPLE]})
    only_empty = replace(draft, specimens={EMPTY: draft.specimens[EMPTY]})
    assert found(subject.empty_subject, only_sample) == []
    assert found(subject.empty_subject, only_empty) == ["subject-empty"]
