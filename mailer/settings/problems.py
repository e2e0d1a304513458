"""One sentence for everything that is wrong with the settings, with its place and its remedy."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from mailer.errors import MailerError
from mailer.settings.walk import section_at, setting_in, settings_of

_HEADER = re.compile(r"\s*\[([^\[\]]+)\]\s*(?:#.*)?\Z")
_KEY = re.compile(r"\s*([A-Za-z0-9_.\"'-]+)\s*=")


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing to mend."""

    place: str  #: "mailer.toml:12", or the name of an environment variable
    key: str  #: "[site] base_url"
    sentence: str  #: goes on from the key: "is missing. …"

    def __str__(self) -> str:
        return f"{self.place}: {self.key} {self.sentence}"


class SettingsInvalid(MailerError):
    """The settings cannot be used."""

    def __init__(self, problems: Sequence[Problem], *, path: Path) -> None:
        self.problems = tuple(problems)
        count = "one thing" if len(problems) == 1 else f"{len(problems)} things"
        lines = "".join(f"\n  {problem}" for problem in problems)
        super().__init__(f"The settings in {path} cannot be used; {count} to mend:{lines}", path=str(path))


@dataclass(frozen=True)
class Source:
    """Where each value came from: a line of the file or a variable of the environment."""

    path: Path
    lines: Mapping[tuple[str, ...], int]
    variables: Mapping[tuple[str, ...], str]

    def problem(self, path: Sequence[object], sentence: str) -> Problem:
        """A problem with the setting at `path`."""
        keys = tuple(str(part) for part in path)
        return Problem(self._place(keys), _named(keys), sentence)

    def _place(self, keys: tuple[str, ...]) -> str:
        if keys in self.variables:
            return self.variables[keys]
        while keys and keys not in self.lines:
            keys = keys[:-1]
        return f"{self.path.name}:{self.lines[keys]}" if keys else self.path.name


def find_lines(text: str) -> dict[tuple[str, ...], int]:
    """The line of each section and key. Good enough for messages: values over several lines may hide some."""
    found: dict[tuple[str, ...], int] = {}
    section: tuple[str, ...] = ()
    for number, line in enumerate(text.splitlines(), 1):
        if header := _HEADER.match(line):
            section = _split(header[1])
            found.setdefault(section, number)
        elif key := _KEY.match(line):
            found.setdefault((*section, *_split(key[1])), number)
    return found


def explain(error: ValidationError, source: Source) -> Iterator[Problem]:
    """Every complaint of the validator, in words that say what to do."""
    for detail in error.errors(include_url=False, include_context=True):
        path = tuple(part for part in detail["loc"] if isinstance(part, str) and part != "[key]")
        yield source.problem(path, _sentence(path, detail["type"], detail["msg"], detail.get("ctx", {})))


def _sentence(path: Sequence[object], kind: str, message: str, context: Mapping[str, Any]) -> str:
    model, key = section_at(path[:-1]), str(path[-1])
    setting = setting_in(model, key)
    description = setting.info.description if setting is not None and setting.info.description else ""
    if kind == "missing":
        return f"is missing. {description}".rstrip()
    if kind == "extra_forbidden":
        return _unknown(model, key)
    if kind == "value_error":
        return str(context["error"])
    if kind == "too_short":
        return "is empty; it needs at least one section."
    if kind == "string_pattern_mismatch":
        return "must be a name of lower-case letters, digits, - and _, beginning with a letter."
    return f"{message.replace('Input should be', 'must be', 1)}. {description}".rstrip()


def _unknown(model: type[BaseModel] | None, key: str) -> str:
    known = [setting.key for setting in settings_of(model)] if model is not None else []
    near = difflib.get_close_matches(key, known, n=1, cutoff=0.6)
    if near:
        return f'is no setting. Did you mean "{near[0]}"?'
    return f"is no setting. There is: {', '.join(known)}." if known else "is no setting."


def _named(keys: tuple[str, ...]) -> str:
    if len(keys) == 1:
        return f"[{keys[0]}]"
    section, key = keys[:-1], keys[-1]
    if section_at(keys) is not None:
        return f"[{'.'.join(keys)}]"
    return f"[{'.'.join(section)}] {key}"


def _split(dotted: str) -> tuple[str, ...]:
    return tuple(part.strip().strip("\"'") for part in dotted.split("."))
