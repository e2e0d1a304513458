"""Jinja tags: which are known now, which only for a recipient; the latter become opaque placeholders.

A placeholder is a run of ASCII letters and digits with a nonce of the compile, so Markdown, MJML
and the DOM carry it unchanged and no author can forge one. Line marks are woven into the text
before compile-time Jinja runs, so that every line of its output is known by file and line.
"""

from __future__ import annotations

import difflib
import re
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from jinja2 import Environment, TemplateSyntaxError, nodes

from mailer.rendering.identity import Body, Problem
from mailer.rendering.wire.expressions import ExpressionRefused, parse_expression

_LEXER: Final = Environment(keep_trailing_newline=True)  # noqa: S701 - splits source text, never renders
_OPENERS: Final = {"if", "for"}
_BRANCHES: Final = {"elif", "else"}


class TagKind(StrEnum):
    """What a recipient-level tag is."""

    VALUE = "value"
    IF = "if"
    ELIF = "elif"
    ELSE = "else"
    ENDIF = "endif"


@dataclass(frozen=True, slots=True)
class Origin:
    """Where something was written."""

    path: str
    line: int

    def problem(self, rule: str, message: str, remedy: str = "") -> Problem:
        """Something that is wrong here."""
        return Problem(self.path, self.line, rule, message, remedy)


@dataclass(frozen=True, slots=True)
class Tag:
    """One recipient-level tag; `group` is shared by the tags of one `if`."""

    kind: TagKind
    expression: str
    origin: Origin
    group: int = 0

    @property
    def words(self) -> str:
        """The tag as an author would write it."""
        if self.kind is TagKind.VALUE:
            return f"{{{{ {self.expression} }}}}"
        return f"{{% {' '.join(filter(None, (self.kind.value, self.expression)))} %}}"

    def misplaced(self, where: str) -> Problem:
        """That it stands where no value can be filled in."""
        remedy = "A merge field may stand in text and in a quoted href, alt or title."
        return self.origin.problem("hole.place", f"`{self.words}` stands in {where}.", remedy)


class Placeholders:
    """The tags of one compile and their placeholders."""

    def __init__(self) -> None:
        self.nonce = secrets.token_hex(6)
        self._tags: list[Tag] = []
        self.pattern = re.compile(rf"zq{self.nonce}([vs])([0-9]{{5}})qz")
        self.statement = re.compile(rf"zq{self.nonce}s[0-9]{{5}}qz")
        self.mark = re.compile(rf"\ue000{self.nonce}:([0-9]+)\ue001")

    def add(self, tag: Tag) -> str:
        """The placeholder of a new tag."""
        self._tags.append(tag)
        letter = "v" if tag.kind is TagKind.VALUE else "s"
        return f"zq{self.nonce}{letter}{len(self._tags) - 1:05d}qz"

    def tag(self, found: re.Match[str]) -> Tag:
        """The tag of a match of `pattern`."""
        return self._tags[int(found[2])]

    def find(self, text: str) -> list[Tag]:
        """The tags in a text, in order."""
        return [self.tag(found) for found in self.pattern.finditer(text)]

    def readable(self, text: str) -> str:
        """The text with its tags as an author would write them."""
        return self.pattern.sub(lambda found: self.tag(found).words, text)

    def line_mark(self, line: int) -> str:
        """An invisible note that a source line begins here."""
        return f"\ue000{self.nonce}:{line}\ue001"


@dataclass(frozen=True, slots=True)
class Lexed:
    """A source with its recipient-level tags replaced: a compile-time template."""

    template: str
    problems: tuple[Problem, ...]


@dataclass(frozen=True, slots=True)
class Names:
    """What a tag may speak of: the merge fields, the links of this kind of message, and what is known now."""

    fields: tuple[str, ...]
    links: tuple[str, ...]
    compile_time: tuple[str, ...]

    def recipient(self, name: str) -> bool:
        """Whether a name is known only for a recipient."""
        return (
            name == "subscriber"
            or name in self.links
            or (name in self.fields and name not in self.compile_time)
        )


_Token = tuple[int, str, str]


