"""What an author may write inside a hole or a condition: a closed, bounded piece of Jinja (D14).

Expressions see flat names only. `subscriber.first_name` is rewritten to one variable, so no
attribute of any object is ever looked up at sending time, and an unknown field is found when
the message is compiled.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Collection
from typing import Any

from jinja2 import StrictUndefined, TemplateSyntaxError, nodes
from jinja2.exceptions import SecurityError
from jinja2.parser import Parser
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.visitor import NodeTransformer

from mailer.errors import MailerError
from mailer.rendering.filters import FILTERS, TESTS

#: Links that the site makes; with `expires_at`, the recipient-level names outside `subscriber`.
#: The last three names exist in confirmation mail only.
OWN_LINKS = ("unsubscribe_url", "view_url", "confirm_url", "not_me_url")
RECIPIENT_NAMES = (*OWN_LINKS, "expires_at")
#: `subscriber.<these>` exist whatever the settings declare.
SUBSCRIBER_NAMES = ("email", "language")

_ALLOWED_NODES = (
    nodes.Name, nodes.Const, nodes.List, nodes.Tuple, nodes.Filter, nodes.Test, nodes.Compare, nodes.Operand,
    nodes.And, nodes.Or, nodes.Not, nodes.CondExpr, nodes.Concat, nodes.Add, nodes.Sub, nodes.Mul, nodes.Div,
    nodes.FloorDiv, nodes.Mod, nodes.Neg, nodes.Pos, nodes.Keyword,
)  # fmt: skip
_NODE_LIMIT = 100
_SUBSCRIBER = "subscriber"


class ExpressionRefused(MailerError):
    """An expression in the message is not one that can be filled in per recipient."""


class ExpressionEnvironment(ImmutableSandboxedEnvironment):
    """The only environment that ever sees a subscriber's values; it can load nothing and call nothing."""

    intercepted_binops = frozenset({"+", "-", "*", "/", "//", "%"})

    def __init__(self) -> None:
        super().__init__(undefined=StrictUndefined, autoescape=False, cache_size=0)
        self.globals.clear()
        self.filters = dict(FILTERS)
        self.tests = dict(TESTS)

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        """Arithmetic is for numbers: `%` and `*` on text could grow it without end."""
        if not (isinstance(left, int | float) and isinstance(right, int | float)):
            raise SecurityError(f"The operator {operator} takes numbers; join text with ~.")
        return super().call_binop(context, operator, left, right)


def parse_expression(source: str, fields: Collection[str]) -> tuple[nodes.Expr, frozenset[str]]:
    """The checked syntax tree of `source`, and the flat names it uses.

    `fields` are the declared merge fields. Raises ExpressionRefused with a sentence that
    names what is not allowed and what could be meant.
    """
    try:
        parser = Parser(_PARSING, source, state="variable")
        tree = parser.parse_expression()
        if not parser.stream.eos:
            raise TemplateSyntaxError(f"unexpected {parser.stream.current.value!r}", 1)
    except TemplateSyntaxError as error:
        raise ExpressionRefused(f"`{source}` is not a complete expression: {error.message}.") from error
    used: set[str] = set()
    tree = _Flatten(source, fields, used).visit(tree)
    found = [tree, *tree.find_all(nodes.Node)]
    for node in found:
        _check_node(node, source)
    if len(found) > _NODE_LIMIT:
        raise ExpressionRefused(f"`{source[:60]}…` is too long; decide less inside one expression.")
    tree.set_environment(_PARSING)
    return tree, frozenset(used)


class _Flatten(NodeTransformer):
    def __init__(self, source: str, fields: Collection[str], used: set[str]) -> None:
        self.source, self.fields, self.used = source, fields, used

    def visit_Name(self, node: nodes.Name) -> nodes.Node:  # noqa: N802 - named after the node, as Jinja calls it
        if node.name == _SUBSCRIBER:
            raise ExpressionRefused(f"`{self.source}` names the whole subscriber; name one field of it.")
        if node.name not in RECIPIENT_NAMES:
            raise ExpressionRefused(
                f"`{self.source}` uses `{node.name}`, which is not known"
                f"{_did_you_mean(node.name, [*RECIPIENT_NAMES, *(f'subscriber.{f}' for f in self.fields)])}."
            )
        self.used.add(node.name)
        return node

    def visit_Getattr(self, node: nodes.Getattr) -> nodes.Node:  # noqa: N802 - as above
        return self._member(node, node.node, node.attr)

    def visit_Getitem(self, node: nodes.Getitem) -> nodes.Node:  # noqa: N802 - as above
        return self._member(node, node.node, node.arg.value if isinstance(node.arg, nodes.Const) else None)

    def _member(self, node: nodes.Expr, owner: nodes.Expr, name: object) -> nodes.Node:
        if not (isinstance(owner, nodes.Name) and owner.name == _SUBSCRIBER and isinstance(name, str)):
            raise ExpressionRefused(
                f"`{self.source}` looks inside something other than `subscriber`; "
                "only `subscriber.<field>` can be filled in."
            )
        known = [*self.fields, *SUBSCRIBER_NAMES]
        if name not in known:
            raise ExpressionRefused(
                f"`subscriber.{name}` is not a merge field{_did_you_mean(name, known)}; "
                "declare it under [fields] in mailer.toml or correct the name."
            )
        flat = f"{_SUBSCRIBER}_{name}"
        self.used.add(flat)
        return nodes.Name(flat, "load", lineno=node.lineno)


def _check_node(node: nodes.Node, source: str) -> None:
    if not isinstance(node, _ALLOWED_NODES):
        what = type(node).__name__.lower()
        raise ExpressionRefused(f"`{source}` holds a {what}, which cannot be filled in per recipient.")
    if isinstance(node, nodes.Filter) and node.name not in FILTERS:
        raise ExpressionRefused(
            f"`{source}` uses the filter `{node.name}`, which is not allowed"
            f"{_did_you_mean(node.name, FILTERS)}."
        )
    if isinstance(node, nodes.Test) and node.name not in TESTS:
        raise ExpressionRefused(f"`{source}` uses the test `{node.name}`, which is not allowed.")


def _did_you_mean(name: str, known: Collection[str]) -> str:
    close = difflib.get_close_matches(name, known, n=1)
    return f" (did you mean `{close[0]}`?)" if close else ""


def as_number(value: Any) -> Any:
    """A merge value of type number, however it was stored; what is none stays as it is."""
    if isinstance(value, str):
        try:
            number = float(value)
        except ValueError:
            return value
        return (int(number) if number.is_integer() else number) if math.isfinite(number) else value
    return value


def as_boolean(value: Any) -> bool:
    """A merge value of type boolean, however it was stored."""
    if isinstance(value, str):
        return value.strip().lower() in {"1", "true", "yes", "y", "on", "ja"}
    return bool(value)


_PARSING = ExpressionEnvironment()
