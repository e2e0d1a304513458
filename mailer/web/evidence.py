"""What we keep of a person's act: the words they saw, where, when and from which address (C3)."""

from __future__ import annotations

from starlette.requests import Request

from mailer.subscribers.evidence import Evidence
from mailer.web.pages import web_of

#: Long enough for every real browser; the header is the client's own word.
MAX_USER_AGENT = 300


def evidence_of(request: Request, *, wording: str, language: str, form: str) -> Evidence:
    """The evidence of this request; `form` is the page's path without its token."""
    web = web_of(request)
    agent = "".join(c if c.isprintable() else " " for c in request.headers.get("user-agent", ""))
    return Evidence(
        ip=web.proxies.client_ip(request.scope),
        user_agent=agent[:MAX_USER_AGENT] or None,
        form_url=web.url(form),
        wording=wording,
        policy_version=web.policies.current(language).label,
        language=language,
    )
