"""Render a page: Jinja template, wording in the reader's language, and what every page shares."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import TYPE_CHECKING, Any, cast

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse

from mailer.bounces.reporting.chart_style import CHART_CSS
from mailer.monitoring.exposition import Exposition
from mailer.monitoring.traffic import Traffic
from mailer.subscribers.leaving import LeaveView, Wish
from mailer.subscribers.policies import Policies
from mailer.web.client import Proxies
from mailer.web.language import choose_language
from mailer.web.static import StaticFiles
from mailer.web.together import Together
from mailer.wording import LANGUAGES, Wording, wording

if TYPE_CHECKING:
    from mailer.application import Site

#: The name of each language in itself, for the switch at the foot of the page.
LANGUAGE_NAMES: Mapping[str, str] = {"en": "English", "de": "Deutsch"}

#: Characters of heading type that fit a line of the narrowest screen, 320 CSS pixels.
_SHORT_TITLE = 18


@dataclass(frozen=True)
class Web:
    """What the routes need: the site, its page templates and its files."""

    site: Site
    environment: Environment
    static: StaticFiles
    proxies: Proxies
    leave_together: Together[Wish, LeaveView]
    traffic: Traffic
    exposition: Exposition

    @property
    def policies(self) -> Policies:
        """The privacy policies of the site."""
        return self.site.policies

    @classmethod
    def of(cls, site: Site) -> Web:
        """Open the templates of the site (its own first, then the bundled ones)."""
        folders = [folder / "web" for folder in site.folder.template_folders]
        environment = Environment(
            loader=FileSystemLoader(folders),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        environment.filters["together"] = _together
        settings, traffic = site.settings, Traffic()
        return cls(
            site=site,
            environment=environment,
            static=StaticFiles.read([folder / "static" for folder in folders], {"charts.css": CHART_CSS}),
            proxies=Proxies.of(settings.web.trusted_proxies, settings.web.client_ip_header),
            leave_together=Together(lambda wishes: site.leaving.leave_together(wishes)),
            traffic=traffic,
            exposition=Exposition(site.store, traffic),
        )

    def language(self, request: Request, own: str | None = None) -> str:
        """The language to answer in; `own` is the subscriber's, where a token tells it."""
        return choose_language(request, LANGUAGES, own=own, default=self.site.settings.site.language)

    def url(self, path: str) -> str:
        """The public address of a path."""
        return self.site.settings.site.base_url.rstrip("/") + path


def web_of(request: Request) -> Web:
    """The Web of the application that serves `request`."""
    return cast(Web, request.app.state.web)


def page(
    request: Request,
    template: str,
    *,
    language: str | None = None,
    status: int = 200,
    private: bool = False,
    headers: Mapping[str, str] | None = None,
    **values: Any,
) -> HTMLResponse:
    """Render `template` of templates/web. `private`: reached by a token, kept out of search engines (D22)."""
    web = web_of(request)
    spoken = language or web.language(request)
    words = wording(spoken)
    html = web.environment.get_template(template).render(
        t=words.text,
        day=partial(_day, words),
        language=spoken,
        site=web.site.settings.site,
        static=web.static.url,
        languages=_other_languages(spoken),
        private=private,
        unconfirmed_days=web.site.settings.privacy.unconfirmed_days,
        public_lists={name for name, each in web.site.settings.lists.items() if each.public},
        **values,
    )
    return HTMLResponse(html, status, {**_headers(spoken, private=private), **(headers or {})})


def plain(language: str, *sentences: str) -> PlainTextResponse:
    """An answer to a machine that came with a token: a few words, no page."""
    return PlainTextResponse("\n".join((*sentences, "")), headers=_headers(language, private=True))


def _headers(language: str, *, private: bool) -> dict[str, str]:
    spoken = {"Content-Language": language, "Vary": "Accept-Language"}
    return {**spoken, "X-Robots-Tag": "noindex"} if private else spoken


def _together(title: str) -> str:
    """A short title for a heading, its words kept on one line; a long one may break."""
    return title.replace(" ", "\N{NO-BREAK SPACE}") if len(title) <= _SHORT_TITLE else title


def _day(words: Wording, version: str) -> str:
    """A date such as 2026-11-22, as people write it."""
    day = date.fromisoformat(version)
    return words.text(
        "page.date.long", day=day.day, month=words.text(f"page.date.month_{day.month:02}"), year=day.year
    )


def _other_languages(spoken: str) -> list[dict[str, str]]:
    """The other languages: code and name; the link is relative, so a token stays where it is."""
    return [{"code": code, "name": LANGUAGE_NAMES.get(code, code)} for code in LANGUAGES if code != spoken]
