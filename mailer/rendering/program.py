"""The seam inside rendering: a message as static text, holes, and choices between them.

Authoring turns sources into programs; the wire side turns programs into bytes. Nothing here
knows HTML, MIME or people.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, TypeAlias, Union

if TYPE_CHECKING:
    from mailer.rendering.identity import Problem


class HoleContext(StrEnum):
    """Where a value lands, and so how it is made harmless there."""

    TEXT = "text"
    """Plain text: the text part, the subject. Written as it is."""
    HTML = "html"
    """Element text, or a quoted `alt` or `title`. HTML-escaped."""
    URL = "url"
    """A component inside a quoted `href`, after a literal prefix. Percent-encoded."""
    HREF = "href"
    """The whole or the beginning of an `href`: https, mailto or tel, else `#`."""


@dataclass(frozen=True, slots=True)
class Static:
    """Text that is the same for everybody."""

    text: str


@dataclass(frozen=True, slots=True)
class Value:
    """A hole: a Jinja expression over recipient-level names only."""

    expression: str
    context: HoleContext


@dataclass(frozen=True, slots=True)
class Choice:
    """The first branch whose condition holds is written; a condition of None is the `else`."""

    branches: tuple[tuple[str | None, Program], ...]


Node: TypeAlias = Union[Static, Value, Choice]  # noqa: UP007 - a forward reference cannot be an operand of |
Program: TypeAlias = tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Parts:
    """What one source became: three programs, and what was noticed on the way (warnings only)."""

    html: Program
    text: Program
    subject: Program
    warnings: tuple[Problem, ...] = ()


def values(program: Program) -> Iterator[Value]:
    """Every hole of a program, those of all branches included."""
    for node in program:
        if isinstance(node, Value):
            yield node
        elif isinstance(node, Choice):
            for _, body in node.branches:
                yield from values(body)
