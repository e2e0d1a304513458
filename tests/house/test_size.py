"""The size budget: what can be read in one sitting gets read."""

from __future__ import annotations

from collections.abc import Sequence

from tests.house.tree import functions, python_sources

LONGEST_FILE, LONGEST_FUNCTION = 500, 60
FILE_MEDIAN, FILE_P95 = 100, 350
FUNCTION_MEDIAN, FUNCTION_P95 = 10, 40
#: The aim is 1.3. The rooms of what comes back grew faster than their tests; no lower than this.
TESTS_PER_SOURCE_LINE = 1.2


def _percentile(values: Sequence[int], share: float) -> int:
    ordered = sorted(values)
    return ordered[min(int(len(ordered) * share), len(ordered) - 1)]


def _source_lengths() -> list[int]:
    return [source.lines for source in python_sources("mailer") if source.lines > 3]


def _function_lengths() -> list[int]:
    return [length for source in python_sources("mailer") for _, length in functions(source)]


def test_no_file_is_longer_than_500_lines() -> None:
    sources = (*python_sources("mailer"), *python_sources("tests"), *python_sources("alembic"))
    assert [(source.name, source.lines) for source in sources if source.lines > LONGEST_FILE] == []


def test_no_function_is_longer_than_60_lines() -> None:
    found = [pair for source in python_sources("mailer") for pair in functions(source)]
    assert [(name, length) for name, length in found if length > LONGEST_FUNCTION] == []


def test_files_are_short_as_a_rule() -> None:
    lengths = _source_lengths()
    assert _percentile(lengths, 0.5) <= FILE_MEDIAN
    assert _percentile(lengths, 0.95) <= FILE_P95


def test_functions_are_short_as_a_rule() -> None:
    lengths = _function_lengths()
    assert _percentile(lengths, 0.5) <= FUNCTION_MEDIAN
    assert _percentile(lengths, 0.95) <= FUNCTION_P95


def test_there_is_more_test_than_source() -> None:
    """Documents, generated tables and input files do not count: Python lines against Python lines."""
    source = sum(file.lines for file in python_sources("mailer"))
    tests = sum(file.lines for file in python_sources("tests"))
    assert tests >= TESTS_PER_SOURCE_LINE * source, f"{tests} lines of tests for {source} of source"
