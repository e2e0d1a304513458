"""A person with a browser: opens a page, fills in its form, presses the button."""

from __future__ import annotations

import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser

_TIMEOUT_SECONDS = 10


@dataclass(frozen=True, slots=True)
class Page:
    """What came back: the status, the text, the fields of its first form as they stand."""

    url: str
    status: int
    text: str
    fields: Mapping[str, str] = field(default_factory=dict)


def open_page(url: str) -> Page:
    """GET; an error page is a page too."""
    return _fetch(urllib.request.Request(url))  # noqa: S310 - an address of the site on loopback


def post(url: str, fields: Mapping[str, str]) -> Page:
    """POST a form, without a cookie, as a mailbox provider or a browser would."""
    body = urllib.parse.urlencode(fields).encode()
    return _fetch(urllib.request.Request(url, data=body, method="POST"))  # noqa: S310 - it is on loopback


def press(page: Page, **typed: str) -> Page:
    """Fill in the page's form and send it to where the page is."""
    return post(page.url, {**page.fields, **typed})


def _fetch(request: urllib.request.Request) -> Page:
    try:
        with _OPENER.open(request, timeout=_TIMEOUT_SECONDS) as answer:
            status, text = answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            status, text = error.code, error.read().decode(errors="replace")
    parser = _FirstForm()
    parser.feed(text)
    return Page(request.full_url, status, text, parser.fields)


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A one-click POST is not followed anywhere (RFC 8058 section 3.1): a redirect is an answer, and a wrong one."""

    def redirect_request(self, *_arguments: object, **_named: object) -> None:
        return None


# No proxy: every address here is on loopback.
_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}), _NoRedirect())


class _FirstForm(HTMLParser):
    """The inputs of the first form that a person would send by pressing its first button."""

    def __init__(self) -> None:
        super().__init__()
        self.fields: dict[str, str] = {}
        self._forms = 0
        self._pressed = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self._forms += tag == "form"
        if self._forms != 1 or "name" not in given:
            return
        if tag == "button" and not self._pressed:
            self._pressed = True
            self.fields[given["name"]] = given.get("value", "")
        elif tag == "input" and given.get("type") not in ("checkbox", "radio", "submit"):
            self.fields[given["name"]] = given.get("value", "")
