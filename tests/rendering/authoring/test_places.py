"""Every place a conditional may stand in, every place it may not, and the line each mistake is named with."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mailer.rendering.errors import RenderError
from mailer.rendering.identity import Body, Problem
from tests.rendering.authoring.world import (
    UNSUBSCRIBE,
    always,
    fill,
    html,
    in_text,
    make,
    mjml,
    only,
    refused,
    rules,
    text,
)

IF, END = "{% if first_name %}", "{% endif %}"
SECTION = "<mj-section><mj-column>{}</mj-column></mj-section>"


def never(condition: str) -> bool:
    """No condition holds."""
    return False


@pytest.mark.parametrize(
    "source",
    [
        f"before {IF}WORDS{END} after",
        f"# {IF}WORDS{END} of the week",
        f"> said\n> {IF}WORDS{END}",
        f"- one\n- {IF}WORDS{END} two",
        f"1. one\n2. {IF}WORDS{END} two",
        f"|a|b|\n|-|-|\n|{IF}WORDS{END}|d|",
        f"**{IF}WORDS{END}** bold",
        f"*{IF}WORDS{END}* lean",
        f"~~{IF}WORDS{END}~~ gone",
        f"`{IF}WORDS{END}` code",
        f"{IF}[WORDS](https://shop.example/){END} x",
        f"[{IF}WORDS{END} x](https://shop.example/)",
        f"[x](https://shop.example/ '{IF}WORDS{END}')",
        f"<p title='{IF}WORDS{END}'>x</p>",
        f"{IF}\n# WORDS\n{END}\n\nx",
        f"{IF}\n> WORDS\n{END}\n\nx",
        f"{IF}\n- WORDS\n{END}\n\nx",
        f"{IF}\n<table><tr><td>WORDS</td></tr></table>\n{END}\n\nx",
        f"<table><tr><td>a</td></tr>{IF}<tr><td>WORDS</td></tr>{END}</table>",
        f"<table><tr>{IF}<td>WORDS</td>{END}<td>b</td></tr></table>",
        f"<table>{IF}<tr><td>WORDS</td></tr>{END}<tr><td>b</td></tr></table>",
        f"<ul>{IF}<li>WORDS</li>{END}<li>b</li></ul>",
        f"<div>{IF}<div>WORDS</div>{END}</div>",
    ],
)
def test_a_condition_in_markdown_takes_its_words_along(source: str) -> None:
    made = make(source)
    assert "WORDS" in html(made)
    assert "WORDS" not in html(made, never)
    assert "WORDS" not in text(made, never)
    assert UNSUBSCRIBE in html(made, never)


@pytest.mark.parametrize(
    "source",
    [
        f"{IF}{SECTION.format('<mj-text>WORDS</mj-text>')}{END}",
        f"<mj-section>{IF}<mj-column><mj-text>WORDS</mj-text></mj-column>{END}</mj-section>",
        f"<mj-section><mj-group>{IF}<mj-column><mj-text>WORDS</mj-text></mj-column>{END}"
        "<mj-column><mj-text>V</mj-text></mj-column></mj-group></mj-section>",
        SECTION.format(f"{IF}<mj-text>WORDS</mj-text>{END}"),
        SECTION.format(f"{IF}<mj-button href='https://shop.example/'>WORDS</mj-button>{END}"),
        SECTION.format(f"<mj-button href='https://shop.example/'>{IF}WORDS{END} x</mj-button>"),
        SECTION.format(f"<mj-table>{IF}<tr><td>WORDS</td></tr>{END}<tr><td>V</td></tr></mj-table>"),
        SECTION.format(f"<mj-table><tr>{IF}<td>WORDS</td>{END}<td>V</td></tr></mj-table>"),
        SECTION.format(f"<mj-raw>{IF}<div>WORDS</div>{END}</mj-raw>"),
        f"<mj-hero>{IF}<mj-text>WORDS</mj-text>{END}</mj-hero>",
        SECTION.format(f"<mj-text><p>{IF}WORDS{END}</p></mj-text>"),
    ],
)
def test_a_condition_in_mjml_takes_its_words_along(source: str) -> None:
    made = make(mjml(source), "mjml")
    assert "WORDS" in html(made)
    assert "WORDS" in text(made)
    assert "WORDS" not in html(made, never)
    assert "WORDS" not in text(made, never)
    assert UNSUBSCRIBE in text(made, never).split("\n")


@pytest.mark.parametrize(
    ("parent", "child"),
    [
        ("mj-wrapper", SECTION.format("<mj-text>W</mj-text>")),
        ("mj-navbar", "<mj-navbar-link href='https://shop.example/'>W</mj-navbar-link>"),
        ("mj-accordion", "<mj-accordion-element><mj-accordion-title>T</mj-accordion-title></mj-accordion-element>"),
    ],
)  # fmt: skip
def test_where_the_compiler_keeps_no_order_a_condition_is_refused_by_name(parent: str, child: str) -> None:
    inner = f"<{parent}>{IF}{child}{END}</{parent}>"
    source = mjml(inner if parent == "mj-wrapper" else SECTION.format(inner))
    found = [each for each in refused(source, "mjml") if each.rule == "hole.place"]
    assert {f"directly in <{parent}>." in each.message for each in found} == {True}


@pytest.mark.parametrize(
    ("source", "rule"),
    [
        (f"<p style='color:{IF}red{END}'>x</p>", "hole.place"),
        (f"<p class='{IF}a{END}'>x</p>", "hole.place"),
        (f"<a href='https://shop.example/{IF}a{END}'>x</a>", "hole.href"),
        (f"<b>{IF}x</b>{END}", "hole.nesting"),
        (f"<table><tr><td>{IF}x</td></tr></table>{END}", "hole.nesting"),
        (f"<ul><li>{IF}a</li><li>{END}b</li></ul>", "hole.nesting"),
    ],
)
def test_a_condition_that_would_cut_markup_in_two_is_refused(source: str, rule: str) -> None:
    assert rules(refused(source)) == {rule}


@pytest.mark.parametrize(
    ("holds", "said"),
    [((), "C"), (("first_name",), "A"), (("country",), "B"), (("first_name", "country"), "A")],
)
def test_the_first_branch_that_holds_is_taken(holds: tuple[str, ...], said: str) -> None:
    source = "{% if first_name %}=A={% elif country %}=B={% else %}=C={% endif %}"
    made = make(source)
    written = html(made, lambda condition: any(name in condition for name in holds))
    assert [letter for letter in "ABC" if f"={letter}=" in written] == [said]


def test_a_condition_in_the_subject_leaves_the_rest_of_it() -> None:
    made = make("x", subject=f"Week 47{IF} for you, {{{{ first_name }}}}{END}!")
    assert fill(made.subject, always, **{"subscriber.first_name": "Ada"}) == "Week 47 for you, Ada!"
    assert fill(made.subject, never) == "Week 47!"


def test_a_condition_in_the_preheader_is_the_same_in_both_parts() -> None:
    made = make("x", preheader=f"New parts{IF} for {{{{ first_name }}}}{END}")
    assert text(made, always, **{"subscriber.first_name": "Ada"}).startswith("New parts for Ada\n")
    assert text(made, never).startswith("New parts\n")


def test_a_condition_known_when_compiling_leaves_no_trace() -> None:
    made = make("{% if campaign.sale %}SALE{% endif %} x", campaign={"sale": False})
    assert "SALE" not in html(made)
    made = make("{% if campaign.sale %}SALE{% endif %} x", campaign={"sale": True})
    assert "SALE" in html(made, never)


def test_a_condition_inside_a_loop_is_asked_for_each_turn() -> None:
    source = (
        "{% for name in campaign.names %}\n- {{ name }}{% if first_name %} for you{% endif %}\n{% endfor %}"
    )
    made = make(source, campaign={"names": ["reel", "coil"]})
    assert "- reel for you\n- coil for you\n" in text(made)
    assert "- reel\n- coil\n" in text(made, never)


@pytest.mark.parametrize(
    "source",
    [
        f"<table>{IF}WORDS{END}<tr><td>a</td></tr></table>",
        f"<table>{IF}<p>WORDS</p>{END}<tr><td>a</td></tr></table>",
        f"<table><tr>{IF}WORDS{END}<td>a</td></tr></table>",
        f"<table><tr>{IF}<b>WORDS</b>{END}<td>a</td></tr></table>",
        f"<table><tr><td>a</td></tr>{IF}<tr>WORDS</tr>{END}</table>",
        f"<table>{IF}<img src='https://news.shop.example/media/x.png' alt='x'>{END}<tr><td>a</td></tr></table>",
    ],
)
def test_what_html_moves_out_of_a_table_is_not_left_without_its_condition(source: str) -> None:
    """HTML5 puts such words before the table, where everybody would read them."""
    problem = only(f"one\n\n<div>\n{source}\n</div>\n")
    assert (problem.rule, problem.line) == ("hole.moved", 4)


def test_words_moved_out_of_a_table_without_any_condition_are_kept() -> None:
    assert "WORDS" in text(make("<table>WORDS<tr><td>a</td></tr></table>"))


def test_a_caption_that_depends_is_decided_in_both_parts() -> None:
    made = make(f"<table>{IF}<caption>WORDS</caption>{END}<tr><td>a</td></tr></table>")
    assert "WORDS\n\na\n" in text(made)
    assert "WORDS" not in text(made, never) + html(made, never)


@pytest.mark.parametrize(
    ("row", "with_it", "without"),
    [
        (f"{IF}<td>W</td>{END}<td>b</td><td>c</td>", "W | b | c", "b | c"),
        (f"<td>a</td>{IF}<td>W</td>{END}<td>c</td>", "a | W | c", "a | c"),
        (f"<td>a</td><td>b</td>{IF}<td>W</td>{END}", "a | b | W", "a | b"),
        (f"{IF}<td>W</td><td>X</td>{END}<td>c</td>", "W | X | c", "c"),
        (f"<td>a</td>{IF}<td>W</td>{{% else %}}<td>X</td>{END}", "a | W", "a | X"),
        (f"<td>a</td><td>{IF}W{END}</td>", "a | W", "a |"),
    ],
)
def test_a_cell_that_depends_takes_its_bar_along(row: str, with_it: str, without: str) -> None:
    made = make(f"<table><tr>{row}</tr></table>")
    assert with_it in [line.rstrip() for line in text(made).split("\n")]
    assert without in [line.rstrip() for line in text(made, never).split("\n")]


def test_raw_html_of_a_column_stays_between_its_neighbours() -> None:
    """The compiler makes a column a table; words outside its cells would be read first."""
    source = SECTION.format("<mj-text>FIRST</mj-text><mj-raw><p>SECOND</p></mj-raw><mj-text>THIRD</mj-text>")
    written = text(make(mjml(source), "mjml"))
    assert written.index("FIRST") < written.index("SECOND") < written.index("THIRD")


_PIECES = ["<table>", "</table>", "<tr>", "</tr>", "<td>", "</td>", "<ul>", "<li>", "</li>", "</ul>", "<p>", "</p>",
           "<b>", "</b>", "<div>", "</div>", "<caption>", "</caption>", "<th>", "<tbody>", "<br>", "words", "<!-- -->",
           "<a href='https://shop.example/'>", "</a>", "<blockquote>", "<h2>", "</h2>", "\n\n"]  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(*(st.lists(st.sampled_from(_PIECES), max_size=6).map("".join) for _ in range(4)))
@example("<table>", "", "", "<tr><td>a</td></tr></table>")
@example("<table><tr>", "<b>", "</b>", "<td>a</td></tr></table>")
@example("<table><tr>", "<td>", "</td>", "<td>a</td></tr></table>")
def test_whatever_is_made_shows_decided_words_only_to_whom_they_are_meant_for(
    before: str, opened: str, closed: str, after: str
) -> None:
    """Any HTML around a choice is refused, or both parts keep to it."""
    source = f"<div>{before}{IF}{opened}WORDS{closed}{END}{after}</div>"
    for wrap, kind in ((str, "markdown"), (in_text, "mjml"), (_in_raw, "mjml")):
        try:
            made = make(wrap(source), kind)
        except RenderError:
            continue
        assert "WORDS" not in html(made, never)
        assert "WORDS" not in text(made, never)
        assert "WORDS" in html(made)


def _in_raw(source: str) -> str:
    return mjml(SECTION.format(f"<mj-text>x</mj-text><mj-raw>{source}</mj-raw>"))


# Lines ---------------------------------------------------------------------------------------------------------------

BAD = "<p onclick='x'>z</p>"


@pytest.mark.rule("E18")
@pytest.mark.parametrize("first_line", [1, 9, 120])
@pytest.mark.parametrize(
    ("source", "offset"),
    [
        (f"{BAD}\n", 0),
        (f"one\n\n{BAD}\n", 2),
        (f"one\r\n\r\n{BAD}\r\n", 2),
        (f"one\r\r{BAD}\r", 2),
        (f"- a\n- b\n\n{BAD}\n", 3),
        (f"> a\n> b\n\n{BAD}\n", 3),
        (f"|a|b|\n|-|-|\n|c|d|\n\n{BAD}\n", 4),
        (f"```\ncode\n\ncode\n```\n\n{BAD}\n", 6),
        (f"a\nb\nc\n\n{BAD}\n", 4),
        (f"{IF}\n\n{BAD}\n\n{END}\n", 2),
        (f"{{# a note\nof two lines #}}\n\n{BAD}\n", 3),
        (f"{{% set x = 1 %}}\n\n{BAD}\n", 2),
        (f"<div>\n<p>a</p>\n{BAD}\n</div>\n", 2),
    ],
)
def test_a_mistake_is_named_with_the_line_of_the_file(source: str, offset: int, first_line: int) -> None:
    problem = only(source, first_line=first_line)
    assert (problem.rule, problem.line) == ("html.attribute", first_line + offset)


@pytest.mark.rule("E18")
@pytest.mark.parametrize(
    ("source", "line", "rule"),
    [
        ("one\n\n{{ nope }}\n", 11, "template.unknown-name"),
        ("one\n\n![a](images/x.png)\n", 11, "image.missing"),
        ("one\n\n{% include 'x.md' %}\n", 11, "template.tag"),
        ("one\n\n{% import 'x.md' as y %}\n", 11, "template.tag"),
        ("one\n\n{% extends 'x.md' %}\n", 11, "template.tag"),
        ("|a|b|\n|-|-|\n|c|d|\n|e|<img src='https://evil.example/a.png' alt=''>|\n", None, "image.foreign-host"),
    ],
)  # fmt: skip
def test_each_kind_of_mistake_counts_from_the_front_matter(source: str, line: int | None, rule: str) -> None:
    problem = only(source, first_line=9)
    assert problem.rule == rule
    assert line is None or problem.line == line


@pytest.mark.rule("E18")
def test_mjml_is_counted_like_markdown() -> None:
    source = (
        "<mjml>\n<mj-body>\n<mj-section>\n<mj-column>\n<mj-text>\n<p>a</p>\n" + BAD + "\n</mj-text>\n"
        "<mj-image src='https://evil.example/a.png' />\n</mj-column></mj-section></mj-body></mjml>"
    )
    found = {each.rule: each.line for each in refused(source, "mjml", first_line=5)}
    assert found == {"html.attribute": 11, "image.foreign-host": 13}


@pytest.mark.rule("E18")
def test_a_loop_names_the_line_it_was_written_on_once() -> None:
    problem = only("{% for n in [1, 2, 3] %}\n\n" + BAD + "\n\n{% endfor %}\n", first_line=4)
    assert problem.line == 6


def _layout(folder: Path, source: str) -> Path:
    (folder / "email").mkdir(parents=True, exist_ok=True)
    (folder / "email" / "own.mjml").write_text(source, encoding="utf-8")
    return folder


@pytest.mark.rule("E18")
@pytest.mark.parametrize("before", [0, 3])
def test_a_mistake_of_the_layout_counts_in_the_layout(tmp_path: Path, before: int) -> None:
    source = "\n" * before + mjml(
        f"\n<mj-section>\n<mj-column>\n<mj-text>\n{BAD}\n</mj-text>\n</mj-column>\n</mj-section>{{{{ content }}}}"
    )
    problem = only("words\n\nmore", layout="own", dirs=(_layout(tmp_path, source),), first_line=30)
    assert (problem.path, problem.line) == ("templates/email/own.mjml", 5 + before)


@pytest.mark.rule("E18")
def test_a_mistake_of_the_message_counts_in_the_message_whatever_the_layout(tmp_path: Path) -> None:
    source = mjml(
        "<mj-section><mj-column>\n\n\n<mj-text>above\n\n{{ content }}\n\nbelow</mj-text>\n</mj-column></mj-section>"
    )
    problem = only(f"one\n\n{BAD}\n", layout="own", dirs=(_layout(tmp_path, source),), first_line=7)
    assert (problem.path, problem.line) == ("campaigns/w47/campaign.md", 9)


@pytest.mark.rule("E18")
def test_mistakes_of_message_and_layout_are_told_apart_in_one_go(tmp_path: Path) -> None:
    source = mjml(f"{SECTION.format('<mj-text>' + BAD + '</mj-text>')}{{{{ content }}}}")
    found = refused(f"one\n\n{BAD}\n", layout="own", dirs=(_layout(tmp_path, source),))
    assert [(each.path.rsplit("/")[-1], each.line) for each in found] == [("campaign.md", 3), ("own.mjml", 1)]


@pytest.mark.rule("E18")
def test_a_mistake_of_the_text_file_counts_in_the_text_file() -> None:
    own = Body("one\n\n{{ nope }}\n", "text", "campaigns/w47/campaign.txt")
    problem = only("x", text_body=own, first_line=9)
    assert (problem.path, problem.line) == ("campaigns/w47/campaign.txt", 3)


@pytest.mark.rule("E18")
def test_a_finding_prints_as_file_line_rule_and_remedy() -> None:
    problem = only(f"one\n\n{BAD}\n", first_line=9)
    shown = str(problem)
    assert shown.startswith("campaigns/w47/campaign.md:11")
    assert "html.attribute" in shown


@pytest.mark.rule("E18")
def test_no_finding_shows_the_marks_that_stand_for_tags() -> None:
    with pytest.raises(RenderError) as caught:
        make(in_text("<p class='{{ first_name }}'>x</p><b data-{{ country }}='x'>y</b>"), "mjml")
    for each in caught.value.findings:
        assert "zq" not in each.message
        assert "zq" not in each.remedy


@pytest.mark.rule("E18")
def test_findings_come_in_the_order_of_their_lines() -> None:
    found: tuple[Problem, ...] = refused(f"{BAD}\n\n<p onload='x'>y</p>\n\n<form>z</form>\n")
    assert [each.line for each in found] == sorted(each.line or 0 for each in found)
    assert len(found) == 3
