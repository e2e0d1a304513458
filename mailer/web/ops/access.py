"""Who asks for a page of /ops: a session's cookie, or a trusted proxy's word; and whether a form is ours (D24)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from mailer.ops.model import NewSession, Staff
from mailer.web.client import peer_of
from mailer.web.forms import read_form
from mailer.web.pages import Web, web_of
from mailer.web.work import in_thread

SIGN_IN = "/ops/sign-in"


@dataclass(frozen=True)
class Visitor:
    """Somebody who is signed in, and what their forms are bound to."""

    staff: Staff
    binding: str
    token: str | None  #: None: a proxy named them


Endpoint = Callable[[Request], Awaitable[Response]]
StaffEndpoint = Callable[[Request, Visitor], Awaitable[Response]]


def staff_only(endpoint: StaffEndpoint) -> Endpoint:
    """Whoever is not signed in is sent to the form; a POST without our form's token is refused."""

    async def guarded(request: Request) -> Response:
        visitor = await visitor_of(request)
        if visitor is None:
            return RedirectResponse(SIGN_IN, 303)
        if request.method == "POST":
            request.state.fields = await _own_form(request, visitor)
        return await endpoint(request, visitor)

    return guarded


async def visitor_of(request: Request) -> Visitor | None:
    """Who asks, or None."""
    web = web_of(request)
    if (named := _named_by_proxy(request, web)) is not None:
        staff = await in_thread(web.site.entrance.by_proxy, named)
        return None if staff is None else Visitor(staff, f"proxy\0{staff.name}", None)
    token = request.cookies.get(cookie_name(web))
    by_itself = request.query_params.get("live") == "1"
    who = await in_thread(web.site.entrance.who, token, looks_by_itself=by_itself)
    return None if who is None or token is None else Visitor(who, f"session\0{token}", token)


def _named_by_proxy(request: Request, web: Web) -> str | None:
    """The one name in the proxy's header; of two one may be the visitor's own."""
    header = web.site.settings.ops.proxy_header
    if header is None or not web.proxies.trusts(peer_of(request.scope)):
        return None
    names = request.headers.getlist(header)
    return names[0] if len(names) == 1 and names[0].strip() else None


async def _own_form(request: Request, visitor: Visitor) -> dict[str, str]:
    require_same_origin(request)
    fields = dict(await read_form(request))
    if not web_of(request).site.entrance.is_form_token(visitor.binding, fields.get("form", "")):
        raise HTTPException(400)
    return fields


def require_same_origin(request: Request) -> None:
    """Refuse what another site's page sends: the browser says where a form stood. Raises HTTPException."""
    said = request.headers.get("sec-fetch-site")
    if said is None:
        base = urlsplit(web_of(request).site.settings.site.base_url)
        fine = request.headers.get("origin") == f"{base.scheme}://{base.netloc}"
    else:
        fine = said == "same-origin"
    if not fine:
        raise HTTPException(400)


def cookie_name(web: Web) -> str:
    """`__Host-`: of this host alone, and only over TLS (RFC 6265bis 4.1.3.2); bare on a loopback site."""
    return "__Host-mailer-ops" if _over_tls(web) else "mailer-ops"


def set_cookie(response: Response, web: Web, session: NewSession) -> None:
    """Let the browser keep the session."""
    response.set_cookie(
        cookie_name(web),
        session.token,
        max_age=session.seconds,
        path="/",
        secure=_over_tls(web),
        httponly=True,
        samesite="strict",
    )


def drop_cookie(response: Response, web: Web) -> None:
    """Let the browser forget it."""
    response.delete_cookie(
        cookie_name(web), path="/", secure=_over_tls(web), httponly=True, samesite="strict"
    )


def _over_tls(web: Web) -> bool:
    # Settings allow a clear-text address on loopback alone, for a site that is only tried.
    return web.site.settings.site.base_url.startswith("https:")
