"""/healthz: the process answers. /readyz: it can also reach its database."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from mailer.store.errors import StoreError
from mailer.web.pages import web_of
from mailer.web.work import in_thread


async def healthz(_request: Request) -> Response:
    """Alive: touches nothing, so a busy database never gets the process killed."""
    return JSONResponse({"status": "ok"})


async def readyz(request: Request) -> Response:
    """Ready for visitors, or 503 while the database is not."""
    try:
        await in_thread(web_of(request).site.store.ping)
    except StoreError as error:
        return JSONResponse(
            {"status": "unavailable", "reason": type(error).__name__}, 503, {"Retry-After": "5"}
        )
    return JSONResponse({"status": "ok"})
