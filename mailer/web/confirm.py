"""/confirm/{token}: GET shows one button, POST confirms (requirement B18: scanners open every link)."""

from __future__ import annotations

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from mailer.subscribers.joining import ConfirmView
from mailer.web.evidence import evidence_of
from mailer.web.forms import read_form
from mailer.web.pages import page, web_of
from mailer.web.work import in_thread
from mailer.wording import wording

PATH = "/confirm"
#: The one field of our own form.
CONFIRM = (("choice", "confirm"),)


async def show(request: Request) -> Response:
    """GET: which list, and one button; nothing changes."""
    view = await in_thread(web_of(request).site.joining.look, request.path_params["token"])
    return _page(request, view, done=False)


async def act(request: Request) -> Response:
    """POST: confirm, and keep what the person saw as evidence (C3)."""
    if await read_form(request) != CONFIRM:
        raise HTTPException(400)
    web, token = web_of(request), request.path_params["token"]
    before = await in_thread(web.site.joining.look, token)
    language = web.language(request, before.language)
    seen = wording(language).text("page.confirm.lead", list=before.list_title)
    evidence = evidence_of(request, wording=seen, language=language, form=PATH)
    view = await in_thread(web.site.joining.confirm, token, evidence)
    return _page(request, view, done=True)


def _page(request: Request, view: ConfirmView, *, done: bool) -> Response:
    language = web_of(request).language(request, view.language)
    status = 410 if view.state in ("expired", "void") else 200
    return page(request, "confirm.html", language=language, status=status, private=True, view=view, done=done)
