"""The files of a mail log, rotated or packed, in the order of their time; read as a stream."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from itertools import islice
from pathlib import Path

from mailer.delivery.settling.lines import instant_of, stamp_of
from mailer.errors import MailerError

_GZIP = b"\x1f\x8b"
# Lines in which one that a log could hold must come; a file that begins with less is something else.
_LOOKED_AT = 200
# Longer than any line of a log; what has no line ends at all must not fill the memory.
_LONGEST_LINE = 65_536
# A silence between two files that may be no more than a quiet hour's: shorter ones are no hole.
_SILENCE = timedelta(minutes=5)

Span = tuple[datetime, datetime]


class LogUnreadable(MailerError):
    """This file cannot be read as a mail log."""


@dataclass(frozen=True, slots=True)
class LogFile:
    """One file that looks like a log, and the time of its first line."""

    path: Path
    first: datetime


def in_order(paths: Sequence[Path], *, near: datetime, zone: tzinfo | None) -> list[LogFile]:
    """The files by the time of their first lines, empty ones left out. Raises LogUnreadable."""
    found = [LogFile(path, first) for path in paths if (first := _first(path, near, zone)) is not None]
    if not found:
        raise LogUnreadable("The log is empty.")
    return sorted(found, key=lambda file: file.first)


def lines_of(path: Path) -> Iterator[bytes]:
    """Line after line, without the line ends. Raises LogUnreadable."""
    try:
        with path.open("rb") as raw:
            packed = raw.read(2) == _GZIP
            raw.seek(0)
            file = gzip.GzipFile(fileobj=raw) if packed else raw
            while line := file.readline(_LONGEST_LINE):
                yield line.rstrip(b"\r\n")
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise LogUnreadable(f"{path} is damaged: {error}.", path=str(path)) from error
    except OSError as error:
        raise LogUnreadable(f"{path} cannot be read: {error.strerror or error}.", path=str(path)) from error


def merged(spans: Sequence[Span]) -> list[Span]:
    """Spans of time that follow each other without a hole, made one."""
    whole: list[Span] = []
    for first, last in sorted(spans):
        if whole and first - whole[-1][1] <= _SILENCE:
            whole[-1] = (whole[-1][0], max(last, whole[-1][1]))
        else:
            whole.append((first, last))
    return whole


def _first(path: Path, near: datetime, zone: tzinfo | None) -> datetime | None:
    """The time of the first line; None for an empty file. Raises LogUnreadable."""
    empty = True
    for line in islice(lines_of(path), _LOOKED_AT):
        empty = False
        stamp = stamp_of(line)
        first = instant_of(stamp, near=near, zone=zone) if stamp else None
        if first is not None:
            return first
    if empty:
        return None
    raise LogUnreadable(
        f"{path} is no mail log: its lines do not begin with a time, a host and a program.", path=str(path)
    )
