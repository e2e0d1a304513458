"""A campaign written to a real site folder, compiled, and tried on the made-up readers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import pytest
import yaml

from mailer.bundled import bundled
from mailer.campaigns.draft import Draft, compile_source, identity_of, try_on
from mailer.campaigns.preflight import RULES, run_preflight
from mailer.campaigns.recipients import Linker, empty_person, sample_person, worst_person
from mailer.campaigns.source import read_campaign
from mailer.keyring import Secrets
from mailer.rendering import Renderer
from mailer.rendering.from_settings import field_specs, site_identity
from mailer.settings import Settings
from mailer.site import SiteFolder
from mailer.tokens import Tokens

HEAD = {
    "subject": "New parts for a cold week",
    "preheader": "Clearance stock, three new sensors and one circuit worth building.",
    "list": "weekly",
}
BODY = "# New parts\n\nGood morning {{ subscriber.first_name | default('reader') }}, here is the week.\n"

Drafting: TypeAlias = Callable[..., Draft]


@pytest.fixture
def drafting(site_folder: SiteFolder, settings: Settings, secrets: Secrets) -> Drafting:
    """A function from a body and front matter to a draft, as `campaign check` makes it."""

    def draft(
        body: str = BODY,
        *,
        mjml: bool = False,
        text: str | None = None,
        images: dict[str, bytes] | None = None,
        changed: Callable[[Settings], Settings] = lambda settings: settings,
        ask_links: bool = False,
        **head: Any,
    ) -> Draft:
        folder = site_folder.campaigns / "week-47"
        folder.mkdir(exist_ok=True)
        front = {name: value for name, value in {**HEAD, **head}.items() if value is not None}
        written = f"---\n{yaml.safe_dump(front, allow_unicode=True, sort_keys=False)}---\n{body}"
        (folder / ("campaign.mjml" if mjml else "campaign.md")).write_text(written, encoding="utf-8")
        if text is not None:
            (folder / "campaign.txt").write_text(text, encoding="utf-8")
        for name, content in (images or {}).items():
            (folder / "images").mkdir(exist_ok=True)
            (folder / "images" / name).write_bytes(content)
        return _draft(site_folder.campaigns, site_folder, changed(settings), secrets, ask_links=ask_links)

    return draft


def _draft(
    campaigns: Path, folder: SiteFolder, settings: Settings, secrets: Secrets, *, ask_links: bool
) -> Draft:
    source = read_campaign(campaigns, "week-47")
    renderer = Renderer(
        template_dirs=[folder.templates, bundled("templates")],
        site=site_identity(settings),
        fields=field_specs(settings),
    )
    compiled = compile_source(source, settings, renderer)
    linker = Linker(Tokens(secrets, confirm_seconds=600), settings.site.base_url, "news.shop.example")
    language = source.language or settings.site.language
    people = [sample_person(field_specs(settings), language), worst_person(field_specs(settings), language)]
    specimens, failures = try_on(compiled, [*people, empty_person(language)], linker, path=source.path)
    assert not failures, failures
    by_label = {specimen.person.label: specimen for specimen in specimens}
    return Draft(source, identity_of(source, settings), settings, compiled, by_label, ask_links=ask_links)


def findings(draft: Draft, rule: str = "") -> list[str]:
    """`rule path:line message` of what the preflight finds, of one rule or of all."""
    return [
        f"{found.rule} {found.place} {found.message}"
        for found in run_preflight(draft)
        if not rule or found.rule == rule
    ]


def rule_ids() -> set[str]:
    """Every rule of the table."""
    return {rule.id for rule in RULES}