@dataclass
class _Lexing:
    body: Body
    names: Names
    placeholders: Placeholders
    out: list[str] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    bound: set[str] = field(default_factory=set)
    stack: list[tuple[str, int, int]] = field(default_factory=list)
    """Open statements: their word, their line, and the group of a recipient-level `if` (0: compile time)."""
    groups: int = 0

    def origin(self, line: int) -> Origin:
        return Origin(self.body.path, self.body.first_line + line - 1)

    def problem(self, line: int, rule: str, message: str, remedy: str = "") -> None:
        self.problems.append(self.origin(line).problem(rule, message, remedy))

    def data(self, line: int, text: str) -> None:
        self.out.append(_marked(text, line, self))

    def hole(self, kind: TagKind, expression: str, line: int, raw: str, group: int = 0) -> None:
        tag = Tag(kind, expression, self.origin(line), group)
        self.out.append(self.placeholders.add(tag))
        self.keep_lines(raw)

    def keep_lines(self, raw: str) -> None:
        """A tag over several lines leaves as many behind, so that errors of the rest keep their line."""
        if newlines := raw.count("\n"):
            self.out.append("{#" + "\n" * newlines + "#}")


def lex(body: Body, names: Names, placeholders: Placeholders) -> Lexed:
    """Replace the recipient-level tags of a source. Never raises: what is wrong is in `problems`."""
    state = _Lexing(body, names, placeholders)
    state.out.append(placeholders.line_mark(body.first_line))
    try:
        tokens = list(_LEXER.lex(body.text))
    except TemplateSyntaxError as error:
        state.problem(error.lineno, "template.syntax", _plain(error), "Close the tag or correct its quotes.")
        return Lexed("", tuple(state.problems))
    _walk(tokens, state)
    for word, line, _ in state.stack:
        state.problem(
            line, "template.unclosed", f"`{{% {word} %}}` is never closed.", f"Add {{% end{word} %}}."
        )
    return Lexed("".join(state.out), tuple(state.problems))


def _walk(tokens: Sequence[_Token], state: _Lexing) -> None:
    at = 0
    raw = False
    while at < len(tokens):
        line, kind, text = tokens[at]
        at += 1
        if kind in ("raw_begin", "raw_end"):
            raw = kind == "raw_begin"
            state.out.append(text)
        elif kind == "data" or raw:
            state.data(line, text)
        elif kind in ("variable_begin", "block_begin"):
            closer = kind.replace("begin", "end")
            end = next((n for n in range(at, len(tokens)) if tokens[n][1] == closer), None)
            if end is None:
                state.problem(line, "template.unclosed", f"`{_shown(text, tokens[at:])}` is never closed.",
                              "Add }} to it." if kind == "variable_begin" else "Add %} to it.")  # fmt: skip
                return
            inner = tokens[at:end]
            whole = text + "".join(part for _, _, part in inner) + tokens[end][2]
            at = end + 1
            _tag(kind, line, inner, whole, state)
        elif kind.startswith("comment"):
            state.keep_lines(text)


def _tag(kind: str, line: int, inner: Sequence[_Token], whole: str, state: _Lexing) -> None:
    words = [token for token in inner if token[1] != "whitespace"]
    if kind == "variable_begin":
        _value(line, words, inner, whole, state)
        return
    word = words[0][2] if words else ""
    if word in _OPENERS or word == "set":
        _open(word, line, inner, whole, state)
    elif word in _BRANCHES or word.startswith("end"):
        _continue(word, line, inner, whole, state)
    else:
        state.problem(
            line, "template.tag", f"`{{% {word} %}}` is not available in messages.",
            "if, elif, else, for, set and raw are.",
        )  # fmt: skip


def _value(line: int, words: Sequence[_Token], inner: Sequence[_Token], whole: str, state: _Lexing) -> None:
    if not words:
        state.problem(line, "template.empty", "`{{ }}` is empty.", "Name what belongs there.")
        return
    expression = _joined(inner)
    level = _level(expression, line, state)
    if level == "now":
        state.out.append(whole)
    elif level == "recipient":
        expression = _qualified(inner, state.names)
        if _checked(expression, line, state):
            state.hole(TagKind.VALUE, expression, line, whole)


