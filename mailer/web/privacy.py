"""/privacy: the policy in force, what changed in it, and every version before it (F5)."""

from __future__ import annotations

from markdown_it import MarkdownIt
from markupsafe import Markup
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from mailer.subscribers.policies import PolicyText
from mailer.web.pages import page, web_of
from mailer.web.work import in_thread

_markdown = MarkdownIt("commonmark", {"html": False}).enable("table")


async def current(request: Request) -> Response:
    """GET /privacy: the newest version."""
    web = web_of(request)
    await in_thread(web.policies.refresh)
    text = web.policies.current(web.language(request))
    return _page(request, text, newest=True)


async def version(request: Request) -> Response:
    """GET /privacy/{version}: a version as it was published, at this address for ever."""
    web = web_of(request)
    await in_thread(web.policies.refresh)
    newest = web.policies.current(web.language(request))
    text = web.policies.find(request.path_params["version"], web.language(request))
    if text is None:
        raise HTTPException(404)
    return _page(request, text, newest=text.version == newest.version)


def _page(request: Request, text: PolicyText, *, newest: bool) -> Response:
    web = web_of(request)
    return page(
        request,
        "privacy.html",
        policy=text,
        body=Markup(_markdown.render(text.body)),  # noqa: S704 -- the operator's own Markdown, raw HTML off
        newest=newest,
        history=web.policies.history(web.language(request)),
    )
