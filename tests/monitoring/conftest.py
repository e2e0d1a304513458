"""A small site's rows, written straight into the tables that figures are read from."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from sqlalchemy import insert

from mailer.store import Store
from mailer.store.schema import Freeze, PaceRow, Report, ReturnedMail, SignupRequest, Worker

START = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)


@pytest.fixture
def clock() -> Iterator[Any]:
    """Nine o'clock, until a test moves it."""
    with time_machine.travel(START, tick=False) as moved:
        yield moved


def returned(store: Store, count: int, state: str = "review", *, at: datetime = START) -> None:
    """Messages that came back."""
    rows = [
        {
            "received_at": at,
            "source": "pipe",
            "digest": f"{state} {at:%d %H:%M:%S.%f} {number}".encode().ljust(32)[-32:],
            "size": 1,
            "state": state,
        }
        for number in range(count)
    ]
    with store.write() as connection:
        connection.execute(insert(ReturnedMail), rows)


def reported(store: Store, *, at: datetime = START, **values: Any) -> None:
    """A report."""
    row = {
        "received_at": at - timedelta(minutes=1),
        "kind": "bounce",
        "domain": "example.net",
        "severity": "hard",
        "fault": "recipient",
        "provider": "example.net",
    }
    with store.write() as connection:
        connection.execute(insert(Report), [row | values])


def furnish(store: Store) -> None:
    """One of each thing that is counted."""
    ago = timedelta(minutes=5)
    worker = {"host": "a", "pid": 1, "journal": "/j", "started_at": START - ago}
    with store.write() as connection:
        connection.execute(
            insert(Worker),
            [
                worker | {"heartbeat_at": START, "stopped_at": None},
                worker | {"heartbeat_at": START - ago, "stopped_at": None},
                worker | {"heartbeat_at": START - ago, "stopped_at": START},
            ],
        )
        pace = {"connections": None, "cause": None, "updated_at": START, "memory": {}}
        connection.execute(
            insert(PaceRow),
            [
                pace | {"key": "relay:main", "limit": 12.5, "until": None},
                pace | {"key": "relay:spare", "limit": None, "until": START + ago},
                pace | {"key": "provider:google", "limit": 1.0, "until": START + ago},
                pace | {"key": "provider:yahoo", "limit": 1.0, "until": START - ago},
            ],
        )
        connection.execute(
            insert(Freeze),
            [
                {"scope": "provider", "key": "google", "reason": "userunknown", "facts": {}}
                | {"opened_at": START, "last_at": START, "closed_at": closed}
                for closed in (None, START)
            ],
        )
        request = {"list_name": "weekly", "email": "a@example.net", "language": "en"}
        connection.execute(
            insert(SignupRequest), [request | {"fields": {}, "evidence": {}, "received_at": START}]
        )