def _open(word: str, line: int, inner: Sequence[_Token], whole: str, state: _Lexing) -> None:
    expression = _joined(inner, skip_first=True)
    target, subject = _parts_of(word, expression)
    level = _level(subject, line, state) if subject else "now"
    if word != "set":
        state.groups += 1
        state.stack.append((word, line, state.groups if word == "if" and level == "recipient" else 0))
    if level == "recipient" and word != "if":
        state.problem(
            line, "template.recipient-loop",
            f"`{{% {word} %}}` cannot work on what is known only for a recipient: `{subject.strip()}`.",
            "A message is compiled once; use {% if %} and {{ }} for values of a subscriber.",
        )  # fmt: skip
    elif level == "recipient":
        condition = _qualified(inner, state.names, skip_first=True)
        if _checked(condition, line, state):
            state.hole(TagKind.IF, condition, line, whole, state.groups)
    elif level == "now":
        state.bound.update(name.strip() for name in target.split(","))
        if word == "for":
            state.bound.add("loop")
        state.out.append(whole)


def _continue(word: str, line: int, inner: Sequence[_Token], whole: str, state: _Lexing) -> None:
    opener, _, group = state.stack[-1] if state.stack else ("", 0, 0)
    if not opener or (word.startswith("end") and word != f"end{opener}"):
        remedy = f"The innermost open tag is {{% {opener} %}}." if opener else "Remove it, or open it first."
        state.problem(
            line, "template.unopened", f"`{{% {word} %}}` closes nothing that is open here.", remedy
        )
        return
    if word.startswith("end"):
        state.stack.pop()
    if not group:
        if word == "elif" and _level(_joined(inner, skip_first=True), line, state) == "recipient":
            state.problem(
                line, "template.mixed", "This elif asks about a recipient, but its if does not.",
                "Nest an {% if %} of its own.",
            )  # fmt: skip
        state.out.append(whole)
        return
    condition = ""
    if word == "elif":
        condition = _qualified(inner, state.names, skip_first=True)
        if _level(condition, line, state) == "now":
            state.problem(
                line, "template.mixed", "This elif does not ask about a recipient, but its if does.",
                "Nest an {% if %} of its own.",
            )  # fmt: skip
            return
        if not _checked(condition, line, state):
            return
    state.hole(TagKind(word), condition, line, whole, group)


def _level(expression: str, line: int, state: _Lexing) -> str:
    """`now`, `recipient`, or `` when a problem was noted."""
    try:
        tree = _LEXER.parse("{{ " + expression.replace("\n", " ") + " }}")
    except (TemplateSyntaxError, RecursionError) as error:
        reason = _plain(error) if isinstance(error, TemplateSyntaxError) else "It is nested too deeply."
        state.problem(line, "template.syntax", f"`{expression.strip()[:60]}` is not an expression. {reason}")
        return ""
    used = sorted({node.name for node in tree.find_all(nodes.Name)})
    here = {*state.names.compile_time, *state.bound, "range"}
    recipient = [name for name in used if state.names.recipient(name) and name not in state.bound]
    known = [name for name in used if name in here and name not in recipient]
    unknown = [name for name in used if name not in here and name not in recipient]
    for name in unknown:
        _unknown(name, line, state)
    if recipient and known:
        state.problem(
            line, "template.mixed",
            f"`{expression.strip()}` mixes `{known[0]}`, known now, with `{recipient[0]}`, known only for a recipient.",
            "Decide in two tags: one about what is known now, one about the recipient.",
        )  # fmt: skip
        return ""
    return "" if unknown else "recipient" if recipient else "now"


