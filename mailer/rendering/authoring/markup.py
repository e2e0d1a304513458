"""MJML read into a small tree, with the file and line of every element and attribute.

The compiler behind `mjml` accepts unknown elements, wants XML inside text, and gives no lines;
this reader finds those mistakes first. Text that holds HTML (`mj-text`, `mj-raw`, …) is kept as
written and never seen by the MJML compiler.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final, TypeAlias, Union

from mailer.rendering.authoring.tags import Located, Origin
from mailer.rendering.identity import Problem

#: Elements whose content is HTML, CSS or text, read to their end tag.
CONTENT: Final = frozenset(
    "mj-text mj-button mj-raw mj-table mj-title mj-preview mj-style mj-navbar-link mj-social-element"
    " mj-accordion-title mj-accordion-text".split()
)
STRUCTURE: Final = frozenset(
    "mjml mj-head mj-body mj-attributes mj-all mj-class mj-font mj-breakpoint mj-section mj-column mj-group mj-wrapper"
    " mj-hero mj-image mj-divider mj-spacer mj-navbar mj-social mj-carousel mj-carousel-image mj-accordion"
    " mj-accordion-element".split()
)
KNOWN: Final = CONTENT | STRUCTURE
REFUSED: Final = {
    "mj-include": "Write the included part here, or make it a layout.",
    "mj-html-attributes": "Write attributes on the elements themselves.",
}

_TAG = re.compile(
    r"""<!--(?P<comment>.*?)-->|<(?P<close>/)?(?P<name>[a-zA-Z][\w:-]*)(?P<attrs>(?:[^<>"']|"[^"]*"|'[^']*')*)>""",
    re.DOTALL,
)
_ATTRIBUTE = re.compile(r"""([^\s=/"'<>]+)(?:\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'<>]+)))?""")


@dataclass(frozen=True, slots=True)
class Attribute:
    """One attribute as written; `quoted` is false for `width=600`."""

    name: str
    value: str
    origin: Origin
    quoted: bool = True


@dataclass(slots=True)
class Words:
    """Text between structural elements: white space, or placeholders."""

    located: Located


@dataclass(slots=True)
class Element:
    """One MJML element; `content` is set for those that hold HTML or text."""

    name: str
    origin: Origin
    attributes: list[Attribute] = field(default_factory=list)
    children: list[Child] = field(default_factory=list)
    content: Located | None = None

    def walk(self) -> Iterator[Element]:
        """This element and all below, in document order."""
        yield self
        for child in self.children:
            if isinstance(child, Element):
                yield from child.walk()

    def get(self, name: str) -> Attribute | None:
        """The attribute of that name."""
        return next((each for each in self.attributes if each.name == name), None)


Child: TypeAlias = Union[Element, Words]  # noqa: UP007 - read at run time before both names exist


class _Reader:
    def __init__(self, source: Located) -> None:
        self.source = source
        self.at = 0
        self.problems: list[Problem] = []
        self.root = Element("#fragment", source.origin(1))
        self.stack = [self.root]

    def origin(self, position: int) -> Origin:
        return self.source.origin(self.source.text.count("\n", 0, position) + 1)

    def problem(self, position: int, rule: str, message: str, remedy: str = "") -> None:
        self.problems.append(self.origin(position).problem(rule, message, remedy))

    def read(self) -> None:
        text = self.source.text
        while found := _TAG.search(text, self.at):
            self.words(self.at, found.start())
            self.at = found.end()
            if found["name"] is not None:
                self.tag(found)
        self.words(self.at, len(text))
        for element in self.stack[1:]:
            self.problems.append(_unclosed(element, f"<{element.name}> is never closed."))

    def words(self, start: int, end: int) -> None:
        if end <= start:
            return
        text = self.source.text[start:end]
        if "<" in text:
            where = start + text.index("<")
            what = "This comment is never closed." if text[text.index("<") :].startswith("<!--") else (
                f"`{text[text.index('<') :][:30].splitlines()[0]}` is not a complete tag.")  # fmt: skip
            self.problem(where, "mjml.syntax", what, "Close it; write &lt; for a plain <.")
        elif text.strip():
            self.stack[-1].children.append(Words(self.source.part(start, end)))

    def tag(self, found: re.Match[str]) -> None:
        name = found["name"].lower()
        if name in ("!doctype", "?xml"):
            return
        if found["close"]:
            self.close(name, found.start())
            return
        self.check_name(name, found.start())
        attrs = found["attrs"]
        closed = attrs.rstrip().endswith("/")
        element = Element(name, self.origin(found.start()), self.attributes(found))
        self.stack[-1].children.append(element)
        if name in CONTENT:
            self.content(element, found, closed)
        elif not closed:
            self.stack.append(element)

    def content(self, element: Element, found: re.Match[str], closed: bool) -> None:
        if closed:
            element.content = Located("", (element.origin,))
            return
        end = re.compile(rf"</{element.name}\s*>", re.IGNORECASE).search(self.source.text, found.end())
        if end is None:
            self.problem(found.start(), "mjml.unclosed", f"<{element.name}> is never closed.")
            element.content = Located("", (element.origin,))
            self.at = len(self.source.text)
            return
        element.content = self.source.part(found.end(), end.start())
        self.at = end.end()

    def close(self, name: str, position: int) -> None:
        open_names = [element.name for element in self.stack[1:]]
        if name not in open_names:
            self.problem(position, "mjml.unopened", f"</{name}> closes nothing that is open here.")
            return
        while self.stack[-1].name != name:
            element = self.stack.pop()
            where = f"before </{name}> in line {self.origin(position).line}"
            self.problems.append(_unclosed(element, f"<{element.name}> is not closed {where}."))
        self.stack.pop()

    def check_name(self, name: str, position: int) -> None:
        if name in REFUSED:
            self.problem(position, "mjml.element", f"<{name}> is not available.", REFUSED[name])
        elif name not in KNOWN:
            close = difflib.get_close_matches(name, KNOWN, n=1)
            remedy = f"Did you mean <{close[0]}>?" if close else "HTML belongs inside <mj-text> or <mj-raw>."
            self.problem(position, "mjml.element", f"<{name}> is not an MJML element.", remedy)

    def attributes(self, found: re.Match[str]) -> list[Attribute]:
        text = found["attrs"]
        out: list[Attribute] = []
        for each in _ATTRIBUTE.finditer(text):
            name, double, single, bare = each.groups()
            value = next((v for v in (double, single, bare) if v is not None), "")
            origin = self.origin(found.start("attrs") + each.start())
            out.append(Attribute(name, value, origin, quoted=bare is None))
        return out


def _unclosed(element: Element, message: str) -> Problem:
    return element.origin.problem("mjml.unclosed", message, "Close it.")


def read_mjml(source: Located) -> tuple[Element, list[Problem]]:
    """The tree of an MJML document or fragment (its root is `#fragment`), and what is wrong with it."""
    reader = _Reader(source)
    reader.read()
    return reader.root, reader.problems
