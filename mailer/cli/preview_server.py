"""`mailer campaign preview --serve`: a campaign in the browser, rendered afresh at every reload."""

from __future__ import annotations

import html
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import click

from mailer.campaigns.preview import Preview
from mailer.errors import MailerError

_LOOPBACK = "127.0.0.1"
# The mail's own HTML runs in a frame that may do nothing; the page around it needs only its style.
_PAGE_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; frame-src 'self'; img-src 'self'; base-uri 'none'"
)
_MAIL_POLICY = (
    "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src 'self' https:; base-uri 'none'"
)
_STYLE = """
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif }
body { margin: 0 auto; max-width: 90rem; padding: 1rem }
h1 { font-size: 1.25rem; margin: 0 0 .25rem } p { margin: 0 0 1rem }
.views { display: grid; gap: 1rem; grid-template-columns: minmax(0, 640px) 360px minmax(0, 1fr) }
iframe { width: 100%; height: 75vh; border: 1px solid #8888; border-radius: 8px; background: #fff }
pre { overflow: auto; overflow-wrap: anywhere; font-size: .8rem; height: 75vh; margin: 0;
  border: 1px solid #8888; border-radius: 8px; padding: 1rem;
  white-space: pre-wrap; box-sizing: border-box }
@media (max-width: 70rem) { .views { grid-template-columns: minmax(0, 1fr) } }
"""


class PortTaken(MailerError):
    """The port for the preview is in use."""


def serve_preview(render: Callable[[], Preview], *, slug: str, port: int) -> None:
    """Serve until Ctrl+C. Raises PortTaken, or what `render` raises at the first try."""
    render()
    server = make_server(render, port=port)
    with server:
        click.echo(f"{slug} is shown at http://{_LOOPBACK}:{server.server_port}/ until you press Ctrl+C.")
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            click.echo("\nNot shown any more.")


def make_server(render: Callable[[], Preview], *, port: int) -> ThreadingHTTPServer:
    """The server, listening on loopback only; port 0 takes any free one. Raises PortTaken."""

    class Handler(_Handler):
        preview = staticmethod(render)

    try:
        return ThreadingHTTPServer((_LOOPBACK, port), Handler)
    except OSError as error:
        raise PortTaken(
            f"Port {port} cannot be used: {error.strerror}. Choose another with --port."
        ) from error


class _Handler(BaseHTTPRequestHandler):
    """GET only; every answer is rendered from the files as they are now."""

    preview: Callable[[], Preview]

    def do_GET(self) -> None:
        """Answer one page."""
        host = (self.headers.get("Host") or "").rpartition(":")[0]
        if host not in (_LOOPBACK, "localhost"):
            # Another site's name that was made to point here must not read a draft.
            self._answer(421, "text/plain", b"This preview answers to 127.0.0.1 only.\n", _PAGE_POLICY)
            return
        try:
            shown = self.preview()
        except MailerError as error:
            body = _page("The campaign cannot be shown", f"<pre>{html.escape(str(error))}</pre>")
            self._answer(500, "text/html", body, _PAGE_POLICY)
            return
        self._show(shown)

    def _show(self, shown: Preview) -> None:
        name = self.path.partition("?")[0]
        pages = {
            "/": ("text/html", _overview(shown), _PAGE_POLICY),
            "/mail.html": ("text/html", shown.html.encode(), _MAIL_POLICY),
            "/mail.txt": ("text/plain", shown.text.encode(), _PAGE_POLICY),
            "/message.eml": ("message/rfc822", shown.raw, _PAGE_POLICY),
        }
        for image in shown.images:
            pages[f"/media/{image.hash}"] = (image.content_type, image.content, _PAGE_POLICY)
        if name not in pages:
            self._answer(404, "text/plain", b"There is nothing here.\n", _PAGE_POLICY)
            return
        content_type, body, policy = pages[name]
        self._answer(200, content_type, body, policy)

    def _answer(self, status: int, content_type: str, body: bytes, policy: str) -> None:
        charset = "; charset=utf-8" if content_type.startswith("text/") else ""
        self.send_response(status)
        self.send_header("Content-Type", content_type + charset)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Content-Security-Policy", policy)
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: the terminal belongs to the person who previews."""


def _overview(shown: Preview) -> bytes:
    """Wide, narrow and text side by side."""
    body = (
        f"<h1>{html.escape(shown.subject)}</h1>"
        f"<p>{html.escape(shown.slug)}, as {html.escape(shown.reader)} would get it. "
        'Reload to see your edits. <a href="/message.eml">Raw message</a></p>'
        '<div class="views"><iframe src="/mail.html" title="HTML part, 640 pixels wide"></iframe>'
        '<iframe src="/mail.html" title="HTML part, as wide as a telephone"></iframe>'
        f'<pre tabindex="0" aria-label="Text part">{html.escape(shown.text)}</pre></div>'
    )
    return _page(shown.subject, body)


def _page(title: str, body: str) -> bytes:
    page = (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{html.escape(title)}</title><style>{_STYLE}</style></head><body>{body}</body></html>"
    )
    return page.encode("utf-8")
