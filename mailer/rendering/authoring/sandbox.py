"""Compile-time Jinja with a budget: an allow list of nodes, filters and tests, and limits on loops and size.

Every construct that could run long or grow is counted in this process, so a hostile template
ends with one sentence and needs no watchdog: only `for` loops repeat, and each turn is counted;
only `+`, `*`, `~` and a few filters grow a value, and each result is measured first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final
from urllib.parse import quote

from jinja2 import StrictUndefined, TemplateError, nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment

from mailer import clock
from mailer.errors import MailerError
from mailer.rendering import filters

#: Turns of all loops of one template together; a year of daily offers stays far below.
MAX_TURNS: Final = 20_000
#: Characters one value may have, and one rendered source: a mail is stopped at 95 KB of HTML anyway.
MAX_VALUE: Final = 200_000
MAX_OUTPUT: Final = 2_000_000
#: Parts a list may have, with those of the lists in it.
MAX_PARTS: Final = 5_000
#: Seconds one source may render: a backstop, the counters end first.
MAX_SECONDS: Final = 2.0


class TemplateTooLong(MailerError):
    """The template does too much work: it loops too often or writes too much. Shorten its loops."""


class TemplateForbidden(MailerError):
    """The template uses something that is not available in messages."""

    def __init__(self, message: str, *, line: int) -> None:
        super().__init__(message)
        self.line = line


def _replace(value: Any, old: str, new: str) -> str:
    text = str(value)
    grown = len(text) + text.count(str(old)) * max(0, len(str(new)) - len(str(old)))
    if grown > MAX_VALUE:
        raise TemplateTooLong(f"The filter replace would write {grown} characters; {MAX_VALUE} are allowed.")
    return text.replace(str(old), str(new))


def _join(value: Iterable[Any], separator: str = "") -> str:
    items = [str(item) for item in value]
    grown = sum(map(len, items)) + len(str(separator)) * len(items)
    if grown > MAX_VALUE:
        raise TemplateTooLong(f"The filter join would write {grown} characters; {MAX_VALUE} are allowed.")
    return str(separator).join(items)


#: The filters of compile time: those of all times, and some whose results are measured or cannot grow.
FILTERS: Final[Mapping[str, Callable[..., Any]]] = {
    **filters.FILTERS,
    "join": _join,
    "replace": _replace,
    "reverse": lambda value: value[::-1],
    "sort": sorted,
    "urlencode": lambda value: quote(str(value), safe=""),
}

_EXPRESSIONS: Final = (
    nodes.Name, nodes.Const, nodes.TemplateData, nodes.Getattr, nodes.Getitem, nodes.Filter, nodes.Test,
    nodes.Compare, nodes.Operand, nodes.And, nodes.Or, nodes.Not, nodes.Neg, nodes.Pos, nodes.CondExpr,
    nodes.Add, nodes.Sub, nodes.Mul, nodes.Div, nodes.FloorDiv, nodes.Mod, nodes.Concat, nodes.Tuple, nodes.List,
    nodes.Dict, nodes.Pair, nodes.Slice, nodes.Keyword, nodes.Call,
)  # fmt: skip
_STATEMENTS: Final = (nodes.Template, nodes.Output, nodes.If, nodes.For, nodes.Assign)
_WORDS: Final[Mapping[type[nodes.Node], str]] = {
    nodes.Macro: "macro", nodes.CallBlock: "call", nodes.FilterBlock: "filter", nodes.Include: "include",
    nodes.Import: "import", nodes.FromImport: "from … import", nodes.Extends: "extends", nodes.Block: "block",
    nodes.With: "with", nodes.AssignBlock: "set … endset", nodes.Pow: "**", nodes.NSRef: "namespace",
}  # fmt: skip


class Budget:
    """Counts what one source may still do."""

    def __init__(self) -> None:
        self._turns = MAX_TURNS
        self._deadline = clock.monotonic() + MAX_SECONDS

    def counted(self, items: Iterable[Any]) -> Iterator[Any]:
        """The items of a `for`, each turn paid for."""
        for item in items:
            self._turns -= 1
            if self._turns < 0:
                raise TemplateTooLong(f"The template loops more than {MAX_TURNS} times. Shorten its loops.")
            if not self._turns % 256:
                self.look()
            yield item

    def weighed(self, value: Any) -> Any:
        """A list, tuple or mapping, once its parts are counted."""
        self.look()
        _weigh(value)
        return value

    def look(self) -> None:
        """Raises `TemplateTooLong` when the time is used up."""
        if clock.monotonic() > self._deadline:
            raise TemplateTooLong(
                f"The template renders longer than {MAX_SECONDS:g} seconds. Make it simpler."
            )


def _weigh(value: Any) -> None:
    """Raises `TemplateTooLong` for a list that would be long if it were written: lists can hold each other."""
    parts, characters, stack = 0, 0, [value]
    while stack:
        item = stack.pop()
        parts += 1
        if isinstance(item, Mapping):
            stack += [*item.keys(), *item.values()]
        elif isinstance(item, list | tuple):
            stack += item
        elif isinstance(item, str):
            characters += len(item)
        if parts + len(stack) > MAX_PARTS or characters > MAX_VALUE:
            raise TemplateTooLong(
                f"The template builds a list of more than {MAX_PARTS} parts or {MAX_VALUE} characters."
            )


def _measured(value: Any) -> Any:
    if isinstance(value, str | bytes | list | tuple) and len(value) > MAX_VALUE:
        raise TemplateTooLong(f"The template builds a value of {len(value)} parts; {MAX_VALUE} are allowed.")
    return value


class SandboxEnvironment(ImmutableSandboxedEnvironment):
    """Jinja reduced to what a message needs (D14): strict names, no loader, no call but `range`."""

    intercepted_binops = frozenset({"+", "-", "*", "/", "//", "%"})

    def __init__(self, *, autoescape: bool) -> None:
        super().__init__(
            undefined=StrictUndefined, autoescape=autoescape, keep_trailing_newline=True, loader=None
        )
        self.budget = Budget()
        self.filters = {
            **FILTERS,
            "_counted": self.budget.counted,
            "_concat": _join,
            "_weighed": self.budget.weighed,
        }
        self.tests = dict(filters.TESTS)
        self.globals = {"range": _bounded_range}

    def getattr(self, obj: Any, attribute: str) -> Any:
        """`campaign.items` is what the front matter calls `items`, never a method of the mapping."""
        if isinstance(obj, Mapping):
            return obj[attribute] if attribute in obj else self.undefined(obj=obj, name=attribute)
        return super().getattr(obj, attribute)

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        """Arithmetic is for numbers; `+` joins texts as well."""
        numbers = isinstance(left, int | float) and isinstance(right, int | float)
        if not numbers and not (operator == "+" and isinstance(left, str) and isinstance(right, str)):
            raise TemplateError(f"The operator {operator} works on numbers only; join texts with ~.")
        if numbers and max(abs(left), abs(right)) > 10**18:
            raise TemplateTooLong("The template calculates with numbers of more than 18 digits.")
        return _measured(super().call_binop(context, operator, left, right))


def _bounded_range(*arguments: int) -> range:
    found = range(*arguments)
    if len(found) > MAX_TURNS:
        raise TemplateTooLong(f"range() counts {len(found)} steps; {MAX_TURNS} are allowed. Shorten it.")
    return found


def allow(tree: nodes.Template) -> None:
    """Refuse what messages do not have. Raises `TemplateForbidden` with the line."""
    for node in (tree, *tree.find_all(nodes.Node)):
        if isinstance(node, nodes.Call) and not (
            isinstance(node.node, nodes.Name) and node.node.name == "range"
        ):
            raise TemplateForbidden("Calling something is not available in messages.", line=node.lineno)
        if isinstance(node, nodes.For) and node.recursive:
            raise TemplateForbidden("A recursive `for` is not available in messages.", line=node.lineno)
        if isinstance(node, (*_EXPRESSIONS, *_STATEMENTS)):
            continue
        word = _WORDS.get(type(node), type(node).__name__.lower())
        raise TemplateForbidden(f"`{word}` is not available in messages.", line=node.lineno)


def _guard(tree: nodes.Template) -> None:
    for loop in tree.find_all(nodes.For):
        loop.iter = nodes.Filter(loop.iter, "_counted", [], [], None, None, lineno=loop.lineno)
    _replace_concat(tree)


def _replace_concat(node: nodes.Node) -> None:
    for child in node.iter_child_nodes():
        _replace_concat(child)
    for field, value in list(node.iter_fields()):
        if isinstance(value, nodes.Node):
            setattr(node, field, _counting(value))
        elif isinstance(value, list):
            value[:] = [_counting(each) if isinstance(each, nodes.Node) else each for each in value]


def _counting(node: nodes.Node) -> nodes.Node:
    """The node, or its counting form if it builds a value out of others."""
    if isinstance(node, nodes.Concat):
        return _measured_concat(node)
    if isinstance(node, nodes.List | nodes.Dict) or (isinstance(node, nodes.Tuple) and node.ctx == "load"):
        return nodes.Filter(node, "_weighed", [], [], None, None, lineno=node.lineno)
    return node


def _measured_concat(node: nodes.Concat) -> nodes.Filter:
    parts = nodes.List(node.nodes, lineno=node.lineno)
    return nodes.Filter(parts, "_concat", [], [], None, None, lineno=node.lineno)


def render(template: str, names: Mapping[str, Any], *, autoescape: bool) -> str:
    """The compile-time text of a source.

    Raises jinja2.TemplateError (with the template's line), `TemplateForbidden`, `TemplateTooLong`.
    """
    environment = SandboxEnvironment(autoescape=autoescape)
    tree = environment.parse(template)
    allow(tree)
    _guard(tree)
    _weigh({name: value for name, value in names.items() if isinstance(value, Mapping | list)})
    compiled = environment.from_string(tree)
    chunks: list[str] = []
    size = 0
    for chunk in compiled.generate(dict(names)):
        size += len(chunk)
        if size > MAX_OUTPUT:
            raise TemplateTooLong(
                f"The template writes more than {MAX_OUTPUT} characters. Shorten its loops."
            )
        environment.budget.look()
        chunks.append(chunk)
    return "".join(chunks)
