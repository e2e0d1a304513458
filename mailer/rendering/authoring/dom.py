"""HTML as a DOM: parsed by the rules of HTML5, walked, and written back in one plain form.

Serialising quotes every attribute and escapes every text, so what a browser reads is what was
checked: nothing an author left open can reach past its own element.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from justhtml import Comment, JustHTML
from justhtml import Element as Element
from justhtml import Text as Text
from justhtml.parser.context import FragmentContext

VOID: Final = frozenset("area base br col embed hr img input link meta source track wbr".split())
#: Content that browsers read as text without entities.
RAW_TEXT: Final = frozenset({"style", "script", "xmp", "iframe", "noembed", "noframes", "plaintext"})

#: What a node is: justhtml gives elements, texts, comments and documents one shape.
Node = Any


@dataclass(frozen=True, slots=True)
class Fragment:
    """A parsed fragment and the syntax errors HTML5 names, by line."""

    root: Node
    errors: tuple[tuple[str, int], ...] = field(default=())


def parse_document(html: str) -> Node:
    """The document of a whole page."""
    return JustHTML(html, sanitize=False, scripting_enabled=False).root


def parse_fragment(html: str, context: str = "div") -> Fragment:
    """The nodes of a piece of HTML as they would stand inside a `context` element, with their lines."""
    parsed = JustHTML(
        html, sanitize=False, scripting_enabled=False, fragment=True, fragment_context=FragmentContext(context),
        track_node_locations=True, collect_errors=True,
    )  # fmt: skip
    return Fragment(parsed.root, tuple((error.code, error.line or 1) for error in parsed.errors))


def children(node: Node) -> list[Node]:
    """The child nodes, as a list that survives changes to the tree."""
    return list(getattr(node, "children", None) or ())


def walk(node: Node) -> Iterator[Node]:
    """The node and everything below, in document order."""
    stack = [node]
    while stack:
        current = stack.pop()
        yield current
        stack.extend(reversed(children(current)))
        if (template := getattr(current, "template_content", None)) is not None:
            stack.append(template)


def elements(node: Node, *names: str) -> Iterator[Element]:
    """The elements below of these names, or all."""
    for each in walk(node):
        if is_element(each) and (not names or each.name in names):
            yield each


def is_element(node: Node) -> bool:
    """Whether the node is an element."""
    return isinstance(node, Element)


def is_text(node: Node) -> bool:
    """Whether the node is text."""
    return isinstance(node, Text)


def is_comment(node: Node) -> bool:
    """Whether the node is a comment."""
    return isinstance(node, Comment)


def attributes(element: Element) -> dict[str, str]:
    """The attributes, with an empty text for those without a value."""
    return {name: value or "" for name, value in (element.attrs or {}).items()}


def text_of(node: Node) -> str:
    """All text below."""
    return "".join(each.data or "" for each in walk(node) if is_text(each))


def deeper_than(node: Node, limit: int) -> bool:
    """Whether elements are nested more than `limit` deep."""
    level = [node]
    for _ in range(limit + 1):
        level = [child for each in level for child in children(each)]
        if not level:
            return False
    return True


def remove(node: Node) -> None:
    """Take a node out of its parent."""
    if node.parent is not None:
        node.parent.remove_child(node)


def first(node: Node, name: str) -> Element | None:
    """The first element of that name."""
    return next(elements(node, name), None)


def make(name: str, attrs: dict[str, str] | None = None, text: str = "") -> Element:
    """A new element, with a text inside."""
    element = Element(name, dict(attrs or {}), "html")
    if text:
        element.append_child(Text(text))
    return element


def escape_text(text: str) -> str:
    """Text for element content."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("\xa0", "&nbsp;")


def escape_attribute(text: str) -> str:
    """Text for a double-quoted attribute."""
    return text.replace("&", "&amp;").replace('"', "&quot;").replace("<", "&lt;").replace(">", "&gt;")


# A parser drops one newline right after these start tags (HTML 13.2.6.4.7): one more keeps the author's.
_EATS_NEWLINE = frozenset({"pre", "listing", "textarea"})


def serialise(node: Node) -> str:
    """The HTML of a node: attributes in double quotes, void elements without an end tag."""
    out: list[str] = []
    _write(node, out, raw=False)
    return "".join(out)


def _write(node: Node, out: list[str], *, raw: bool) -> None:
    if is_text(node):
        out.append(_raw_text(node.data or "") if raw else escape_text(node.data or ""))
    elif is_comment(node):
        out.append(f"<!--{_comment(node.data or '')}-->")
    elif is_element(node):
        attrs = "".join(f' {name}="{escape_attribute(value)}"' for name, value in attributes(node).items())
        out.append(f"<{node.name}{attrs}>")
        if node.name in VOID:
            return
        inside = children(node)
        if (
            node.name in _EATS_NEWLINE
            and inside
            and is_text(inside[0])
            and (inside[0].data or "")[:1] == "\n"
        ):
            out.append("\n")
        for child in inside:
            _write(child, out, raw=node.name in RAW_TEXT)
        out.append(f"</{node.name}>")
    elif node.name == "!doctype":
        out.append("<!doctype html>")
    else:
        for child in children(node):
            _write(child, out, raw=False)


def _raw_text(text: str) -> str:
    """Style text that cannot end its element early."""
    return re.sub(r"<(?=[/!])", r"\\3c ", text)


def _comment(text: str) -> str:
    """Comment text that cannot end its comment early."""
    return re.sub(r"--(!?)>", r"-- \1>", re.sub(r"^(-?>)", r" \1", text))
