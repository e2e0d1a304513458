"""Where a merge field may stand, how it is made harmless there, and how choices nest in the document."""

from __future__ import annotations

import pytest

from mailer.rendering.authoring import dom
from mailer.rendering.program import Choice, HoleContext, Static, Value, values
from tests.rendering.authoring.world import document, html, in_text, make, mjml, only, refused, rules, text


def _contexts(body: str, kind: str = "markdown") -> dict[str, HoleContext]:
    return {hole.expression: hole.context for hole in values(make(body, kind).html)}


def test_a_merge_field_in_text_is_escaped_as_html() -> None:
    assert _contexts("Hello {{ subscriber.first_name }}")["subscriber.first_name"] is HoleContext.HTML


@pytest.mark.parametrize("attribute", ["alt", "title"])
def test_a_merge_field_in_a_quoted_attribute_of_words_is_escaped_as_html(attribute: str) -> None:
    found = _contexts(
        f'<span><a href="https://shop.example/" title="x"><b {attribute}="{{{{ first_name }}}}">x</b></a></span>'
    )
    assert found["subscriber.first_name"] is HoleContext.HTML


@pytest.mark.rule("D15")
def test_a_merge_field_in_an_address_is_a_component_of_it() -> None:
    found = _contexts("[go](https://shop.example/?q={{ first_name }}#{{ country }})")
    assert found["subscriber.first_name"] is HoleContext.URL
    assert found["subscriber.country"] is HoleContext.URL


@pytest.mark.rule("D15")
def test_a_merge_field_that_is_the_whole_address_is_judged_by_its_scheme() -> None:
    assert _contexts("[go]({{ country }})")["subscriber.country"] is HoleContext.HREF


def test_the_links_of_the_product_are_whole_addresses() -> None:
    found = _contexts("[leave]({{ unsubscribe_url }})")
    assert found["unsubscribe_url"] is HoleContext.HREF
    assert found["view_url"] is HoleContext.HREF


@pytest.mark.parametrize(
    "address",
    [
        "https://{{ country }}.example/",
        "https://shop.example{{ country }}",
        "//{{ country }}/",
        "x:{{ country }}",
    ],
)
def test_a_merge_field_may_not_choose_the_host(address: str) -> None:
    problems = refused(f"one\n\n<a href='{address}'>go</a>")
    assert "hole.href" in rules(problems) or "link.scheme" in rules(problems)
    assert {each.line for each in problems} == {3}


@pytest.mark.parametrize(
    "address", ["mailto:{{ country }}", "tel:{{ country }}", "https://shop.example?x={{ country }}"]
)
def test_a_merge_field_may_follow_a_fixed_beginning(address: str) -> None:
    assert _contexts(f"<a href='{address}'>go</a>")["subscriber.country"] is HoleContext.URL


@pytest.mark.parametrize(
    ("source", "where"),
    [
        ("<p style='color:{{ country }}'>x</p>", "the attribute style of <p>"),
        ("<p class='{{ country }}'>x</p>", "the attribute class of <p>"),
        ("<img src='{{ country }}' alt=''>", "the attribute src of <img>"),
        ("<img src='https://news.shop.example/{{ country }}.png' alt=''>", "the attribute src of <img>"),
        ("x <!-- {{ country }} -->", "a comment"),
        ("<style>p {color: {{ country }}}</style>", "a style sheet"),
    ],
)
def test_a_merge_field_stands_nowhere_else(source: str, where: str) -> None:
    problems = refused(f"one\n\n{source}")
    assert {(each.rule, each.line) for each in problems} >= {("hole.place", 3)}
    assert any(where in each.message for each in problems), [str(each) for each in problems]


@pytest.mark.parametrize(
    ("source", "rule", "where"),
    [
        ("<{{ country }}>x", "hole.place", "the name of a tag"),
        ("<p {{ country }}>x</p>", "hole.place", "the name of an attribute of <p>"),
        ("<p {{ country }}='x'>x</p>", "hole.place", "the name of an attribute of <p>"),
        ("<a href={{ country }}>x</a>", "hole.unquoted", "an attribute without quotes"),
        ("<a href=https://shop.example/{{ country }}>x</a>", "hole.unquoted", "an attribute without quotes"),
        ("<b title={{ country }}>x</b>", "hole.unquoted", "an attribute without quotes"),
    ],
)
def test_a_merge_field_is_no_tag_and_no_attribute_name_and_needs_quotes(
    source: str, rule: str, where: str
) -> None:
    problem = only(f"one\n\n{source}")
    assert (problem.rule, problem.line) == (rule, 3)
    assert where in problem.message
    assert "`{{ subscriber.country }}`" in problem.message


@pytest.mark.parametrize(
    ("element", "where"),
    [
        ("<mj-text color='{{ country }}'>x</mj-text>", "the attribute color of <mj-text>"),
        ("<mj-image src='{{ country }}' alt='' />", "the attribute src of <mj-image>"),
        ("<mj-text css-class='{{ country }}'>x</mj-text>", "the attribute css-class of <mj-text>"),
    ],
)
def test_the_same_holds_for_mjml_attributes(element: str, where: str) -> None:
    problems = refused(mjml(f"<mj-section><mj-column>\n{element}\n</mj-column></mj-section>"), "mjml")
    assert any(where in each.message and each.line == 2 for each in problems), [
        str(each) for each in problems
    ]


