"""Conditional comments, as Outlook reads them: what an author opens for it must be closed in the same place."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from mailer.rendering.authoring import dom

_OPENING: Final = re.compile(r"\s*\[if\s[^\]]*\]>", re.IGNORECASE)
_CLOSING: Final = re.compile(r"<!\[endif\]\s*$", re.IGNORECASE)
_ANY: Final = re.compile(r"\[if\b|\[endif\]", re.IGNORECASE)
_TAG: Final = re.compile(r"<(/?)([a-zA-Z][\w:-]*)((?:[^>\"']|\"[^\"]*\"|'[^']*')*?)(/?)>", re.DOTALL)
#: Elements of the drawing language of Outlook, and what may stand in its comments beside plain HTML.
_ALLOWED: Final = re.compile(
    r"(v|o|w):[a-z]+|table|tbody|tr|td|div|span|p|a|b|i|br|img|center|strong|em|xml|font", re.IGNORECASE
)


def is_conditional(data: str) -> bool:
    """Whether a comment's text means something to Outlook."""
    return bool(_ANY.search(data))


def conditional_problem(node: dom.Node) -> str | None:
    """What is wrong with a conditional comment, seen with its neighbours."""
    data = node.data or ""
    opening, closing = _OPENING.match(data), _CLOSING.search(data)
    if len(_ANY.findall(data)) > 2:
        return "A conditional comment holds another."
    if opening and closing:
        return _content_problem(data[opening.end() : closing.start()])
    if opening and data[opening.end() :].strip() in ("<!", "<!--"):
        return (
            None if _partner(node, opens=True) else "`<!--[if …]><!-->` is not closed by `<!--<![endif]-->`."
        )
    if closing and not data[: closing.start()].strip():
        return None if _partner(node, opens=False) else "`<!--<![endif]-->` closes nothing."
    return "This conditional comment has no end: it needs `<![endif]-->`."


def _partner(node: dom.Node, *, opens: bool) -> bool:
    """Whether a revealed part is opened and closed by brothers, properly in turn."""
    brothers = [
        each for each in dom.children(node.parent) if dom.is_comment(each) and _is_revealed(each.data or "")
    ]
    at = next(index for index, each in enumerate(brothers) if each is node)
    other = (
        brothers[at + 1]
        if opens and at + 1 < len(brothers)
        else brothers[at - 1]
        if not opens and at
        else None
    )
    return other is not None and bool(_CLOSING.search(other.data or "")) is opens


def _is_revealed(data: str) -> bool:
    return bool(_OPENING.match(data)) is not bool(_CLOSING.search(data))


def _content_problem(content: str) -> str | None:
    stack: list[str] = []
    for closes, name, name_of_tag, alone in _tags(content):
        if not _ALLOWED.fullmatch(name):
            return f"<{name}> is not available in a conditional comment."
        if re.search(r"\son\w+\s*=|javascript:", name_of_tag, re.IGNORECASE):
            return "A conditional comment holds a script."
        if closes:
            if not stack or stack.pop() != name:
                return f"</{name}> in a conditional comment closes nothing."
        elif not alone and name not in dom.VOID:
            stack.append(name)
    return f"<{stack[-1]}> is opened in a conditional comment and not closed there." if stack else None


def _tags(content: str) -> Iterator[tuple[bool, str, str, bool]]:
    for found in _TAG.finditer(content):
        yield bool(found[1]), found[2].lower(), found[3], bool(found[4]) or found[3].rstrip().endswith("/")
