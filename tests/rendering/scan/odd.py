"""Odd campaigns, odd people and odd lists: what staff paste, what people are called, what shops are named."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mailer.addresses import EmailAddress, Mailbox, parse_address
from mailer.bundled import bundled
from mailer.rendering import CompiledMessage, Gate, MessageClass, Renderer
from mailer.rendering.identity import Body, FieldSpec, ListIdentity, MessageSource, SiteIdentity
from tests.rendering.scan.scanner import Scanned, scan
from tests.rendering.wire.cast import FIELDS, SITE, WEEKLY, recipient

LONG_URL = "https://shop.example/parts?" + "&".join(f"filter{n}=%E2%82%AC{n}" for n in range(60))

SUBJECTS: Mapping[str, str] = {
    "plain": "Week 47: twenty per cent off",
    "emoji": "🎉🔧 Ten red LEDs 👩‍👩‍👧‍👦🏳️‍🌈 for you ❤️",
    "only emoji": "🎉" * 60,
    "arabic": "عروض الأسبوع: مقاومات ومكثفات بأسعار مخفضة",
    "hebrew and latin": "נגדים OPA2192 במבצע 40%",
    "chinese": "第四十七周：电阻、电容与一个周末电路" * 6,
    "japanese with wide spaces": "第47週　抵抗器　コンデンサ",
    "250 letters": "ä" * 250,
    "250 letters of ascii in one word": "x" * 250,
    "250 characters in words": ("resistor kits " * 18)[:249] + "x",
    "combining marks": "Ze\u0301ro\u0308 " + "a" + "\u0301" * 40,
    "zalgo": "Z" + "\u0334\u0352\u0360" * 30 + "algo",
    "encoded-word": "=?utf-8?q?spoof?=",
    "half an encoded-word": "is 3 =? 4 ?= 5",
    "glued encoded-words": "=?utf-8?b?YQ==?==?utf-8?b?Yg==?=",
    "soft hyphens": "Wider\u00adstands\u00adsortiment\u00ad \u00adneu",
    "zero width": "Zero\u200bwidth\u200d \u2060join\ufeff",
    "no-break spaces": "20\u00a0% auf\u202falles",
    "quotes": "He said \"resistors\", 'capacitors' \\ <b>&amp;</b>",
    "a field name": "Bcc: everybody@example.org",
    "a dot": ".",
    "from": "From our shelf to yours",
    "spaces at the fold": "a" * 66 + " " + "b" * 66 + " " + "c" * 66,
    "seventy-six columns": "y" * 67,
    "seventy-seven columns": "y" * 68,
    "percent and braces": "100 % {not a field} %s %(name)s",
    "tags of planes": "\U000e0067\U000e0062 \U0001f3f4\U000e0067\U000e007f",
}

BODIES: Mapping[str, str] = {
    "nothing but a word": "x",
    "dots": ".\n\n..\n\n.x\n\n    .code\n    ..",
    "from lines": "From Monday on\n\n    From the shelf\n    From me\n",
    "a word of 5000 letters": "w" * 5000,
    "a line of 998 octets and more": " ".join(["ohm"] * 249) + "\n\n" + "é" * 499 + "x\n\n" + "é" * 700,
    "a long address": f"[All of it]({LONG_URL}) and <{LONG_URL}>",
    "trailing spaces": "one  \ntwo   \n\n    code \t \n    more\t",
    "soft hyphens": "Wider\u00adstands\u00adsor\u00adti\u00adment " * 40,
    "zero width joiners": "👩‍👩‍👧‍👦 क्‍ष ‌ \u2060 \ufeff " * 30,
    "arabic": "# عروض الأسبوع\n\nمرحبا {{ subscriber.first_name }}، هذه عروضنا (OPA2192) ١٢٣.\n\n- مقاومات\n- مكثفات",
    "bidi marks": "a\u200fb \u2066c\u2069 d\u200e e",
    "chinese": "第四十七周：电阻、电容与一个周末电路。" * 120,
    "thai without spaces": "ตัวต้านทานและตัวเก็บประจุ" * 80,
    "combining marks": "Zalgo: " + ("e" + "\u0301\u0330" * 20 + " ") * 30,
    "equals signs": "= =3D =\n\n==== ===\n\na=b=c=" + "=" * 300,
    "a table": "| part | price | stock |\n|:--|--:|:-:|\n" + "| 10 kΩ \\| 1 % | 0.02 € | 10 000 |\n" * 60,
    "every mark of markdown": "# A\n\n## B\n\n> q\n>> r\n\n1. a\n   - b\n     - c\n\n---\n\n**b** *i*\n\n```\nx\n```",
    "boundaries": "--=_0123456789abcdef01234567\n\n--=_\n\n--\n\n-- \n\nContent-Type: text/html",
    "a choice": "{% if subscriber.vip %}\n.VIP {{ subscriber.city }}\n{% else %}\nFrom Ulm\n{% endif %}",
    "holes side by side": "{{ subscriber.first_name }}{{ subscriber.city }}{{ subscriber.points }}.",
    "german": "# Grüße\n\nHallo {{ subscriber.first_name | default('du') }}, „Ohm“ & ‚Volt‘ … – 10 kΩ.",
    "ninety kilobytes": "\n\n".join(f"Paragraph {n}: " + "ohm & volt – " * 12 for n in range(290)),
}

#: Merge fields, and what a reader is called in the text part.
NAMES: Mapping[str, tuple[dict[str, Any], str]] = {
    "plain": ({"first_name": "Ada"}, "Ada"),
    "missing": ({}, ""),
    "quotes": ({"first_name": 'Grace "Amazing" O\'Hopper'}, 'Grace "Amazing" O\'Hopper'),
    "backslashes and commas": ({"first_name": "a\\\\b, c; d"}, "a\\\\b, c; d"),
    "angle brackets": (
        {"first_name": "<eve@x.example>, Bob <b@x.example>"},
        "<eve@x.example>, Bob <b@x.example>",
    ),
    "encoded-word": ({"first_name": "=?utf-8?q?x?="}, "=?utf-8?q?x?="),
    "a dot": ({"first_name": "."}, "."),
    "a from line": ({"first_name": "From me"}, "From me"),
    "emoji": ({"first_name": "👩🏽‍🔬 Ada ❤️"}, "👩🏽‍🔬 Ada ❤️"),
    "arabic": ({"first_name": "أحمد"}, "\u2068أحمد\u2069"),
    "chinese": ({"first_name": "王小明"}, "王小明"),
    "header": ({"first_name": "a\r\nBcc: eve@x.example\r\n\r\n.\r\n"}, "a Bcc: eve@x.example . "),
    "overrides": ({"first_name": "\u202eadA\u202c"}, " adA "),
    "template": ({"first_name": "{{ 7 * 7 }}{% if %}"}, "{{ 7 * 7 }}{% if %}"),
    "equals signs": ({"first_name": "=3D=\n="}, "=3D= ="),
    "very long": ({"first_name": "Ö" * 300}, "Ö" * 255 + "…"),
    "a boundary": ({"first_name": "\r\n--=_0123456789abcdef01234567--"}, " --=_0123456789abcdef01234567--"),
}

ADDRESSES: tuple[EmailAddress, ...] = (
    parse_address("Ada@example.net"),
    parse_address("o'hara+tag/x=y@sub.example.net"),
    parse_address("a" * 64 + "@" + ".".join(["d" * 61, "e" * 61, "f" * 61, "com"])),
    parse_address("{|}~!#$%&'*@example.net"),
    parse_address("ada@bücher.example"),
    parse_address("ada=b?c=@example.net"),
)

#: Names that a sender may have; each must come back as it is.
SENDERS: tuple[str, ...] = (
    "", "Ohm & Volt", "Bäcker & Söhne GmbH", "Doe, Jane", "\\", 'The "best" <parts>', "=?utf-8?q?x?=", "a.b", "(shop)",
    "日本電気部品株式会社ニュースレター編集部", "متجر أوم وفولت", "Ω", "x" * 120, "The shop " * 20 + "end",
    '"' * 58, "Ohm; Volt: @home",
    "Ohm\u00a0& Volt", "é" * 33 + "x", "a =? b",
)  # fmt: skip


#: Titles of lists, their names in [lists] and their identifiers.
LISTS: tuple[ListIdentity, ...] = tuple(
    ListIdentity(name, title, list_id, Mailbox("Ohm & Volt", parse_address("news@shop.example")))
    for name, title, list_id in (
        ("weekly", "Ohm Weekly", "weekly.lists.shop.example"),
        ("parts", 'Parts, "cheap" \\ <fast>', "parts.lists.shop.example"),
        ("encoded", "=?utf-8?q?Parts?=", "encoded.lists.shop.example"),
        ("kanji", "部品だより", "kanji.lists.shop.example"),
        ("long", "All that is new on the shelves, " * 5 + "weekly", "long.lists.shop.example"),
        ("deep", "Deep", ".".join(["deep" * 12] * 4) + ".shop.example"),
        ("newsletter", "Newsletter", "newsletter.shop.example"),
    )
)
CURIOUS_SITE = SiteIdentity(
    name="Öhm & <Volt>",
    legal_name='Öhm & "Volt" <GmbH> 部品',
    base_url="https://xn--hm-eka.example",
    postal_address="Lötstraße 12 & 14,\n10115 Berlin – Mitte\nDeutschland",
    privacy_contact="datenschutz+öhm@shop.example",
    imprint_url="https://shop.example/impressum?a=1&b=%C3%BC",
    unsubscribe_address="leave+list@news.shop.example",
    message_id_domain="news.shop.example",
)


def compiled(
    subject: str = "Week 47",
    body: str = "Hello {{ subscriber.first_name }}.",
    *,
    list_: ListIdentity = WEEKLY,
    site: SiteIdentity = SITE,
    language: str = "en",
    message_class: MessageClass = MessageClass.CAMPAIGN,
    fields: Mapping[str, FieldSpec] = FIELDS,
    kind: Any = "markdown",
) -> CompiledMessage:
    """A campaign through the author, the layout, MJML and the wire, as any other."""
    source = MessageSource(
        slug="week-47", subject=subject, preheader="What is new – 部品 & <more>", language=language,
        body=Body(body, kind, "campaigns/week-47/campaign.md"),
    )  # fmt: skip
    renderer = Renderer(template_dirs=[Path("no-templates"), bundled("templates")], site=site, fields=fields)
    return renderer.compile(source, list_, message_class=message_class)


def confirmation(
    list_: ListIdentity = WEEKLY, *, site: SiteIdentity = SITE, language: str = "en"
) -> CompiledMessage:
    """The mail that asks whether a sign-up was meant."""
    renderer = Renderer(template_dirs=[bundled("templates")], site=site, fields=FIELDS)
    return renderer.compile_confirmation(language=language, list_=list_)


_GATE = Gate()


def sent(message: CompiledMessage, fields: Mapping[str, Any] | None = None, **changes: Any) -> Scanned:
    """One copy, filled, past the gate, and read by the scanner."""
    who = recipient(dict(fields or {}), **changes)
    filled = message.fill(who)
    data = _GATE.check(filled, message.message_class, expected=message.expected(who))
    return scan(bytes(data), utf8=filled.needs_smtputf8)
