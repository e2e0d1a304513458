"""How large the message can get, whatever is merged into it (B17, A36)."""

from __future__ import annotations

from collections.abc import Iterator

from mailer.campaigns.draft import Draft
from mailer.campaigns.preflight.places import problem
from mailer.rendering.identity import Problem

#: Octets of HTML: Gmail cuts a mail near 102 KB, and with it the unsubscribe block.
HTML_STOP = 95 * 1024
HTML_WARN = 85 * 1024
_REMEDY = "Shorten it or link to a page; images count little, repeated styles and tables count much."


def html_too_large(draft: Draft) -> Iterator[Problem]:
    """HTML that Gmail would cut off."""
    size = draft.compiled.html_size_bound
    if size > HTML_STOP:
        message = f"the HTML can reach {size / 1024:.0f} KB; above {HTML_STOP // 1024} KB Gmail hides its end"
        yield problem(draft, "html-size", message, _REMEDY)


def html_nearly_too_large(draft: Draft) -> Iterator[Problem]:
    """HTML that has little room left."""
    size = draft.compiled.html_size_bound
    if HTML_WARN < size <= HTML_STOP:
        message = f"the HTML can reach {size / 1024:.0f} KB; it is refused above {HTML_STOP // 1024} KB"
        yield problem(draft, "html-size-near", message, _REMEDY)


def message_too_large(draft: Draft) -> Iterator[Problem]:
    """A message above the product's own limit."""
    limit = draft.settings.sending.max_message_kb
    size = draft.compiled.size_bound
    if size > limit * 1024:
        message = f"the message can reach {size / 1024:.0f} KB; [sending] max_message_kb is {limit}"
        yield problem(draft, "message-size", message, "Shorten it, or raise the limit in mailer.toml.")
