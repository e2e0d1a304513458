"""A browser-like client that speaks to the application in this process, one request at a time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
from starlette.applications import Starlette

_thread = ThreadPoolExecutor(1, thread_name_prefix="client")


class Client:
    """httpx over ASGI without `await`; follows no redirect, raises nothing that the application caught."""

    def __init__(
        self, app: Starlette, *, peer: str = "127.0.0.1", base_url: str = "http://127.0.0.1:8025"
    ) -> None:
        self.app = app
        self.peer = peer
        self.base_url = base_url

    def request(self, method: str, path: str, **options: Any) -> httpx.Response:
        """One request; `content` may be an iterable of pieces, sent without a length."""
        content = options.get("content")
        if content is not None and not isinstance(content, str | bytes):
            options["content"] = _pieces(content)
        # In a thread: a browser test already has an event loop in this one.
        return _thread.submit(asyncio.run, self._request(method, path, options)).result()

    def get(self, path: str, **options: Any) -> httpx.Response:
        """GET."""
        return self.request("GET", path, **options)

    def post(self, path: str, **options: Any) -> httpx.Response:
        """POST."""
        return self.request("POST", path, **options)

    async def _request(self, method: str, path: str, options: dict[str, Any]) -> httpx.Response:
        transport = httpx.ASGITransport(self.app, client=(self.peer, 40000))
        async with httpx.AsyncClient(transport=transport, base_url=self.base_url) as client:
            return await client.request(method, path, **options)


async def _pieces(content: Iterable[bytes]) -> AsyncIterator[bytes]:
    for piece in content:
        yield piece
