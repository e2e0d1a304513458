"""Turn what went wrong into one calm page, or one JSON sentence: what it is and what to do (D34)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from mailer.maillog import EventLog
from mailer.tokens import TokenExpired
from mailer.web.forms import wants_json
from mailer.web.pages import page, web_of
from mailer.wording import wording

_log = EventLog("web")


@dataclass(frozen=True)
class ErrorKind:
    """Which words an error page uses: the keys page.error.<name>.title and .lead."""

    name: str
    headers: Mapping[str, str] = field(default_factory=dict)


#: A status that is not here reads as "bad_request" (4xx) or "crash" (5xx).
KINDS: Mapping[int, ErrorKind] = {
    400: ErrorKind("bad_request"),
    403: ErrorKind("clear_text"),
    404: ErrorKind("not_found"),
    405: ErrorKind("method"),
    408: ErrorKind("slow", {"Connection": "close"}),
    413: ErrorKind("too_large", {"Connection": "close"}),
    500: ErrorKind("crash"),
    503: ErrorKind("busy", {"Retry-After": "10"}),
}
LINK_BROKEN = ErrorKind("link")
LINK_EXPIRED = ErrorKind("expired")


def error_page(request: Request, status: int, reference: str = "") -> Response:
    """The page for a status; `reference` finds the entry in the log."""
    return _answer(request, status, _kind(status), reference=reference)


def on_http(request: Request, error: Exception) -> Response:
    """Refused by the router or a route: 404, 405, 400, 413."""
    assert isinstance(error, HTTPException)
    return _answer(request, error.status_code, _kind(error.status_code), headers=error.headers)


def on_token(request: Request, error: Exception) -> Response:
    """A damaged link is a 404 that tells nothing (A13); a genuine but old one is a 410."""
    expired = isinstance(error, TokenExpired)
    return _answer(request, 410 if expired else 404, LINK_EXPIRED if expired else LINK_BROKEN)


def on_store(request: Request, error: Exception) -> Response:
    """The database is locked, full or away: nothing was changed, and we do not pretend (D34)."""
    _log.store_error(kind=type(error).__name__)
    return _answer(request, 503, KINDS[503])


def _kind(status: int) -> ErrorKind:
    return KINDS.get(status) or KINDS[400 if status < 500 else 500]


def _answer(
    request: Request,
    status: int,
    kind: ErrorKind,
    *,
    reference: str = "",
    headers: Mapping[str, str] | None = None,
) -> Response:
    sent = {**kind.headers, **(headers or {}), "X-Robots-Tag": "noindex"}
    if wants_json(request):
        words = wording(web_of(request).language(request)).text
        body = {"status": "error", "message": words(f"page.error.{kind.name}.lead")}
        return JSONResponse(body, status, sent)
    return page(
        request, "error.html", status=status, headers=sent, kind=kind.name, reference=reference, private=True
    )
