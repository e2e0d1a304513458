"""Debian's Chromium on a served site with people in every state, for the tests that need real eyes."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from mailer.application import Site
from mailer.keyring import create_secrets
from mailer.site import SiteFolder
from mailer.store import migrate, open_store
from mailer.tokens import PROOF_TAG, LinkClaim, Purpose, sign_link
from mailer.web.app import create_app
from mailer.web.listening import listen
from mailer.web.server import build_server
from tests.conftest import SETTINGS
from tests.web.client import Client
from tests.web.conftest import CAMPAIGN_TEXT, EXTRA, Desk, make_site


@dataclass
class Town:
    """The served site: its desk, its address, and one path per kind of page."""

    desk: Desk
    origin: str
    paths: dict[str, str]

    def url(self, path: str) -> str:
        """The address of a path."""
        return self.origin + path


def find_chromium() -> str | None:
    """Debian's browser."""
    return shutil.which("chromium")


@contextmanager
def chromium() -> Iterator[Browser]:
    """A headless browser."""
    with sync_playwright() as playwright:
        # No sandbox: test machines run as root in containers, and every page here is our own.
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=["--no-sandbox"])
        yield browser
        browser.close()


@contextmanager
def town(root: Path, *, empty: bool = False) -> Iterator[Town]:
    """A site on a free port, with a cast whose links lead to every kind of page, unless it is to be empty."""
    listener = listen("127.0.0.1", 0)
    origin = f"http://127.0.0.1:{listener.getsockname()[1]}"
    site = _site(root, origin)
    desk = Desk(site, None, Client(create_app(site)))
    paths = {} if empty else _cast(desk)
    server = build_server(site)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield Town(desk, origin, paths)
    server.should_exit = True
    thread.join(10)
    site.close()


def watch(context: BrowserContext, log: list[str]) -> Page:
    """A new page; `log` collects what it asks the network for and every complaint of the console."""
    page = context.new_page()
    page.on("request", lambda request: log.append(request.url))
    page.on("console", lambda message: log.append(f"console {message.type}: {message.text}"))
    page.on("pageerror", lambda error: log.append(f"error: {error}"))
    return page


def _site(root: Path, origin: str) -> Site:
    folder = SiteFolder(root)
    text = SETTINGS.replace("http://127.0.0.1:8025", origin) + EXTRA
    folder.settings_path.write_text(text, encoding="utf-8")
    folder.campaigns.mkdir()
    create_secrets(folder.secrets_path)
    store = open_store("sqlite:///data/mailer.db", root=root)
    migrate.upgrade(store)
    return make_site(folder, store)


def _cast(desk: Desk) -> dict[str, str]:
    """People in every state, and the page each of their links leads to."""
    ada, bob = desk.join("ada@example.net"), desk.join("bob@example.net")
    desk.join("bob@example.net", "clearance")
    desk.join("cleo@example.net", confirm=False)
    left, one = desk.join("dan@example.net"), desk.join("eve@example.net")
    desk.join("eve@example.net", "clearance")
    void = _void(desk)
    for tag in (left, one):
        desk.client.post(f"/u/{desk.leave_token(tag)}", data={"choice": "list"})
    return {
        "index": "/",
        "subscribe": "/subscribe/weekly",
        "confirm": f"/confirm/{desk.confirm_token('cleo@example.net')}",
        "confirm-void": f"/confirm/{void}",
        "leave": f"/u/{desk.leave_token(ada)}",
        "leave-two-lists": f"/u/{desk.leave_token(bob)}",
        "left": f"/u/{desk.leave_token(left)}",
        "left-one-of-two": f"/u/{desk.leave_token(one)}",
        "gone": f"/u/{desk.leave_token(b'nobody any more!')}",
        "proof": f"/u/{desk.leave_token(PROOF_TAG)}",
        "not-me": f"/not-me/{desk.not_me_token('eve@example.org')}",
        "privacy": "/privacy",
        "help": "/help",
        "error-link": "/u/cut-in-two",
        "error-404": "/nothing/here",
        "view-gone": f"/view/{sign_link(desk.site.tokens, Purpose.VIEW, LinkClaim(ada, b'nobody'))}",
        "view": f"/view/{sign_link(desk.site.tokens, Purpose.VIEW, LinkClaim(ada, _campaign(desk)))}",
    }


def _void(desk: Desk) -> str:
    """A confirm link that somebody has used before leaving."""
    desk.join("finn@example.net", confirm=False)
    token = desk.confirm_token("finn@example.net")
    desk.client.post(f"/confirm/{token}", data={"choice": "confirm"})
    tag = desk.row("finn@example.net").tag
    desk.client.post(f"/u/{desk.leave_token(tag)}", data={"choice": "list"})
    return token


def _campaign(desk: Desk) -> bytes:
    folder = desk.site.folder.campaigns / "week-47"
    folder.mkdir()
    (folder / "campaign.md").write_text(CAMPAIGN_TEXT, encoding="utf-8")
    return desk.freeze("week-47")
