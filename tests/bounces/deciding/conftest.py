"""The scene of decisions, with a clock that stands still until it is moved."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import time_machine

from mailer.keyring import Secrets
from mailer.settings import Settings
from mailer.store import Store
from tests.bounces.deciding.post import Post
from tests.bounces.deciding.scene import Scene
from tests.delivery.world import World

START = datetime(2026, 11, 2, 9, tzinfo=UTC)


@pytest.fixture
def time() -> Iterator[time_machine.Traveller]:
    """The clock."""
    with time_machine.travel(START, tick=False) as stopped:
        yield stopped


@pytest.fixture
def scene(store: Store, settings: Settings, secrets: Secrets, time: time_machine.Traveller) -> Scene:
    """On both databases."""
    return Scene(store, settings, secrets)


@pytest.fixture
def one(sqlite_store: Store, settings: Settings, secrets: Secrets, time: time_machine.Traveller) -> Scene:
    """On SQLite alone, where it is the rule that is tried and not the database."""
    return Scene(sqlite_store, settings, secrets)


@pytest.fixture
def post(store: Store, settings: Settings, secrets: Secrets, tmp_path: Path) -> Post:
    """A site that has written to people, on a clock that runs."""
    return Post(World(store, tmp_path), secrets, settings)