def test_a_button_may_lead_to_and_say_a_merge_field() -> None:
    body = mjml("<mj-section><mj-column><mj-button href='https://shop.example/?n={{ country }}'>Hi {{ first_name }}"
                "</mj-button><mj-image src='https://news.shop.example/x.png' alt='{{ first_name }}' /></mj-column>"
                "</mj-section>")  # fmt: skip
    found = _contexts(body, "mjml")
    assert found["subscriber.country"] is HoleContext.URL
    assert found["subscriber.first_name"] is HoleContext.HTML


# choices


def test_a_choice_becomes_a_choice_in_both_parts() -> None:
    made = make("{% if first_name %}\nAAA\n{% elif country == 'DE' %}\nBBB\n{% else %}\nCCC\n{% endif %}")
    for program in (made.html, made.text):
        choice = next(node for node in program if isinstance(node, Choice))
        assert [condition for condition, _ in choice.branches] == [
            "subscriber.first_name",
            "subscriber.country == 'DE'",
            None,
        ]
    assert "AAA" in text(made, lambda condition: "first" in condition)
    assert "BBB" in html(made, lambda condition: "country" in condition)
    assert "CCC" in html(made, lambda condition: False)
    assert "AAA" not in html(made, lambda condition: False)


def test_choices_nest() -> None:
    made = make("{% if first_name %}a{% if country %}b{% endif %}c{% endif %}")
    assert "abc" in html(made)
    assert "ac" in html(made, lambda condition: "first" in condition)


def test_every_branch_of_a_message_is_whole_html() -> None:
    made = make("{% if first_name %}\n- a\n{% else %}\n> b\n{% endif %}\n\nend")
    for decision in (True, False):
        written = html(made, lambda condition, answer=decision: answer)  # type: ignore[misc]  # a default is the binding
        assert dom.serialise(dom.parse_document(written)) == written


def test_an_if_may_stand_between_sections_and_columns_and_elements() -> None:
    body = mjml(
        "{% if first_name %}<mj-section>{% if country %}<mj-column>{% if first_name %}<mj-text>WORDS</mj-text>"
        "{% endif %}</mj-column>{% endif %}</mj-section>{% endif %}"
    )
    made = make(body, "mjml")
    assert "WORDS" in html(made)
    assert "WORDS" not in html(made, lambda condition: False)


def test_an_if_may_stand_between_table_rows() -> None:
    body = in_text("<table>{% if country %}<tr><td>ROW</td></tr>{% endif %}<tr><td>LAST</td></tr></table>")
    with_row = html(make(body, "mjml"))
    assert with_row.index("<table>") < with_row.index("ROW") < with_row.index("LAST")
    assert "ROW" not in html(make(body, "mjml"), lambda condition: False)


def test_an_if_directly_in_a_wrapper_is_refused() -> None:
    """The compiler puts what stands there into a comment for Outlook."""
    section = "<mj-section><mj-column><mj-text>x</mj-text></mj-column></mj-section>"
    problem = refused(mjml(f"<mj-wrapper>\n{{% if country %}}{section}{{% endif %}}</mj-wrapper>"), "mjml")[0]
    assert (problem.rule, problem.line) == ("hole.place", 2)


def test_an_if_that_opens_and_closes_in_two_elements_is_refused() -> None:
    problem = only("one\n\n<div>{% if first_name %}<p>a{% endif %}</p></div>")
    assert (problem.rule, problem.line) == ("hole.nesting", 3)
    assert "`{% endif %}`" in problem.message
    assert "`{% if subscriber.first_name %}` of line 3" in problem.message


def test_an_if_around_half_a_table_is_refused() -> None:
    assert "hole.nesting" in rules(refused("<table>{% if country %}<tr><td>a{% endif %}</td></tr></table>"))


def test_an_if_may_stand_inside_the_words_of_an_image_but_not_in_an_address() -> None:
    made = make("<b title='{% if country %}a{% else %}b{% endif %}'>x</b>")
    assert 'title="a"' in html(made)
    assert 'title="b"' in html(made, lambda condition: False)
    problem = refused("[go](https://shop.example/{% if country %}a{% endif %})")[0]
    assert problem.rule == "hole.href"


def test_a_value_directly_between_sections_is_refused() -> None:
    problem = only(mjml("{{ first_name }}<mj-section></mj-section>"), "mjml")
    assert (problem.rule, problem.line) == ("hole.place", 1)


def test_the_nonce_of_a_compile_is_not_in_what_comes_out() -> None:
    body = "{% if first_name %}{{ first_name }}{% endif %} [x]({{ unsubscribe_url }})"
    assert make(body) == make(body)
    assert "zq" not in "".join(node.text for node in make(body).html if isinstance(node, Static))


def test_a_loop_that_is_known_now_repeats_its_holes() -> None:
    made = make("{% for n in [1, 2] %}\n{{ n }}: {{ subscriber.country }}\n\n{% endfor %}")
    holes = [hole for hole in values(made.text) if hole.expression == "subscriber.country"]
    assert len(holes) == 2


def test_the_subject_is_plain_text() -> None:
    made = make("x", subject="{{ first_name | default('You') }} & us <3")
    assert made.subject == (
        Value("subscriber.first_name | default('You')", HoleContext.TEXT),
        Static(" & us <3"),
    )
    assert "<title>" in html(made)
    assert "&amp; us &lt;3</title>" in html(made)
    assert dom.first(document(made), "title") is not None
