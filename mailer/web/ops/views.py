"""The pages of /ops that only show."""

from __future__ import annotations

from typing import Any

from markupsafe import Markup
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from mailer import clock
from mailer.bounces.deciding import MailUnknown
from mailer.ops.board import RANGES, Returns
from mailer.ops.model import NotAllowed
from mailer.web.ops.access import Visitor
from mailer.web.ops.drawing import over_time, providers
from mailer.web.pages import page, web_of
from mailer.web.work import in_thread

#: Of a raw message so much is shown: what is further down is the mail that we sent.
SHOWN_BYTES = 40_000


async def overview(request: Request, visitor: Visitor) -> Response:
    """GET /ops: is all well, and if not, what."""
    seen = await in_thread(web_of(request).site.board.overview)
    charts = _charts(seen.returns)[:1]
    return show(request, visitor, "overview", seen=seen, charts=charts, returns=seen.returns)


async def campaigns(request: Request, visitor: Visitor) -> Response:
    """GET /ops/campaigns: what is on its way."""
    return show(
        request, visitor, "campaigns", campaigns=await in_thread(web_of(request).site.board.campaigns)
    )


async def returns(request: Request, visitor: Visitor) -> Response:
    """GET /ops/returns: bounces and complaints by provider over time."""
    span = request.query_params.get("span", "7d")
    if span not in RANGES:
        raise HTTPException(404)
    found = await in_thread(web_of(request).site.board.returns, span)
    return show(
        request, visitor, "returns", returns=found, charts=_charts(found), span=span, spans=tuple(RANGES)
    )


async def queue(request: Request, visitor: Visitor) -> Response:
    """GET /ops/queue: who slows us down, and what waits for it."""
    paces, deferred = await in_thread(web_of(request).site.board.queue)
    return show(request, visitor, "queue", paces=paces, deferred=deferred)


async def suppressions(request: Request, visitor: Visitor) -> Response:
    """GET /ops/suppressions: the newest, masked."""
    return show(
        request, visitor, "suppressions", rows=await in_thread(web_of(request).site.board.suppressions)
    )


async def review(request: Request, visitor: Visitor) -> Response:
    """GET /ops/review: what waits for a person."""
    found = await in_thread(web_of(request).site.deciding.review)
    return show(request, visitor, "review", review=found)


async def message(request: Request, visitor: Visitor) -> Response:
    """GET /ops/review/{id}: one message as it came, for operators."""
    number, site = request.path_params["id"], web_of(request).site
    try:
        raw = await in_thread(site.actions.message, visitor.staff, number)
    except NotAllowed as error:
        return refused(request, visitor, str(error), status=403)
    except MailUnknown as error:
        return refused(request, visitor, str(error), status=404)
    text = raw[:SHOWN_BYTES].decode("utf-8", "replace")
    return show(request, visitor, "message", number=number, text=text, cut=len(raw) > SHOWN_BYTES)


async def workers(request: Request, visitor: Visitor) -> Response:
    """GET /ops/workers: heartbeats, and what ops were told."""
    board = web_of(request).site.board
    beats, alerts = await in_thread(board.workers), await in_thread(board.alerts)
    return show(request, visitor, "workers", workers=beats, alerts=alerts)


def refused(request: Request, visitor: Visitor, why: str, *, status: int) -> Response:
    """One sentence on why not."""
    return show(request, visitor, "refused", status=status, why=why)


def show(request: Request, visitor: Visitor, name: str, *, status: int = 200, **values: Any) -> Response:
    """Render templates/web/ops/<name>.html."""
    return page(
        request,
        f"ops/{name}.html",
        language="en",
        status=status,
        private=True,
        visitor=visitor,
        here=name,
        live=request.query_params.get("live") == "1",
        form=web_of(request).site.entrance.form_token(visitor.binding),
        now=clock.now(),
        **values,
    )


def _charts(found: Returns) -> list[Markup]:
    # The charts escape what they are given themselves.
    return [Markup(over_time(found)), Markup(providers(found))]  # noqa: S704 - see the line above
