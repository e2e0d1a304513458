"""The rejected rows as a CSV file to mend and import again (RFC 4180), safe to open in a spreadsheet (D17)."""

from __future__ import annotations

import csv
import os
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import TextIO

from mailer.subscribers.importing.errors import ImportRefused
from mailer.subscribers.importing.reasons import REASONS
from mailer.subscribers.importing.source import BAD_TEXT

_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\0")


def safe_cell(cell: str) -> str:
    """A cell that a spreadsheet shows and never runs."""
    cell = BAD_TEXT.sub("\ufffd", cell) if not cell.isascii() or "\0" in cell else cell
    return f"'{cell}" if cell.startswith(_FORMULA_STARTS) else cell


class RejectsFile:
    """Writes rejected rows; as a context manager. Raises ImportRefused when the file exists already."""

    def __init__(self, path: Path | None, headings: Sequence[str]) -> None:
        self._file: TextIO | None = None
        if path is None:
            return
        try:
            # People's data: for the operator's eyes, and never over another file.
            descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600)
        except FileExistsError:
            raise ImportRefused(f"{path} exists already; name a new file for the rejected rows.") from None
        except OSError as error:
            raise ImportRefused(f"{path} cannot be written: {error.strerror}.") from error
        self._file = os.fdopen(descriptor, "w", encoding="utf-8", newline="")
        self._writer = csv.writer(self._file, lineterminator="\r\n")
        self._writer.writerow(["line", "reason", *map(safe_cell, headings)])

    def add(self, line: int, key: str, cells: Sequence[str]) -> None:
        """Write one rejected row with its line number and what is wrong with it."""
        if self._file is not None:
            self._writer.writerow([line, REASONS[key].sentence, *map(safe_cell, cells)])

    def __enter__(self) -> RejectsFile:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file is not None:
            self._file.close()
