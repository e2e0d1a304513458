"""Put the security headers on every answer, errors included (requirements D21, D22)."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

#: What a page of ours may load and do: its own style and images, its own forms, nothing else (D21).
PAGE_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; "
    "base-uri 'none'; object-src 'none'; frame-ancestors 'none'"
)

#: Sent with every answer unless the route has set its own value.
SECURITY_HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": PAGE_POLICY,
    "Strict-Transport-Security": "max-age=31536000; includeSubDomains",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}


def mail_policy(asset_hosts: tuple[str, ...]) -> str:
    """The policy of a mail shown in the browser: inline style and the operator's own image hosts.

    The sandbox without `allow-scripts` keeps even a script that slipped through from running.
    """
    images = " ".join(("'self'", *(f"https://{host}" for host in asset_hosts)))
    return (
        f"default-src 'none'; style-src 'unsafe-inline'; img-src {images}; form-action 'none'; "
        "base-uri 'none'; object-src 'none'; frame-ancestors 'none'; "
        "sandbox allow-popups allow-popups-to-escape-sandbox"
    )


class SecurityHeaders:
    """ASGI middleware: add SECURITY_HEADERS where the answer lacks them; let no cookie out but /ops's (D23)."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on and complete the answer's headers."""

        async def send_complete(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in SECURITY_HEADERS.items():
                    headers.setdefault(name, value)
                if not (scope["path"] == "/ops" or scope["path"].startswith("/ops/")):
                    del headers["set-cookie"]
            await send(message)

        await self.app(scope, receive, send_complete)
