"""What a server did with each message, written down before anybody is told: the ground truth of the fault tests."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Accepted:
    """One message the server said yes to, or hung up on after taking it."""

    recipient: str
    sender: str
    data: bytes = field(
        default=b"", repr=False
    )  #: with the dots unstuffed; empty where only digests are kept
    message_id: str = ""
    digest: bytes = b""  #: SHA-256 of the unstuffed bytes
    at: float = 0.0  #: seconds since 1970
    wrong: tuple[str, ...] = ()  #: what a strict server has against it


@dataclass(frozen=True)
class Turned:
    """A step at which the server did something else than its duty, or a body it did not take."""

    recipient: str  #: "" before RCPT; then the return path says who was meant
    sender: str
    verb: str
    did: str  #: the reply, or the fault's name
    message_id: str = ""
    at: float = 0.0

    @property
    def code(self) -> int | None:
        """Of the reply; None if there was none that makes sense."""
        return int(self.did[:3]) if self.did[:3].isdigit() else None


def judge(recipient: str, sender: str, data: bytes, *, wrong: tuple[str, ...] = ()) -> Accepted:
    """A message as it is taken now."""
    digest = hashlib.sha256(data).digest()
    return Accepted(recipient, sender, data, message_id_of(data), digest, time.time(), wrong)


def message_id_of(data: bytes) -> str:
    """The value of the Message-ID header."""
    at = data.lower().find(b"message-id:")
    if at < 0:
        return ""
    return data[at + 11 : data.find(b"\r\n", at)].strip(b" <>").decode()


@dataclass
class Book:
    """The log: JSON lines, one write for many, on their way to the disk before the replies leave."""

    path: Path | None = None
    keep_bodies: bool = True
    _waiting: list[bytes] = field(default_factory=list)
    _file: int = -1

    def add(self, entry: Accepted | Turned) -> None:
        """Remember an entry until `write`."""
        if self.path is not None:
            self._waiting.append(json.dumps(self._plain(entry)).encode() + b"\n")

    def write(self) -> None:
        """Hand what was added to the system: it outlives this process from now on."""
        if not self._waiting or self.path is None:
            return
        if self._file < 0:
            self._file = os.open(self.path, os.O_CREAT | os.O_APPEND | os.O_WRONLY, 0o600)
        os.write(self._file, b"".join(self._waiting))
        self._waiting.clear()

    def _plain(self, entry: Accepted | Turned) -> dict[str, Any]:
        plain = dict(vars(entry))
        if isinstance(entry, Accepted):
            plain["digest"] = entry.digest.hex()
            plain["data"] = base64.b64encode(entry.data).decode() if self.keep_bodies else ""
            plain["wrong"] = list(entry.wrong)
        return plain


def read_book(path: Path) -> list[Accepted | Turned]:
    """Everything a server in another process wrote down, in order."""
    if not path.exists():
        return []
    with path.open() as lines:
        return [_entry(json.loads(line)) for line in lines if line.endswith("}\n")]


def read_log(path: Path) -> list[Accepted]:
    """What a server in another process accepted."""
    return [entry for entry in read_book(path) if isinstance(entry, Accepted)]


def _entry(plain: dict[str, Any]) -> Accepted | Turned:
    if "verb" in plain:
        return Turned(**plain)
    plain["data"] = base64.b64decode(plain["data"])
    plain["digest"] = bytes.fromhex(plain["digest"])
    plain["wrong"] = tuple(plain["wrong"])
    return Accepted(**plain)
