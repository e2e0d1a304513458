"""Which address of /ops is which page; all but the form are for staff only."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from mailer.web.ops import acting, signing, views
from mailer.web.ops.access import SIGN_IN, StaffEndpoint, staff_only

PAGES: dict[str, StaffEndpoint] = {
    "/ops": views.overview,
    "/ops/campaigns": views.campaigns,
    "/ops/returns": views.returns,
    "/ops/queue": views.queue,
    "/ops/suppressions": views.suppressions,
    "/ops/review": views.review,
    "/ops/review/{id:int}": views.message,
    "/ops/workers": views.workers,
}
FORMS: dict[str, StaffEndpoint] = {"/ops/do/{action}": acting.act, "/ops/sign-out": signing.sign_out}


def ops_routes() -> list[Route]:
    """The routes."""
    return [
        Route(SIGN_IN, _sign_in, methods=["GET", "POST"]),
        *(Route(path, staff_only(show)) for path, show in PAGES.items()),
        *(Route(path, staff_only(act), methods=["POST"]) for path, act in FORMS.items()),
    ]


async def _sign_in(request: Request) -> Response:
    return await (signing.sign_in if request.method == "POST" else signing.show)(request)
