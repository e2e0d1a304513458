"""/ops in a real browser: accessible, readable from 320 px up, in light and dark, without a script."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.real import require_real

pytest.importorskip("playwright", reason="the browser tests need playwright")
axe_playwright = pytest.importorskip("axe_playwright_python.sync_playwright")

from playwright.sync_api import Browser, Page, expect  # noqa: E402  # after the skip above

from tests.web.browser import chromium, find_chromium, watch  # noqa: E402  # after the skip above
from tests.web.ops.morning import PAGES, Morning, morning  # noqa: E402  # after the skip above

pytestmark = pytest.mark.real


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One browser for all."""
    require_real("chromium", found=find_chromium() is not None)
    with chromium() as opened:
        yield opened


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Morning]:
    """One bad morning for all."""
    with morning(tmp_path_factory.mktemp("morning")) as opened:
        yield opened


def _assert_fine(page: Page) -> None:
    result = axe_playwright.Axe().run(page)
    assert result.violations_count == 0, result.generate_report()
    width, room = page.evaluate("[document.documentElement.scrollWidth, window.innerWidth]")
    assert width <= room


@pytest.mark.rule("E15", "E8", "D23", "D24")
@pytest.mark.parametrize(
    ("width", "scheme"), [(320, "dark"), (320, "light"), (1280, "light"), (1280, "dark")]
)
def test_every_page_is_accessible_fits_and_loads_nothing_foreign(
    browser: Browser, served: Morning, width: int, scheme: str
) -> None:
    context = served.context(browser, width=width, scheme=scheme)
    log: list[str] = []
    page = watch(context, log)
    page.set_default_timeout(60_000)
    for path in PAGES:
        page.goto(served.town.url(f"/ops{path}"))
        _assert_fine(page)
    assert [entry for entry in log if not entry.startswith(served.town.origin)] == []
    context.close()


@pytest.mark.rule("E15", "D24")
def test_the_form_is_accessible_and_says_what_was_wrong(browser: Browser, served: Morning) -> None:
    page = browser.new_page(viewport={"width": 320, "height": 800})
    page.set_default_timeout(60_000)
    page.goto(served.town.url("/ops"))
    _assert_fine(page)
    for label, words in (("Name", "nobody"), ("Password", "wrong"), ("Code", "000000")):
        page.get_by_label(label).fill(words)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_contain_text("is not right", timeout=60_000)
    _assert_fine(page)
    page.close()


@pytest.mark.rule("D24")
def test_an_operator_dismisses_a_message_by_keyboard_and_signs_out(browser: Browser, served: Morning) -> None:
    context = served.context(browser, width=390, scheme="light")
    page = context.new_page()
    page.set_default_timeout(60_000)
    page.goto(served.town.url("/ops/review"))
    page.get_by_text("Decide on message 2").focus()
    page.keyboard.press("Enter")
    page.get_by_label("Why is nothing to be done?").locator("visible=true").fill("a forgery")
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_contain_text("It is off the list.", timeout=60_000)
    _assert_fine(page)
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible(timeout=60_000)
    page.goto(served.town.url("/ops/review"))
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible(timeout=60_000)
    context.close()
