"""Log lines of the long-running commands: UTC, one line each, facts as key=value (D25, D26)."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from typing import Any

from mailer.cli.output import printable

_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


class FactsFormatter(logging.Formatter):
    """The event's name, then its facts; control characters are spelled out."""

    def __init__(self, process: str | None = None) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s %(message)s")
        self._process = process

    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:  # noqa: N802 - the name logging calls
        """The record's time, UTC, to the millisecond."""
        return datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")

    def formatException(self, ei: Any) -> str:  # noqa: N802 - the library's name
        """The traceback, whose lines may quote data: each with its control characters spelled out."""
        return "\n".join(map(printable, super().formatException(ei).split("\n")))

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - the library's name
        """One line: time, level, logger, event, facts."""
        facts = {name: value for name, value in vars(record).items() if name not in _STANDARD}
        if self._process is not None:
            facts["process"] = self._process
        shown = "".join(f" {name}={_quoted(value)}" for name, value in facts.items())
        return printable(super().formatMessage(record) + shown)


def log_to_stderr(*, quiet: bool, process: str | None = None) -> None:
    """Send the log to stderr, from INFO or, `quiet`, from WARNING on; each line names its `process`."""
    handler = logging.StreamHandler()
    handler.setFormatter(FactsFormatter(process))
    logging.basicConfig(level=logging.WARNING if quiet else logging.INFO, handlers=[handler])


def _quoted(value: object) -> str:
    text = str(value)
    return f'"{text}"' if " " in text or not text else text
