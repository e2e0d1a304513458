"""What the words say: nothing left over from a template, a text part that is a real equivalent (E11, E18)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from mailer.campaigns.draft import Draft
from mailer.campaigns.preflight.places import problem, shortened, specimens, visible
from mailer.campaigns.recipients import EMPTY, SAMPLE
from mailer.rendering.authoring.block import TEXT_RULE
from mailer.rendering.identity import Problem

#: Merge tags of this and other tools: Jinja, Mailchimp, Handlebars, Salesforce, ERB, shell, Brevo.
_TAG = re.compile(
    r"\{\{.{0,80}?\}\}|\{%.{0,80}?%\}|\{\{|\*?\|[A-Z][A-Z0-9_:]+\|\*?|%%[A-Za-z_]+%%|<%.{0,80}?%>|\$\{\w+\}"
)
_MARKUP = re.compile(
    r"</?[a-z][a-z0-9]*(?:\s[^<>]*)?>|&(?:nbsp|amp|lt|gt|quot|zwnj);|<!--|mso-", re.IGNORECASE
)
_BLOCK_BEGINS = f"\n{TEXT_RULE}\n"
_WORD = re.compile(r"\w{2,}")
#: Share of the HTML's words that the text part must have as well.
_DERIVED_SHARE, _WRITTEN_SHARE = 0.9, 0.5


def unresolved_tag(draft: Draft) -> Iterator[Problem]:
    """A merge tag that a reader would see."""
    told: set[str] = set()
    for specimen in specimens(draft, SAMPLE, EMPTY):
        for shown in (specimen.subject, visible(specimen.html).text, specimen.text):
            for found in _TAG.finditer(shown):
                if found[0] not in told:
                    told.add(found[0])
                    yield problem(
                        draft, "unresolved-tag", f"readers would see `{shortened(found[0])}`",
                        "Merge fields are written {{ subscriber.first_name }}; remove what is left of another tool.",
                        at=(found[0],),
                    )  # fmt: skip


def empty_text(draft: Draft) -> Iterator[Problem]:
    """A text part that says nothing but how to leave."""
    for specimen in specimens(draft, SAMPLE, EMPTY):
        own = specimen.text.rsplit(_BLOCK_BEGINS, 1)[0]
        if not _WORD.search(own):
            yield problem(
                draft, "text-empty", f"the text part says nothing to {specimen.person.label}",
                "Write text into the campaign, or give its images alt texts.",
            )  # fmt: skip
            return


def leftover_markup(draft: Draft) -> Iterator[Problem]:
    """HTML in the text part."""
    for specimen in specimens(draft, SAMPLE):
        found = _MARKUP.search(specimen.text)
        if found:
            yield problem(
                draft, "text-markup", f"the text part holds markup: `{shortened(found[0])}`",
                "Write plain words into campaign.txt; without it, the text part is made from the HTML.",
                at=(found[0],),
            )  # fmt: skip


def equivalent(draft: Draft) -> Iterator[Problem]:
    """A text part that leaves out much of what the HTML says."""
    share = _DERIVED_SHARE if draft.source.text_body is None else _WRITTEN_SHARE
    for specimen in specimens(draft, SAMPLE):
        own, _, block = specimen.text.lower().rpartition(_BLOCK_BEGINS)
        wanted = set(_WORD.findall(visible(specimen.html).text.lower())) - set(_WORD.findall(block))
        missing = wanted - set(_WORD.findall(own))
        if wanted and len(missing) / len(wanted) > 1 - share:
            yield problem(
                draft, "text-equivalent", f"the text part leaves out {len(missing)} of {len(wanted)} words of the HTML",
                "Many read only the text: say everything in it.",
            )  # fmt: skip
