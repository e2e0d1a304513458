"""/not-me/{token}: "that was not me, never mail this address" (requirement D10); GET asks, POST acts."""

from __future__ import annotations

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from mailer.web.evidence import evidence_of
from mailer.web.forms import read_form
from mailer.web.pages import page, web_of
from mailer.web.work import in_thread
from mailer.wording import wording

PATH = "/not-me"
#: The one field of our own form.
BLOCK = (("choice", "not-me"),)


async def show(request: Request) -> Response:
    """GET: what the button will do; nothing changes."""
    await in_thread(web_of(request).site.joining.look_not_me, request.path_params["token"])
    return page(request, "not_me.html", private=True, done=False)


async def act(request: Request) -> Response:
    """POST: the address is never mailed again, on any list."""
    if await read_form(request) != BLOCK:
        raise HTTPException(400)
    web = web_of(request)
    language = web.language(request)
    seen = wording(language).text("page.not_me.lead")
    evidence = evidence_of(request, wording=seen, language=language, form=PATH)
    await in_thread(web.site.joining.not_me, request.path_params["token"], evidence)
    return page(request, "not_me.html", language=language, private=True, done=True)
