"""The compiled program against a plain interpreter, and the shapes it names."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from mailer.rendering.program import Choice, HoleContext, Program, Static, Value
from mailer.rendering.wire.artefact import MessageClass
from mailer.rendering.wire.encode import decode
from mailer.rendering.wire.evaluate import Evaluation, Section
from mailer.rendering.wire.expressions import ExpressionRefused
from tests.rendering.wire.cast import FIELDS, compiled, recipient, text_foot, text_hole, when
from tests.rendering.wire.programs import interpret, names, programs

slow = settings(suppress_health_check=[HealthCheck.too_slow], deadline=None, max_examples=60)


def flat(values: dict[str, Any]) -> dict[str, Any]:
    return {f"subscriber_{name}": value for name, value in values.items()}


def normal(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")


def filled(
    evaluation: Evaluation, values: dict[str, Any], head: tuple[str, ...] = ()
) -> tuple[str, tuple[str, ...]]:
    pieces, marks = evaluation.fill(values, head)
    return "".join(pieces), marks


@slow
@given(programs(), names)
def test_a_compiled_message_says_what_the_program_says(program: Program, values: dict[str, Any]) -> None:
    message = compiled(text=(*program, *text_foot()))
    said = message.text(recipient(values))
    assert said.startswith(normal(interpret(program, values)))


@slow
@given(programs(), names)
def test_lines_stay_short_wherever_holes_and_choices_fall(program: Program, values: dict[str, Any]) -> None:
    data = compiled(text=(*program, *text_foot())).fill(recipient(values)).data
    body = data.split(b"\r\n\r\n", 1)[1]
    assert all(len(line) <= 76 and not line.startswith((b".", b"From ")) for line in body.split(b"\r\n"))
    assert not re.search(rb"[ \t]\r\n", body)


@slow
@given(programs(), names)
def test_a_gathered_section_is_finished_whole(program: Program, values: dict[str, Any]) -> None:
    gathered: list[str] = []

    def finish(text: str) -> str:
        gathered.append(text)
        return "X"

    evaluation = Evaluation(("<", ">"), [Section(program, finish)], FIELDS)
    text, marks = filled(evaluation, flat(values), ("head",))
    assert (text, marks) == ("<head>X", ())
    assert gathered[-1] == interpret(program, values)


@slow
@given(programs(), names, names)
def test_equal_shapes_have_equal_static_text(
    program: Program, one: dict[str, Any], other: dict[str, Any]
) -> None:
    evaluation = Evaluation((), [Section(program)], FIELDS)
    _, marks = filled(evaluation, flat(one))
    _, same = filled(evaluation, flat(other))
    statics = {shape: evaluation._layout(shape)[::2] for shape in (marks, same)}
    assert (marks != same) or statics[marks] == statics[same]


def test_a_program_without_choices_has_one_shape() -> None:
    evaluation = Evaluation((), [Section((Static("a"), text_hole("subscriber.city")))], FIELDS)
    assert {filled(evaluation, {"subscriber_city": city})[1] for city in ("Ulm", "Köln")} == {()}


def test_a_condition_is_asked_only_where_its_branch_was_taken() -> None:
    inner = when("subscriber.points > 1", (Static("many"),))
    evaluation = Evaluation((), [Section((when("subscriber.vip", (inner,)),))], FIELDS)
    text, _ = filled(evaluation, {"subscriber_vip": False, "subscriber_points": "no number"})
    assert text == ""
    with pytest.raises(TypeError):
        filled(evaluation, {"subscriber_vip": True, "subscriber_points": "no number"})


def test_elif_takes_the_first_that_holds() -> None:
    choice = Choice(
        (
            ("subscriber.points > 8", (Static("gold"),)),
            ("subscriber.points > 4", (Static("silver"),)),
            (None, (Static("none"),)),
        )
    )
    evaluation = Evaluation((), [Section((choice,))], FIELDS)
    said = [filled(evaluation, {"subscriber_points": points})[0] for points in (9, 5, 1)]
    assert said == ["gold", "silver", "none"]


def test_ten_choices_make_a_thousand_shapes_and_each_is_right() -> None:
    choices = tuple(when(f"subscriber.points > {n}", (Static(f"[{n}]"),)) for n in range(10))
    evaluation = Evaluation((), [Section(choices)], FIELDS)
    for points in range(11):
        text, marks = filled(evaluation, {"subscriber_points": points})
        assert text == "".join(f"[{n}]" for n in range(points))
        assert len(marks) == 10


def test_the_kept_layouts_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mailer.rendering.wire.evaluate._LAYOUTS_KEPT", 2)
    choices = tuple(when(f"subscriber.points > {n}", (Static(str(n)),)) for n in range(6))
    evaluation = Evaluation((), [Section(choices)], FIELDS)
    for points in (0, 1, 2, 3, 4, 5, 6, 0, 6):
        assert filled(evaluation, {"subscriber_points": points})[0] == "".join(map(str, range(points)))
        assert len(evaluation._layouts) <= 2


@pytest.mark.parametrize("value", ["\x00", "\x001", "\x002 fake mark", ""])
def test_no_value_passes_for_a_mark(value: str) -> None:
    program = (when("subscriber.vip", (text_hole("subscriber.city"),), (Static("no"),)),)
    evaluation = Evaluation((), [Section(program)], FIELDS)
    text, marks = filled(evaluation, {"subscriber_vip": True, "subscriber_city": value})
    assert len(marks) == 1
    assert "\x00" not in text


def test_our_own_links_are_encoded_alike_wherever_they_stand() -> None:
    url = "https://news.shop.example/u/" + "a1" * 60
    holes = tuple(
        Value("unsubscribe_url", context)
        for context in (HoleContext.TEXT, HoleContext.HTML, HoleContext.HREF)
    )
    evaluation = Evaluation((), [Section(holes)], FIELDS)
    text, _ = filled(evaluation, {"unsubscribe_url": url})
    assert decode(text) == url * 3
    assert (
        len({text[: len(text) // 3], text[len(text) // 3 : 2 * len(text) // 3], text[2 * len(text) // 3 :]})
        == 1
    )


def test_a_long_link_of_ours_is_never_cut_short() -> None:
    url = "https://news.shop.example/" + "long-path/" * 40 + "u/" + "x" * 120
    message = compiled()
    who = recipient(unsubscribe_url=url)
    assert url in message.text(who).split()
    assert f'href="{url}"' in message.html(who)


@pytest.mark.parametrize(
    "program", [(text_hole("subscriber.nope"),), (when("nope", ()),), (text_hole("1 +"),)]
)
def test_a_refused_expression_stops_the_compiling(program: Program) -> None:
    with pytest.raises(ExpressionRefused):
        Evaluation((), [Section(program)], FIELDS)
    with pytest.raises(ExpressionRefused):
        compiled(subject=program)


def test_many_threads_fill_one_evaluation() -> None:
    program = (when("subscriber.points > 5", (Static("A"),), (Static("B"),)), text_hole("subscriber.city"))
    evaluation = Evaluation((), [Section(program)], FIELDS)

    def fill(number: int) -> str:
        return filled(evaluation, {"subscriber_points": number % 10, "subscriber_city": f"c{number}"})[0]

    with ThreadPoolExecutor(8) as pool:
        said = list(pool.map(fill, range(400)))
    assert said == [f"{'A' if n % 10 > 5 else 'B'}c{n}=\r\n" for n in range(400)]


@pytest.mark.rule("C6")
def test_confirmation_names_are_empty_in_other_mail() -> None:
    message = compiled(text=(Static("["), text_hole("expires_at"), Static("]\n"), *text_foot()))
    with pytest.raises(Exception, match="UndefinedError"):
        message.fill(recipient())
    confirms = compiled(
        text=(Static("["), text_hole("expires_at"), Static("]\n"), *text_foot()),
        message_class=MessageClass.CONFIRMATION,
    )
    assert confirms.text(recipient()).startswith("[30 November 2026]")


@pytest.mark.parametrize("name", ["email", "language"])
def test_the_subscriber_has_an_address_and_a_language(name: str) -> None:
    message = compiled(text=(text_hole(f"subscriber.{name}"), *text_foot()))
    assert message.text(recipient()).split("\n")[0] == {"email": "Ada@example.net", "language": "en"}[name]
