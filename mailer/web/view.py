"""/view/{token}: the mail itself in the browser, in a sandbox of its own (requirements D21, D23)."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from mailer.web.headers import mail_policy
from mailer.web.pages import page, web_of
from mailer.web.work import in_thread


async def show(request: Request) -> Response:
    """GET: the HTML part with its own unsubscribe link; a 404 page when it is no longer kept."""
    web = web_of(request)
    html = await in_thread(web.site.campaigns.view_html, request.path_params["token"])
    if html is None:
        return page(request, "unviewable.html", status=404, private=True)
    policy = mail_policy(web.site.settings.privacy.asset_hosts)
    return HTMLResponse(html, headers={"Content-Security-Policy": policy, "X-Robots-Tag": "noindex"})
