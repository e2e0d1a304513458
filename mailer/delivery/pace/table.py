"""The rows behind all this: what every worker of the site knows of relays, providers and domains."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, fields
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, delete, select, update

from mailer.delivery.pace.controller import Pace
from mailer.store import Store
from mailer.store.bulk import insert_or_ignore
from mailer.store.schema import PaceRow, ProviderRow, Worker

RELAY = "relay:"
PROVIDER = "provider:"
# A worker that has not said so for longer has no connections that count.
_SILENT = timedelta(seconds=60)
_COLUMNS = ("limit", "connections", "cause", "until")
_MEMORY = tuple(field.name for field in fields(Pace) if field.name not in _COLUMNS)

Step = Callable[[Pace], Pace]


def paces(connection: Connection) -> dict[str, Pace]:
    """Everything known, by key."""
    return {row.key: _as_pace(row) for row in connection.execute(select(PaceRow.__table__)).all()}


def change(connection: Connection, key: str, step: Step, *, now: datetime) -> Pace:
    """What is known of one relay or provider, read under a lock, taken one step on and written."""
    asked = select(PaceRow.__table__).where(PaceRow.key == key).with_for_update()
    row = connection.execute(asked).one_or_none()
    if row is None:
        # Another worker may be as quick.
        given = {"key": key, "updated_at": now, "memory": {}}
        connection.execute(insert_or_ignore(connection, PaceRow), given)
        row = connection.execute(asked).one()
    pace = step(_as_pace(row))
    if pace == Pace():
        forget(connection, [key])
    else:
        connection.execute(
            update(PaceRow).where(PaceRow.key == key).values(**_as_values(pace), updated_at=now)
        )
    return pace


def forget(connection: Connection, keys: Sequence[str]) -> int:
    """Drop what is known of these; how many there were."""
    return connection.execute(delete(PaceRow).where(PaceRow.key.in_(keys))).rowcount


def living_workers(connection: Connection, *, now: datetime) -> list[int]:
    """The ids of the workers that share all limits, in order."""
    asked = select(Worker.id).where(Worker.stopped_at.is_(None), Worker.heartbeat_at > now - _SILENT)
    return list(connection.scalars(asked.order_by(Worker.id)))


def providers(store: Store, domains: Iterable[str], *, now: datetime) -> dict[str, tuple[str, datetime]]:
    """The provider of each domain that is known, and until when that holds. Raises StoreError."""
    asked = select(ProviderRow.domain, ProviderRow.provider, ProviderRow.expires_at)
    asked = asked.where(ProviderRow.domain.in_(list(domains)), ProviderRow.expires_at > now)
    with store.read() as connection:
        return {row.domain: (row.provider, row.expires_at) for row in connection.execute(asked)}


def save_providers(store: Store, rows: Sequence[tuple[str, str, datetime]], *, now: datetime) -> None:
    """Remember providers of domains, and drop what has expired. Raises StoreError."""
    given = [dict(zip(("domain", "provider", "expires_at"), row, strict=True)) for row in rows]
    with store.write() as connection:
        connection.execute(delete(ProviderRow).where(ProviderRow.expires_at <= now))
        connection.execute(delete(ProviderRow).where(ProviderRow.domain.in_([row[0] for row in rows])))
        connection.execute(insert_or_ignore(connection, ProviderRow), given)


def _as_pace(row: Any) -> Pace:
    until = row.until.timestamp() if row.until is not None else 0.0
    memory: Mapping[str, Any] = {name: row.memory[name] for name in _MEMORY if name in row.memory}
    return Pace(row.limit, row.connections, row.cause, until, **memory)


def _as_values(pace: Pace) -> dict[str, Any]:
    values = asdict(pace)
    until = datetime.fromtimestamp(pace.until, UTC) if pace.until else None
    memory = {name: values[name] for name in _MEMORY}
    return {**{name: values[name] for name in _COLUMNS}, "until": until, "memory": memory}
