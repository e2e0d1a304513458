"""A tree of MJML compiled to HTML: content put into the layout, HTML kept out of the compiler's hands."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from html import unescape
from itertools import takewhile
from typing import Final

from mjml import mjml2html

from mailer.rendering.authoring import dom
from mailer.rendering.authoring.markup import Element, Words
from mailer.rendering.authoring.tags import Located, Origin, Placeholders, Tag, TagKind
from mailer.rendering.identity import Problem

#: Where `{% if %}` may stand between elements: the compiler puts `mj-raw` there as it is.
_RAW_PARENTS: Final = frozenset({"mj-body", "mj-section", "mj-column", "mj-group", "mj-hero"})
#: Where the compiler makes a row of each element but `mj-raw`.
_ROW_PARENTS: Final = frozenset({"mj-column", "mj-hero"})
#: An image and a statement in a `skeleton`; no author writes these characters.
_IMAGE: Final = "\ue006"
_MARK: Final = "\ue007"
#: What content needs around it, by the element `{{ content }}` stands in.
_WRAPPERS: Final = {
    "mj-body": ("mj-section", "mj-column", "mj-text"),
    "mj-wrapper": ("mj-section", "mj-column", "mj-text"),
    "mj-section": ("mj-column", "mj-text"),
    "mj-column": ("mj-text",),
    "mj-hero": ("mj-text",),
}
#: The HTML element that content stands in, where it is not a `div`.
_CONTEXT: Final = {"mj-table": "table"}
#: Elements deeper than this make readers, and mail programs, give up.
_DEEPEST: Final = 100
#: Errors of the HTML parser that mean something is lost.
_FATAL: Final = re.compile(r"^eof-in|^unexpected-end-tag$|^nested-comment|^abrupt|^incorrectly-opened")
_TAG: Final = re.compile(r"""<!--.*?-->|<[a-zA-Z/!](?:[^>"']|"[^"]*"|'[^']*')*>""", re.DOTALL)

#: Looks at a parsed piece of an author's HTML; lines are those of the piece.
Inspect = Callable[[dom.Node, Located], None]


@dataclass(frozen=True, slots=True)
class Content:
    """What a message says: HTML of Markdown, or elements of MJML."""

    html: Located | None = None
    elements: tuple[Element, ...] = ()


class Compiling:
    """One run of the compiler over a checked tree."""

    def __init__(self, placeholders: Placeholders, inspect: Inspect) -> None:
        self.placeholders = placeholders
        self.inspect = inspect
        self.problems: list[Problem] = []
        self.warnings: list[Problem] = []
        self.pieces: list[str] = []

    def problem(self, origin: Origin, rule: str, message: str, remedy: str = "") -> None:
        self.problems.append(origin.problem(rule, message, remedy))

    def warn(self, origin: Origin, rule: str, message: str, remedy: str = "") -> None:
        self.warnings.append(origin.problem(rule, message, remedy))

    def compile(self, document: Element) -> str:
        """The HTML of a document. Problems are collected; the text is empty when the compiler gave up."""
        source = self.element(document, None)
        try:
            html = str(mjml2html(source, fonts={}))
        except ValueError as error:
            self.problem(
                document.origin, "mjml.compile", f"The MJML compiler gave up: {str(error).rstrip('.')}.",
                "Look for an element in the wrong place.",
            )  # fmt: skip
            return ""
        mark = re.compile(rf"zq{self.placeholders.nonce}k([0-9]{{5}})qz")
        return mark.sub(lambda found: self.pieces[int(found[1])], html)

    def element(self, element: Element, parent: Element | None) -> str:
        if element.name == "mj-raw" and (parent is None or parent.name not in _RAW_PARENTS | {"mj-head"}):
            return self.misplaced_raw(element, parent)
        attrs = "".join(
            self.attribute(element, each.name, each.value, each.origin) for each in element.attributes
        )
        if (parent is not None and parent.name == "mj-attributes") or element.name == "mj-breakpoint":
            return f"<{element.name}{attrs} />"
        if element.content is not None:
            inner = self.piece(element, parent)
        else:
            inner = "".join(
                self.words(child, element) if isinstance(child, Words) else self.element(child, element)
                for child in element.children
            )
        return f"<{element.name}{attrs}>{inner}</{element.name}>"

    def misplaced_raw(self, element: Element, parent: Element | None) -> str:
        content = element.content.text if element.content else ""
        if re.sub(r"<!--.*?-->", "", content, flags=re.DOTALL).strip():
            where = f"<{parent.name}>" if parent else "the document"
            self.warn(
                element.origin, "mjml.raw", f"<mj-raw> cannot stand directly in {where}; it was left out.",
                "Put it into a section or a column.",
            )  # fmt: skip
            for tag in self.placeholders.find(content):
                self.problems.append(tag.misplaced(f"<mj-raw> directly in {where}"))
        return ""

    def attribute(self, element: Element, name: str, value: str, origin: Origin) -> str:
        for tag in self.placeholders.find(value):
            if name not in ("href", "alt", "title"):
                self.problems.append(tag.misplaced(f"the attribute {name} of <{element.name}>"))
        for tag in self.placeholders.find(name):
            self.problems.append(tag.misplaced("the name of an attribute"))
        return f' {name}="{value.replace(chr(34), "&quot;")}"'

    def words(self, words: Words, parent: Element) -> str:
        tags = self.placeholders.find(words.located.text)
        rest = self.placeholders.pattern.sub("", words.located.text).strip()
        if rest:
            line = words.located.text.count("\n", 0, words.located.text.find(rest.split("\n")[0])) + 1
            shown = rest.split("\n")[0].strip()[:40]
            self.warn(
                words.located.origin(line), "mjml.text",
                f"The text `{shown}` stands directly in <{parent.name}>; it was left out.",
                "Text belongs into <mj-text>.",
            )  # fmt: skip
        for tag in tags:
            if tag.kind is TagKind.VALUE:
                self.problem(
                    tag.origin, "hole.place", f"`{tag.words}` stands directly in <{parent.name}>.",
                    "Text belongs into <mj-text>.",
                )  # fmt: skip
            elif parent.name not in _RAW_PARENTS:
                self.problem(
                    tag.origin, "hole.place", f"`{tag.words}` cannot stand directly in <{parent.name}>.",
                    "Put it between sections, columns, or the elements of a column.",
                )  # fmt: skip
        marks = self.placeholders.statement.findall(words.located.text)
        return "".join(f"<mj-raw><!--{mark}--></mj-raw>" for mark in marks)

    def piece(self, element: Element, parent: Element | None) -> str:
        assert element.content is not None
        if element.name == "mj-style":
            html = element.content.text
        elif element.name in ("mj-title", "mj-preview"):
            html = dom.escape_text(dom.text_of(dom.parse_fragment(element.content.text).root))
        else:
            html = self.normal(element.content, _CONTEXT.get(element.name, "div"))
            if element.name == "mj-raw" and parent is not None and parent.name in _ROW_PARENTS:
                html = _as_row(html)
        self.pieces.append(html)
        return f"zq{self.placeholders.nonce}k{len(self.pieces) - 1:05d}qz"

    def normal(self, content: Located, context: str) -> str:
        """An author's HTML, checked, closed where it was left open, and written in the plain form."""
        text = self.statements_as_comments(content.text)
        fragment = dom.parse_fragment(text, context)
        if dom.deeper_than(fragment.root, _DEEPEST):
            self.problem(
                content.origin(1), "html.depth", f"Elements are nested more than {_DEEPEST} deep.",
                "Close what was opened.",
            )  # fmt: skip
            return ""
        for name in ("style", "title", "textarea"):
            opened = list(re.finditer(rf"<{name}\b", content.text, re.IGNORECASE))
            if len(opened) > len(re.findall(rf"</{name}\b", content.text, re.IGNORECASE)):
                line = content.text.count("\n", 0, opened[-1].start()) + 1
                self.problem(
                    content.origin(line), "html.unclosed", f"<{name}> is never closed.", f"Add </{name}>."
                )
        self.syntax(fragment.errors, content)
        self.unquoted(content)
        self.moved(text, fragment.root, content)
        _keep_rows_together(fragment.root, context, self.placeholders)
        self.inspect(fragment.root, content)
        return dom.serialise(fragment.root)

    def syntax(self, errors: tuple[tuple[str, int], ...], content: Located) -> None:
        """What HTML5 calls an error and what loses words; an end is missed where its beginning stands."""
        for code, line in errors:
            if not _FATAL.match(code):
                continue
            if code == "unexpected-end-tag":
                words = "An end tag closes nothing"
            else:
                words = "A comment or tag is not closed"
                starts = [found.start() for found in re.finditer(r"<!--|<[a-zA-Z/]", content.text)]
                opened = next((start for start in starts if not _TAG.match(content.text, start)), 0)
                line = content.text.count("\n", 0, opened) + 1
            self.problem(content.origin(line), "html.syntax", f"{words} ({code}).", "Close what was opened.")

    def unquoted(self, content: Located) -> None:
        """Find merge fields in attributes without quotes, which the DOM no longer shows."""
        for found in _TAG.finditer(content.text):
            bare = re.sub(r"\"[^\"]*\"|'[^']*'", "", found[0])
            for value in re.finditer(r"=\s*([^\s>]+)", "" if bare.startswith("<!--") else bare):
                for tag in self.placeholders.find(value[1]):
                    self.problem(
                        tag.origin, "hole.unquoted", f"`{tag.words}` stands in an attribute without quotes.",
                        "Put the value between quotes.",
                    )  # fmt: skip

    def moved(self, text: str, root: dom.Node, content: Located) -> None:
        """Find words that HTML5 takes out of a table, and so out of the `if` that decides about them."""
        tags = [tag for tag in self.placeholders.find(content.text) if tag.kind is not TagKind.VALUE]
        before, after = self.skeleton(text), self.skeleton(dom.serialise(root))
        if not tags or before == after:
            return
        alike = takewhile(lambda pair: pair[0] == pair[1], zip(before, after, strict=False))
        same = sum(one == _MARK for one, _ in alike)
        tag = tags[min(max(same - 1, 0), len(tags) - 1)]
        self.problem(
            tag.origin, "hole.moved", f"What `{tag.words}` decides about stands in a table outside its cells.",
            "Put it into a cell: <td>…</td>; else mail programs move it away.",
        )  # fmt: skip

    def skeleton(self, html: str) -> str:
        """What is seen and decided, in its order: words without white space, images, statements."""

        def kept(found: re.Match[str]) -> str:
            if found[0].startswith("<!--"):
                return _MARK if self.placeholders.statement.search(found[0]) else ""
            return _IMAGE if found[0][:4].lower() == "<img" else ""

        return re.sub(r"\s+", "", unescape(_TAG.sub(kept, html)))

    def statements_as_comments(self, text: str) -> str:
        """Statement placeholders in text become comments, which tables keep in their place."""
        out: list[str] = []
        at = 0

        def comment(found: re.Match[str]) -> str:
            return f"<!--{found[0]}-->"

        for found in _TAG.finditer(text):
            out.append(self.placeholders.statement.sub(comment, text[at : found.start()]))
            out.append(found[0])
            at = found.end()
        out.append(self.placeholders.statement.sub(comment, text[at:]))
        return "".join(out)


def _as_row(html: str) -> str:
    """Raw HTML as a row of its own: the compiler makes a column a table, which holds nothing but rows."""
    words = re.sub(r"<!--.*?-->", "", html, flags=re.DOTALL).strip()
    return f"<tr><td>{html}</td></tr>" if words else html


def _keep_rows_together(root: dom.Node, context: str, placeholders: Placeholders) -> None:
    """Put an `if` that stands before the first row of a table into the `tbody` that HTML5 adds around rows."""
    tables = [*dom.elements(root, "table"), *([root] if context == "table" else [])]
    for table in tables:
        waiting: list[dom.Node] = []
        for child in dom.children(table):
            if dom.is_comment(child) and placeholders.statement.fullmatch(child.data or ""):
                waiting.append(child)
            elif dom.is_element(child):
                inside = {
                    tag.group for each in dom.children(child) for tag in _statements(each, placeholders)
                }
                moved = [each for each in waiting if _statements(each, placeholders)[0].group in inside]
                first = next(iter(dom.children(child)), None)
                for each in moved:
                    table.remove_child(each)
                    child.insert_before(each, first)
                waiting = []


def _statements(node: dom.Node, placeholders: Placeholders) -> list[Tag]:
    return placeholders.find(node.data or "") if dom.is_comment(node) else []


def take_inline_sheets(tree: Element) -> list[str]:
    """Take the style sheets that are to become `style` attributes out of the tree."""
    sheets: list[str] = []
    for element in list(tree.walk()):
        for child in list(element.children):
            if isinstance(child, Element) and child.name == "mj-style" and child.get("inline") is not None:
                element.children.remove(child)
                sheets.append(child.content.text if child.content else "")
    return sheets


def place_content(layout: Element, mark: str, content: Content, problems: list[Problem]) -> bool:
    """Put the content where `{{ content }}` stands in the layout. False when it stands nowhere."""
    for element in list(layout.walk()):
        if element.content is not None and mark in element.content.text:
            _into_text(element, mark, content, problems)
            return True
        for child in list(element.children):
            if isinstance(child, Words) and mark in child.located.text:
                at = element.children.index(child)
                before, _, after = child.located.text.partition(mark)
                lines = child.located.lines
                around = [Words(Located(text, lines)) if text.strip() else None for text in (before, after)]
                inner = _wrapped(element, content, child.located.origin(1), problems)
                element.children[at : at + 1] = [e for e in (around[0], *inner, around[1]) if e is not None]
                return True
    return False


def append_content(layout: Element, content: Content, problems: list[Problem]) -> None:
    """Put the content last into the body of a layout that does not name a place for it."""
    body = next((each for each in layout.walk() if each.name == "mj-body"), None)
    if body is not None:
        body.children += _wrapped(body, content, body.origin, problems)


def _into_text(element: Element, mark: str, content: Content, problems: list[Problem]) -> None:
    assert element.content is not None
    if content.html is None:
        message = "This layout takes Markdown: {{ content }} stands in <mj-text>, but the message is MJML."
        remedy = "Write the message as a whole <mjml> document, or choose another layout."
        problems.append(element.origin.problem("layout.content", message, remedy))
        return
    before, _, after = element.content.text.partition(mark)
    first = before.count("\n")
    html = content.html
    inner = html.lines[: html.text.count("\n") + 1]
    lines = (*element.content.lines[:first], *inner, *element.content.lines[first + 1 :])
    element.content = Located(before + html.text + after, lines)


def _wrapped(parent: Element, content: Content, origin: Origin, problems: list[Problem]) -> list[Element]:
    if content.html is None:
        return list(content.elements)
    wrappers = _WRAPPERS.get(parent.name)
    if wrappers is None:
        message = f"{{{{ content }}}} cannot stand in <{parent.name}>."
        remedy = "Put it between sections, into a column, or into <mj-text>."
        problems.append(origin.problem("layout.content", message, remedy))
        return []
    inner = Element(wrappers[-1], origin, content=content.html)
    for name in reversed(wrappers[:-1]):
        inner = Element(name, origin, children=[inner])
    return [inner]
