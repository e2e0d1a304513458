"""Law 4: each way of leaving without a way out, and how the gate names it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from email.message import EmailMessage
from email.parser import BytesParser

import pytest

from mailer.rendering import CompiledMessage, Expected, Gate, MessageClass, NoWayOut
from mailer.rendering.gate import CHECKS
from mailer.rendering.program import Program, Static
from tests.rendering.wire.cast import (
    FOOTER_TEXT,
    UNSUBSCRIBE,
    WEEKLY,
    changed,
    compiled,
    confirmation,
    href_hole,
    html_foot,
    html_hole,
    page,
    recipient,
    text_foot,
    text_hole,
    when,
)

ADA = recipient({"first_name": "Ada"})


def refused(message: CompiledMessage, change: Callable[[bytes], bytes] = bytes, **expected: str) -> str:
    filled = message.fill(ADA)
    other = changed(filled, change)
    with pytest.raises(NoWayOut) as error:
        Gate().check(other, message.message_class, expected=message.expected(ADA)._replace(**expected))
    return str(error.value)


def passes(message: CompiledMessage) -> None:
    Gate().check(message.fill(ADA), message.message_class, expected=message.expected(ADA))


def without(field: str) -> Callable[[bytes], bytes]:
    return lambda data: re.sub(
        rf"^{field}: .*\r\n(?:[ \t].*\r\n)*".encode(), b"", data, count=1, flags=re.MULTILINE
    )


@pytest.mark.rule("F3", "B8")
def test_a_good_message_of_each_class_passes() -> None:
    passes(compiled())
    passes(compiled(message_class=MessageClass.PROOF))
    passes(confirmation())


def test_every_class_has_its_row_of_checks() -> None:
    assert set(CHECKS) == set(MessageClass)


@pytest.mark.rule("A1", "A2", "A21", "A25", "A31", "B8")
@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (without("List-Unsubscribe-Post"), "List-Unsubscribe-Post field is missing"),
        (without("List-Unsubscribe"), "does not hold this recipient's link"),
        (lambda data: data.replace(b"One-Click\r\n", b"One-Click \r\n"), "not exact"),
        (lambda data: data.replace(b"-Post: List", b"-Post:  List"), "not exact"),
        (lambda data: data.replace(b"/u/uAAAA", b"/u/uBBBB", 1), "does not hold this recipient's link"),
        (without("Date"), "exactly one Date"),
        (without("Message-ID"), "exactly one Message-ID"),
        (lambda data: b"Subject: again\r\n" + data, "exactly one Subject"),
        (lambda data: b'List-Id: "x" <y.z>\r\n' + data, "more than one List-Id"),
        (lambda data: b"Bcc: x@y.example\r\n" + data, "Bcc"),
        (
            lambda data: data.replace(b"To: Ada@example.net", b"To: a@b.example, c@d.example"),
            "exactly one mailbox",
        ),
        (lambda data: data.replace(b"Hello", b"Hel\nlo", 1), "bare CR or LF"),
        (lambda data: data.replace(b"Hello", b"Hel\rlo", 1), "bare CR or LF"),
        (lambda data: data.replace(b"Hello", b"H\0ello", 1), "NUL"),
        (lambda data: data.replace(b"Hello", b"x" * 80, 1), "76 columns"),
        (lambda data: b"X-Long: " + b"x" * 1000 + b"\r\n" + data, "998"),
        (lambda data: data.replace(b"text/plain", b"text/x-odd"), "text part followed by an HTML part"),
        (
            lambda data: data.replace(b"multipart/alternative", b"multipart/mixed"),
            "text part followed by an HTML part",
        ),
        (lambda data: data.replace(b"charset=utf-8", b"charset=latin-1"), "UTF-8"),
        (lambda data: data.replace(b'"=_', b'"=-'), "defect"),
        (lambda data: data.replace(b"List-Id: ", b"List-Id: =?utf-8?q?x?= "), "encoded"),
    ],
)
def test_damaged_bytes_are_refused(change: Callable[[bytes], bytes], reason: str) -> None:
    assert reason in refused(compiled(), change)


@pytest.mark.rule("F3", "E3")
@pytest.mark.parametrize(
    "head_or_wrapper",
    [
        "<style>a{display:none}</style>",
        "<style>@media screen{a{display:none!important}}</style>",
        "<style>div p{font-size:0}</style>",
        "<style>body{opacity:0}</style>",
        "<style>p{position:absolute;left:-9999px}</style>",
        "<style>div{max-height:0;overflow:hidden}</style>",
        "<style>a, p {color: transparent}</style>",
        "<style>div{visibility:hidden}</style>",
        "<style>p{clip-path:inset(100%)}</style>",
        "<style>div{text-indent:-9999px}</style>",
        "<style>div{transform:scale(0)}</style>",
        "<style>*{mso-hide:all}</style>",
    ],
)
def test_a_style_rule_that_hides_the_way_out_is_refused(head_or_wrapper: str) -> None:
    assert "HTML part" in refused(compiled(html=page(Static("<h1>Hi</h1>"), head=head_or_wrapper)))


@pytest.mark.rule("F3", "E3")
@pytest.mark.parametrize(
    "open_",
    [
        "<!--",
        "<!--[if mso]>",
        "<textarea>",
        "<style>",
        "<script>",
        "<title>",
        "<template>",
        "<noscript>",
        "<select>",
        "<div hidden>",
        '<div style="display:none">',
        '<div style="font-size:0">',
        "<xmp>",
        "<iframe>",
        '<div style="height:0;overflow:hidden">',
        "<object>",
        "<plaintext>",
        '<a title="',
    ],
)
def test_markup_that_swallows_the_way_out_is_refused(open_: str) -> None:
    assert "the HTML part" in refused(compiled(html=page(Static("<p>Hello</p>" + open_))))


@pytest.mark.parametrize(
    "harmless",
    [
        "<style>.x{display:none}</style>",
        "<style>@media print{a{display:none}}</style>",
        "<style>a{color:red}</style>",
        "<style>div{font-size:0}p{font-size:14px}</style>",
        "<style>td{height:0}</style>",
        "<style>a:hover{}</style>",
        "<style>a::after{content:'x';display:none}</style>",
        "<style>a{</style>",
        "<style>!!!</style>",
        "<style>a{display:none}a{display:inline}</style>",
    ],
)
def test_rules_that_hide_nothing_pass(harmless: str) -> None:
    passes(compiled(html=page(head=harmless)))


def test_an_inline_important_style_beats_a_hiding_rule() -> None:
    html = page(
        Static(
            f'<p style="display:block!important">{FOOTER_TEXT}</p><a style="display:inline!important" href="'
        ),
        href_hole("unsubscribe_url"),
        Static('">Unsubscribe</a>'),
        head="<style>a,p{display:none!important}</style>",
        foot=(),
    )
    passes(compiled(html=html))


@pytest.mark.rule("F3")
def test_a_link_without_words_is_no_way_out() -> None:
    foot = html_foot(label="<img src='x'>")
    assert "no visible unsubscribe link" in refused(compiled(html=page(foot=foot)))


@pytest.mark.rule("F3", "E4")
def test_a_text_part_without_the_link_on_its_own_is_refused() -> None:
    text: Program = (Static(FOOTER_TEXT + " leave:("), text_hole("unsubscribe_url"), Static(")\n"))
    assert "text part has no unsubscribe link" in refused(compiled(text=text))


@pytest.mark.rule("C12", "F7")
@pytest.mark.parametrize("missing", ["Ohm Weekly", "Lötstraße 12, 10115 Berlin", "privacy@shop.example"])
def test_who_sends_must_be_said_in_both_parts(missing: str) -> None:
    kept = FOOTER_TEXT.replace(missing, "…")
    html = page(
        Static(f'<p>{kept}</p><a href="'), href_hole("unsubscribe_url"), Static('">Leave now</a>'), foot=()
    )
    assert f"the HTML part does not visibly say `{missing}`" in refused(compiled(html=html))
    text: Program = (Static(kept + "\n"), text_hole("unsubscribe_url"), Static("\n"))
    assert f"the text part does not say `{missing}`" in refused(compiled(text=text))


@pytest.mark.rule("C12")
@pytest.mark.parametrize("title", ["Ohm  Weekly", "Ohm\u00a0Weekly", "Ohm\u200bWeekly", 'Öhm <& Co> "x"'])
def test_an_odd_title_is_recognised_in_both_parts(title: str) -> None:
    written = title.replace("&", "&amp;").replace("<", "&lt;")
    html = page(
        Static(f'<p>{FOOTER_TEXT} {written}</p><a href="'),
        href_hole("unsubscribe_url"),
        Static('">Leave now</a>'),
        foot=(),
    )
    text: Program = (Static(f"{FOOTER_TEXT} {title}\n"), text_hole("unsubscribe_url"), Static("\n"))
    passes(compiled(html=html, text=text, list_=replace(WEEKLY, title=title)))


@pytest.mark.rule("A31")
def test_an_empty_part_is_refused() -> None:
    assert "text part is empty" in refused(compiled(text=()))
    assert "HTML part shows nothing" in refused(compiled(html=(Static("<p hidden>x</p>"),)))


@pytest.mark.rule("C6", "A85")
def test_system_mail_must_not_carry_the_one_click_pair() -> None:
    extra = b"List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"
    assert "must not carry List-Unsubscribe-Post" in refused(confirmation(), lambda data: extra + data)
    assert "Auto-Submitted" in refused(confirmation(), without("Auto-Submitted"))


@pytest.mark.rule("D10")
def test_a_confirmation_needs_its_not_me_link() -> None:
    message = compiled(
        html=page(foot=html_foot("confirm_url")),
        text=text_foot("confirm_url"),
        message_class=MessageClass.CONFIRMATION,
    )
    assert "not-me link" in refused(message)


@pytest.mark.rule("A90")
def test_a_proof_without_its_mark_is_refused() -> None:
    proof = compiled(message_class=MessageClass.PROOF)
    assert "proof" in refused(proof, lambda data: data.replace(b"[Proof] ", b""))


def test_the_link_of_somebody_else_is_refused_even_for_a_known_shape() -> None:
    message, gate = compiled(), Gate()
    gate.check(message.fill(ADA), message.message_class, expected=message.expected(ADA))
    other = recipient(unsubscribe_url=UNSUBSCRIBE.replace("uAAAA", "uZZZZ"))
    with pytest.raises(NoWayOut, match="List-Unsubscribe field"):
        gate.check(message.fill(other), message.message_class, expected=message.expected(ADA))


@pytest.mark.parametrize(("place", "reason"), [(1, "text part has no"), (2, "HTML part has no visible")])
def test_each_place_is_looked_at_for_every_message(place: int, reason: str) -> None:
    message, gate = compiled(), Gate()
    filled = message.fill(ADA)
    gate.check(filled, message.message_class, expected=message.expected(ADA))
    pieces = filled.data.split(b"/u/uAAAA")
    broken = b"".join(
        piece + (b"/u/uZZZZ" if n == place else b"/u/uAAAA") for n, piece in enumerate(pieces[:-1])
    )
    other = changed(filled, lambda _: broken + pieces[-1])
    with pytest.raises(NoWayOut, match=reason):
        gate.check(other, message.message_class, expected=message.expected(ADA))


def test_a_message_without_any_known_link_is_refused() -> None:
    message = compiled()
    gate = Gate()
    gate.check(message.fill(ADA), message.message_class, expected=message.expected(ADA))
    with pytest.raises(NoWayOut, match="does not hold this recipient's link"):
        gate.check(message.fill(ADA), message.message_class, expected=Expected(""))


def test_every_branch_is_checked_once_it_is_taken() -> None:
    hides = (Static("<textarea>"),)
    message, gate = compiled(html=page(when("subscriber.vip", hides), html_hole("subscriber.city"))), Gate()
    gate.check(message.fill(ADA), message.message_class, expected=message.expected(ADA))
    vip = recipient({"vip": True})
    with pytest.raises(NoWayOut):
        gate.check(message.fill(vip), message.message_class, expected=message.expected(vip))


def test_a_part_nested_beyond_reading_is_refused() -> None:
    deep = "<b><div>" * 3000
    assert "cannot be read (RecursionError)" in refused(compiled(html=page(Static(deep))))


@pytest.mark.parametrize("encoding", ["x-unknown", "8bit", "base64"])
def test_a_part_in_another_encoding_is_refused(encoding: str) -> None:
    wrong = f"Content-Transfer-Encoding: {encoding}".encode()
    right = b"Content-Transfer-Encoding: quoted-printable"
    assert refused(compiled(), lambda data: data.replace(right, wrong))


def test_a_known_shape_is_read_in_full_only_once(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[bytes] = []
    parse = BytesParser.parsebytes

    def noted(parser: BytesParser[EmailMessage], data: bytes) -> EmailMessage:
        read.append(data)
        return parse(parser, data)

    monkeypatch.setattr(BytesParser, "parsebytes", noted)
    message, gate = compiled(), Gate()
    for _ in range(100):
        gate.check(message.fill(ADA), message.message_class, expected=message.expected(ADA))
    assert len(read) == 1
