"""One line of a Postfix log: when, where, and which of the few facts that matter here it states."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, tzinfo
from enum import StrEnum, auto

_STAMP = rb"(?P<stamp>\d{4}-\d\d-\d\dT\S{8,32}|[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d)"
#: Time, host, program with its process, and what that said.
_LINE = re.compile(_STAMP + rb" (?P<host>\S+) (?P<program>[^\s\[]+)\[(?P<pid>\d+)\]: (?P<text>.*)")
_OPENS = re.compile(_STAMP + rb" \S+ [^\s\[:]+(?:\[\d+\])?: ")
_QUEUE_ID = rb"(?P<queue_id>[0-9A-Za-z]{6,24}): "
_YEARS_AROUND = (-1, 0, 1)
_OLD = re.compile(r"\d+")
# Not strptime's: those are the words of whatever language the machine speaks.
_MONTHS = {
    name: number for number, name in enumerate("Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(), 1)
}


class Kind(StrEnum):
    """What a line tells."""

    CLIENT = auto()  #: smtpd gives a message its queue id
    MESSAGE_ID = auto()  #: cleanup has read its Message-ID; the rest may never come
    CUT = auto()  #: the connection ended inside a message
    DISCONNECT = auto()  #: the session is over
    ACTIVE = auto()  #: qmgr has it: the relay took it


@dataclass(frozen=True, slots=True)
class Fact:
    """What one line tells."""

    kind: Kind
    host: bytes
    process: bytes  #: the process id of the daemon, which at smtpd is one session at a time
    queue_id: bytes  #: empty where the line has none
    value: bytes  #: the Message-ID, or the envelope sender
    stamp: bytes


#: A word that only such lines hold, the daemon that writes them, and how they begin.
_FORMS = (
    (b" (queue active)", b"qmgr", Kind.ACTIVE, re.compile(_QUEUE_ID + rb"from=<(?P<value>[^>]*)>, size=")),
    (b": message-id=<", b"cleanup", Kind.MESSAGE_ID, re.compile(_QUEUE_ID + rb"message-id=<(?P<value>[^>]*)>")),
    (b": client=", b"smtpd", Kind.CLIENT, re.compile(_QUEUE_ID + rb"client=")),
    (b": disconnect from ", b"smtpd", Kind.DISCONNECT, re.compile(rb"disconnect from ")),
    # The count of bytes is written only while a message is being received.
    (b" bytes) from ", b"smtpd", Kind.CUT, re.compile(rb"[a-z ]+ after (?:DATA|BDAT) \(\d+ bytes\) from ")),
)  # fmt: skip


def fact(line: bytes) -> Fact | None:
    """What the line tells; None for the many that tell nothing of use."""
    for word, daemon, kind, form in _FORMS:
        if word in line:
            return _fact(line, daemon, kind, form)
    return None


def _fact(line: bytes, daemon: bytes, kind: Kind, form: re.Pattern[bytes]) -> Fact | None:
    parts = _LINE.match(line)
    if parts is None or parts["program"].rpartition(b"/")[2] != daemon:
        return None
    said = form.match(parts["text"])
    if said is None:
        return None
    found = said.groupdict()
    return Fact(
        kind, parts["host"], parts["pid"], found.get("queue_id", b""), found.get("value", b""), parts["stamp"]
    )


def stamp_of(line: bytes) -> bytes | None:
    """The time a line begins with, as written; None when it is no line of a log."""
    opening = _OPENS.match(line)
    return opening["stamp"] if opening else None


def instant_of(stamp: bytes, *, near: datetime, zone: tzinfo | None) -> datetime | None:
    """The instant of a stamp; None when there is no such time.

    The old form has no year: the one that brings it closest to `near` is taken. A time without
    an offset is one of `zone`; None: of this machine.
    """
    text = stamp.decode("ascii", "replace")
    if text[0].isdigit():
        try:
            return _aware(datetime.fromisoformat(text), zone)
        except ValueError:
            return None
    years = [near.year + step for step in _YEARS_AROUND]
    found = [instant for year in years if (instant := _in_year(text, year, zone)) is not None]
    return min(found, key=lambda instant: abs(instant - near), default=None)


def _in_year(text: str, year: int, zone: tzinfo | None) -> datetime | None:
    month, day, hour, minute, second = _MONTHS.get(text[:3], 0), *map(int, _OLD.findall(text))
    try:
        return _aware(datetime(year, month, day, hour, minute, second, tzinfo=zone), zone)
    except ValueError:
        return None  # no such day in that year


def _aware(instant: datetime, zone: tzinfo | None) -> datetime:
    if instant.tzinfo is not None:
        return instant
    return instant.astimezone() if zone is None else instant.replace(tzinfo=zone)
