"""Which language a page speaks: asked for in the address, the person's own, the browser's, the site's."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.requests import Request


def choose_language(request: Request, available: Sequence[str], *, own: str | None, default: str) -> str:
    """The first of `?lang=`, `own` (known from a token), Accept-Language, `default` that we speak."""
    wanted = [
        request.query_params.get("lang", ""),
        own or "",
        *accepted(request.headers.get("accept-language", "")),
    ]
    for tag in (*wanted, default):
        for candidate in (tag.lower(), tag.lower().partition("-")[0]):
            if candidate in available:
                return candidate
    return available[0]


def accepted(header: str) -> list[str]:
    """The languages of an Accept-Language header, best first (RFC 9110 12.5.4); q=0 means never."""
    ranked: list[tuple[float, int, str]] = []
    for position, item in enumerate(header.split(",")[:20]):
        tag, _, parameters = item.partition(";")
        quality = _quality(parameters)
        if tag.strip() and quality > 0:
            ranked.append((-quality, position, tag.strip()))
    return [tag for _, _, tag in sorted(ranked)]


def _quality(parameters: str) -> float:
    name, _, value = parameters.strip().partition("=")
    if name.strip() != "q":
        return 1.0
    try:
        return float(value)
    except ValueError:
        return 0.0
