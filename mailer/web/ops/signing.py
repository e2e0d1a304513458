"""/ops/sign-in and /ops/sign-out."""

from __future__ import annotations

import math

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from mailer.ops.model import SignInRefused, TooManyTries
from mailer.web.forms import read_form
from mailer.web.ops.access import SIGN_IN, Visitor, cookie_name, drop_cookie, require_same_origin, set_cookie
from mailer.web.pages import page, web_of
from mailer.web.work import in_thread


async def show(request: Request) -> Response:
    """GET: the form."""
    return _form(request)


async def sign_in(request: Request) -> Response:
    """POST: a new session, or the form again with one and the same sentence."""
    require_same_origin(request)
    web, fields = web_of(request), dict(await read_form(request))
    try:
        session = await in_thread(
            web.site.entrance.sign_in,
            fields.get("name", ""),
            fields.get("password", ""),
            fields.get("code", ""),
            client=web.proxies.client_ip(request.scope),
            old_token=request.cookies.get(cookie_name(web)),
        )
    except SignInRefused as error:
        return _form(request, str(error), status=403)
    except TooManyTries as error:
        return _form(request, str(error), status=429, wait=math.ceil(error.seconds))
    response = RedirectResponse("/ops", 303)
    set_cookie(response, web, session)
    return response


async def sign_out(request: Request, visitor: Visitor) -> Response:
    """POST: the session ends, here and in the browser."""
    web = web_of(request)
    response = RedirectResponse(SIGN_IN, 303)
    if visitor.token is not None:
        await in_thread(web.site.entrance.sign_out, visitor.token, visitor.staff)
        drop_cookie(response, web)
    return response


def _form(request: Request, problem: str = "", *, status: int = 200, wait: int = 0) -> Response:
    headers = {"Retry-After": str(wait)} if wait else {}
    return page(
        request,
        "ops/sign_in.html",
        language="en",
        status=status,
        headers=headers,
        private=True,
        problem=problem,
        visitor=None,
    )
