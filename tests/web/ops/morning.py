"""The bad morning, served, with somebody signed in in a real browser."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Browser, BrowserContext

from mailer import clock
from mailer.ops.totp import STEP_SECONDS, code_at
from mailer.store.vocabulary import StaffRole
from tests.web.browser import Town, town
from tests.web.ops.conftest import PASSWORD
from tests.web.ops.filled import fill

NAMES = ("ada", "bea", "cleo", "dana", "elif", "fay", "gwen", "hedy", "ines", "jo")
PAGES = ("", "/campaigns", "/returns", "/queue", "/suppressions", "/review", "/workers")


@dataclass
class Morning:
    """A served site, and operators: a code opens the door once, so each comes once."""

    town: Town
    hired: int = 0

    def sign_in(self, context: BrowserContext) -> str:
        """Sign in as somebody new, by the form, with the keyboard; returns the name."""
        name = NAMES[self.hired]
        self.hired += 1
        secret = self.town.desk.site.accounts.add(name, StaffRole.OPERATOR, password=PASSWORD)
        assert secret is not None
        page = context.new_page()
        page.goto(self.town.url("/ops"))
        page.get_by_label("Name").focus()
        page.keyboard.type(name)
        page.keyboard.press("Tab")
        page.keyboard.type(PASSWORD)
        page.keyboard.press("Tab")
        page.keyboard.type(code_at(secret, int(clock.now().timestamp()) // STEP_SECONDS))
        page.keyboard.press("Enter")
        page.wait_for_url(self.town.url("/ops"), timeout=60_000)
        page.close()
        return name

    def context(self, browser: Browser, *, width: int, scheme: str) -> BrowserContext:
        """A window of that width and colour scheme, signed in."""
        context = browser.new_context(
            viewport={"width": width, "height": 800},
            color_scheme=scheme,  # type: ignore[arg-type]  # "light" or "dark"
        )
        self.sign_in(context)
        return context


@contextmanager
def morning(root: Path) -> Iterator[Morning]:
    """The site below `root`."""
    with town(root, empty=True) as served:
        fill(served.desk.site, clock.now())
        yield Morning(served)
