"""A worker's local journal: intent before the final dot can leave, outcome after the reply (law 2).

One JSON line each, one write per event-loop turn. What was written survives the
death of the process; only a power cut can take it back.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import json
import os
import secrets
import shutil
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from functools import lru_cache
from json.encoder import encode_basestring_ascii
from pathlib import Path

from mailer.delivery.courier import BodyWithheld, Go
from mailer.delivery.model import Attempt, Outcome, OutcomeKind
from mailer.maillog import EventLog

log = EventLog("delivery")

# A segment holds some 40 000 records; one whose outcomes are all in the database is deleted.
SEGMENT_BYTES = 8 * 1024 * 1024
_LOCK = "lock"


class Journal:
    """The writing end, held by one live process through a file lock."""

    def __init__(self, path: Path, lock: int, *, sync: bool) -> None:
        self.path = path
        self._sync = sync
        self._lock = lock
        self._number = 0
        self._size = 0
        self._file = -1
        self._lines: list[tuple[bytes, Go | None]] = []  #: in order; an intent with who waits for it
        self._segment_of: dict[int, int] = {}
        self._open: Counter[int] = Counter()
        self._scheduled = False
        self._next_segment()

    @classmethod
    def create(cls, root: Path, *, sync: bool = False) -> Journal:
        """Make a journal folder of our own below `root` and lock it; `sync`: it outlives a power cut.

        Raises OSError.
        """
        path = root / f"journal-{secrets.token_hex(8)}"
        path.mkdir(mode=0o700, parents=True)
        lock = os.open(path / _LOCK, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return cls(path, lock, sync=sync)

    def intend(self, attempt: Attempt, go: Go) -> None:
        """Write at the end of this event-loop turn that this message is about to leave, then call `go`."""
        self._remember(attempt.delivery_id)
        self._add(_encode(attempt, told=False), go)

    def note(self, attempt: Attempt) -> None:
        """Write an outcome at the end of this event-loop turn; kept for the next one if that fails."""
        told = not self._remember(attempt.delivery_id)
        self._add(_encode(attempt, told=told), None)

    def recorded(self, delivery_ids: Iterable[int]) -> None:
        """These outcomes are in the database now; segments nobody needs are deleted, oldest first."""
        for delivery_id in delivery_ids:
            segment = self._segment_of.pop(delivery_id, None)
            if segment is not None:
                self._open[segment] -= 1
        for segment in sorted(self._open):
            if self._open[segment] or segment == self._number:
                break
            del self._open[segment]
            (self.path / _segment_name(segment)).unlink(missing_ok=True)

    def flush(self) -> None:
        """Write what is waiting, in one call; a failure reaches the waiting intents only."""
        self._scheduled = False
        lines, self._lines = self._lines, []
        refusal = None
        try:
            self._write(b"".join([line for line, _ in lines]))
        except OSError as error:
            log.journal_unwritable(reason=error.strerror)
            self._lines = [entry for entry in lines if entry[1] is None]
            refusal = BodyWithheld(f"The journal cannot be written: {error.strerror}.")
        for _, go in lines:
            if go is not None:
                go(refusal)

    def close(self, *, remove: bool) -> None:
        """Let go of the lock; `remove` once every outcome is in the database."""
        if not remove:
            self.flush()
        os.close(self._file)
        if remove:
            shutil.rmtree(self.path, ignore_errors=True)
        os.close(self._lock)

    def _remember(self, delivery_id: int) -> bool:
        """Keep the segment until this delivery is in the database; False: it is kept already."""
        if delivery_id in self._segment_of:
            return False
        self._segment_of[delivery_id] = self._number
        self._open[self._number] += 1
        return True

    def _add(self, line: bytes, go: Go | None) -> None:
        self._lines.append((line, go))
        if not self._scheduled:
            self._scheduled = True
            asyncio.get_running_loop().call_soon(self.flush)

    def _write(self, data: bytes) -> None:
        written = 0
        try:
            while written < len(data):
                written += os.write(self._file, data[written:])
            if self._sync:
                os.fdatasync(self._file)
        except OSError:
            # A torn line would swallow the next one.
            os.ftruncate(self._file, self._size)
            raise
        self._size += len(data)
        if self._size > SEGMENT_BYTES:
            self._next_segment()

    def _next_segment(self) -> None:
        number = self._number + 1
        flags = os.O_CREAT | os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC
        file = os.open(self.path / _segment_name(number), flags, 0o600)
        if self._sync:
            _sync_folder(self.path)
        if self._file >= 0:
            os.close(self._file)
        self._file, self._number, self._size = file, number, 0
        self._open[number] = 0


@contextlib.contextmanager
def held(path: Path) -> Iterator[bool]:
    """Try to become the owner of a journal folder: True only when its process is gone."""
    try:
        lock = os.open(path / _LOCK, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        yield False
        return
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True
    finally:
        os.close(lock)


def read_journal(path: Path) -> dict[int, Attempt]:
    """The last word on each delivery: an attempt without an outcome was intended and may have left."""
    last: dict[int, Attempt] = {}
    for segment in sorted(path.glob("*.jsonl")):
        for line in segment.read_bytes().split(b"\n"):
            attempt = _decode(line, last)
            if attempt is not None:
                last[attempt.delivery_id] = attempt
    return last


def _sync_folder(path: Path) -> None:
    """Make the name of a new file as durable as what will be in it."""
    folder = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _segment_name(number: int) -> str:
    return f"{number:08d}.jsonl"


def _encode(attempt: Attempt, *, told: bool) -> bytes:
    """One record; `told`: the intent said it all before, only the outcome is new."""
    id_, number, message_id, digest, at, end, relay, *_ = attempt
    facts = ending = "[]"
    if not told:
        hexed = "null" if digest is None else f'"{digest.hex()}"'
        facts = f"[{_json(message_id)},{hexed},{_circumstances(at, relay)}]"
    if end is not None:
        kind, code, status, reply, suppress = end
        said = "null" if code is None else code
        ending = f'["{kind.value}",{said},{_json(status)},{_json(reply)},{"true" if suppress else "false"}]'
    return f"[{id_},{number},{facts},{ending}]\n".encode()


@lru_cache(maxsize=16)
def _circumstances(at: datetime, relay: str | None) -> str:
    """What all messages of a second through a relay have in common."""
    return f"{_json(at.isoformat())},{_json(relay)}"


def _json(text: str | None) -> str:
    # Four times as fast as the encoder's way to the same characters.
    return "null" if text is None else encode_basestring_ascii(text)


def _decode(line: bytes, told: Mapping[int, Attempt]) -> Attempt | None:
    """One record; None for an empty or torn line, which nothing relied on yet."""
    try:
        id_, number, facts, ending = json.loads(line)
        outcome = Outcome(OutcomeKind(ending[0]), *ending[1:]) if ending else None
        if not facts:
            return told[id_]._replace(outcome=outcome) if told[id_].number == number else None
        message_id, digest, at, relay = facts
        digest_bytes = bytes.fromhex(digest) if digest is not None else None
        attempted_at = datetime.fromisoformat(at)
        return Attempt(id_, number, message_id, digest_bytes, attempted_at, outcome, relay)
    except (ValueError, TypeError, KeyError):
        return None
