"""Running sites whose processes end with the test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.faults.running import RunningSite, free_port

Make = Callable[..., RunningSite]


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Make]:
    """Builds a running site."""
    made: list[RunningSite] = []

    def build(**options: Any) -> RunningSite:
        root = tmp_path / f"site{len(made)}"
        root.mkdir()
        site = RunningSite(root, free_port(), **options)
        made.append(site)
        return site.build()

    yield build
    for site in made:
        site.end()
