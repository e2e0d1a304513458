"""A list, a site, and short ways to author a message and to read what came out."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from mailer.addresses import parse_mailbox
from mailer.bundled import bundled
from mailer.rendering.authoring import dom
from mailer.rendering.authoring.author import author
from mailer.rendering.errors import RenderError
from mailer.rendering.identity import Body, FieldSpec, ListIdentity, MessageSource, Problem, SiteIdentity
from mailer.rendering.program import Parts, Program, Static, Value

SITE = SiteIdentity(
    name="Ohm & Volt",
    legal_name="Ohm & Volt Electronics GmbH",
    base_url="https://news.shop.example",
    postal_address="Lötstraße 12\n10115 Berlin\nGermany",
    privacy_contact="privacy@shop.example",
    imprint_url="https://shop.example/imprint",
    message_id_domain="news.shop.example",
)
WEEKLY = ListIdentity(
    name="weekly",
    title="Ohm & Volt Weekly",
    list_id="weekly.lists.shop.example",
    from_mailbox=parse_mailbox("Ohm & Volt <news@shop.example>"),
    description="New parts",
    frequency="every Friday",
)
FIELDS: Mapping[str, FieldSpec] = {
    "first_name": FieldSpec("text", ""),
    "country": FieldSpec("text", ""),
    "orders": FieldSpec("number", 0),
}
UNSUBSCRIBE = "https://news.shop.example/u/TOKEN"
VIEW = "https://news.shop.example/view/TOKEN"
LINKS = {
    "unsubscribe_url": UNSUBSCRIBE,
    "view_url": VIEW,
    "confirm_url": "https://news.shop.example/confirm/TOKEN",
    "not_me_url": "https://news.shop.example/not-me/TOKEN",
    "expires_at": "29 November 2026",
}
#: Decides a condition; values are looked up by their expression.
Decide = Callable[[str], bool]


def always(condition: str) -> bool:
    """Every condition holds."""
    return True


def write(text: str, kind: Any = "markdown", **changes: Any) -> MessageSource:
    """A message source with this body."""
    suffix = {"markdown": "md", "mjml": "mjml"}[kind]
    body = Body(text, kind, f"campaigns/w47/campaign.{suffix}", changes.pop("first_line", 1))
    plain: dict[str, Any] = {"slug": "w47", "subject": "Week 47", "preheader": "New parts", "language": "en"}
    return MessageSource(body=body, **(plain | changes))


def make(
    text: str, kind: Any = "markdown", *, site: SiteIdentity = SITE, fields: Mapping[str, FieldSpec] = FIELDS,
    dirs: tuple[Path, ...] = (), list_: ListIdentity = WEEKLY, **changes: Any,
) -> Parts:  # fmt: skip
    """Author a message."""
    return author(
        write(text, kind, **changes),
        list_,
        site=site,
        fields=fields,
        template_dirs=[*dirs, bundled("templates")],
    )


def refused(text: str, kind: Any = "markdown", **changes: Any) -> tuple[Problem, ...]:
    """The findings a source is refused with."""
    with pytest.raises(RenderError) as caught:
        make(text, kind, **changes)
    return caught.value.findings


def only(text: str, kind: Any = "markdown", **changes: Any) -> Problem:
    """The one finding a source is refused with."""
    found = refused(text, kind, **changes)
    assert len(found) == 1, [str(each) for each in found]
    return found[0]


def fill(program: Program, decide: Decide = always, **values: str) -> str:
    """A program written out for one recipient, without escaping; holes without a value show their expression."""
    out: list[str] = []
    for node in program:
        if isinstance(node, Static):
            out.append(node.text)
        elif isinstance(node, Value):
            out.append({**LINKS, **values}.get(node.expression, f"⟦{node.expression}⟧"))
        else:
            branch = next(
                (body for condition, body in node.branches if condition is None or decide(condition)), ()
            )
            out.append(fill(branch, decide, **values))
    return "".join(out)


def html(parts: Parts, decide: Decide = always, **values: str) -> str:
    """The HTML part for one recipient."""
    return fill(parts.html, decide, **values)


def text(parts: Parts, decide: Decide = always, **values: str) -> str:
    """The text part for one recipient."""
    return fill(parts.text, decide, **values)


def site(**changes: Any) -> SiteIdentity:
    """The site with changes."""
    return dataclasses.replace(SITE, **changes)


def document(parts: Parts) -> dom.Node:
    """The parsed HTML part."""
    return dom.parse_document(html(parts))


def mjml(body: str, head: str = "") -> str:
    """A whole MJML document; the body begins on line 1."""
    return f"<mjml><mj-head>{head}</mj-head><mj-body>{body}</mj-body></mjml>"


def in_text(inner: str) -> str:
    """HTML inside one `mj-text`."""
    return mjml(f"<mj-section><mj-column><mj-text>{inner}</mj-text></mj-column></mj-section>")


def rules(problems: tuple[Problem, ...]) -> set[str]:
    """The rule IDs of problems."""
    return {each.rule for each in problems}
