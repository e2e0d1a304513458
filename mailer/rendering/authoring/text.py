"""The text part, derived from the HTML part: headings, labels with their full addresses, lists, tables (E11).

Blocks end in an empty line of their own, so a choice takes its blocks along with their space.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from mailer.rendering.authoring import dom, holes
from mailer.rendering.authoring.tags import Placeholders, TagKind

#: Columns of the text part, so that quoted-printable needs no soft break in a line of plain letters
#: and an answer that quotes it still fits (RFC 2045, 6.7; RFC 5322, 2.1.1); addresses are never broken.
WIDTH: Final = 72
#: Columns a merge field is expected to take when lines are filled.
_VALUE_WIDTH: Final = 10

_BLOCKS: Final = frozenset(
    "address article aside blockquote body center dd div dl dt figcaption figure footer h1 h2 h3 h4 h5 h6 header hr"
    " html li main nav ol p pre section table tbody td tfoot th thead tr ul caption".split()
)
_SILENT: Final = frozenset("head style script title template input label select".split())
_HIDDEN: Final = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden|mso-hide\s*:\s*all", re.IGNORECASE)
_INVISIBLE: Final = re.compile("[\u00ad\u034f\u180e\u200b-\u200f\u2060-\u2064\u2066-\u2069\ufeff]")
#: A link in a run: its label and its address, until it is known whether they stand alone.
_ADDRESS: Final = re.compile("\ue005([^\ue003-\ue005]*)\ue003([^\ue003-\ue005]*)\ue004")
_UNDERLINES: Final = {"h1": "=", "h2": "-"}
#: Where a numbered list may begin.
_NUMBER: Final = re.compile(r"[0-9]{1,6}")


@dataclass
class _Writer:
    placeholders: Placeholders
    out: list[str] = field(default_factory=list)
    run: list[str] = field(default_factory=list)
    prefix: str = ""
    """Begins every line of the current block, such as `> ` in a quotation."""
    bullet: str = ""
    """Begins the first line of a list item instead, once."""
    gap: str = "\n"
    """Follows a block; nothing inside list items."""
    in_line: bool = False
    """Whether all of it becomes one line, such as a cell, where nothing can be underlined."""
    last: list[str] = field(default_factory=list)
    """The block before: an icon and its caption often link to the same place."""

    def flush(self, underline: str = "") -> None:
        text = "".join(self.run)
        self.run = []
        visible = self.placeholders.statement.sub("", text).strip()
        if not visible:
            self.out += self.placeholders.statement.findall(text)
            return
        head, text, tail = self._outer_choice(text)
        alone = _ADDRESS.fullmatch(text.strip())
        text = _ADDRESS.sub(_own_line if alone else r"\1 [\2]", text.strip("\n"))
        lines = [line for part in text.split("\n") for line in self.wrap(part)]
        if lines == self.last and not head and "://" in lines[-1]:
            return
        self.last = lines
        if underline and not self.in_line:
            heading = lines[:-1] if alone else lines
            line = underline * max(3, min(WIDTH, max(map(self.columns, heading))))
            lines = [*heading, line, *lines[len(heading) :]]
        self.out.append(head + "".join(self._begin(line) for line in lines))
        self.out.append(self.gap + tail)

    def _begin(self, line: str) -> str:
        prefix, self.bullet = (self.bullet, "") if self.bullet else (self.prefix, "")
        return f"{prefix}{line}".rstrip(" ") + "\n"

    def _outer_choice(self, text: str) -> tuple[str, str, str]:
        """A paragraph that is one `if` without `else` takes its line ends into the choice."""
        marks = self.placeholders.statement.findall(text)
        stripped = text.strip()
        if len(marks) == 2 and stripped.startswith(marks[0]) and stripped.endswith(marks[1]):
            return marks[0], stripped[len(marks[0]) : -len(marks[1])], marks[1]
        return "", text, ""

    def wrap(self, text: str) -> list[str]:
        words = text.split(" ")
        lines = [""]
        room = WIDTH - len(self.prefix)
        for word in (word for word in words if word):
            joined = f"{lines[-1]} {word}" if lines[-1] else word
            if lines[-1] and self.columns(joined) > room:
                lines.append(word)
            else:
                lines[-1] = joined
        return lines

    def columns(self, text: str) -> int:
        """The columns a text takes, wide characters counted twice."""
        plain = self.placeholders.pattern.sub(
            lambda found: "x" * _VALUE_WIDTH if self.placeholders.tag(found).kind is TagKind.VALUE else "",
            text,
        )
        return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in plain)


def to_text(document: dom.Node, placeholders: Placeholders, *, skip_class: str = "") -> str:
    """The text of a document's body, with placeholders; elements of `skip_class` are left out."""
    body = dom.first(document, "body") or document
    writer = _Writer(placeholders)
    _children(body, writer, skip_class)
    writer.flush()
    return "".join(writer.out).strip("\n") + "\n"


