"""POST /ops/do/{action}: one form, one action, and back to where it stood."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from mailer.errors import MailerError
from mailer.ops.model import NotAllowed
from mailer.store import StoreError
from mailer.web.ops.access import Visitor
from mailer.web.ops.views import refused, show
from mailer.web.pages import web_of
from mailer.web.work import in_thread


async def act(request: Request, visitor: Visitor) -> Response:
    """Do it, or say in one sentence why not."""
    fields = request.state.fields
    name, target = request.path_params["action"], fields.get("target", "")
    try:
        done = await in_thread(
            web_of(request).site.actions.perform,
            visitor.staff,
            name,
            target=target,
            why=fields.get("why", ""),
        )
    except NotAllowed as error:
        return refused(request, visitor, str(error), status=403)
    except StoreError:
        raise
    except MailerError as error:
        return refused(request, visitor, str(error), status=409)
    return show(request, visitor, "done", done=done, back="campaigns" if name == "pause" else "review")
