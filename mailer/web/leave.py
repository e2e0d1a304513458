"""/u/{token}: leave a list. GET shows one button; POST acts at once (RFC 8058 section 3, RFC 9110 9.2.1)."""

from __future__ import annotations

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from mailer.subscribers.evidence import Evidence
from mailer.subscribers.leaving import LeaveView, Wish
from mailer.web.evidence import evidence_of
from mailer.web.forms import Fields, read_form
from mailer.web.pages import page, plain, web_of
from mailer.web.work import in_thread
from mailer.wording import wording

#: The path as evidence and logs may know it.
PATH = "/u"
ONE_CLICK = "List-Unsubscribe=One-Click"
#: The whole body of a one-click POST, and the fields of our own forms: nothing else acts (A7).
ACTIONS: dict[Fields, str] = {
    (("List-Unsubscribe", "One-Click"),): "one-click",
    (("choice", "list"),): "list",
    (("choice", "all"),): "all",
    (("choice", "back"),): "back",
}


async def show(request: Request) -> Response:
    """GET: what the link is for; nothing changes, whoever opens it (A16)."""
    view = await in_thread(web_of(request).site.leaving.look, request.path_params["token"])
    return _page(request, view, done=False)


async def act(request: Request) -> Response:
    """POST: leave, for good before the answer is written (A10); no cookie, no header is asked for (A8)."""
    action = ACTIONS.get(await read_form(request))
    if action is None:
        raise HTTPException(400)
    if action == "back":
        return await _ask_back(request)
    wish = web_of(request).site.leaving.wish(
        request.path_params["token"],
        scope="all" if action == "all" else "list",
        via="one-click" if action == "one-click" else "page",
        evidence=await _evidence(request, action),
    )
    view = await _leave(request, wish)
    if action == "one-click":
        return _told(request, view)
    return _page(request, view, done=True, everywhere=action == "all")


async def _leave(request: Request, wish: Wish) -> LeaveView:
    """Committed when this returns; on SQLite with those who leave at the same moment."""
    web = web_of(request)
    if web.site.store.is_sqlite:
        return await web.leave_together(wish)
    return (await in_thread(web.site.leaving.leave_together, [wish]))[0]


async def _evidence(request: Request, action: str) -> Evidence:
    """What was pressed: the words on the button, or the field that a mailbox provider sends."""
    web = web_of(request)
    if action == "one-click":
        return evidence_of(request, wording=ONE_CLICK, language=web.language(request), form=PATH)
    view = await in_thread(web.site.leaving.look, request.path_params["token"])
    language = web.language(request, view.language)
    return evidence_of(
        request, wording=wording(language).text(f"page.leave.{action}"), language=language, form=PATH
    )


async def _ask_back(request: Request) -> Response:
    """ "I left by mistake": a fresh confirmation mail, never a silent return (B20)."""
    joining, token = web_of(request).site.joining, request.path_params["token"]
    evidence = await _evidence(request, "back")
    await in_thread(joining.ask_back, token, evidence)
    return page(request, "asked_back.html", language=evidence.language, private=True)


def _told(request: Request, view: LeaveView) -> Response:
    """What a mailbox provider is told; nobody looks at it, and a page would cost as much as the opt-out."""
    words = wording(web_of(request).language(request, view.language))
    key = f"page.leave.{'done' if view.state == 'left' else view.state}"
    return plain(words.language, words.text(f"{key}.title", list=view.list_title), words.text(f"{key}.lead"))


def _page(request: Request, view: LeaveView, *, done: bool, everywhere: bool = False) -> Response:
    language = web_of(request).language(request, view.language)
    return page(
        request, "leave.html", language=language, private=True, view=view, done=done, everywhere=everywhere
    )
