"""Compile once, fill per recipient: the laws of the bytes that leave."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mailer.addresses import EmailAddress, Mailbox, parse_address
from mailer.rendering import CompiledMessage, Gate, Unrenderable
from mailer.rendering.identity import ListIdentity, SiteIdentity
from mailer.rendering.program import Program, Static
from mailer.rendering.wire.artefact import ArtefactUnreadable, MessageClass
from mailer.rendering.wire.characters import isolated
from mailer.rendering.wire.headers import HeaderUnsafe
from tests.rendering.wire.cast import (
    SENDER,
    SITE,
    UNSUBSCRIBE,
    WEEKLY,
    compiled,
    confirmation,
    href_hole,
    html_hole,
    page,
    recipient,
    text_foot,
    text_hole,
    url_hole,
    when,
)

HOSTILE = [
    "a\r\nBcc: eve@x.example", "\n.\n", "\r.\r", "\r\n.\r\n", "\x00", "a\u2028b", "\x1cX-Evil: 1", "\x85\x0b\x0c",
    "\r\n--=_", '"><script>alert(1)</script>', "{{ 7*7 }}", "=?utf-8?q?x?=", "From me", ".", " ", "\u202eabc",
    "=\r\n", "-->", "\ud800",
]  # fmt: skip
values = st.one_of(
    st.sampled_from(HOSTILE), st.text(max_size=300), st.lists(st.sampled_from(HOSTILE)).map("".join)
)
fields = st.fixed_dictionaries({"first_name": values, "city": values, "shop_url": values})

MESSAGE = compiled(
    subject=(
        Static("Hello "),
        text_hole("subscriber.first_name"),
        Static(": news from "),
        text_hole("subscriber.city"),
    ),
    html=page(
        Static("<p>.Dear "),
        html_hole("subscriber.first_name"),
        html_hole("subscriber.city"),
        when("subscriber.vip", (Static("<b>VIP "), html_hole("subscriber.city"), Static("</b>"))),
        Static('</p><a href="https://shop.example/c/'),
        url_hole("subscriber.city"),
        Static('">ü Shop</a><a href="'),
        href_hole("subscriber.shop_url"),
        Static('">Yours</a>'),
    ),
    text=(
        Static(".Dear "),
        text_hole("subscriber.first_name"),
        Static("\nFrom "),
        text_hole("subscriber.city"),
        when("subscriber.vip", (Static("VIP\n"),), (Static("not yet"),)),
        *text_foot(),
    ),
)


def parse(data: bytes) -> EmailMessage:
    return BytesParser(EmailMessage, policy=policy.SMTP).parsebytes(data)


def parts(message: EmailMessage) -> tuple[str, str]:
    text, html = message.iter_parts()
    assert isinstance(text, EmailMessage) and isinstance(html, EmailMessage)
    return str(text.get_content()), str(html.get_content())


def shown(value: str) -> str:
    return isolated(value)


@pytest.mark.rule("A29", "D13", "A25", "A28")
@given(fields, st.booleans())
@example({"first_name": HOSTILE[0], "city": HOSTILE[7], "shop_url": ""}, True)
def test_no_value_can_add_a_header_or_break_a_line(values: dict[str, str], vip: bool) -> None:
    data = MESSAGE.fill(recipient({**values, "vip": vip})).data
    assert not re.search(rb"\r(?!\n)|(?<!\r)\n|\x00", data)
    head, body = data.split(b"\r\n\r\n", 1)
    assert len(parse(data).items()) == len(parse(MESSAGE.fill(recipient()).data).items())
    assert all(len(line) <= 998 for line in head.split(b"\r\n"))
    assert all(len(line) <= 76 and not line.startswith((b".", b"From ")) for line in body.split(b"\r\n"))
    assert data.isascii()


@given(fields)
def test_a_strict_parser_finds_no_defect(values: dict[str, str]) -> None:
    message = parse(MESSAGE.fill(recipient(values)).data)
    assert not message.defects
    assert not [value.defects for value in message.values() if value.defects]
    assert not any(part.defects for part in message.iter_parts())


@pytest.mark.rule("A31", "A33")
@given(fields)
def test_both_parts_decode_to_what_was_meant(values: dict[str, str]) -> None:
    text, _ = parts(parse(MESSAGE.fill(recipient(values)).data))
    name, city = shown(values["first_name"]), shown(values["city"] or "Berlin")
    assert text.replace("\r\n", "\n").startswith(f".Dear {name}\nFrom {city}not yet\n-- \n")


@pytest.mark.rule("D15")
@given(fields)
def test_html_values_are_inert(values: dict[str, str]) -> None:
    _, html = parts(parse(MESSAGE.fill(recipient(values)).data))
    assert html.count("<") == parts(parse(MESSAGE.fill(recipient()).data))[1].count("<")
    assert "script>" not in html


@given(fields)
def test_the_gate_passes_whatever_a_subscriber_typed(values: dict[str, str]) -> None:
    who = recipient(values)
    Gate().check(MESSAGE.fill(who), MESSAGE.message_class, expected=MESSAGE.expected(who))


@given(fields, st.booleans())
def test_a_frozen_message_fills_to_the_same_bytes(values: dict[str, str], vip: bool) -> None:
    again = CompiledMessage.from_bytes(MESSAGE.to_bytes())
    who = recipient({**values, "vip": vip})
    assert again.fill(who) == MESSAGE.fill(who)
    assert again.hash == MESSAGE.hash


@pytest.mark.rule("B17", "A36")
@given(fields, st.booleans())
def test_the_size_bounds_hold(values: dict[str, str], vip: bool) -> None:
    who = recipient({**values, "vip": vip})
    assert len(MESSAGE.html(who).encode()) <= MESSAGE.html_size_bound
    assert len(MESSAGE.fill(who).data) <= MESSAGE.size_bound


def test_the_shape_tells_branches_apart_and_not_values() -> None:
    shapes = {
        MESSAGE.fill(recipient({"first_name": name, "vip": vip})).shape
        for name in "ab"
        for vip in (True, False)
    }
    assert len(shapes) == 2


def test_the_same_source_compiles_to_the_same_hash() -> None:
    assert compiled().hash == compiled().hash
    assert compiled().hash != compiled(subject=(Static("Week 48"),)).hash


@pytest.mark.parametrize(
    "data", [b"", b"{}", b"[]", b"\xff", b'{"format":2}', b'{"format":1,"html":[{"x":1}]}']
)
def test_a_damaged_artefact_is_named(data: bytes) -> None:
    with pytest.raises(ArtefactUnreadable, match="compile the campaign again"):
        CompiledMessage.from_bytes(data)


def test_a_declared_default_fills_an_empty_field() -> None:
    text = MESSAGE.text(recipient({"first_name": "Ada", "city": ""}))
    assert "From Berlin" in text


def test_a_number_and_a_boolean_stored_as_text_are_understood() -> None:
    message = compiled(
        text=(
            when("subscriber.points > 9", (Static("many"),), (Static("few"),)),
            when("subscriber.vip", (Static(" vip"),)),
            *text_foot(),
        )
    )
    assert message.text(recipient({"points": "10", "vip": "true"})).startswith("many vip")
    assert message.text(recipient({"points": "9", "vip": "false"})).startswith("few\n")


def test_nested_choices_take_every_way() -> None:
    inner = when("subscriber.points > 5", (Static("A"), text_hole("subscriber.city")), (Static("B"),))
    message = compiled(
        text=(when("subscriber.vip", (inner, Static("C")), (inner, Static("D"))), *text_foot())
    )
    seen = {
        message.text(recipient({"vip": vip, "points": points, "city": "X"})).split("\n")[0]
        for vip in (True, False)
        for points in (0, 9)
    }
    assert seen == {"AXC", "BC", "AXD", "BD"}


def test_an_expression_that_fails_on_a_value_names_no_value() -> None:
    message = compiled(text=(text_hole("subscriber.city + 1"), *text_foot()))
    with pytest.raises(Unrenderable) as error:
        message.fill(recipient({"city": "secret town"}))
    assert "secret" not in str(error.value)


@pytest.mark.rule("A5", "A26")
@pytest.mark.parametrize(
    "changes",
    [
        {"unsubscribe_url": ""},
        {"unsubscribe_url": "http://shop.example/u/x"},
        {"unsubscribe_url": "https://shop.example/u/x y"},
        {"unsubscribe_url": "https://shop.example/u/x>\r\nBcc: a"},
        {"unsubscribe_url": "https://shop.example/u/x."},
        {"unsubscribe_url": "https://shop.example/u/x#y"},
        {"message_id": "no-at"},
        {"message_id": "a@b>\r\nX: y"},
    ],
)
def test_a_malformed_identifier_stops_the_message(changes: dict[str, Any]) -> None:
    with pytest.raises(Unrenderable, match="malformed"):
        compiled().fill(recipient(**changes))


def test_a_loopback_site_may_link_in_clear_text() -> None:
    url = "http://127.0.0.1:8025/u/abc"
    who = recipient(unsubscribe_url=url)
    message = compiled()
    Gate().check(message.fill(who), message.message_class, expected=message.expected(who))
    assert url in message.text(who)


@pytest.mark.rule("A67")
def test_a_local_part_outside_ascii_asks_for_smtputf8() -> None:
    who = recipient(address=parse_address("jürgen@example.net"))
    message = compiled()
    filled = message.fill(who)
    assert filled.needs_smtputf8
    assert "To: jürgen@example.net".encode() in filled.data
    Gate().check(filled, message.message_class, expected=message.expected(who))
    assert not message.fill(recipient()).needs_smtputf8


@pytest.mark.rule("A67")
@pytest.mark.parametrize(("local", "needed"), [("news", False), ("jürgen", True)])
def test_a_sender_outside_ascii_asks_for_smtputf8_in_every_message(local: str, needed: bool) -> None:
    sender = Mailbox("Shop", EmailAddress(local, "shop.example"))
    message = compiled(list_=replace(WEEKLY, from_mailbox=sender))
    assert message.needs_smtputf8 is needed
    assert message.fill(recipient()).needs_smtputf8 is needed


def test_threads_share_one_message() -> None:
    people = [recipient({"first_name": f"Ada{n}", "vip": n % 3 == 0}) for n in range(200)]
    with ThreadPoolExecutor(4) as pool:
        filled = list(pool.map(MESSAGE.fill, people))
    assert filled == [MESSAGE.fill(person) for person in people]


class TestHeaders:
    def header(self, message: CompiledMessage, **changes: Any) -> dict[str, str]:
        head = message.fill(recipient(**changes)).data.decode().split("\r\n\r\n")[0]
        return dict(line.split(": ", 1) for line in head.replace("\r\n ", "\n ").split("\r\n"))

    @pytest.mark.rule("A1", "A2", "A3", "A4", "B8")
    def test_the_one_click_pair_is_exact_and_unfolded(self) -> None:
        header = self.header(compiled())
        assert header["List-Unsubscribe"] == f"<{UNSUBSCRIBE}>"
        assert header["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"

    @pytest.mark.rule("A3", "A4")
    def test_a_link_of_300_characters_survives_with_body_lines_of_76(self) -> None:
        url = "https://news.shop.example/u/" + "x" * 300
        data = compiled().fill(recipient(unsubscribe_url=url)).data
        head, body = data.split(b"\r\n\r\n", 1)
        assert f"List-Unsubscribe: <{url}>\r\n".encode() in head
        assert max(map(len, body.split(b"\r\n"))) <= 76

    @pytest.mark.rule("A19")
    def test_mailto_appears_only_when_an_intake_is_set(self) -> None:
        assert "mailto" not in self.header(compiled())["List-Unsubscribe"]
        site = SiteIdentity(**{**vars_of(SITE), "unsubscribe_address": "leave@news.shop.example"})
        value = self.header(compiled(site=site))["List-Unsubscribe"]
        token = UNSUBSCRIBE.rsplit("/", 1)[1]
        assert value == f"<{UNSUBSCRIBE}>,\n <mailto:leave@news.shop.example?subject=unsubscribe%20{token}>"

    @pytest.mark.rule("A21", "A22", "A23")
    def test_the_list_fields_come_from_the_settings(self) -> None:
        header = self.header(compiled())
        assert header["List-Id"] == '"Ohm Weekly" <weekly.lists.shop.example>'
        assert header["List-Owner"] == "<mailto:privacy@shop.example>"
        assert header["List-Help"] == "<mailto:privacy@shop.example?subject=help>"
        assert header["List-Post"] == "NO"

    @pytest.mark.rule("A22")
    def test_a_list_title_outside_ascii_is_left_out_of_the_list_id(self) -> None:
        list_ = ListIdentity("weekly", "Straßenkunde 日", "weekly.lists.shop.example", SENDER)
        text = (Static("Straßenkunde 日\n"), *text_foot())
        assert self.header(compiled(list_=list_, text=text))["List-Id"] == "<weekly.lists.shop.example>"

    @pytest.mark.rule("B10")
    @pytest.mark.parametrize("slug", ["week-47", "weekly", "newsletter", "ünïcode:x"])
    def test_the_feedback_id_has_four_different_values_and_a_short_sender(self, slug: str) -> None:
        values = self.header(compiled(slug=slug))["Feedback-ID"].split(":")
        assert len(values) == len(set(values)) == 4
        assert re.fullmatch(r"[A-Za-z0-9]{5,15}", values[-1])

    @pytest.mark.rule("A85", "C6")
    def test_a_confirmation_is_system_mail_without_the_one_click_pair(self) -> None:
        header = self.header(confirmation())
        assert header["Auto-Submitted"] == "auto-generated"
        assert not [
            name for name in header if name.startswith("List-") or name in ("Precedence", "Feedback-ID")
        ]

    @pytest.mark.rule("A90")
    def test_a_proof_is_marked_and_keeps_the_real_headers(self) -> None:
        header = self.header(compiled(message_class=MessageClass.PROOF))
        assert header["Subject"] == "[Proof] Week 47"
        assert header["X-Mailer-Proof"] == "yes"
        assert header["List-Unsubscribe"] == f"<{UNSUBSCRIBE}>"

    @pytest.mark.rule("A25")
    def test_reply_to_stands_only_when_it_is_set(self) -> None:
        assert "Reply-To" not in self.header(compiled())
        reply = ListIdentity(
            "weekly",
            "Ohm Weekly",
            "weekly.lists.shop.example",
            SENDER,
            Mailbox("Ünal", parse_address("u@shop.example")),
        )
        assert self.header(compiled(list_=reply))["Reply-To"] == "=?utf-8?q?=C3=9Cnal?= <u@shop.example>"

    @pytest.mark.rule("A29")
    @pytest.mark.parametrize("bad", ["\n", "\r\nBcc: x@y.example", "\u2028", "\x1c"])
    def test_a_subject_with_a_line_break_is_refused_when_compiled(self, bad: str) -> None:
        with pytest.raises(HeaderUnsafe):
            compiled(subject=(Static(f"a{bad}b"),))

    @pytest.mark.rule("A88")
    def test_no_arc_and_no_form_sub(self) -> None:
        assert not [name for name in self.header(compiled()) if name.startswith("ARC") or name == "Form-Sub"]


class TestMime:
    @pytest.mark.rule("A31")
    def test_text_first_then_html_both_in_utf8(self) -> None:
        message = parse(compiled().fill(recipient()).data)
        assert message.get_content_type() == "multipart/alternative"
        assert [(part.get_content_type(), part.get_content_charset()) for part in message.iter_parts()] == [
            ("text/plain", "utf-8"),
            ("text/html", "utf-8"),
        ]

    @pytest.mark.rule("A32")
    @given(st.text(st.characters(codec="utf-8"), max_size=200))
    def test_the_boundary_is_short_and_in_no_part(self, text: str) -> None:
        message = compiled(text=(Static(text + "--=_"), *text_foot()))
        boundary = f"--{message.artefact.boundary}".encode()
        data = message.fill(recipient({"first_name": "--=_"})).data
        assert len(boundary) <= 72
        assert data.count(boundary) == 3

    def test_a_body_of_dots_and_from_lines_needs_no_stuffing(self) -> None:
        lines = ".\n..\n.x\nFrom Monday\n"
        data = compiled(text=(Static(lines), *text_foot())).fill(recipient()).data
        assert not re.search(rb"^(\.|From )", data.split(b"\r\n\r\n", 1)[1], re.MULTILINE)
        assert parts(parse(data))[0].replace("\r\n", "\n").startswith(lines)

    def test_a_megabyte_body_compiles(self) -> None:
        big: Program = (Static("<p>" + "ä" * 1_000_000 + "</p>"),)
        message = compiled(html=page(*big))
        assert message.html_size_bound > 2_000_000
        assert "ä" * 1000 in message.html(recipient())


def vars_of(site: SiteIdentity) -> dict[str, Any]:
    return {name: getattr(site, name) for name in SiteIdentity.__slots__}
