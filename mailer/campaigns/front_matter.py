"""Read the front matter of a campaign file: YAML between two `---` lines, each key with its line.

YAML is used for its plainness only: no anchors, no tags, no dates guessed from digits.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from mailer.rendering.identity import Problem

FENCE = "---"
# A head is a dozen lines; a parser fed more than this is being attacked or given the wrong file.
MAX_HEAD_CHARACTERS = 64_000
RULE = "front-matter"
# What YAML and terminals take for a line end, or do not show at all; LF and TAB are fine.
_INVISIBLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")


@dataclass(frozen=True, slots=True)
class Entry:
    """One key of the head: what it holds, and the line it stands on."""

    value: Any
    line: int
    text: str | None  #: exactly what was written, for a scalar; None for a list or a mapping


@dataclass(frozen=True, slots=True)
class Head:
    """A parsed head, and the body that follows it."""

    entries: Mapping[str, Entry]
    body: str
    body_line: int  #: the line of the file that the body begins on


class HeadInvalid(Exception):
    """The head cannot be read; carries why and where. The caller makes a sentence for staff of it."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        super().__init__(str(problem))


def split(text: str, path: str) -> Head:
    """Split a file into head and body. Raises HeadInvalid.

    `text` has LF line ends; `path` is what problems name.
    """
    lines = text.split("\n")
    if lines[0].rstrip() != FENCE:
        raise _invalid(path, 1, "the file does not begin with a line of `---`", _HOW)
    end = next((number for number, line in enumerate(lines[1:], 1) if line.rstrip() == FENCE), None)
    if end is None:
        raise _invalid(path, 1, "the front matter has no closing line of `---`", _HOW)
    head = "\n".join(lines[1:end])
    return Head(_parse(head, path), "\n".join(lines[end + 1 :]), body_line=end + 2)


_HOW = "Write the settings of the campaign between two lines of `---`, then the text."


def invisible(text: str) -> tuple[int, str] | None:
    """The first character that nobody can see and that may end a line: its offset and its name."""
    found = _INVISIBLE.search(text)
    if found is None:
        return None
    code = f"U+{ord(found.group()):04X}"
    name = unicodedata.name(found.group(), "")
    return found.start(), f"{code} {name.lower()}".strip()


def _parse(head: str, path: str) -> dict[str, Entry]:
    if len(head) > MAX_HEAD_CHARACTERS:
        raise _invalid(path, 1, f"the front matter is longer than {MAX_HEAD_CHARACTERS:,} characters", _HOW)
    hidden = invisible(head)
    if hidden is not None:
        offset, name = hidden
        line = head.count("\n", 0, offset) + 2
        raise _invalid(
            path,
            line,
            f"the line holds an invisible character ({name})",
            "Delete it, or type the line again.",
        )
    try:
        loader = _Loader(head)
        node = loader.get_single_node()
        return {} if node is None else _entries(loader, node, path)
    except yaml.MarkedYAMLError as error:
        # Of a quote that is never closed, the place to go to is where it opens.
        opened = (error.context or "").startswith("while scanning a quoted")
        mark = error.context_mark if opened else error.problem_mark or error.context_mark
        raise _invalid(path, mark.line + 2 if mark else 1, _sentence(error), _QUOTE) from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise _invalid(path, 1, "the front matter cannot be read as YAML", _QUOTE) from error


_QUOTE = 'Put a value that holds `:`, `#`, `{`, `[`, `*`, `&` or `"` between single quotes.'


def _sentence(error: yaml.MarkedYAMLError) -> str:
    what = error.problem or error.context or "it cannot be read"
    if what == "found unhashable key":
        return "a value that begins with `{{` must stand in quotes"
    return f"the front matter is not valid YAML: {what}"


def _entries(loader: _Loader, node: yaml.Node, path: str) -> dict[str, Entry]:
    if not isinstance(node, yaml.MappingNode):
        raise _invalid(
            path, node.start_mark.line + 2, "the front matter is not a list of `key: value` lines", _HOW
        )
    entries: dict[str, Entry] = {}
    for key_node, value_node in node.value:
        line = key_node.start_mark.line + 2
        key = key_node.value if isinstance(key_node, yaml.ScalarNode) else None
        if not isinstance(key, str):
            raise _invalid(path, line, "a key is not plain text", _HOW)
        if key in entries:
            raise _invalid(
                path, line, f"`{key}` is given twice (first in line {entries[key].line})", "Keep one of them."
            )
        text = value_node.value if isinstance(value_node, yaml.ScalarNode) else None
        entries[key] = Entry(loader.construct_object(value_node, deep=True), line, text)
    return entries


def _invalid(path: str, line: int, message: str, remedy: str) -> HeadInvalid:
    return HeadInvalid(Problem(path, line, RULE, message, remedy))


class _Loader(yaml.SafeLoader):
    """SafeLoader without aliases (they can multiply a small file) and without guessed dates."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            problem = "`*` at the start of a value is not supported"
            raise yaml.MarkedYAMLError(problem=problem, problem_mark=self.get_mark())
        node: yaml.Node | None = super().compose_node(parent, index)
        return node


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
