"""From placeholders to programs: where a hole may stand, in which context, and how choices nest."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from mailer.rendering.authoring import dom
from mailer.rendering.authoring.tags import Placeholders, Tag, TagKind
from mailer.rendering.identity import Problem
from mailer.rendering.program import Choice, HoleContext, Node, Program, Static, Value

#: Attributes that may hold a merge field.
OPEN_ATTRIBUTES: Final = frozenset({"href", "alt", "title", "aria-label"})
_URL_MARK: Final = {"u": HoleContext.URL, "r": HoleContext.HREF}
#: A literal beginning that fixes scheme and host, or an address: only then a value is a component.
_PREFIX: Final = re.compile(r"(?:https?://[^/?#\s]+[/?#]|mailto:|tel:)", re.IGNORECASE)

Report = Callable[[Problem], None]


def place(document: dom.Node, placeholders: Placeholders) -> list[Problem]:
    """Mark each hole of an `href` with its context, and find holes and choices that stand where none may."""
    problems: list[Problem] = []
    report = problems.append
    stack: list[tuple[Tag, object]] = []
    for node in dom.walk(document):
        if dom.is_text(node) and node.parent is not None and node.parent.name in dom.RAW_TEXT:
            _refuse_all(placeholders.find(node.data or ""), f"<{node.parent.name}>", report)
        elif dom.is_text(node):
            _nest(placeholders.find(node.data or ""), node.parent, stack, report)
        elif dom.is_comment(node):
            _comment(node, placeholders, stack, report)
        elif dom.is_element(node):
            _attributes(node, placeholders, stack, report)
    for tag, _ in stack:
        message = f"`{tag.words}` is not closed in its own element."
        report(tag.origin.problem("hole.nesting", message, "Close it beside its opening."))
    return problems


def _refuse_all(tags: list[Tag], where: str, report: Report) -> None:
    for tag in tags:
        report(tag.misplaced(where))


def _comment(
    node: dom.Node, placeholders: Placeholders, stack: list[tuple[Tag, object]], report: Report
) -> None:
    data = node.data or ""
    if placeholders.statement.fullmatch(data):
        _nest(placeholders.find(data), node.parent, stack, report)
    else:
        _refuse_all(placeholders.find(data), "a comment", report)


def _attributes(
    element: dom.Element, placeholders: Placeholders, stack: list[tuple[Tag, object]], report: Report
) -> None:
    _refuse_all(placeholders.find(element.name), "the name of a tag", report)
    for name, value in dom.attributes(element).items():
        _refuse_all(placeholders.find(name), "the name of an attribute", report)
        tags = placeholders.find(value)
        if not tags:
            continue
        if name not in OPEN_ATTRIBUTES:
            _refuse_all(tags, f"the attribute {name} of <{element.name}>", report)
        elif name == "href":
            element.attrs[name] = _href(value, placeholders, report)
        else:
            _nest(tags, (id(element), name), stack, report)


def _href(value: str, placeholders: Placeholders, report: Report) -> str:
    def mark(found: re.Match[str]) -> str:
        tag = placeholders.tag(found)
        before = value[: found.start()]
        if tag.kind is not TagKind.VALUE:
            message = f"`{tag.words}` stands inside a link address."
            report(tag.origin.problem("hole.href", message, "Put it around the whole link."))
        elif not before.strip():
            return f"{found[0]}\ue002r"
        elif _PREFIX.match(before.strip()) is None and not placeholders.pattern.match(before.strip()):
            message = f"`{tag.words}` decides where a link leads, after `{before}`."
            report(
                tag.origin.problem("hole.href", message, "Begin the link with https:// and the whole host.")
            )
        return f"{found[0]}\ue002u"

    return placeholders.pattern.sub(mark, value.strip())


def in_address(address: str, placeholders: Placeholders) -> str:
    """An address of the text part, its holes marked as in the HTML; what is wrong with them `place` tells."""
    return _href(address, placeholders, lambda _problem: None) if placeholders.find(address) else address


def _nest(tags: list[Tag], parent: object, stack: list[tuple[Tag, object]], report: Report) -> None:
    for tag in tags:
        if tag.kind is TagKind.VALUE:
            continue
        if tag.kind is TagKind.IF:
            stack.append((tag, parent))
            continue
        if not stack or stack[-1][0].group != tag.group or not _same(stack[-1][1], parent):
            opener = stack[-1][0] if stack else tag
            message = (
                f"`{tag.words}` stands in another element than `{opener.words}` of line {opener.origin.line}."
            )
            remedy = "Put all tags of one if into the same element, so that each branch is whole."
            report(tag.origin.problem("hole.nesting", message, remedy))
        if tag.kind is TagKind.ENDIF and stack:
            stack.pop()


def _same(one: object, other: object) -> bool:
    return one == other if isinstance(one, tuple) else one is other


def build(text: str, placeholders: Placeholders, context: HoleContext) -> Program:
    """The program of a serialised text. Expects balanced choices, which `place` and `lex` have checked."""
    pattern = re.compile(
        rf"<!--({placeholders.statement.pattern})-->|{placeholders.pattern.pattern}(?:\ue002([ur]))?"
    )
    branches: list[tuple[str | None, list[Node]]] = [("", [])]
    open_choices: list[list[tuple[str | None, list[Node]]]] = []
    at = 0
    for found in pattern.finditer(text):
        _append(branches, text[at : found.start()])
        at = found.end()
        tag = placeholders.find(found[0])[0]
        if tag.kind is TagKind.VALUE:
            branches[-1][1].append(Value(tag.expression, _URL_MARK.get(found[4] or "", context)))
        elif tag.kind is TagKind.IF:
            open_choices.append(branches)
            branches = [(tag.expression, [])]
        elif tag.kind is TagKind.ENDIF:
            choice = Choice(tuple((condition, tuple(body)) for condition, body in branches))
            branches = open_choices.pop()
            branches[-1][1].append(choice)
        else:
            branches.append((tag.expression if tag.kind is TagKind.ELIF else None, []))
    _append(branches, text[at:])
    return tuple(branches[0][1])


def _append(branches: list[tuple[str | None, list[Node]]], text: str) -> None:
    if text:
        branches[-1][1].append(Static(text))
