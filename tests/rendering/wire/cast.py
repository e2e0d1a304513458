"""A shop, its list, its readers, and messages built by hand, so that these tests need no authoring."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from mailer.addresses import EmailAddress, Mailbox, parse_address
from mailer.rendering import CompiledMessage, FilledMessage, RecipientValues
from mailer.rendering.identity import FieldSpec, ListIdentity, SiteIdentity
from mailer.rendering.program import Choice, HoleContext, Parts, Program, Static, Value
from mailer.rendering.wire.artefact import MessageClass
from mailer.rendering.wire.mime import assemble

SITE = SiteIdentity(
    name="Ohm & Volt",
    legal_name="Ohm & Volt GmbH",
    base_url="https://news.shop.example",
    postal_address="Lötstraße 12, 10115 Berlin",
    privacy_contact="privacy@shop.example",
    message_id_domain="news.shop.example",
)
SENDER = Mailbox("Ohm & Volt", parse_address("news@shop.example"))
WEEKLY = ListIdentity("weekly", "Ohm Weekly", "weekly.lists.shop.example", SENDER)
FIELDS = {
    "first_name": FieldSpec("text", ""),
    "city": FieldSpec("text", "Berlin"),
    "points": FieldSpec("number", 0),
    "vip": FieldSpec("boolean", False),
    "joined": FieldSpec("date", None),
    "shop_url": FieldSpec("text", ""),
}
TOKEN = "uAAAAbbbbCCCCdddd1111_2222-3333" * 3 + ".SIGNATURE0123456789abcdef.k1"
UNSUBSCRIBE = f"https://news.shop.example/u/{TOKEN}"
VIEW = f"https://news.shop.example/view/v{TOKEN}"
NOT_ME = f"https://news.shop.example/not-me/n{TOKEN}"
CONFIRM = f"https://news.shop.example/confirm/c{TOKEN}"
WEEK_47: Program = (Static("Week 47"),)
FOOTER_TEXT = "You get Ohm Weekly because you asked for it. Lötstraße 12, 10115 Berlin, privacy@shop.example"


def text_hole(expression: str) -> Value:
    return Value(expression, HoleContext.TEXT)


def html_hole(expression: str) -> Value:
    return Value(expression, HoleContext.HTML)


def url_hole(expression: str) -> Value:
    return Value(expression, HoleContext.URL)


def href_hole(expression: str) -> Value:
    return Value(expression, HoleContext.HREF)


def when(condition: str, then: Program, otherwise: Program = ()) -> Choice:
    return Choice(((condition, then), (None, otherwise)))


def html_foot(link: str = "unsubscribe_url", label: str = "Unsubscribe from Ohm Weekly") -> Program:
    return (
        Static(f'<div><p>{FOOTER_TEXT}</p><p><a href="'),
        href_hole(link),
        Static(f'">{label}</a></p></div>'),
    )


def text_foot(link: str = "unsubscribe_url") -> Program:
    return (Static(f"\n-- \n{FOOTER_TEXT}\nUnsubscribe from Ohm Weekly:\n"), text_hole(link), Static("\n"))


def page(*body: Static | Value | Choice, head: str = "", foot: Program | None = None) -> Program:
    start = f'<!doctype html><html lang="en"><head><title>Week 47</title>{head}</head><body>'
    return (Static(start), *body, *(html_foot() if foot is None else foot), Static("</body></html>"))


def compiled(
    *,
    html: Program | None = None,
    text: Program | None = None,
    subject: Program = WEEK_47,
    message_class: MessageClass = MessageClass.CAMPAIGN,
    list_: ListIdentity = WEEKLY,
    site: SiteIdentity = SITE,
    slug: str = "week-47",
    language: str = "en",
) -> CompiledMessage:
    """A campaign that greets by first name, unless told otherwise."""
    name = "subscriber.first_name | default('there')"
    parts = Parts(
        html=page(Static("<p>Hello "), html_hole(name), Static(".</p>")) if html is None else html,
        text=(Static("Hello "), text_hole(name), Static(".\n"), *text_foot()) if text is None else text,
        subject=subject,
    )
    return CompiledMessage(
        assemble(
            parts,
            message_class=message_class,
            slug=slug,
            language=language,
            list_=list_,
            site=site,
            fields=FIELDS,
        )
    )


def confirmation() -> CompiledMessage:
    """A confirmation mail as plain as can be."""
    html = page(
        Static('<p>Please confirm: <a href="'),
        href_hole("confirm_url"),
        Static('">confirm Ohm Weekly</a> before '),
        html_hole("expires_at"),
        Static("</p>"),
        foot=html_foot("not_me_url", "This was not me"),
    )
    text = (Static("Please confirm:\n"), text_hole("confirm_url"), Static("\n"), *text_foot("not_me_url"))
    return compiled(html=html, text=text, message_class=MessageClass.CONFIRMATION)


def recipient(
    fields: dict[str, Any] | None = None, *, address: EmailAddress | str = "Ada@example.net", **changes: Any
) -> RecipientValues:
    """Ada, on a Monday morning."""
    values: dict[str, Any] = {
        "address": parse_address(address) if isinstance(address, str) else address,
        "fields": fields or {},
        "language": "en",
        "unsubscribe_url": UNSUBSCRIBE,
        "view_url": VIEW,
        "message_id": "c42.7f3a9e@news.shop.example",
        "date": datetime(2026, 11, 23, 9, 0, 0, tzinfo=UTC),
        "confirm_url": CONFIRM,
        "not_me_url": NOT_ME,
        "expires_at": "30 November 2026",
    }
    return RecipientValues(**(values | changes))


def changed(filled: FilledMessage, change: Callable[[bytes], bytes]) -> FilledMessage:
    """The message as somebody on the way to the wire could have changed it."""
    return FilledMessage([change(filled.data).decode()], filled.shape)
