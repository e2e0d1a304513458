"""What the tests of the doctor share: a site folder that can be changed, and short patience."""

from __future__ import annotations

from pathlib import Path

import pytest

from mailer.doctor import lookups
from tests.doctor.practice import Practice


@pytest.fixture
def practice(tmp_path: Path) -> Practice:
    """A site that sends through a server of its own, and whose names are in order."""
    return Practice(tmp_path / "site")


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Half a second for each question: silence is told without waiting for it."""
    monkeypatch.setattr(lookups, "QUESTION_SECONDS", 0.5)
