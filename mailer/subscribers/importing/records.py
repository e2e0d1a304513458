"""Text lines to CSV records (RFC 4180), finding the way back after a damaged one.

A quotation mark too many must cost its own row and no other: a record that cannot be right is
given up after its first line, and reading goes on with the next.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Iterator
from enum import StrEnum
from typing import NamedTuple

from mailer.subscribers.importing.source import BAD_TEXT

#: A quoted cell may run over so many lines; more means that its end is missing.
MAX_RECORD_LINES = 50
MAX_CELL_CHARACTERS = 32_767  #: what a spreadsheet cell can hold
csv.field_size_limit(MAX_CELL_CHARACTERS)


class Damage(StrEnum):
    """Why a row could not be read."""

    QUOTES = "quotes"
    CELLS = "cells"
    CELL_TOO_LONG = "cell_too_long"
    BYTES = "bytes"


class Record(NamedTuple):
    """One row of the file; `damage` says why its cells cannot be used."""

    line: int  #: number of its first line, counted from 1
    cells: list[str]
    damage: Damage | None = None


class Lines(Iterator[str]):
    """Physical lines that can be given back."""

    def __init__(self, lines: Iterable[str]) -> None:
        self._lines = iter(lines)
        self._returned: list[str] = []
        self.number = 0  #: of the last line taken
        self.taken: list[str] = []  #: since the last `mark`

    def __next__(self) -> str:
        if len(self.taken) >= MAX_RECORD_LINES:
            raise _Runaway
        line = self._returned.pop() if self._returned else next(self._lines)
        self.number += 1
        self.taken.append(line)
        return line

    def mark(self) -> None:
        """A record begins here."""
        self.taken.clear()

    def rewind(self) -> str:
        """Give back everything since the mark but the first line, which is returned."""
        first, *rest = self.taken
        self._returned.extend(reversed(rest))
        self.number -= len(rest)
        return first


class _Runaway(Exception):
    """A quoted cell does not end."""


def read_records(
    lines: Lines, *, delimiter: str, width: int, is_row: Callable[[list[str]], bool]
) -> Iterator[Record]:
    """Every record that is not blank. `is_row` recognises a row of its own by its cells: a record of
    several lines that has swallowed one is damaged, whatever its quotation marks say."""
    reader = _reader(lines, delimiter)
    while True:
        lines.mark()
        try:
            cells = next(reader)
        except StopIteration:
            return
        except (_Runaway, csv.Error) as error:
            yield _give_up(lines, error)
            reader = _reader(lines, delimiter)
            continue
        first = lines.number - len(lines.taken) + 1
        if len(lines.taken) > 1 and _is_swallowed(lines.taken, cells, delimiter, width=width, is_row=is_row):
            yield _give_up(lines, None)
            reader = _reader(lines, delimiter)
        elif any(cells):
            yield _checked(first, cells, width)


def _reader(lines: Lines, delimiter: str) -> Iterator[list[str]]:
    return csv.reader(lines, delimiter=delimiter, strict=True, skipinitialspace=True)


def _give_up(lines: Lines, error: Exception | None) -> Record:
    too_long = isinstance(error, csv.Error) and "larger than field limit" in str(error)
    text = lines.rewind()
    return Record(lines.number, [text.rstrip("\n")], Damage.CELL_TOO_LONG if too_long else Damage.QUOTES)


def _is_swallowed(
    taken: list[str], cells: list[str], delimiter: str, *, width: int, is_row: Callable[[list[str]], bool]
) -> bool:
    return len(cells) != width or any(is_row(_alone(line, delimiter)) for line in taken[1:])


def _alone(line: str, delimiter: str) -> list[str]:
    try:
        return next(_reader(Lines([line]), delimiter), [])
    except (csv.Error, _Runaway):
        return []


def _checked(line: int, cells: list[str], width: int) -> Record:
    if len(cells) > width:
        # Trailing separators are harmless; a shifted row is not to be guessed at.
        if any(cells[width:]):
            return Record(line, cells, Damage.CELLS)
        cells = cells[:width]
    text = "".join(cells)
    if "\0" in text or (not text.isascii() and BAD_TEXT.search(text)):
        return Record(line, cells, Damage.BYTES)
    return Record(line, cells)
