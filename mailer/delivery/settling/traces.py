"""What a Postfix log holds of certain messages: one pass, and no more memory than there are messages.

A log has `message-id=` also for a message that was cut off in the middle; only `queue active` for
that queue id proves that the relay took it. A second, independent trace is our return path, which
names the delivery. Short queue ids are used again: one belongs to a message from its `client=` on.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from pathlib import Path

from mailer.delivery.settling.files import LogUnreadable, Span, in_order, lines_of, merged
from mailer.delivery.settling.lines import Fact, Kind, fact, instant_of, stamp_of

_TAG = re.compile(rb"\+([0-9a-f]{32})@")
# cleanup may name a message a moment after smtpd said that its connection was cut: of the
# messages cut last, so many are remembered.
_CUTS_REMEMBERED = 10_000

_Key = tuple[bytes, bytes]  #: a host, and a process or a queue id on it


@dataclass
class Trace:
    """What the log holds of one message."""

    taken_as: str | None = None  #: the queue id that became active
    taken_at: datetime | None = None
    arrived: set[str] = field(default_factory=set)  #: queue ids that carried its Message-ID
    cut: set[str] = field(default_factory=set)  #: those of them whose connection ended inside the message


@dataclass(frozen=True)
class Evidence:
    """What was found, and the time for which finding nothing means anything."""

    traces: Mapping[int, Trace]  #: by delivery id; only those that have one
    spans: Sequence[Span]
    lines: int

    def trace(self, delivery_id: int) -> Trace:
        """What there is of one message, if only nothing."""
        return self.traces.get(delivery_id) or Trace()


@dataclass(frozen=True)
class Marks:
    """By what messages are known in a log: both name a delivery id."""

    message_ids: Mapping[bytes, int]
    tags: Mapping[bytes, int]  #: of the return path, in lower case


def search(paths: Sequence[Path], marks: Marks, *, near: datetime, zone: tzinfo | None) -> Evidence:
    """Read the files of one log. Raises LogUnreadable. See `instant_of` for `near` and `zone`."""
    reading = _Reading(marks, lambda stamp: instant_of(stamp, near=near, zone=zone))
    spans = []
    lines = 0
    for file in in_order(paths, near=near, zone=zone):
        last = None
        for line in lines_of(file.path):
            lines += 1
            found = fact(line)
            if found is not None:
                reading.take(found)
            last = line if line[:1].isalnum() else last
        stamp = stamp_of(last or b"")
        end = instant_of(stamp, near=near, zone=zone) if stamp else None
        spans.append((file.first, max(end or file.first, file.first)))
    if not reading.has_facts:
        raise LogUnreadable("The log holds nothing that a Postfix says when it receives mail.")
    return Evidence(reading.traces, merged(spans), lines)


class _Reading:
    """The state between two lines."""

    def __init__(self, marks: Marks, instant: Callable[[bytes], datetime | None]) -> None:
        self.traces: dict[int, Trace] = {}
        self.has_facts = False
        self._marks = marks
        self._instant = instant
        self._carrying: dict[_Key, int] = {}  #: open queue ids of our messages
        self._receiving: dict[_Key, bytes] = {}  #: the queue id that an smtpd process is receiving
        self._cut: OrderedDict[_Key, None] = OrderedDict()

    def take(self, found: Fact) -> None:
        """Learn from one line."""
        self.has_facts = True
        _STEPS[found.kind](self, found)

    def _trace(self, delivery_id: int) -> Trace:
        return self.traces.setdefault(delivery_id, Trace())

    def _client(self, found: Fact) -> None:
        key = (found.host, found.queue_id)
        self._carrying.pop(key, None)
        self._cut.pop(key, None)
        self._receiving[found.host, found.process] = found.queue_id

    def _message_id(self, found: Fact) -> None:
        delivery_id = self._marks.message_ids.get(found.value)
        if delivery_id is None:
            return
        key = (found.host, found.queue_id)
        self._carrying[key] = delivery_id
        trace = self._trace(delivery_id)
        trace.arrived.add(found.queue_id.decode())
        if key in self._cut:
            trace.cut.add(found.queue_id.decode())

    def _cut_off(self, found: Fact) -> None:
        queue_id = self._receiving.pop((found.host, found.process), None)
        if queue_id is None:
            return
        key = (found.host, queue_id)
        if key in self._carrying:
            self._trace(self._carrying[key]).cut.add(queue_id.decode())
        self._cut[key] = None
        if len(self._cut) > _CUTS_REMEMBERED:
            self._cut.popitem(last=False)

    def _disconnect(self, found: Fact) -> None:
        self._receiving.pop((found.host, found.process), None)

    def _active(self, found: Fact) -> None:
        delivery_id = self._carrying.pop((found.host, found.queue_id), None)
        tag = _TAG.search(found.value.lower())
        if delivery_id is None and tag is not None:
            delivery_id = self._marks.tags.get(tag[1])
        if delivery_id is None:
            return
        trace = self._trace(delivery_id)
        if trace.taken_as is None:
            trace.taken_as, trace.taken_at = found.queue_id.decode(), self._instant(found.stamp)


_STEPS: Mapping[Kind, Callable[[_Reading, Fact], None]] = {
    Kind.CLIENT: _Reading._client,
    Kind.MESSAGE_ID: _Reading._message_id,
    Kind.CUT: _Reading._cut_off,
    Kind.DISCONNECT: _Reading._disconnect,
    Kind.ACTIVE: _Reading._active,
}
