"""The files of this project, without what was built, downloaded or written by the running product."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
FOLDERS = ("alembic", "benchmarks", "campaigns", "deploy", "docs", "mailer", "templates", "tests", ".ci")
_SKIPPED = frozenset({"__pycache__", "node_modules", "_bundled"})


@dataclass(frozen=True)
class Source:
    """One Python file, parsed."""

    path: Path
    text: str
    tree: ast.Module

    @property
    def name(self) -> str:
        """Its path in the project."""
        return self.path.relative_to(ROOT).as_posix()

    @property
    def lines(self) -> int:
        """How many lines it has."""
        return len(self.text.splitlines())


@cache
def python_sources(*folders: str) -> tuple[Source, ...]:
    """Every Python file below the folders."""
    return tuple(_parsed(path) for path in files(*folders) if path.suffix == ".py")


def files(*folders: str) -> Iterator[Path]:
    """Every file below the folders, or of the whole project with the files at its top."""
    if not folders:
        yield from (path for path in sorted(ROOT.iterdir()) if path.is_file() and path.name != "secrets.toml")
    for folder in folders or FOLDERS:
        for path in sorted((ROOT / folder).rglob("*")):
            if path.is_file() and _SKIPPED.isdisjoint(path.parts):
                yield path


def functions(source: Source) -> Iterator[tuple[str, int]]:
    """The name and the length in lines, docstring included, of every function."""
    for node in ast.walk(source.tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert node.end_lineno is not None
            yield f"{source.name}:{node.lineno} {node.name}", node.end_lineno - node.lineno + 1


def _parsed(path: Path) -> Source:
    text = path.read_text(encoding="utf-8")
    return Source(path, text, ast.parse(text))
