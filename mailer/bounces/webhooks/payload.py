"""JSON from outside, read within limits: wrong types are empty, and no character breaks a database (A79)."""

from __future__ import annotations

import json
from typing import Any

from mailer.bounces.webhooks.model import Json, Malformed

#: What a provider may send at once, octets; the largest batch of the four is 768 KiB.
MAX_CALL_BYTES = 1024 * 1024
MAX_EVENTS = 10_000
#: Characters of one text that are looked at; an explanation of a mail server is far shorter.
MAX_TEXT = 4000


def loaded(body: bytes | str) -> Any:
    """The value of a JSON text. Raises Malformed."""
    try:
        return json.loads(body, parse_constant=_no_number)
    except (ValueError, RecursionError):
        raise Malformed("json", "The call is not JSON, or nested too deep.") from None


def an_object(value: Any) -> Json:
    """The value, which must be a JSON object. Raises Malformed."""
    if not isinstance(value, dict):
        raise Malformed("shape", "The call is not the JSON object that this provider sends.")
    return value


def within(value: Any, *path: str) -> Any:
    """What is found below the keys of `path`; None where anything on the way is missing or no object."""
    for key in path:
        value = value.get(key) if isinstance(value, dict) else None
    return value


def text(value: Any, *path: str) -> str:
    """The text found there, numbers too; empty for anything else. No NUL, no half of a character."""
    found = within(value, *path)
    if isinstance(found, bool) or not isinstance(found, str | int | float):
        return ""
    return str(found)[:MAX_TEXT].replace("\0", "").encode("utf-8", "replace").decode()


def objects(value: Any, *path: str) -> list[Json]:
    """The objects of the list found there; at most MAX_EVENTS."""
    found = within(value, *path)
    return [one for one in found[:MAX_EVENTS] if isinstance(one, dict)] if isinstance(found, list) else []


def _no_number(name: str) -> Any:
    raise ValueError(name)
