"""Lines as Postfix writes them, for logs that tests make up."""

from __future__ import annotations

import gzip
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

START = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)


@dataclass
class MadeUpLog:
    """A log that grows line by line; each session has one smtpd process."""

    at: datetime = START
    old_form: bool = False  #: without a year and an offset, in UTC
    host: str = "mx"
    lines: list[str] = field(default_factory=list)
    _queue: int = 0xA00000

    def say(self, text: str) -> None:
        """One line."""
        stamp = f"{self.at:%b} {self.at.day:2d} {self.at:%H:%M:%S}" if self.old_form else self.at.isoformat()
        self.lines.append(f"{stamp} {self.host} {text}")

    def wait(self, **spell: float) -> MadeUpLog:
        """Time goes by."""
        self.at += timedelta(**spell)
        return self

    def quiet(self, **spell: float) -> MadeUpLog:
        """Time goes by, and then somebody connects who says nothing."""
        self.wait(**spell)
        self.say("postfix/smtpd[1]: connect from unknown[10.9.9.9]")
        self.say("postfix/smtpd[1]: disconnect from unknown[10.9.9.9] commands=0/0")
        return self

    def client(self, process: int = 7, queue_id: str | None = None) -> str:
        """smtpd gives a message its queue id."""
        self._queue += 1
        queue_id = queue_id or f"{self._queue:X}F9"
        self.say(f"postfix/smtpd[{process}]: {queue_id}: client=sender[10.0.0.5]")
        return queue_id

    def names(self, queue_id: str, message_id: str) -> None:
        """cleanup has read the Message-ID."""
        self.say(f"postfix/cleanup[9]: {queue_id}: message-id=<{message_id}>")

    def takes(self, queue_id: str, sender: str = "bounce@b.example") -> None:
        """qmgr has it."""
        self.say(f"postfix/qmgr[8]: {queue_id}: from=<{sender}>, size=2892, nrcpt=1 (queue active)")

    def cuts(self, process: int = 7) -> None:
        """The connection ended inside a message."""
        self.say(f"postfix/smtpd[{process}]: lost connection after DATA (899 bytes) from sender[10.0.0.5]")
        self.say(f"postfix/smtpd[{process}]: disconnect from sender[10.0.0.5] data=0/1 commands=3/4")

    def accepted(self, message_id: str, sender: str = "bounce@b.example") -> str:
        """A whole transaction that went well."""
        queue_id = self.client()
        self.names(queue_id, message_id)
        self.takes(queue_id, sender)
        return queue_id

    def cut(self, message_id: str) -> str:
        """A transaction that was cut off inside the message, after its Message-ID."""
        queue_id = self.client()
        self.names(queue_id, message_id)
        self.cuts()
        return queue_id

    def write(self, path: Path) -> Path:
        """A file of it, packed when its name says so."""
        data = "".join(f"{line}\n" for line in self.lines).encode()
        path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
        return path
