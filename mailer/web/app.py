"""Build the web application: which path goes to which page, and what stands before all of them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from mailer.store import StoreError
from mailer.tokens import TokenError
from mailer.web import (
    confirm,
    errors,
    health,
    hooks,
    info,
    leave,
    media,
    metrics,
    not_me,
    privacy,
    subscribe,
    view,
)
from mailer.web.guards import AccessLog, CrashGuard, TlsOnly, TrailingSlash
from mailer.web.headers import SecurityHeaders
from mailer.web.ops.routes import ops_routes
from mailer.web.pages import Web

if TYPE_CHECKING:
    from mailer.application import Site

Endpoint = Callable[[Request], Awaitable[Response]]


def create_app(site: Site) -> Starlette:
    """The ASGI application of a site; it publishes new privacy policies as it is built (F5)."""
    web = Web.of(site)
    web.policies.publish()
    app = Starlette(
        routes=_routes(web),
        middleware=_middleware(web),
        exception_handlers={
            HTTPException: errors.on_http,
            TokenError: errors.on_token,
            StoreError: errors.on_store,
        },
    )
    # A redirect would turn a one-click POST into a GET (A9).
    app.router.redirect_slashes = False
    app.state.web = web
    return app


def _routes(web: Web) -> list[BaseRoute]:
    def form(path: str, show: Endpoint, act: Endpoint) -> Route:
        async def endpoint(request: Request) -> Response:
            return await (act if request.method == "POST" else show)(request)

        return Route(path, endpoint, methods=["GET", "POST"])

    return [
        Route("/", info.index),
        Route("/help", info.help_page),
        form("/subscribe/{list}", subscribe.show, subscribe.act),
        form("/confirm/{token}", confirm.show, confirm.act),
        form("/not-me/{token}", not_me.show, not_me.act),
        form("/u/{token}", leave.show, leave.act),
        Route("/view/{token}", view.show),
        Route("/privacy", privacy.current),
        Route("/privacy/{version}", privacy.version),
        Route("/media/{hash}", media.show),
        Route("/favicon.ico", web.static.icon),
        Route("/static/{name}", web.static.endpoint),
        Route("/hooks/{provider}", hooks.receive, methods=["POST"]),
        Route("/healthz", health.healthz),
        Route("/readyz", health.readyz),
        Route("/metrics", metrics.show),
        *(ops_routes() if web.site.settings.ops.enabled else ()),
        Route("/robots.txt", info.robots),
        Route("/.well-known/security.txt", info.security),
    ]


def _middleware(web: Web) -> list[Middleware]:
    """Outermost first: the log sees every answer, the headers are on every answer."""
    required = web.site.settings.site.base_url.startswith("https:")
    return [
        Middleware(AccessLog, traffic=web.traffic),
        Middleware(SecurityHeaders),
        Middleware(CrashGuard, error_page=errors.error_page),
        Middleware(TrailingSlash),
        Middleware(TlsOnly, proxies=web.proxies, error_page=errors.error_page, required=required),
    ]
