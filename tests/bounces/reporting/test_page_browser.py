"""The page of the report in a real browser: accessible, and readable from 320 px up, by day and night."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from mailer.bounces.reporting.model import Period
from mailer.bounces.reporting.overview import overview
from mailer.bounces.reporting.page import page
from mailer.store import Store
from tests.bounces.reporting import month
from tests.real import require_real

pytest.importorskip("playwright", reason="the browser tests need playwright")
axe_playwright = pytest.importorskip("axe_playwright_python.sync_playwright")

from tests.web.browser import chromium, find_chromium  # noqa: E402  # after the skip above

pytestmark = pytest.mark.real


@pytest.mark.rule("E15")
def test_the_page_is_accessible_and_fits_a_phone_and_a_desk_by_day_and_night(
    sqlite_store: Store, tmp_path: Path
) -> None:
    require_real("chromium", found=find_chromium() is not None)
    month.bad_month(sqlite_store)
    period = Period(month.NOW - timedelta(days=30), month.NOW)
    found = overview(sqlite_store, period, by="provider", zone="Europe/Berlin")
    path = tmp_path / "report.html"
    path.write_text(page(found, site="Ohm & Volt"), encoding="utf-8")
    with chromium() as browser:
        for width, scheme in ((320, "light"), (320, "dark"), (1280, "light"), (1280, "dark")):
            context = browser.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme)  # type: ignore[arg-type]  # a literal in the table
            shown = context.new_page()
            shown.goto(path.as_uri())
            result = axe_playwright.Axe().run(shown)
            assert result.violations_count == 0, result.generate_report()
            wide, room = shown.evaluate("[document.documentElement.scrollWidth, window.innerWidth]")
            assert wide <= room
            letters = shown.evaluate(
                "parseFloat(getComputedStyle(document.querySelector('svg text')).fontSize)"
            )
            assert letters >= 12, "a chart on a phone is no smaller than on a desk"
            context.close()
