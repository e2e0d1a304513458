"""How often sign-in may be tried, without letting a stranger lock anybody out.

Each key is a bucket that empties by itself; a refused try costs nothing, so waiting always helps.
A flood on one name from many clients stops strangers only: where the name has signed in before, it may.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import IPv6Address, ip_address, ip_network

from sqlalchemy import Connection, delete, select, update

from mailer.store import Store
from mailer.store.bulk import insert_or_ignore
from mailer.store.schema import StaffLimit

#: A client from which a name has signed in stays known for so long.
KNOWN_FOR = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Bucket:
    """So many tries at once, then one in each interval."""

    burst: int
    every: timedelta


#: By what is counted.
BUCKETS: Mapping[str, Bucket] = {
    "client": Bucket(20, timedelta(seconds=30)),
    "pair": Bucket(5, timedelta(minutes=1)),
    "name": Bucket(30, timedelta(minutes=2)),
}


def keys_of(name: str, client: str | None) -> dict[str, bytes]:
    """The keys of one try; an IPv6 client is its /64, which is what one person has."""
    place = _network(client)
    made = {"client": place, "pair": f"{place}\0{name}", "name": name}
    return {kind: hashlib.sha256(f"{kind}\0{key}".encode()).digest() for kind, key in made.items()}


def wait_seconds(store: Store, keys: Mapping[str, bytes], now: datetime) -> float:
    """How long until a try is allowed; 0.0: it is, and it was counted. Raises StoreError."""
    with store.read() as connection:
        wait = _wait(connection, keys, now, lock=False)
    if wait:
        return wait  # a flood costs reads, never a write
    with store.write() as connection:
        # Always in one order: two tries never wait for each other's rows.
        for key in sorted(keys.values()):
            connection.execute(insert_or_ignore(connection, StaffLimit).values(key_hash=key, free_at=now))
        wait = _wait(connection, keys, now, lock=True)
        if not wait:
            _take(connection, keys, now)
    return wait


def remember(connection: Connection, keys: Mapping[str, bytes], now: datetime) -> None:
    """This name has signed in from this client; and forget what is long over."""
    pair = StaffLimit.key_hash == keys["pair"]
    connection.execute(update(StaffLimit).where(pair).values(known_until=now + KNOWN_FOR))
    connection.execute(delete(StaffLimit).where(StaffLimit.free_at < now - KNOWN_FOR))


def _wait(connection: Connection, keys: Mapping[str, bytes], now: datetime, *, lock: bool) -> float:
    statement = select(StaffLimit).where(StaffLimit.key_hash.in_(keys.values()))
    if lock:
        statement = statement.order_by(StaffLimit.key_hash).with_for_update()
    rows = {row.key_hash: row for row in connection.execute(statement)}
    pair = rows.get(keys["pair"])
    known = pair is not None and pair.known_until is not None and pair.known_until > now
    waits = [0.0]
    for kind, key in keys.items():
        if key in rows and not (known and kind == "name"):
            bucket = BUCKETS[kind]
            over = max(rows[key].free_at, now) + bucket.every - now - bucket.every * bucket.burst
            waits.append(over.total_seconds())
    return max(waits)


def _take(connection: Connection, keys: Mapping[str, bytes], now: datetime) -> None:
    rows = connection.execute(select(StaffLimit).where(StaffLimit.key_hash.in_(keys.values())))
    free = {row.key_hash: row.free_at for row in rows}
    for kind, key in keys.items():
        changed = update(StaffLimit).where(StaffLimit.key_hash == key)
        connection.execute(changed.values(free_at=max(free[key], now) + BUCKETS[kind].every))


def _network(client: str | None) -> str:
    if client is None:
        return "local"
    ip = ip_address(client)
    return str(ip_network((ip, 64), strict=False)) if isinstance(ip, IPv6Address) else str(ip)
