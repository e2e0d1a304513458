"""The hashes of the chain, in one place: commitment of a payload, digest of a row, link of a seal."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache

from mailer.keyring import keyed_mac

_ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=str)
#: What the first seal calls its previous hash.
GENESIS = bytes(32)
#: No seal covers more rows; a range that says so was not written by us, and is not spelled out in memory.
MAX_SEALED_ROWS = 1_000_000


def canonical(payload: Mapping[str, object]) -> str:
    """The one JSON text of a payload: sorted keys, no spaces, non-ASCII kept."""
    return _ENCODER.encode(payload)


def commitment(salt: bytes, payload: str) -> bytes:
    """SHA-256 of salt and payload: proves the payload while both are kept, says nothing after."""
    return hashlib.sha256(salt + payload.encode()).digest()


def row_digest(
    key: bytes, stream: str, event: str, at: datetime, *, subject: bytes | None, commitment: bytes
) -> bytes:
    """HMAC-SHA-256 over one row; `at` counts in UTC microseconds, the subject by its length and bytes."""
    about = subject or b""
    return keyed_mac(key)(_head(stream, event, at) + bytes([len(about)]) + about + commitment)


@lru_cache(maxsize=16)
def _head(stream: str, event: str, at: datetime) -> bytes:
    """What the rows of one batch have in common."""
    return f"{stream}\0{event}\0{at.astimezone(UTC).isoformat(timespec='microseconds')}\0".encode()


def seal_hash(key: bytes, previous: bytes, rows: Iterable[tuple[int, bytes]]) -> bytes:
    """HMAC-SHA-256 linking a batch of (id, digest) to the seal before it."""
    link = hmac.new(key, previous, "sha256")
    for row_id, digest in rows:
        link.update(row_id.to_bytes(8, "big") + digest)
    return link.digest()


def ranges_of(ids: Sequence[int]) -> str:
    """Sorted ids as ranges: [1, 2, 3, 7] is "1-3,7"."""
    runs: list[list[int]] = []
    for row_id in ids:
        if runs and row_id == runs[-1][1] + 1:
            runs[-1][1] = row_id
        else:
            runs.append([row_id, row_id])
    return ",".join(str(first) if first == last else f"{first}-{last}" for first, last in runs)


def ids_of(ranges: str) -> list[int]:
    """The ids that `ranges_of` wrote; a ValueError when the text is none of its own."""
    ids: list[int] = []
    for run in ranges.split(","):
        first, _, last = run.partition("-")
        covered = range(int(first), int(last or first) + 1)
        if not 0 < len(covered) <= MAX_SEALED_ROWS:
            raise ValueError(run)
        ids.extend(covered)
    return ids
