"""/media/{hash}: a campaign's own images, kept by content, so a browser may keep them for ever."""

from __future__ import annotations

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from mailer.web.pages import web_of
from mailer.web.static import FOR_EVER
from mailer.web.work import in_thread

#: Mail programs and webmail sites load these images from other origins; nothing else may (D21).
HEADERS = {
    "Cache-Control": FOR_EVER,
    "Cross-Origin-Resource-Policy": "cross-origin",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; sandbox; frame-ancestors 'none'",
}


async def show(request: Request) -> Response:
    """GET: the image, or 404."""
    # A file name behind the hash ("<hash>.png") helps mail programs; the hash alone decides.
    digest = request.path_params["hash"].partition(".")[0]
    medium = await in_thread(web_of(request).site.campaigns.medium, digest)
    if medium is None:
        raise HTTPException(404)
    return Response(medium.content, media_type=medium.content_type, headers=HEADERS)
