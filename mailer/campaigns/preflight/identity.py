"""Who sends: what law wants to see in both parts (C12, C13, F7, E18)."""

from __future__ import annotations

from collections.abc import Iterator

from mailer.campaigns.draft import Draft
from mailer.campaigns.preflight.places import in_settings, specimens, visible
from mailer.campaigns.recipients import SAMPLE
from mailer.rendering.identity import Problem


def identity_shown(draft: Draft) -> Iterator[Problem]:
    """Name, postal address or contact that a reader cannot see in one of the parts."""
    site = draft.settings.site
    wanted = {"legal_name": site.legal_name, "postal_address": site.postal_address}
    wanted["privacy_contact"] = str(site.privacy_contact)
    for specimen in specimens(draft, SAMPLE):
        parts = {"HTML": visible(specimen.html).text, "text": " ".join(specimen.text.split())}
        for key, value in wanted.items():
            for part, shown in parts.items():
                if not value.strip() or not all(_squeezed(line) in shown for line in value.splitlines()):
                    message = f"the {part} part does not show the site's {key.replace('_', ' ')}"
                    yield in_settings("identity", message, f"Set [site] {key} in mailer.toml.")


def imprint(draft: Draft) -> Iterator[Problem]:
    """German mail without a link to the imprint (DDG 5)."""
    language = (draft.source.language or draft.settings.site.language).lower()
    if language.startswith("de") and not draft.settings.site.imprint_url:
        yield in_settings(
            "imprint", "the site names no imprint, which a German mail should link to",
            "Set [site] imprint_url in mailer.toml.",
        )  # fmt: skip


def _squeezed(line: str) -> str:
    return " ".join(line.split()).strip(" ,")
