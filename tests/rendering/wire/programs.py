"""Random programs, and an interpreter of them too plain to be wrong."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from mailer.rendering.program import Choice, HoleContext, Node, Program, Static, Value

#: Conditions and expressions with what they mean, in Python.
CONDITIONS = {
    "subscriber.vip": lambda names: bool(names["vip"]),
    "not subscriber.vip": lambda names: not names["vip"],
    "subscriber.points > 5": lambda names: names["points"] > 5,
    "subscriber.city == 'Ulm'": lambda names: names["city"] == "Ulm",
    "subscriber.city and subscriber.vip": lambda names: bool(names["city"]) and bool(names["vip"]),
}
EXPRESSIONS = {
    "subscriber.city": lambda names: names["city"],
    "subscriber.first_name": lambda names: names["first_name"],
    "subscriber.first_name | default('you')": lambda names: names["first_name"] or "you",
    "subscriber.points * 2": lambda names: str(names["points"] * 2),
    "subscriber.city ~ '/' ~ subscriber.points": lambda names: f"{names['city']}/{names['points']}",
}
static_text = st.text(
    st.one_of(st.characters(codec="utf-8"), st.sampled_from("=. \t\nFrom ä€")), max_size=120
)
word = st.text(st.sampled_from("abc Uälm€😀.=&<"), min_size=1, max_size=30).filter(
    lambda text: text.strip() == text
)
names = st.fixed_dictionaries(
    {
        "vip": st.booleans(),
        "points": st.integers(0, 10),
        "city": st.one_of(st.just("Ulm"), word),
        "first_name": st.one_of(st.just(""), word),
    }
)


def _choice(children: st.SearchStrategy[Program]) -> st.SearchStrategy[Node]:
    tests = st.lists(st.tuples(st.sampled_from(sorted(CONDITIONS)), children), min_size=1, max_size=3)
    otherwise = st.one_of(st.none(), children)

    def build(parts: tuple[list[tuple[str, Program]], Program | None]) -> Choice:
        branches: list[tuple[str | None, Program]] = [*parts[0]]
        return Choice(tuple(branches if parts[1] is None else [*branches, (None, parts[1])]))

    return st.tuples(tests, otherwise).map(build)


def _values(context: HoleContext) -> st.SearchStrategy[Node]:
    return st.sampled_from(sorted(EXPRESSIONS)).map(lambda expression: Value(expression, context))


def _programs(nodes: st.SearchStrategy[Node]) -> st.SearchStrategy[Program]:
    return st.lists(nodes, max_size=5).map(tuple)


def programs(context: HoleContext = HoleContext.TEXT) -> st.SearchStrategy[Program]:
    """Programs of text, holes and nested choices."""
    leaves = st.one_of(static_text.map(Static), _values(context))
    return st.recursive(
        _programs(leaves), lambda inner: _programs(st.one_of(leaves, _choice(inner))), max_leaves=12
    )


def interpret(program: Program, values: dict[str, Any]) -> str:
    """What the program says for these values."""
    out = []
    for node in program:
        if isinstance(node, Static):
            out.append(node.text)
        elif isinstance(node, Value):
            out.append(EXPRESSIONS[node.expression](values))
        else:
            holds = (body for test, body in node.branches if test is None or CONDITIONS[test](values))
            out.append(interpret(next(holds, ()), values))
    return "".join(out)
