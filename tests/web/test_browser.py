"""Every page in a real browser: accessible, readable from 320 px up, usable by keyboard, and harmless to open."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.real import require_real

pytest.importorskip("playwright", reason="the browser tests need playwright")
axe_playwright = pytest.importorskip("axe_playwright_python.sync_playwright")

from playwright.sync_api import Browser, Page, expect  # noqa: E402  # after the skip above

from tests.web.browser import Town, chromium, find_chromium, town, watch  # noqa: E402  # after the skip above

pytestmark = pytest.mark.real

PAGES = (
    "index",
    "subscribe",
    "confirm",
    "confirm-void",
    "leave",
    "leave-two-lists",
    "left",
    "left-one-of-two",
    "gone",
    "proof",
    "not-me",
    "privacy",
    "help",
    "error-link",
    "error-404",
    "view-gone",
)
#: Width, colour scheme, language: every page at both ends, in light and dark, in both languages.
LOOKS = ((320, "light", "de"), (320, "dark", "en"), (1280, "light", "en"), (1280, "dark", "de"))
#: CSS pixels; WCAG 2.5.8 asks for 24, 2.5.5 for 44.
MIN_TARGET = 44


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One browser for all."""
    require_real("chromium", found=find_chromium() is not None)
    with chromium() as opened:
        yield opened


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    """One site for all; tests that change somebody bring their own people."""
    with town(tmp_path_factory.mktemp("town")) as opened:
        yield opened


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where screenshots go: MAILER_SCREENSHOTS, or a folder of this run."""
    named = os.environ.get("MAILER_SCREENSHOTS")
    folder = Path(named) if named else tmp_path_factory.mktemp("screenshots")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def assert_accessible(page: Page) -> None:
    """No violation of any rule that axe-core can judge."""
    result = axe_playwright.Axe().run(page)
    assert result.violations_count == 0, result.generate_report()


def assert_fits(page: Page) -> None:
    """Nothing to scroll for sideways (WCAG 1.4.10)."""
    width, room = page.evaluate("[document.documentElement.scrollWidth, window.innerWidth]")
    assert width <= room


@pytest.mark.rule("E15", "E8", "D23")
@pytest.mark.parametrize("name", PAGES)
def test_every_page_is_accessible_fits_and_loads_nothing_foreign(
    browser: Browser, served: Town, pictures: Path, name: str
) -> None:
    for width, scheme, language in LOOKS:
        log: list[str] = []
        context = browser.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme)  # type: ignore[arg-type]  # a literal in the table
        page = watch(context, log)
        page.goto(f"{served.url(served.paths[name])}?lang={language}")
        page.screenshot(path=pictures / f"{name}-{width}-{scheme}-{language}.png", full_page=True)
        assert_accessible(page)
        assert_fits(page)
        complaints = [entry for entry in log if not entry.startswith(served.origin)]
        # A browser says of its own accord that the page itself was an error page.
        assert [entry for entry in complaints if "responded with a status of 4" not in entry] == []
        context.close()


@pytest.mark.rule("E15")
def test_the_answers_to_posts_are_accessible_too(browser: Browser, served: Town, pictures: Path) -> None:
    desk = served.desk
    tag = desk.join("greta@example.net")
    desk.join("greta@example.net", "clearance")
    desk.join("hugo@example.net", confirm=False)
    confirm, leave = desk.confirm_token("hugo@example.net"), desk.leave_token(tag)
    steps = (
        ("confirmed", f"/confirm/{confirm}", "confirm"),
        ("left-now", f"/u/{leave}", "list"),
        ("left-all", f"/u/{leave}", "all"),
        ("asked-back", f"/u/{leave}", "back"),
        ("not-me-done", f"/not-me/{desk.not_me_token('ida@example.net')}", "not-me"),
    )
    for width, scheme in ((320, "dark"), (1280, "light")):
        page = browser.new_page(viewport={"width": width, "height": 800}, color_scheme=scheme)  # type: ignore[arg-type]  # a literal in the table
        for name, path, choice in steps:
            page.goto(served.url("/help"))
            _post(page, path, choice)
            page.screenshot(path=pictures / f"{name}-{width}-{scheme}-en.png", full_page=True)
            assert_accessible(page)
            assert_fits(page)
        page.close()


def _post(page: Page, path: str, choice: str) -> None:
    """Press a button that this page need not have."""
    with page.expect_navigation():
        page.evaluate(
            """([path, choice]) => {
                const form = document.createElement('form');
                form.method = 'post'; form.action = path;
                const field = document.createElement('input');
                field.name = 'choice'; field.value = choice;
                form.append(field); document.body.append(form); form.submit();
            }""",
            [path, choice],
        )


@pytest.mark.rule("E15", "D9")
def test_somebody_signs_up_by_keyboard_alone_and_corrects_a_mistake(
    browser: Browser, served: Town, pictures: Path
) -> None:
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    page.goto(served.url("/subscribe/weekly"))
    page.keyboard.press("Tab")
    expect(page.get_by_text("Skip to the content")).to_be_in_viewport()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    expect(page.get_by_label("Your e-mail address")).to_be_focused()
    assert page.evaluate("getComputedStyle(document.activeElement).outlineWidth") == "3px"
    page.keyboard.type("ina.example.net")
    page.wait_for_timeout(2100)  # nobody types faster than the stamp allows
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("The address needs an @")
    page.screenshot(path=pictures / "subscribe-wrong-1280-light-en.png", full_page=True)
    assert_accessible(page)
    page.get_by_role("alert").get_by_role("link").first.press("Enter")
    expect(page.get_by_label("Your e-mail address")).to_be_focused()
    page.keyboard.press("Control+A")
    page.keyboard.type("ina@example.net")
    for _ in range(20):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.id") == "consent":
            break
    page.keyboard.press("Space")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_contain_text("Please look into your inbox")
    page.screenshot(path=pictures / "subscribe-done-1280-light-en.png", full_page=True)
    assert_accessible(page)
    page.close()


@pytest.mark.rule("E15", "C8")
def test_somebody_leaves_by_keyboard_without_any_script(browser: Browser, served: Town) -> None:
    token = served.desk.leave_token(served.desk.join("jo@example.net"))
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(served.url(f"/u/{token}"))
    page.get_by_role("button", name="Leave this list").press("Enter")
    expect(page.get_by_role("status")).to_contain_text("You have left")
    assert served.desk.state("jo@example.net") == "unsubscribed"
    context.close()


@pytest.mark.rule("B18", "A16")
@pytest.mark.parametrize("name", ["confirm", "leave", "leave-two-lists", "left", "not-me", "view"])
def test_opening_a_page_with_scripts_on_changes_nothing(browser: Browser, served: Town, name: str) -> None:
    before = (served.desk.states(), len(served.desk.events("not_me")), len(served.desk.requests()))
    page = browser.new_page()
    page.goto(served.url(served.paths[name]), wait_until="networkidle")
    page.wait_for_timeout(300)
    assert (served.desk.states(), len(served.desk.events("not_me")), len(served.desk.requests())) == before
    page.close()


@pytest.mark.rule("E15")
@pytest.mark.parametrize("name", PAGES)
def test_a_page_works_at_400_percent_and_with_wide_text_spacing(
    browser: Browser, served: Town, name: str
) -> None:
    # 1280 x 1024 at 400 % is a viewport of 320 x 256 (WCAG 1.4.10); the spacing is that of WCAG 1.4.12.
    context = browser.new_context(
        viewport={"width": 320, "height": 256}, device_scale_factor=4, bypass_csp=True
    )
    page = context.new_page()
    page.goto(served.url(served.paths[name]))
    assert_fits(page)
    page.add_style_tag(
        content="* { line-height: 1.5 !important; letter-spacing: 0.12em !important; word-spacing: 0.16em !important }"
    )
    assert_fits(page)
    context.close()


@pytest.mark.rule("E16")
@pytest.mark.parametrize("name", ["subscribe", "confirm", "leave-two-lists", "left-one-of-two", "not-me"])
def test_buttons_are_big_enough_for_a_thumb_and_alike_in_size(
    browser: Browser, served: Town, name: str
) -> None:
    page = browser.new_page(viewport={"width": 320, "height": 800})
    page.goto(served.url(served.paths[name]))
    boxes = [button.bounding_box() for button in page.get_by_role("button").all()]
    sizes = {(box["width"], box["height"]) for box in boxes if box}
    assert len(sizes) == 1
    assert min(sizes)[1] >= MIN_TARGET
    page.close()


@pytest.mark.rule("D21", "D23")
def test_the_mail_in_the_browser_runs_no_script_and_loads_nothing_foreign(
    browser: Browser, served: Town, pictures: Path
) -> None:
    for width, scheme in ((320, "light"), (1280, "dark")):
        log: list[str] = []
        context = browser.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme)  # type: ignore[arg-type]  # a literal in the table
        page = watch(context, log)
        page.goto(served.url(served.paths["view"]))
        page.screenshot(path=pictures / f"view-{width}-{scheme}-en.png", full_page=True)
        assert_fits(page)
        assert [entry for entry in log if not entry.startswith(served.origin)] == []
        context.close()
