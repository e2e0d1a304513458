"""Read what was posted: bounded in size and time, whatever the encoding (requirements A6, A7)."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import Message

#: Our largest form is an address and a few merge fields.
MAX_BODY_BYTES = 16 * 1024
#: A form is sent in one go; who takes longer holds a connection on purpose.
BODY_SECONDS = 10.0
MAX_FIELDS = 64

Fields = tuple[tuple[str, str], ...]


async def read_body(request: Request, limit: int = MAX_BODY_BYTES) -> bytes:
    """The body; HTTPException 413 above `limit` octets, 408 after BODY_SECONDS."""
    announced = request.headers.get("content-length", "0")
    if announced.isdigit() and int(announced) > limit:
        raise HTTPException(413)
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_SECONDS):
            async for chunk in request.stream():
                body += chunk
                if len(body) > limit:
                    raise HTTPException(413)
    except TimeoutError:
        raise HTTPException(408) from None
    return bytes(body)


async def read_form(request: Request) -> Fields:
    """The fields in order, urlencoded or multipart; anything else, files included, is a 400."""
    body = await read_body(request)

    async def replay() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    try:
        form = await Request(request.scope, replay).form(
            max_files=0, max_fields=MAX_FIELDS, max_part_size=MAX_BODY_BYTES
        )
    except (HTTPException, ValueError) as error:
        raise HTTPException(400) from error
    return tuple((name, value) for name, value in form.multi_items() if isinstance(value, str))


async def read_json(request: Request) -> dict[str, Any]:
    """The JSON object; anything else is a 400."""
    body = await read_body(request)
    try:
        value = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise HTTPException(400) from error
    if not isinstance(value, dict):
        raise HTTPException(400)
    return value


def is_json(request: Request) -> bool:
    """Whether the body is declared as JSON."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower() == "application/json"


def wants_json(request: Request) -> bool:
    """Whether the answer should be JSON: JSON was sent, or asked for before HTML."""
    accept = request.headers.get("accept", "")
    return is_json(request) or ("application/json" in accept and "text/html" not in accept)
