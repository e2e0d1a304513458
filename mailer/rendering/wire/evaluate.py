"""All holes and conditions of one message as one compiled Jinja program.

Jinja never sees the message: the generated program yields only what differs per recipient,
already encoded for the wire, and a mark for each branch taken. The marks select a prepared
layout (the static chunks of that shape); the values are laid between them. The site's own links
stand in several places of every message: each is encoded once, outside of Jinja.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeAlias

from jinja2 import Template, nodes
from jinja2.runtime import Context

from mailer.rendering.program import Choice, HoleContext, Program, Static, Value
from mailer.rendering.wire import characters
from mailer.rendering.wire.encode import encode_value
from mailer.rendering.wire.expressions import OWN_LINKS, ExpressionEnvironment, parse_expression

#: What a branch mark begins with; no encoded value can (characters.UNSAFE).
_MARK = "\x00"
_LAYOUTS_KEPT = 1024


def _text_hole(value: object) -> str:
    return encode_value(characters.isolated(value))


def _html_hole(value: object) -> str:
    return encode_value(characters.html(value))


def _own_link(url: str) -> str:
    return encode_value(characters.link(url))


@lru_cache(maxsize=256, typed=True)
def _url_hole(value: object) -> str:
    return encode_value(characters.url_component(value))


@lru_cache(maxsize=256, typed=True)
def _href_hole(value: object) -> str:
    return encode_value(characters.link(value))


_HOLES: Mapping[str, Callable[[object], str]] = {
    f"wire_{HoleContext.TEXT}": _text_hole,
    f"wire_{HoleContext.HTML}": _html_hole,
    f"wire_{HoleContext.URL}": _url_hole,
    f"wire_{HoleContext.HREF}": _href_hole,
    "wire_raw": characters.isolated,
}


@dataclass(frozen=True, slots=True)
class Section:
    """A stretch of the message: a program whose Static text is wire text already.

    With `finish`, the section's own text is gathered first and given to it whole: the way of
    a header field, whose encoding depends on all of it.
    """

    program: Program
    finish: Callable[[str], str] | None = None


#: The name that a whole hole of one of our links has in the program: the link, encoded already.
_ENCODED = {name: f"encoded_{name}" for name in OWN_LINKS}

#: A section as the layouts see it: static text, a hole (None), or the branches by their marks.
_Plan: TypeAlias = "Sequence[str | dict[str, _Plan] | None]"


class Evaluation:
    """One message's sections, ready to be filled any number of times, by several threads at once.

    `head` is the text before the first section, cut at holes whose values the caller passes to
    `fill` ready-made: the identifiers of one message, which no author's expression concerns.
    """

    def __init__(self, head: tuple[str, ...], sections: Iterable[Section], fields: Collection[str]) -> None:
        self._environment = ExpressionEnvironment()
        self._environment.filters |= _HOLES
        self._fields = fields
        self._marks = 0
        used: set[str] = set()
        body: list[nodes.Node] = []
        plan: list[str | dict[str, _Plan] | None] = []
        for text in head:
            plan += [None, text] if plan else [text]
        for number, section in enumerate(sections):
            plan += self._section(number, section, body, used)
        self._plan: _Plan = plan
        self._own_links = [(name, encoded) for name, encoded in _ENCODED.items() if encoded in used]
        #: The flat names the program reads, such as `subscriber_first_name`.
        self.names = frozenset(used.difference(_ENCODED.values()).union(name for name, _ in self._own_links))
        self._root = _root_function(self._environment, body)
        self._layouts: dict[tuple[str, ...], tuple[str, ...]] = {}
        self._only = None if self._marks else self._layout(())

    def fill(self, names: dict[str, Any], head_values: Iterable[str]) -> tuple[list[str], tuple[str, ...]]:
        """The finished text in pieces, a value at each odd place, and the marks of the branches taken.

        Raises whatever an author's expression raises on these values.
        """
        for name, encoded in self._own_links:
            if name in names:
                names[encoded] = _own_link(names[name])
        values = [*head_values, *self._root(Context(self._environment, names, None, {}))]
        marks: tuple[str, ...] = ()
        layout = self._only
        if layout is None:
            marks = tuple([value for value in values if value[:1] == _MARK])
            values = [value for value in values if value[:1] != _MARK]
            layout = self._layouts.get(marks) or self._layout(marks)
        pieces = list(layout)
        pieces[1::2] = values
        return pieces, marks

    def _layout(self, marks: tuple[str, ...]) -> tuple[str, ...]:
        """Static text at even places, room for one value at each odd place."""
        pieces = [""]
        for part in _walk(self._plan, iter(marks)):
            if part is None:
                pieces += ["", ""]
            else:
                pieces[-1] += part
        if len(self._layouts) >= _LAYOUTS_KEPT:
            self._layouts.clear()
        self._layouts[marks] = tuple(pieces)
        return self._layouts[marks]

    def _section(self, number: int, section: Section, body: list[nodes.Node], used: set[str]) -> _Plan:
        if section.finish is None:
            return self._program(section.program, body, used)
        statics = [node.text for node in section.program if isinstance(node, Static)]
        if len(statics) == len(section.program):
            return [section.finish("".join(statics))]
        inner: list[nodes.Node] = []
        self._gathered(section.program, inner, used)
        name = f"wire_finish_{number}"
        self._environment.filters[name] = section.finish
        body.append(nodes.FilterBlock(inner, _filter(None, name)))
        return [None]

    def _program(self, program: Program, body: list[nodes.Node], used: set[str]) -> _Plan:
        plan: list[str | dict[str, _Plan] | None] = []
        for node in program:
            if isinstance(node, Static):
                plan.append(node.text)
            elif isinstance(node, Choice):
                plan.append(self._choice(node, body, used))
            else:
                body.append(_output(self._hole(node, used)))
                plan.append(None)
        return plan

    def _hole(self, hole: Value, used: set[str]) -> nodes.Expr:
        """One of our own links reads the same wherever it stands, and is never cut."""
        encoded = _ENCODED.get(hole.expression.strip())
        if encoded is None:
            return _filter(self._parsed(hole.expression, used), f"wire_{hole.context}")
        used.add(encoded)
        return nodes.Name(encoded, "load")

    def _choice(self, choice: Choice, body: list[nodes.Node], used: set[str]) -> dict[str, _Plan]:
        """Every branch, a missing `else` too, first yields its mark."""
        plans: dict[str, _Plan] = {}

        def branch(program: Program) -> list[nodes.Node]:
            self._marks += 1
            mark = f"{_MARK}{self._marks}"
            inner: list[nodes.Node] = [_output(nodes.TemplateData(mark))]
            plans[mark] = self._program(program, inner, used)
            return inner

        body.append(self._conditional(choice, branch, used))
        return plans

    def _gathered(self, program: Program, body: list[nodes.Node], used: set[str]) -> None:
        for node in program:
            if isinstance(node, Static):
                body.append(_output(nodes.TemplateData(node.text)))
            elif isinstance(node, Choice):

                def branch(inner_program: Program) -> list[nodes.Node]:
                    inner: list[nodes.Node] = []
                    self._gathered(inner_program, inner, used)
                    return inner

                body.append(self._conditional(node, branch, used))
            else:
                body.append(_output(_filter(self._parsed(node.expression, used), "wire_raw")))

    def _conditional(
        self, choice: Choice, branch: Callable[[Program], list[nodes.Node]], used: set[str]
    ) -> nodes.If:
        tests = [(condition, program) for condition, program in choice.branches if condition is not None]
        otherwise = next((program for condition, program in choice.branches if condition is None), ())
        made = [nodes.If(self._parsed(test, used), branch(program), [], []) for test, program in tests]
        made[0].elif_ = made[1:]
        made[0].else_ = branch(otherwise)
        return made[0]

    def _parsed(self, expression: str, used: set[str]) -> nodes.Expr:
        tree, names = parse_expression(expression, self._fields)
        used |= names
        return tree


def _walk(plan: _Plan, marks: Iterator[str]) -> Iterator[str | None]:
    for part in plan:
        if isinstance(part, dict):
            yield from _walk(part[next(marks)], marks)
        else:
            yield part


def _output(node: nodes.Expr) -> nodes.Output:
    return nodes.Output([node])


def _filter(value: nodes.Expr | None, name: str) -> nodes.Filter:
    return nodes.Filter(value, name, [], [], None, None)


def _root_function(
    environment: ExpressionEnvironment, body: list[nodes.Node]
) -> Callable[[Context], Iterator[str]]:
    tree = nodes.Template(body, lineno=1)
    tree.set_lineno(1)
    tree.set_environment(environment)
    code = environment.compile(tree)
    return Template.from_code(environment, code, {}).root_render_func
