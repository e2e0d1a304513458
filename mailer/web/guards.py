"""What stands before every route: the access log, clear text refused, crashes answered with a page."""

from __future__ import annotations

import traceback
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from secrets import token_hex

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mailer import clock
from mailer.maillog import EventLog
from mailer.monitoring.traffic import Traffic
from mailer.web.client import Proxies, peer_of

_log = EventLog("web")

#: Answered over clear text too: probes come from inside, without the proxy.
PROBES = frozenset({"/healthz", "/readyz"})
_CLEAR_PROXY = (
    "A request was refused because it did not come over https. If it did, the reverse proxy must send "
    "X-Forwarded-Proto, and its address must be listed in [web] trusted_proxies of mailer.toml."
)
#: Renders an error page: request, status, reference for the log or "".
ErrorPage = Callable[[Request, int, str], Response]


@dataclass
class _Answer:
    """What went out, for the log."""

    send: Send
    status: int = 0
    started: bool = field(default=False)

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status, self.started = message["status"], True
        await self.send(message)


class AccessLog:
    """One line per request that names the route, never the path: a path holds a token (D25)."""

    def __init__(self, app: ASGIApp, traffic: Traffic) -> None:
        self.app = app
        self.traffic = traffic

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, then log and count method, route, status and duration."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        answer, began = _Answer(send), clock.monotonic()
        try:
            await self.app(scope, receive, answer)
        finally:
            route = getattr(scope.get("route"), "path", "-")
            seconds = clock.monotonic() - began
            self.traffic.answered(scope["method"], route, status=answer.status, seconds=seconds)
            ms = round(seconds * 1000, 1)
            _log.request(method=scope["method"], route=route, status=answer.status, ms=ms)


class CrashGuard:
    """A bug becomes a calm 500 page with a reference; the log gets the place, never the values (D34)."""

    def __init__(self, app: ASGIApp, error_page: ErrorPage) -> None:
        self.app = app
        self.error_page = error_page

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on and catch what nobody else has caught."""
        answer = _Answer(send)
        try:
            await self.app(scope, receive, answer)
        except ClientDisconnect:
            _log.client_left()
        except Exception as error:
            reference = token_hex(4)
            log_crash(error, reference)
            if scope["type"] != "http":
                raise
            if not answer.started:
                await self.error_page(Request(scope), 500, reference)(scope, receive, send)


def log_crash(error: BaseException, reference: str) -> None:
    """Log the error's kinds and places; a message may quote a bound address, so none is written."""
    places: list[str] = []
    cause: BaseException | None = error
    while cause is not None:
        frames = traceback.extract_tb(cause.__traceback__)
        steps = " > ".join(f"{Path(frame.filename).name}:{frame.lineno}" for frame in frames[-6:])
        places.append(f"{type(cause).__module__}.{type(cause).__qualname__} at {steps}")
        cause = cause.__cause__
    _log.crash(reference=reference, places=" | caused by | ".join(places))


class TlsOnly:
    """Refuse clear text when the site's address is https: nothing is read, nothing is redirected (F8, A9).

    Loopback without a proxy is exempt: that is a person on the machine itself.
    """

    def __init__(self, app: ASGIApp, proxies: Proxies, error_page: ErrorPage, *, required: bool) -> None:
        self.app = app
        self.proxies = proxies
        self.error_page = error_page
        self.required = required

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on if it came over TLS, else answer 403."""
        if scope["type"] == "http" and self.required and self._is_clear(scope):
            await self.error_page(Request(scope), 403, "")(scope, receive, send)
            return
        await self.app(scope, receive, send)

    def _is_clear(self, scope: Scope) -> bool:
        if self.proxies.scheme(scope) == "https" or scope["path"] in PROBES:
            return False
        peer = peer_of(scope)
        forwarded = {b"x-forwarded-proto", b"forwarded", self.proxies.header.encode()} & dict(
            scope["headers"]
        ).keys()
        if forwarded:
            _log.clear_text_refused(advice=_CLEAR_PROXY)
        return bool(forwarded) or not (peer is None or peer.is_loopback)


class TrailingSlash:
    """`/u/TOKEN/` is `/u/TOKEN`: answered in place, because a redirect would break one-click (A9)."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """Pass the request on under its path without trailing slashes."""
        if scope["type"] == "http" and scope["path"] != "/":
            scope["path"] = scope["path"].rstrip("/") or "/"
        return self.app(scope, receive, send)
