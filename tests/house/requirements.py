"""The table of requirements: its rows, and which tests show which rule (`make docs` writes them in)."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace

from tests.house.tree import ROOT, Source, python_sources

TABLE = ROOT / "docs" / "requirements.md"
STATUSES = ("met", "partly", "not yet", "no")
LEVELS = ("MUST", "SHOULD", "COULD")
#: How many rules each section has; together 210.
SECTIONS = {"F": 8, "A": 90, "B": 23, "C": 34, "D": 37, "E": 18}
_SHOWN = 3
_ID = re.compile(r"\b[A-F]\d{1,2}\b")
_HEAD = "| ID | Level | Requirement | Status | Tests | Note |"


@dataclass(frozen=True)
class Row:
    """One requirement and where it stands."""

    id: str
    level: str
    gist: str
    status: str
    tests: str
    note: str

    def __str__(self) -> str:
        return f"| {' | '.join((self.id, self.level, self.gist, self.status, self.tests, self.note))} |"


def is_rule(text: str) -> bool:
    """Whether `text` is one of the IDs, and not, say, a size of paper."""
    return text[:1] in SECTIONS and text[1:].isdigit() and 1 <= int(text[1:]) <= SECTIONS[text[0]]


def named_tests(row: Row) -> list[str]:
    """The tests that a row names."""
    return re.findall(r"`([^`]+)`", row.tests)


def rows(text: str) -> Iterator[Row]:
    """The rows of the table."""
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split(" | ")]
        if line.startswith("| ") and is_rule(cells[0]):
            cells[-1] = cells[-1].rstrip("|").strip()
            yield Row(*cells)


def evidence() -> dict[str, list[str]]:
    """For each rule, the tests that cite it: by the marker `rule`, or in their docstrings."""
    found: dict[str, list[str]] = defaultdict(list)
    for source in python_sources("tests"):
        if not source.path.name.startswith("test_"):
            continue
        for name, node in _tests(source):
            for rule in sorted(_cited(node)):
                found[rule].append(f"{source.name.removeprefix('tests/')}::{name}")
    return found


def written_in(text: str) -> str:
    """The document with the tests column of every row that claims something brought up to date."""
    shown = evidence()
    lines = []
    for line in text.splitlines():
        row = next(rows(line), None)
        if row is not None:
            tests = shown.get(row.id, []) if row.status in ("met", "partly") else []
            line = str(replace(row, tests=_listed(tests)))
        lines.append(line)
    return "\n".join(lines) + "\n"


def _listed(tests: list[str]) -> str:
    return "<br>".join(f"`{name}`" for name in tests[:_SHOWN])


def _tests(source: Source) -> Iterator[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef]]:
    for node in ast.walk(source.tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
            yield node.name, node


def _cited(node: ast.FunctionDef | ast.AsyncFunctionDef) -> set[str]:
    cited = set(_ID.findall(ast.get_docstring(node) or ""))
    for decorator in node.decorator_list:
        if isinstance(decorator, ast.Call) and ast.unparse(decorator.func) == "pytest.mark.rule":
            cited |= {str(ast.literal_eval(argument)) for argument in decorator.args}
    return {rule for rule in cited if is_rule(rule)}


def main() -> None:
    """Bring the table up to date."""
    TABLE.write_text(written_in(TABLE.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