def _children(node: dom.Node, writer: _Writer, skip: str) -> None:
    for child in dom.children(node):
        _node(child, writer, skip)


def _node(node: dom.Node, writer: _Writer, skip: str) -> None:
    if dom.is_text(node):
        writer.run.append(_collapse(node.data or "", writer))
    elif dom.is_comment(node):
        writer.run += writer.placeholders.statement.findall(node.data or "")
    elif dom.is_element(node) and not _is_silent(node, skip):
        _element(node, writer, skip)


def _is_silent(node: dom.Element, skip: str) -> bool:
    attrs = dom.attributes(node)
    hidden = (
        bool(_HIDDEN.search(attrs.get("style", "")))
        or "hidden" in attrs
        or attrs.get("aria-hidden") == "true"
    )
    return node.name in _SILENT or hidden or bool(skip and skip in attrs.get("class", "").split())


def _element(node: dom.Element, writer: _Writer, skip: str) -> None:
    name = node.name
    if name == "br":
        writer.run.append("\n")
    elif name == "img":
        writer.run.append(_collapse(dom.attributes(node).get("alt", ""), writer))
    elif name == "a":
        _link(node, writer, skip)
    elif name == "hr":
        writer.flush()
        writer.out.append(writer.prefix + "-" * 20 + "\n\n")
    elif name == "pre":
        writer.flush()
        lines = dom.text_of(node).strip("\n").split("\n")
        writer.out.append("".join(f"{writer.prefix}    {line}\n" for line in lines) + "\n")
    elif name == "table" and _is_data(node):
        writer.flush()
        _table(node, writer, skip)
    elif name == "li":
        _item(node, writer, skip)
    elif name in _BLOCKS:
        _block(node, writer, skip)
    else:
        _children(node, writer, skip)


def _block(node: dom.Element, writer: _Writer, skip: str) -> None:
    writer.flush()
    outer = writer.prefix
    if node.name == "blockquote":
        writer.prefix += "> "
    _children(node, writer, skip)
    writer.flush(_UNDERLINES.get(node.name, ""))
    writer.prefix = outer
    if node.name in ("ul", "ol"):
        writer.out.append(writer.gap)


def _item(node: dom.Element, writer: _Writer, skip: str) -> None:
    writer.flush()
    outer, gap = writer.prefix, writer.gap
    parent = node.parent
    mark = "- "
    if isinstance(parent, dom.Element) and parent.name == "ol":
        items = [child for child in dom.children(parent) if dom.is_element(child) and child.name == "li"]
        first = dom.attributes(parent).get("start", "")
        mark = f"{items.index(node) + (int(first) if _NUMBER.fullmatch(first) else 1)}. "
    writer.bullet = outer + mark
    writer.prefix, writer.gap = outer + " " * len(mark), ""
    _children(node, writer, skip)
    writer.flush()
    writer.prefix, writer.gap, writer.bullet = outer, gap, ""


