"""/metrics: for Prometheus on this machine, or with the token; for everybody else there is nothing here."""

from __future__ import annotations

import hmac

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from mailer.monitoring.exposition import CONTENT_TYPE
from mailer.web.client import peer_of
from mailer.web.pages import Web, web_of
from mailer.web.work import in_thread


async def show(request: Request) -> Response:
    """The figures, at most some seconds old."""
    web = web_of(request)
    if not web.site.settings.metrics.enabled or not (_has_token(request, web) or _is_local(request, web)):
        raise HTTPException(404)
    return Response(await in_thread(web.exposition.text), media_type=CONTENT_TYPE)


def _has_token(request: Request, web: Web) -> bool:
    token = web.site.settings.metrics.token
    scheme, _, given = request.headers.get("authorization", "").partition(" ")
    if token is None or scheme.lower() != "bearer":
        return False
    return hmac.compare_digest(given.strip().encode(), token.get_secret_value().encode())


def _is_local(request: Request, web: Web) -> bool:
    """Asked by this machine itself: what a proxy hands on comes from loopback too, and is not."""
    proxied = {"x-forwarded-for", "x-forwarded-proto", "forwarded", "via", web.proxies.header}
    peer = peer_of(request.scope)
    return (peer is None or peer.is_loopback) and not proxied & set(request.headers.keys())
