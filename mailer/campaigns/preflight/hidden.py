"""Text that is there and not seen (B15)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape

from mailer.campaigns.draft import Draft
from mailer.campaigns.preflight.places import everything, problem, shortened, specimens, visible
from mailer.campaigns.recipients import SAMPLE
from mailer.rendering.identity import Problem

#: Characters without width that are strung together to push text out of a preview.
_PADDING = re.compile("(?:[\u00ad\u034f\u180e\u200b-\u200f\u2060-\u2064\ufeff\u2007\u00a0\u061c]\\s?){6,}")
#: Hidden characters that a preheader may take.
_PREHEADER_ROOM = 150


def hidden_text(draft: Draft) -> Iterator[Problem]:
    """More hidden text than a preheader, or a hidden line that says what is seen nowhere."""
    for specimen in specimens(draft, SAMPLE):
        shown = visible(specimen.html).text
        extra = _without(everything(specimen.html).text, shown)
        if len(extra) > _PREHEADER_ROOM:
            yield problem(
                draft, "hidden-text", f"{len(extra)} characters of the HTML are hidden by styles: `{shortened(extra)}`",
                "Remove them: providers take hidden text for spam.", at=(extra[:30],),
            )  # fmt: skip
        elif extra and extra not in shown and extra not in draft.source.preheader:
            yield problem(
                draft, "hidden-line", f"a hidden line says what is seen nowhere else: `{shortened(extra)}`",
                "Show it, or let it repeat visible text.", at=(extra,),
            )  # fmt: skip


def padding(draft: Draft) -> Iterator[Problem]:
    """Strings of invisible characters."""
    for specimen in specimens(draft, SAMPLE):
        if _PADDING.search(unescape(specimen.html)):
            yield problem(
                draft, "hidden-padding", "the HTML holds a run of invisible characters",
                "Remove it; write a longer preheader instead.", at=("&zwnj;", "&#8204;", "\u200c", "&#847;"),
            )  # fmt: skip


def _without(everything_said: str, shown: str) -> str:
    """The words that come only in `everything_said`, in their order: a walk along both."""
    rest, words = shown.split(), []
    at = 0
    for word in everything_said.split():
        if at < len(rest) and rest[at] == word:
            at += 1
        else:
            words.append(word)
    return " ".join(words)
