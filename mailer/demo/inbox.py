"""The inbox page of `mailer demo --keep`: look at what was caught, nothing else."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from html import escape
from urllib.parse import quote

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route

from mailer.demo.catcher import Caught

# The mail itself may carry inline style and the site's own images; it runs nothing (D21).
_MAIL_POLICY = (
    "sandbox allow-popups; default-src 'none'; style-src 'unsafe-inline'; img-src 'self' http://127.0.0.1:*"
)
_PAGE_POLICY = "default-src 'none'; style-src 'unsafe-inline'; frame-src 'self'"
_STYLE = """
:root{color-scheme:light dark;--ink:#1b1f24;--soft:#5b6570;--line:#d9dee3;--paper:#fff;--accent:#0b5d51}
@media(prefers-color-scheme:dark){:root{--ink:#e8ecef;--soft:#9aa6b2;--line:#343c44;--paper:#14181c;--accent:#6fd3c0}}
body{font:16px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--paper);max-width:60rem;margin:0 auto;
padding:2rem 1.25rem}h1{font-size:1.5rem}a{color:var(--accent)}ul{list-style:none;padding:0}
li{border-top:1px solid var(--line);padding:.75rem 0}small{color:var(--soft);display:block}
iframe{width:100%;height:70vh;border:1px solid var(--line);background:#fff}
pre{white-space:pre-wrap;overflow-wrap:anywhere;border-top:1px solid var(--line);padding-top:1rem}
"""


def create_inbox(caught: Callable[[], Sequence[Caught]], *, site_url: str) -> Starlette:
    """An application that lists and shows the caught mails; `caught` is asked at each request."""

    def mail_of(request: Request) -> Caught:
        mails, number = caught(), request.path_params["number"]
        if not 1 <= number <= len(mails):
            raise HTTPException(404)
        mail: Caught = mails[number - 1]
        return mail

    async def index(request: Request) -> Response:
        rows = [_row(number, mail) for number, mail in enumerate(caught(), start=1)]
        lead = f'<p>The site itself: <a href="{escape(site_url)}">{escape(site_url)}</a></p>'
        return _page("Caught mail", f"{lead}<ul>{''.join(reversed(rows))}</ul>")

    async def show(request: Request) -> Response:
        mail, number = mail_of(request), request.path_params["number"]
        subject = str(mail.message["Subject"])
        return _page(
            subject,
            f'<p><a href="/">All mail</a> · to {escape(mail.recipient)} · '
            f'<a href="/{number}/raw">raw message</a></p>'
            f'<iframe src="/{number}/html" title="{escape(subject)}"></iframe>'
            f"<h2>Text part</h2><pre>{escape(mail.part('plain'))}</pre>",
        )

    async def html(request: Request) -> Response:
        headers = {"Content-Security-Policy": _MAIL_POLICY}
        return HTMLResponse(mail_of(request).part("html"), headers=headers)

    async def raw(request: Request) -> Response:
        return PlainTextResponse(mail_of(request).data)

    return Starlette(
        routes=[
            Route("/", index),
            Route("/{number:int}", show),
            Route("/{number:int}/html", html),
            Route("/{number:int}/raw", raw),
        ]
    )


def _row(number: int, mail: Caught) -> str:
    subject = escape(str(mail.message["Subject"]))
    return f'<li><a href="/{quote(str(number))}">{subject}</a><small>to {escape(mail.recipient)}</small></li>'


def _page(title: str, body: str) -> Response:
    return HTMLResponse(
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head>"
        f"<body><h1>{escape(title)}</h1>{body}</body></html>",
        headers={"Content-Security-Policy": _PAGE_POLICY, "X-Content-Type-Options": "nosniff"},
    )