def _unknown(name: str, line: int, state: _Lexing) -> None:
    fields = [f"subscriber.{each}" for each in (*state.names.fields, "email", "language")]
    known = [*state.names.compile_time, *state.names.links, *fields]
    plain = {re.sub(r"[\W_]", "", each.removeprefix("subscriber.")).lower(): each for each in known}
    close = difflib.get_close_matches(re.sub(r"[\W_]", "", name).lower(), plain, n=1)
    guess = f"Did you mean {{{{ {plain[close[0]]} }}}}? " if close else ""
    state.problem(
        line, "template.unknown-name", f"`{name}` is not a name messages know.",
        f"{guess}Known are: {', '.join(known)}.",
    )  # fmt: skip


def _checked(expression: str, line: int, state: _Lexing) -> bool:
    try:
        parse_expression(expression, state.names.fields)
    except ExpressionRefused as error:
        known = ", ".join(f"subscriber.{name}" for name in (*state.names.fields, "email", "language"))
        state.problem(line, "template.merge-field", str(error), f"Known are: {known}.")
        return False
    return True


def _qualified(inner: Sequence[_Token], names: Names, *, skip_first: bool = False) -> str:
    """The expression with bare merge fields written out: `FirstName` -> `subscriber.FirstName`."""
    words = [token for token in inner if token[1] != "whitespace"][1 if skip_first else 0 :]
    out: list[str] = []
    for at, (_, kind, text) in enumerate(words):
        before = words[at - 1][2] if at else ""
        after = words[at + 1][2] if at + 1 < len(words) else ""
        bare = kind == "name" and text in names.fields and names.recipient(text)
        if bare and text not in names.links and before not in (".", "|", "is") and after not in ("=", "("):
            text = f"subscriber.{text}"
        tight = text in (".", "(", ")", ",", "[", "]") or before in (".", "(", "[")
        out.append(text if tight or not out else f" {text}")
    return "".join(out)


def _joined(inner: Iterable[_Token], *, skip_first: bool = False) -> str:
    text = "".join(part for _, _, part in inner).strip()
    return (
        text.split(None, 1)[-1] if skip_first and len(text.split(None, 1)) > 1 else "" if skip_first else text
    )


def _parts_of(word: str, expression: str) -> tuple[str, str]:
    """What a statement binds, and what it looks at."""
    if word == "for" and " in " in expression:
        target, _, subject = expression.partition(" in ")
        return target.strip("() "), re.sub(r"\s+recursive\s*$", "", subject)
    if word == "set" and "=" in expression:
        target, _, subject = expression.partition("=")
        return target, subject
    return "", expression if word == "if" else ""


def _marked(text: str, line: int, state: _Lexing) -> str:
    first = state.body.first_line
    pieces = text.split("\n")
    out = [pieces[0]]
    for number, piece in enumerate(pieces[1:], start=line + 1):
        out.append(f"\n{state.placeholders.line_mark(first + number - 1)}{piece}")
    return "".join(out)


def _shown(opening: str, rest: Sequence[_Token]) -> str:
    text = opening + "".join(part for _, _, part in rest)
    return text.split("\n", 1)[0][:40].rstrip()


def _plain(error: TemplateSyntaxError) -> str:
    message = (error.message or "The template cannot be read").rstrip(".")
    return f"{message[:1].upper()}{message[1:]}."


@dataclass(frozen=True, slots=True)
class Located:
    """Text whose every line is known by file and line."""

    text: str
    lines: tuple[Origin, ...]

    def origin(self, line: int) -> Origin:
        """Where the 1-based `line` was written."""
        return self.lines[min(max(line, 1), len(self.lines)) - 1]

    def part(self, start: int, end: int) -> Located:
        """The characters from `start` to `end`, still located."""
        text = self.text[start:end]
        first = self.text.count("\n", 0, start)
        return Located(text, self.lines[first : first + text.count("\n") + 1])


def locate(rendered: str, path: str, placeholders: Placeholders, *, first_line: int = 1) -> Located:
    """Take the line marks out of rendered text."""
    origins: list[Origin] = []
    current = first_line
    for line in rendered.split("\n"):
        marks = placeholders.mark.findall(line)
        current = int(marks[0]) if marks and line.startswith("\ue000") else current
        origins.append(Origin(path, current))
        current = int(marks[-1]) if marks else current
    return Located(placeholders.mark.sub("", rendered), tuple(origins))
