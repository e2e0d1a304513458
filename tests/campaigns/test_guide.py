"""docs/campaigns.md says what the code does: every key, every time, every state."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
import time_machine

from mailer import clock
from mailer.campaigns.source import KEYS
from mailer.campaigns.when import parse_when
from mailer.store.vocabulary import CampaignState

GUIDE = (Path(__file__).parents[2] / "docs" / "campaigns.md").read_text(encoding="utf-8")


def section(title: str) -> str:
    return GUIDE.split(f"## {title}\n")[1].split("\n## ")[0]


def first_cells(text: str) -> list[str]:
    return re.findall(r"^\| `?(\w+)`? \|", text, re.MULTILINE)[1:]


def test_every_key_of_the_front_matter_is_explained():
    assert first_cells(section("The front matter")) == list(KEYS)


def test_every_state_is_explained():
    assert first_cells(section("States")) == [state.value for state in (
        CampaignState.SCHEDULED, CampaignState.SENDING, CampaignState.PAUSED,
        CampaignState.CANCELLED, CampaignState.FINISHED,
    )]  # fmt: skip


@pytest.mark.parametrize("said", re.findall(r'"([^"]+)"', section("Times")))
def test_every_example_of_a_time_is_understood(said):
    with time_machine.travel(datetime(2026, 11, 22, 12, 0, tzinfo=UTC), tick=False):
        assert parse_when(said, zone="Europe/Berlin").instant > clock.now()
