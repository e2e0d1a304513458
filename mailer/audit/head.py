"""The head of the chain, kept in a file beside the database, so that a cut tail is found."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

_REPLACE = os.O_WRONLY | os.O_CREAT | os.O_TRUNC


@dataclass(frozen=True, slots=True)
class Head:
    """The newest seal this host has seen."""

    seal: int
    hash: bytes


def read_head(path: Path) -> Head | None:
    """The head on record; None when there is none or it cannot be read as one."""
    try:
        record = json.loads(path.read_text("ascii"))
        return Head(int(record["seal"]), bytes.fromhex(record["hash"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def write_head(path: Path, head: Head) -> None:
    """Replace the record atomically, 0600; an older head never replaces a newer one."""
    with _locked(path.with_name(f"{path.name}.lock")):
        known = read_head(path)
        if known is not None and known.seal >= head.seal:
            return
        fresh = path.with_name(f"{path.name}.new")
        with open(os.open(fresh, _REPLACE, 0o600), "w", encoding="ascii") as file:
            json.dump({"seal": head.seal, "hash": head.hash.hex()}, file)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """One writer at a time on this host; the lock dies with its process."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
