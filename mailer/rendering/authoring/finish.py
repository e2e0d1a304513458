"""What every document gets before it leaves the authoring side, and the proof that the block is in it."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from typing import Final

from mailer.rendering.authoring import block, css, dom
from mailer.rendering.authoring.addresses import Addresses
from mailer.rendering.authoring.lint import ELEMENTS
from mailer.rendering.errors import RenderError
from mailer.rendering.identity import Problem

#: What the MJML compiler adds to what authors may write; its menus and carousels work by hidden switches.
_OF_THE_COMPILER: Final = frozenset({"html", "head", "body", "title", "meta", "input", "label"})
_SWITCHES: Final = frozenset({"radio", "checkbox"})
#: How the MJML compiler hides the line of <mj-preview>, white on white among others, and how we do:
#: hidden is hidden, and only spam has its letters in the colour of the page (B15).
_COMPILERS_PREVIEW: Final = (
    "display:none;font-size:1px;color:#ffffff;line-height:1px;"
    "max-height:0px;max-width:0px;opacity:0;overflow:hidden;"
)
_PREVIEW: Final = "display:none;mso-hide:all;max-height:0;overflow:hidden"


class BlockMissing(RenderError):
    """The unsubscribe block would not be seen by every reader: something around it swallows it."""


def finish(document: dom.Node, subject: str, language: str) -> None:
    """Language, title, colour schemes, a preview line hidden plainly (E1, E2, E9, B15)."""
    way = block.direction(language)
    html, head, body = (dom.first(document, name) for name in ("html", "head", "body"))
    assert html is not None  # an HTML5 parse always makes all three
    assert head is not None
    assert body is not None
    html.attrs["lang"], html.attrs["dir"] = language, way
    for child in dom.children(body):
        if dom.is_element(child):
            if child.attrs.get("lang") in ("und", "", None):
                child.attrs["lang"] = language
            if child.attrs.get("dir") in ("auto", "", None):
                child.attrs["dir"] = way
            if child.attrs.get("style") == _COMPILERS_PREVIEW:
                child.attrs["style"] = _PREVIEW
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
    """Both colour schemes only for a document with rules for the dark one: a mail program that is told of it
    brings its own dark page, on which letters that are always black cannot be read.
    """
    knows_dark = any("prefers-color-scheme" in dom.serialise(style) for style in dom.elements(head, "style"))
    names = {dom.attributes(meta).get("name", "").lower() for meta in dom.elements(head, "meta")}
    for name in ("color-scheme", "supported-color-schemes"):
        if name not in names:
            content = "light dark" if knows_dark else "light"
            head.append_child(dom.make("meta", {"name": name, "content": content}))


def verify(html: str, lines: list[block.Line], addresses: Addresses) -> None:
    """Read the serialised HTML again, as browsers and as Outlook see it, and find the block in both.

    Raises BlockMissing when it is not last in the body, whole and once; RenderError when something
    is in the document that no author may write and no compiler should.
    """
    wanted = [line.href for line in lines if line.href]
    for view in (html, outlook_view(html)):
        if not _has_block(dom.parse_document(view), wanted):
            raise BlockMissing(
                [Problem("", None, "block.missing", inspect.cleandoc(BlockMissing.__doc__ or ""),
                         "Look for unclosed elements and conditional comments.")]
            )  # fmt: skip
    if found := list(_strange(dom.parse_document(html), addresses)):
        raise RenderError(found)


def outlook_view(html: str) -> str:
    """The HTML Outlook reads: what is conditional for it is in, what is revealed to others is out."""
    html = re.sub(r"<!--\[if !mso\]><!-->.*?<!--<!\[endif\]-->", "", html, flags=re.DOTALL)
    return re.sub(r"<!--\[if [^\]]*\]>(.*?)<!\[endif\]-->", r"\1", html, flags=re.DOTALL)


def _has_block(document: dom.Node, wanted: list[str]) -> bool:
    body = dom.first(document, "body")
    found = [
        each
        for each in dom.elements(document)
        if block.BLOCK_CLASS in dom.attributes(each).get("class", "").split()
    ]
    shown = [child for child in dom.children(body) if dom.is_element(child)]
    links = [
        re.sub("\ue002[ur]", "", dom.attributes(link).get("href", ""))
        for each in found
        for link in dom.elements(each, "a")
    ]
    return len(found) == 1 and bool(shown) and shown[-1] is found[0] and links == wanted


def _strange(document: dom.Node, addresses: Addresses) -> Iterator[Problem]:
    """What must not be in any message, wherever it came from (D16, F4)."""
    for element in dom.elements(document):
        attrs = dom.attributes(element)
        name = element.name
        if name not in ELEMENTS | _OF_THE_COMPILER or (
            name == "input" and attrs.get("type") not in _SWITCHES
        ):
            yield Problem("", None, "html.element", f"<{name}> is not available in messages.", "Remove it.")
        for key, value in attrs.items():
            if key.startswith("on") or (key == "http-equiv" and value.lower() == "refresh"):
                yield Problem(
                    "", None, "html.attribute", f"The attribute `{key}` is not available in messages."
                )
            if key in ("src", "background", "poster", "srcset"):
                yield from _foreign(addresses, value)
            if key == "style" and "url(" in value:
                yield from _loaded(css.check_inline(value)[1], addresses)
        if name == "style":
            yield from _loaded(css.check_sheet(dom.text_of(element))[1], addresses)


def _loaded(found: list[css.Address], addresses: Addresses) -> Iterator[Problem]:
    for address in found:
        yield from _foreign(addresses, address.url)


def _foreign(addresses: Addresses, url: str) -> Iterator[Problem]:
    verdict = addresses.asset(url)
    if verdict.rule and not verdict.warning:
        yield Problem("", None, verdict.rule, verdict.message, verdict.remedy)
