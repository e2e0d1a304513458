"""The world of the delivery tests on both databases, and on SQLite alone where that is enough."""

from __future__ import annotations

from pathlib import Path

import pytest

from mailer.store import Store
from tests.delivery.world import World


@pytest.fixture
def world(store: Store, tmp_path: Path) -> World:
    """On both databases."""
    return World(store, tmp_path)


@pytest.fixture
def small_world(sqlite_store: Store, tmp_path: Path) -> World:
    """On SQLite: for what the database has no part in."""
    return World(sqlite_store, tmp_path)
