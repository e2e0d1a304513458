"""POST /hooks/{provider}: what mail providers tell of bounces and complaints; answers say little on purpose."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from mailer.bounces.webhooks import (
    Call,
    CallRefused,
    Forged,
    HookUnknown,
    Malformed,
    NotNow,
    Replayed,
    Unsigned,
)
from mailer.bounces.webhooks.payload import MAX_CALL_BYTES
from mailer.maillog import EventLog
from mailer.web.forms import read_body
from mailer.web.pages import web_of
from mailer.web.work import in_thread

_log = EventLog("web")

STATUSES: Mapping[type[CallRefused], int] = MappingProxyType(
    {HookUnknown: 404, Unsigned: 401, Forged: 403, Malformed: 400, Replayed: 409, NotNow: 503}
)


async def receive(request: Request) -> Response:
    """Take a call in: 200 once all of it is stored, so that a provider never tells in vain."""
    provider = request.path_params["provider"]
    hooks = web_of(request).site.hooks
    try:
        if not hooks.serves(provider):
            raise HookUnknown("unknown", "There is no such webhook here.")
        call = Call(dict(request.headers), await read_body(request, MAX_CALL_BYTES))
        taken = await in_thread(hooks.receive, provider, call)
    except CallRefused as error:
        status = STATUSES[type(error)]
        if status != 404:  # a path is anybody's to invent
            _log.hook_refused(provider=provider, reason=error.reason, status=status)
        headers = {"WWW-Authenticate": 'Basic realm="hooks"'} if status == 401 else {}
        return JSONResponse({"status": "refused", "reason": error.reason}, status, headers)
    return JSONResponse({"status": "ok", "kept": taken.kept, "known": taken.known, "ignored": taken.ignored})
