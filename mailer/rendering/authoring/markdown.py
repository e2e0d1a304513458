"""Markdown to HTML (CommonMark and tables), with `{% if %}` tags free to stand on lines of their own."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Final

from markdown_it import MarkdownIt
from markdown_it.rules_block import StateBlock
from markdown_it.token import Token

from mailer.rendering.authoring.tags import Located, Origin, Placeholders

#: Rules a line of only statement tags may interrupt.
_INTERRUPTS: Final = {"alt": ["paragraph", "reference", "blockquote", "list"]}


def to_html(source: Located, placeholders: Placeholders) -> Located:
    """The HTML of a Markdown text; raw HTML in it passes and is checked later like any other.

    A block's lines of HTML are located at the lines it was written on, as far as they correspond.
    """
    parser = MarkdownIt("commonmark", {"html": True, "typographer": False}).enable(["table", "strikethrough"])
    parser.block.ruler.before("paragraph", "statement", _statement_rule(placeholders), _INTERRUPTS)  # type: ignore[arg-type]  # the ruler's TypedDict is not exported
    environment: dict[str, object] = {}
    pieces: list[str] = []
    lines: list[Origin] = []
    for block in _blocks(parser.parse(source.text, environment)):
        html = str(parser.renderer.render(block, parser.options, environment)).rstrip("\n")
        first, after = block[0].map or (0, 1)
        lines += [
            source.origin(min(first + 1 + n, max(after, first + 1))) for n in range(html.count("\n") + 1)
        ]
        pieces.append(html)
    return Located("\n".join(pieces), tuple(lines) or (source.origin(1),))


def _blocks(tokens: Sequence[Token]) -> Iterator[list[Token]]:
    """The tokens of one top-level block after the other."""
    block: list[Token] = []
    for token in tokens:
        block.append(token)
        if token.level == 0 and token.nesting <= 0:
            yield block
            block = []


def _statement_rule(placeholders: Placeholders) -> Callable[[StateBlock, int, int, bool], bool]:
    def rule(state: StateBlock, start: int, end: int, silent: bool) -> bool:
        if state.is_code_block(start):
            return False
        line = state.src[state.bMarks[start] + state.tShift[start] : state.eMarks[start]].strip()
        if not line or placeholders.statement.sub("", line).strip():
            return False
        if silent:
            return True
        state.line = start + 1
        token = state.push("html_block", "", 0)
        token.map = [start, state.line]
        token.content = placeholders.statement.sub(lambda found: f"<!--{found[0]}-->", line) + "\n"
        return True

    return rule
