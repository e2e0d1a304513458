"""/ (the lists one can join), /help (for List-Help, RFC 2369 3.1), robots.txt and security.txt (RFC 9116)."""

from __future__ import annotations

from datetime import timedelta

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from mailer import clock
from mailer.web.pages import page, web_of

#: RFC 9116 2.5.5 wants a date less than a year ahead.
SECURITY_TXT_LIFE = timedelta(days=180)


async def index(request: Request) -> Response:
    """GET /: the public lists."""
    settings = web_of(request).site.settings
    lists = {name: each for name, each in settings.lists.items() if each.public}
    return page(request, "index.html", lists=lists)


async def help_page(request: Request) -> Response:
    """GET /help: how to join, leave and reach a person."""
    return page(request, "help.html")


async def robots(_request: Request) -> Response:
    """GET /robots.txt: personal links are nobody's search result."""
    paths = ("/u/", "/confirm/", "/not-me/", "/view/")
    return PlainTextResponse("\n".join(("User-agent: *", *(f"Disallow: {path}" for path in paths))) + "\n")


async def security(request: Request) -> Response:
    """GET /.well-known/security.txt: where to report a hole (D37)."""
    web = web_of(request)
    expires = (clock.now() + SECURITY_TXT_LIFE).strftime("%Y-%m-%dT00:00:00Z")
    lines = (
        f"Contact: mailto:{web.site.settings.site.privacy_contact}",
        f"Expires: {expires}",
        "Preferred-Languages: en, de",
        f"Canonical: {web.url('/.well-known/security.txt')}",
    )
    return PlainTextResponse("\n".join(lines) + "\n")