def _link(node: dom.Element, writer: _Writer, skip: str) -> None:
    inner = _Writer(writer.placeholders, in_line=True)
    _children(node, inner, skip)
    if inner.out or "\ue003" in "".join(inner.run):  # blocks inside a link: keep their words, in one line
        inner.flush()
        inner.run = [re.sub(r"\s+", " ", "".join(inner.out)).strip()]
    label = "".join(inner.run)
    address = dom.attributes(node).get("href", "").strip()
    shown = re.sub(r"^(mailto:(?=[^?])|tel:)", "", address, flags=re.IGNORECASE)
    if address.lower().startswith("mailto:"):
        shown = shown.split("?", 1)[0]  # a subject proposed to the mail program is nothing to read
    plain = re.sub(r"\s+", " ", label).strip()
    if not address or address.startswith("#"):
        writer.run.append(label)
    elif plain.rstrip("/") in (address.rstrip("/"), shown):
        writer.run.append(holes.in_address(label, writer.placeholders))
    elif not plain:
        writer.run.append(holes.in_address(shown, writer.placeholders))
    else:
        space = " " if label != label.rstrip() else ""
        shown = holes.in_address(shown, writer.placeholders)
        writer.run.append(f"\ue005{label.strip()}\ue003{shown}\ue004{space}")


def _own_line(found: re.Match[str]) -> str:
    """A link that is a block of its own: the label, then the address alone on its line."""
    label = " ".join(found[1].split())
    return f"{label}{'' if label.endswith((':', '.', '!', '?', '…')) else ':'}\n{found[2]}"


def _is_data(table: dom.Element) -> bool:
    return dom.attributes(table).get("role", "") not in ("presentation", "none")


def _table(table: dom.Element, writer: _Writer, skip: str) -> None:
    """The caption and the rows of a data table, one line each, cells parted by bars."""
    for node in _rows(table):
        if dom.is_comment(node):
            writer.out += writer.placeholders.statement.findall(node.data or "")
        elif dom.is_element(node) and node.name == "caption":
            _block(node, writer, skip)
        elif row := _row(node, writer, skip):
            writer.out.append(f"{writer.prefix}{row}\n")
    writer.out.append("\n")


def _rows(node: dom.Node) -> Iterable[dom.Node]:
    for child in dom.children(node):
        if dom.is_comment(child) or (dom.is_element(child) and child.name in ("tr", "caption")):
            yield child
        elif dom.is_element(child) and child.name in ("thead", "tbody", "tfoot"):
            yield from _rows(child)


def _row(row: dom.Node, writer: _Writer, skip: str) -> str:
    """One line; a cell inside a choice takes its bar along. Empty when no cell says anything."""
    pieces: list[tuple[bool, str]] = []
    always: int | None = None  # the first cell that every recipient sees
    depth = 0
    for child in dom.children(row):
        for mark in writer.placeholders.statement.findall(child.data or "") if dom.is_comment(child) else ():
            kind = writer.placeholders.find(mark)[0].kind
            depth += (kind is TagKind.IF) - (kind is TagKind.ENDIF)
            pieces.append((False, mark))
        if dom.is_element(child) and child.name in ("td", "th"):
            if always is None and not depth:
                always = len(pieces)
            pieces.append((True, _cell(child, writer, skip)))
    cells = [at for at, (is_cell, _) in enumerate(pieces) if is_cell]
    if not any(pieces[at][1] for at in cells):
        return ""
    first = cells[0] if always is None else always
    bars = {at: ("", " | ") if at < first else (" | ", "") for at in cells if at != first}
    return "".join(words.join(bars.get(at, ("", ""))) for at, (_, words) in enumerate(pieces))


def _cell(cell: dom.Element, writer: _Writer, skip: str) -> str:
    inner = _Writer(writer.placeholders, in_line=True)
    _children(cell, inner, skip)
    inner.flush()
    return re.sub(r"\s+", " ", "".join(inner.out)).strip()


def _collapse(text: str, writer: _Writer) -> str:
    text = re.sub(r"\s+", " ", _INVISIBLE.sub("", text))
    before = writer.run[-1] if writer.run else "\n"
    return text.lstrip(" ") if before.endswith((" ", "\n")) else text
