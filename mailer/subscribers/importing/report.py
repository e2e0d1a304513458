"""What an import did, or would do: counts by reason, never an address."""

from __future__ import annotations

from bisect import insort
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from mailer.subscribers.importing.reasons import REASONS, Group

_EXAMPLES = 5


@dataclass(slots=True)
class ImportReport:
    """Filled while the import runs; complete when `finished`."""

    file: str
    list_name: str
    dry_run: bool
    dialect: str
    encoding: str
    delimiter: str
    standing: str  #: of rows that do not say where they stand
    ignored_columns: tuple[str, ...]
    rows: int = 0
    invited: int = 0
    fields_filled: int = 0  #: people on the list before, of whom more is known now
    last_invitation_at: datetime | None = None
    seconds: float = 0.0
    finished: bool = False
    counts: Counter[str] = field(default_factory=Counter)
    examples: dict[str, list[int]] = field(default_factory=dict)  #: the first line numbers of each reason
    unread_fields: Counter[str] = field(default_factory=Counter)  #: merge fields left out, by name

    def count(self, key: str, line: int) -> None:
        """One row more with this outcome."""
        self.rows += 1
        self.counts[key] += 1
        lines = self.examples.setdefault(key, [])
        if len(lines) < _EXAMPLES or line < lines[-1]:
            insort(lines, line)
            del lines[_EXAMPLES:]

    def total(self, group: Group) -> int:
        """How many rows ended in a group."""
        return sum(number for key, number in self.counts.items() if REASONS[key].group is group)

    def lines(self) -> Iterator[tuple[Group, str, int, list[int]]]:
        """Group, sentence, count and example lines of each reason that occurred, in the report's order."""
        for key, reason in REASONS.items():
            if self.counts[key]:
                yield reason.group, reason.sentence, self.counts[key], self.examples[key]

    def as_json(self) -> dict[str, Any]:
        """The whole report as plain data."""
        return {
            "file": self.file,
            "list": self.list_name,
            "dry_run": self.dry_run,
            "finished": self.finished,
            "dialect": self.dialect,
            "encoding": self.encoding,
            "delimiter": self.delimiter,
            "standing": self.standing,
            "ignored_columns": list(self.ignored_columns),
            "rows": self.rows,
            "groups": {group.value: self.total(group) for group in Group},
            "reasons": {
                key: {"count": self.counts[key], "sentence": reason.sentence, "lines": self.examples[key]}
                for key, reason in REASONS.items()
                if self.counts[key]
            },
            "unread_fields": dict(self.unread_fields),
            "fields_filled": self.fields_filled,
            "invited": self.invited,
            "last_invitation_at": self.last_invitation_at.isoformat() if self.last_invitation_at else None,
            "seconds": round(self.seconds, 3),
        }
