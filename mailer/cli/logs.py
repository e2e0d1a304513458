"""Log lines of the long-running commands: UTC, one line each, as text or JSON, addresses masked (D25, D26)."""

from __future__ import annotations

import json
import logging
import re
from datetime import UTC, datetime
from typing import Any

from mailer.cli.output import printable

# A net below the rule that no event names a person: words of mail servers quote whom they refuse.
_ADDRESS = re.compile(r"[^\s<>\"'(),;:=\[\]@]{1,128}(?=@[^\s@])")
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
        return "\n".join(printable(_masked(line)) for line in super().formatException(ei).split("\n"))

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - the library's name
        """One line: time, level, logger, event, facts."""
        facts = _facts(record, self._process)
        shown = "".join(f" {name}={_quoted(value)}" for name, value in facts.items())
        return printable(_masked(super().formatMessage(record) + shown))


class JsonFormatter(FactsFormatter):
    """One object a line: time, level, logger, event, then its facts under their own names."""

    def format(self, record: logging.LogRecord) -> str:
        """The record as JSON; what is no JSON value is written as text."""
        line: dict[str, Any] = {
            "time": self.formatTime(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": getattr(record, "event", record.getMessage()),
        }
        if hasattr(record, "event"):
            line["message"] = record.getMessage()
        line |= {name: value for name, value in _facts(record, self._process).items() if name not in line}
        if record.exc_info:
            line["trace"] = self.formatException(record.exc_info)
        return _masked(json.dumps(line, ensure_ascii=True, default=str))


def log_to_stderr(*, quiet: bool, process: str | None = None, form: str = "text") -> None:
    """Send the log to stderr, from INFO or, `quiet`, from WARNING on; each line names its `process`.

    `form`: "text" or "json", as [logging] format says.
    """
    handler = logging.StreamHandler()
    handler.setFormatter(JsonFormatter(process) if form == "json" else FactsFormatter(process))
    logging.basicConfig(level=logging.WARNING if quiet else logging.INFO, handlers=[handler])


def _facts(record: logging.LogRecord, process: str | None) -> dict[str, Any]:
    """What an event was logged with, and the process that says so."""
    facts = {name: value for name, value in vars(record).items() if name not in _STANDARD}
    return facts if process is None else {**facts, "process": process}


def _masked(text: str) -> str:
    """The text with the local part of every address taken out."""
    return _ADDRESS.sub("...", text) if "@" in text else text


def _quoted(value: object) -> str:
    text = str(value)
    return f'"{text}"' if " " in text or not text else text
