"""/subscribe/{list}: the form page and the JSON endpoint; one answer for every address (requirement D7)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from mailer.settings import FieldSettings, ListSettings
from mailer.subscribers.policies import PolicyText
from mailer.web.evidence import evidence_of
from mailer.web.forms import is_json, read_form, read_json, wants_json
from mailer.web.pages import Web, page, web_of
from mailer.web.signup import Entry, Judged, judge
from mailer.web.stamp import HONEYPOT, Stamps, Verdict
from mailer.web.work import in_thread
from mailer.wording import wording


@dataclass(frozen=True)
class _Form:
    """The sign-up form of one list in one language."""

    web: Web
    name: str
    list_: ListSettings
    fields: Mapping[str, FieldSettings]
    language: str
    policy: PolicyText

    @property
    def consent(self) -> str:
        """The words beside the tick."""
        return wording(self.language).text("page.subscribe.consent", list=self.list_.title)

    @property
    def wording(self) -> str:
        """All that is shown before the tick (C2), kept as evidence word for word."""
        words, site = wording(self.language).text, self.web.site.settings.site
        facts = {
            "controller": f"{site.legal_name}, {', '.join(site.postal_address.split(chr(10)))}",
            "content": self.list_.description,
            "frequency": self.list_.frequency,
            "purpose": words("page.subscribe.purpose"),
            "withdraw": words("page.subscribe.withdraw"),
            "contact": str(site.privacy_contact),
        }
        lines = [f"{words(f'page.subscribe.label.{key}')}: {value}" for key, value in facts.items()]
        lines.append(
            f"{words('page.subscribe.label.policy')}: {self.web.url(f'/privacy/{self.policy.version}')}"
        )
        return "\n".join((*lines, self.consent))

    @property
    def shown(self) -> str:
        """What a stamp vouches for: this list, and these very words."""
        return f"{self.name}\n{self.wording}"


async def show(request: Request) -> Response:
    """GET: the empty form, or its parts as JSON for a page of the operator's own."""
    form = await _form(request)
    stamp = Stamps(form.web.site.tokens).make(form.shown)
    if wants_json(request):
        return _describe(form, stamp)
    return _page(request, form, Entry(), {}, stamp)


async def act(request: Request) -> Response:
    """POST: note the request, or show the form again with everything that was typed."""
    form = await _form(request)
    posted: Mapping[str, Any] = (
        await read_json(request) if is_json(request) else dict(await read_form(request))
    )
    stamps, stamp = Stamps(form.web.site.tokens), str(posted.get("stamp", ""))
    verdict = stamps.judge(form.shown, stamp=stamp, honeypot=str(posted.get(HONEYPOT) or ""))
    entry = Entry.of(posted, form.fields)
    judged = judge(entry, form.fields, verdict)
    if judged.errors or judged.address is None:
        # A stamp that is only too young grows old enough by itself; keep it for the next try.
        again = stamp if verdict in (Verdict.GOOD, Verdict.TOO_FAST) else stamps.make(form.shown)
        return _refuse(request, form, entry, judged, again)
    await _note(request, form, judged)
    return _accepted(request, form)


async def _note(request: Request, form: _Form, judged: Judged) -> None:
    """Hand the request over; who the address belongs to is looked at after the answer (D7)."""
    assert judged.address is not None
    evidence = evidence_of(
        request, wording=form.wording, language=form.language, form=f"/subscribe/{form.name}"
    )
    joining = form.web.site.joining
    await in_thread(joining.request, form.name, judged.address, fields=judged.fields, evidence=evidence)


async def _form(request: Request) -> _Form:
    web, name = web_of(request), request.path_params["list"]
    list_ = web.site.settings.lists.get(name)
    if list_ is None or not list_.public:
        raise HTTPException(404)
    language = web.language(request)
    fields = {key: each for key, each in web.site.settings.fields.items() if each.on_form}
    await in_thread(web.policies.refresh)
    return _Form(web, name, list_, fields, language, web.policies.current(language))


def _page(
    request: Request,
    form: _Form,
    entry: Entry,
    errors: Mapping[str, str],
    stamp: str,
    *,
    status: int = 200,
) -> Response:
    return page(
        request,
        "subscribe.html",
        language=form.language,
        status=status,
        form=form,
        entry=entry,
        errors=errors,
        stamp=stamp,
        honeypot=HONEYPOT,
    )


def _refuse(request: Request, form: _Form, entry: Entry, judged: Judged, stamp: str) -> Response:
    if not wants_json(request):
        return _page(request, form, entry, judged.errors, stamp, status=422)
    words = wording(form.language).text
    messages = {name: words(key) for name, key in judged.errors.items()}
    return JSONResponse({"status": "invalid", "errors": messages, "stamp": stamp}, 422)


def _accepted(request: Request, form: _Form) -> Response:
    if wants_json(request):
        message = wording(form.language).text("page.subscribe.done.lead", list=form.list_.title)
        return JSONResponse({"status": "accepted", "message": message}, 202)
    return page(request, "subscribe_done.html", language=form.language, status=202, form=form)


def _describe(form: _Form, stamp: str) -> Response:
    """What another page must show before the tick, and the stamp it must send back."""
    return JSONResponse(
        {
            "list": form.name,
            "title": form.list_.title,
            "description": form.list_.description,
            "frequency": form.list_.frequency,
            "consent": form.consent,
            "shown_before_the_tick": form.wording.split("\n"),
            "policy": form.policy.label,
            "policy_url": form.web.url(f"/privacy/{form.policy.version}"),
            "fields": {name: {"type": each.type, "label": each.label} for name, each in form.fields.items()},
            "stamp": stamp,
        }
    )
