"""The page that stands alone: it loads nothing, and is read in Chromium on a phone and a desk, by day and night."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest

from mailer.bounces.reporting.model import Period
from mailer.bounces.reporting.overview import overview
from mailer.bounces.reporting.page import page
from mailer.store import Store
from tests.bounces.reporting import month
from tests.bounces.reporting.month import NOW, World

HOSTILE = '<script>alert("x")</script>'


def rendered(store: Store, *, days: int = 30, by: str = "provider") -> str:
    found = overview(store, Period(NOW - timedelta(days=days), NOW), by=by, zone="Europe/Berlin")
    return page(found, site="Ohm & Volt")


@pytest.fixture
def bad_month(sqlite_store: Store) -> str:
    month.bad_month(sqlite_store)
    return rendered(sqlite_store)


def test_it_says_in_words_what_is_wrong_before_any_figure(bad_month: str) -> None:
    assert "<h2>Four things are wrong.</h2>" in bad_month
    assert bad_month.count("<strong>What to do:</strong>") == 4
    assert bad_month.index("Four things are wrong") < bad_month.index("<svg")


def test_it_loads_nothing_and_runs_nothing(bad_month: str) -> None:
    assert not re.search(r"\b(?:src|href)=|@import|<script|https?://", bad_month)


def test_commands_are_set_as_such(bad_month: str) -> None:
    assert "<code>mailer doctor</code>" in bad_month
    assert "`" not in bad_month


def test_the_site_s_name_is_only_text(bad_month: str) -> None:
    assert "Ohm &amp; Volt" in bad_month


def test_what_others_named_is_only_text(sqlite_store: Store) -> None:
    world = World(sqlite_store)
    world.lists("weekly")
    world.report(50, reason="blocked", at=NOW - timedelta(hours=1), provider=HOSTILE)
    html = rendered(sqlite_store)
    assert "<script" not in html
    assert "&lt;script&gt;" in html


@pytest.mark.parametrize("by", ["provider", "domain", "reason", "campaign", "day", "hour"])
def test_every_chart_has_its_table(sqlite_store: Store, by: str) -> None:
    month.bad_month(sqlite_store)
    html = rendered(sqlite_store, by=by)
    figures = re.findall(r'<figure class="chart".*?</figure>', html, re.DOTALL)
    assert figures
    for figure in figures:
        assert "<title" in figure
        assert "<desc" in figure
        assert "<table>" in figure


def test_a_quiet_site_has_a_calm_page(sqlite_store: Store) -> None:
    html = rendered(sqlite_store, days=1)
    assert "verdict calm" in html
    assert "Nothing was sent and nothing came back" in html
