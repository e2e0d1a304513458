"""Which Jinja tags are known now, which per recipient, and what is said of those that are neither."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailer.rendering.authoring.tags import Names, Placeholders, TagKind, lex, locate
from mailer.rendering.identity import Body, Problem

NAMES = Names(
    fields=("first_name", "FirstName", "country"),
    links=("unsubscribe_url", "view_url"),
    compile_time=("site", "list", "campaign", "content"),
)


def _lex(text: str, first_line: int = 1) -> tuple[str, tuple[Problem, ...], Placeholders]:
    placeholders = Placeholders()
    lexed = lex(Body(text, "markdown", "c.md", first_line), NAMES, placeholders)
    return placeholders.mark.sub("", lexed.template), lexed.problems, placeholders


def _readable(text: str) -> str:
    template, problems, placeholders = _lex(text)
    assert problems == ()
    return placeholders.readable(template)


def _problem(text: str) -> Problem:
    _, problems, _ = _lex(text)
    assert len(problems) == 1, [str(each) for each in problems]
    return problems[0]


@pytest.mark.parametrize(
    "tag",
    [
        "{{ subscriber.first_name }}",
        "{{unsubscribe_url}}",
        "{{ subscriber.email|upper }}",
        "{{ first_name }}",
    ],
)
def test_what_only_a_recipient_knows_becomes_a_placeholder(tag: str) -> None:
    template, problems, placeholders = _lex(f"a {tag} b")
    assert problems == ()
    assert placeholders.pattern.fullmatch(template[2:-2])
    assert template[2:-2].isalnum()
    assert template[2:-2].isascii()


@pytest.mark.parametrize(
    "tag", ["{{ site.name }}", "{% if campaign.x %}", "{{ 1 + 1 }}", "{{ list.title | upper }}"]
)
def test_what_is_known_now_is_left_to_jinja(tag: str) -> None:
    end = "{% endif %}" if tag.startswith("{%") else ""
    assert _lex(f"a {tag}{end}")[0] == f"a {tag}{end}"


def test_a_bare_merge_field_is_the_subscriber_s() -> None:
    assert _readable("{{ FirstName | default('you') }}") == "{{ subscriber.FirstName | default('you') }}"


def test_a_word_inside_a_text_is_no_merge_field() -> None:
    assert _readable("{{ subscriber.country | default('first_name') }}").endswith("default('first_name') }}")


def test_the_name_after_a_dot_is_not_a_merge_field_of_its_own() -> None:
    assert _lex("{{ campaign.first_name }}")[0] == "{{ campaign.first_name }}"


def test_all_tags_of_one_if_share_a_group() -> None:
    template, _, placeholders = _lex(
        "{% if subscriber.country %}a{% elif first_name %}b{% else %}c{% endif %}"
    )
    tags = placeholders.find(template)
    assert [tag.kind for tag in tags] == [TagKind.IF, TagKind.ELIF, TagKind.ELSE, TagKind.ENDIF]
    assert len({tag.group for tag in tags}) == 1


def test_an_else_belongs_to_the_innermost_if() -> None:
    text = "{% if subscriber.country %}{% if site.name %}a{% else %}b{% endif %}{% endif %}"
    assert _lex(text)[0].count("{% else %}") == 1


def test_a_closing_bracket_inside_a_text_does_not_end_the_tag() -> None:
    assert (
        _readable("{{ subscriber.country | default('}}') }}!") == "{{ subscriber.country | default('}}') }}!"
    )


def test_raw_text_keeps_its_braces() -> None:
    assert "{{ subscriber.nope }}" in _lex("{% raw %}{{ subscriber.nope }}{% endraw %}")[0]


def test_a_comment_is_dropped_with_what_is_in_it() -> None:
    template, problems, _ = _lex("a{# {{ nope }} #}b")
    assert problems == ()
    assert "nope" not in template


def test_white_space_control_works_on_recipient_tags() -> None:
    template, _, placeholders = _lex("a  {%- if first_name -%}  b  {%- endif -%}  c")
    assert placeholders.pattern.sub("|", template) == "a|b|c"


@pytest.mark.parametrize(
    ("text", "rule", "says"),
    [
        ("{{ subscriber.first_name", "template.unclosed", "`{{ subscriber.first_name` is never closed."),
        ("{% if first_name", "template.unclosed", "`{% if first_name` is never closed."),
        ("{% if first_name %}x", "template.unclosed", "`{% if %}` is never closed."),
        ("{% for x in [1] %}", "template.unclosed", "`{% for %}` is never closed."),
        ("{% endif %}", "template.unopened", "`{% endif %}` closes nothing that is open here."),
        ("{% else %}", "template.unopened", "closes nothing"),
        ("{% if site.name %}{% endfor %}{% endif %}", "template.unopened", "`{% endfor %}` closes nothing"),
        ("{{ }}", "template.empty", "is empty"),
        ("{{ subscriber.first_nam }}", "template.merge-field", "did you mean"),
        ("{{ subscriber }}", "template.merge-field", "name one field of it"),
        ("{{ subscriber.email.upper() }}", "template.merge-field", "looks inside"),
        ("{{ subscriber.country | tojson }}", "template.merge-field", "filter `tojson`"),
        ("{{ FirstNam }}", "template.unknown-name", "`FirstNam` is not a name messages know."),
        ("{{ first_name ~ site.name }}", "template.mixed", "mixes `site`"),
        ("{% for n in [1] %}{{ first_name ~ n }}{% endfor %}", "template.mixed", "mixes `n`"),
        ("{% for n in [1] %}{{ first_name ~ loop.index }}{% endfor %}", "template.mixed", "mixes `loop`"),
        ("{% if site.name %}{% elif first_name %}{% endif %}", "template.mixed", "asks about a recipient"),
        (
            "{% if first_name %}{% elif site.name %}{% endif %}",
            "template.mixed",
            "does not ask about a recipient",
        ),
        ("{% for x in subscriber.tags %}{% endfor %}", "template.recipient-loop", "`{% for %}` cannot work"),
        ("{% set x = subscriber.email %}", "template.recipient-loop", "`{% set %}` cannot work"),
        ("{% macro x() %}", "template.tag", "`{% macro %}` is not available"),
        ("{% include 'x' %}", "template.tag", "`{% include %}` is not available"),
        ("{% extends 'x' %}", "template.tag", "`{% extends %}` is not available"),
        ("{{ 'a }}", "template.syntax", "Unexpected char"),
        ("{{ first_name country }}", "template.syntax", "is not an expression"),
    ],
)
def test_what_is_wrong_with_a_tag_is_said_with_its_line(text: str, rule: str, says: str) -> None:
    problem = _problem(f"one\ntwo {text}")
    assert (problem.rule, problem.line, problem.path) == (rule, 2, "c.md")
    assert says in problem.message


def test_the_line_is_that_of_the_file_not_of_the_body() -> None:
    _, problems, _ = _lex("one\n{{ nope }}", first_line=8)
    assert problems[0].line == 9


def test_an_unknown_name_is_answered_with_the_known_ones_and_a_guess() -> None:
    remedy = _problem("{{ COUNTRY }}").remedy
    assert remedy.startswith("Did you mean {{ subscriber.country }}?")
    assert "unsubscribe_url" in remedy
    assert "subscriber.first_name" in remedy


def test_all_mistakes_are_found_at_once() -> None:
    _, problems, _ = _lex("{{ a }}\n{{ b }}\n{% macro x() %}\n")
    assert [problem.line for problem in problems] == [1, 2, 3]


def test_two_compiles_use_two_nonces() -> None:
    """Nobody can write a placeholder of ours into a message."""
    assert Placeholders().nonce != Placeholders().nonce


def test_rendered_lines_know_where_they_were_written() -> None:
    placeholders = Placeholders()
    text = "one\n{% for n in [1, 2] %}\nloop\n{% endfor %}\nlast"
    lexed = lex(Body(text, "markdown", "c.md", 10), NAMES, placeholders)
    mark = placeholders.line_mark
    assert lexed.template.startswith(f"{mark(10)}one\n{mark(11)}{{% for n in [1, 2] %}}\n{mark(12)}loop")
    rendered = f"{mark(10)}one\n{mark(12)}loop\n{mark(13)}\n{mark(12)}loop\n{mark(14)}last"
    located = locate(rendered, "c.md", placeholders)
    assert located.text == "one\nloop\n\nloop\nlast"
    assert [origin.line for origin in located.lines] == [10, 12, 13, 12, 14]


def test_a_tag_over_several_lines_does_not_move_the_lines_after_it() -> None:
    template, _, _ = _lex("{{ subscriber\n.\ncountry }}\nlast")
    assert template.count("\n") == 3


@given(st.text(max_size=200))
def test_no_text_makes_the_lexer_raise(text: str) -> None:
    lexed = lex(Body(text, "markdown", "c.md"), NAMES, Placeholders())
    assert all(problem.message for problem in lexed.problems)


@given(
    st.lists(
        st.sampled_from(["{{", "}}", "{%", "%}", "if", "subscriber", ".", "email", " ", "'", "endif", "\n"])
    )
)
def test_no_sequence_of_jinja_pieces_makes_the_lexer_raise(pieces: list[str]) -> None:
    lex(Body("".join(pieces), "markdown", "c.md"), NAMES, Placeholders())
