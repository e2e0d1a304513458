"""What every document gets before it leaves the authoring side, and the proof that the block is in it."""

from __future__ import annotations

import re
from typing import Final

from mailer.rendering.authoring import block, dom
from mailer.rendering.authoring.tags import Placeholders
from mailer.rendering.errors import RenderError
from mailer.rendering.identity import Problem

_CONDITIONAL: Final = re.compile(r"^\s*(\[if\b[^\]]*\]>|<!\[endif\]|.*<!\[endif\]$)", re.DOTALL)


class BlockMissing(RenderError):
    """The unsubscribe block is not where every reader sees it; the message cannot be used."""


def finish(document: dom.Node, subject: str, language: str) -> None:
    """Language, title, colour schemes, no stray comments (E1, E2, E9)."""
    way = block.direction(language)
    html, head, body = (dom.first(document, name) for name in ("html", "head", "body"))
    assert html is not None and head is not None and body is not None  # an HTML5 parse always makes them
    html.attrs["lang"], html.attrs["dir"] = language, way
    for child in dom.children(body):
        if dom.is_element(child):
            child.attrs.setdefault("lang", language)
            if child.attrs.get("lang") in ("und", "", None):
                child.attrs["lang"] = language
            if child.attrs.get("dir") in ("auto", "", None):
                child.attrs["dir"] = way
    _title(head, subject)
    _metas(head)


def _title(head: dom.Element, subject: str) -> None:
    title = dom.first(head, "title")
    if title is None:
        title = dom.make("title")
        head.append_child(title)
    if not dom.text_of(title).strip():
        title.append_child(dom.Text(subject))


def _metas(head: dom.Element) -> None:
    names = {dom.attributes(meta).get("name", "").lower() for meta in dom.elements(head, "meta")}
    for name in ("color-scheme", "supported-color-schemes"):
        if name not in names:
            head.append_child(dom.make("meta", {"name": name, "content": "light dark"}))


def verify(html: str, lines: list[block.Line], placeholders: Placeholders) -> None:
    """Read the serialised HTML again and find the block: last in the body, whole, once. Raises BlockMissing."""
    document = dom.parse_document(html)
    body = dom.first(document, "body")
    found = [
        each for each in dom.elements(document) if block.BLOCK_CLASS in dom.attributes(each).get("class", "").split()
    ]
    shown = [child for child in dom.children(body) if dom.is_element(child)]
    wanted = [line.href for line in lines if line.href]
    links = [
        re.sub("\ue002[ur]", "", dom.attributes(link).get("href", "")) for each in found for link in dom.elements(each, "a")
    ]
    if len(found) != 1 or not shown or shown[-1] is not found[0] or links != wanted:
        raise BlockMissing([Problem("", None, "block.missing", inspect_words())])


def inspect_words() -> str:
    """The sentence of BlockMissing."""
    return "The unsubscribe block is not the last thing every reader sees; something around it swallows it."
