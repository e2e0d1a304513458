"""Parts become a message: the fields of each class, the bounds, the pieces."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailer.rendering.identity import ListIdentity, SiteIdentity
from mailer.rendering.program import Choice, HoleContext, Program, Static, Value
from mailer.rendering.wire.artefact import MessageClass
from mailer.rendering.wire.characters import VALUE_LIMIT
from mailer.rendering.wire.encode import SOFT_BREAK
from mailer.rendering.wire.mime import feedback_id, list_id
from tests.rendering.wire.cast import (
    FIELDS,
    SENDER,
    SITE,
    WEEKLY,
    compiled,
    href_hole,
    html_hole,
    page,
    recipient,
    text_foot,
    text_hole,
    url_hole,
    when,
)


@pytest.mark.rule("A22")
@pytest.mark.parametrize(
    ("title", "value"),
    [
        ("Ohm Weekly", '"Ohm Weekly" <weekly.lists.shop.example>'),
        ('The "best" parts', '"The \\"best\\" parts" <weekly.lists.shop.example>'),
        ("back\\slash", '"back\\\\slash" <weekly.lists.shop.example>'),
        ("Bücherbrief", "<weekly.lists.shop.example>"),
        ("日本", "<weekly.lists.shop.example>"),
        ("tab\there", "<weekly.lists.shop.example>"),
        ("x" * 60, f'"{"x" * 60}"\r\n <weekly.lists.shop.example>'),
    ],
)
def test_the_list_id_is_a_phrase_in_ascii_and_the_identifier(title: str, value: str) -> None:
    assert list_id(replace(WEEKLY, title=title)) == value


@pytest.mark.rule("A22")
def test_angle_brackets_in_the_settings_are_not_doubled() -> None:
    assert list_id(replace(WEEKLY, list_id="<a.b.example>")) == '"Ohm Weekly" <a.b.example>'


@pytest.mark.rule("B10")
@given(st.text(max_size=80), st.text(max_size=80), st.sampled_from(list(MessageClass)))
def test_any_feedback_id_has_four_clean_values(slug: str, name: str, message_class: MessageClass) -> None:
    values = feedback_id(slug, name, message_class, SITE).split(":")
    assert len(values) == len(set(values)) == 4
    assert all(value and value.isascii() and value.isprintable() and " " not in value for value in values)


@pytest.mark.rule("B10")
@pytest.mark.parametrize(
    ("base_url", "sender"),
    [
        ("https://news.shop.example", "newsshopexample"),
        ("https://www.shop.example", "shopexample"),
        ("https://a.very.long.host.of.a.shop.example", "averylonghostof"),
        ("http://127.0.0.1:8025", "127001"),
    ],
)
def test_the_sender_of_a_feedback_id_is_the_host(base_url: str, sender: str) -> None:
    assert (
        feedback_id("a", "b", MessageClass.CAMPAIGN, replace(SITE, base_url=base_url)).split(":")[3] == sender
    )


def test_a_short_host_is_filled_up_to_five_characters() -> None:
    sender = feedback_id("a", "b", MessageClass.CAMPAIGN, replace(SITE, base_url="https://x.de")).split(":")[
        3
    ]
    assert sender.startswith("xde")
    assert len(sender) == 5


def bound(program: Program) -> int:
    return compiled(html=program).html_size_bound


@pytest.mark.rule("B17")
@pytest.mark.parametrize(
    ("program", "size"),
    [
        ((Static("ä€😀"),), 2 + 3 + 4),
        ((html_hole("subscriber.city"),), VALUE_LIMIT * 5),
        ((url_hole("subscriber.city"),), VALUE_LIMIT * 12),
        ((href_hole("subscriber.shop_url"),), 990),
        ((href_hole("unsubscribe_url"),), 400),
        ((when("subscriber.vip", (Static("x" * 10),), (Static("y" * 30),)),), 30),
        ((when("subscriber.vip", (Static("x" * 10),)),), 10),
        ((Static("a"), when("subscriber.vip", (html_hole("subscriber.city"),))), 1 + VALUE_LIMIT * 5),
    ],
)
def test_the_bound_counts_the_longest_way(program: Program, size: int) -> None:
    assert bound(program) == size


@pytest.mark.rule("B17", "A36")
@pytest.mark.parametrize(
    "value", ["&" * 500, "😀" * 500, '"' * 500, "\x00" * 500, "https://x.example/" + "ä" * 500]
)
def test_no_value_outgrows_the_bound(value: str) -> None:
    message = compiled(
        html=page(
            html_hole("subscriber.city"),
            Static('<a href="https://x.example/'),
            url_hole("subscriber.city"),
            Static('">a</a><a href="'),
            href_hole("subscriber.shop_url"),
            Static('">b</a>'),
        ),
        text=(text_hole("subscriber.city"), *text_foot()),
        subject=(text_hole("subscriber.city"),),
    )
    who = recipient({"city": value, "shop_url": value})
    assert len(message.html(who).encode()) <= message.html_size_bound
    assert len(message.fill(who).data) <= message.size_bound


def statics(program: Program) -> list[str]:
    out = []
    for node in program:
        if isinstance(node, Static):
            out.append(node.text)
        elif isinstance(node, Choice):
            out += [text for _, body in node.branches for text in statics(body)]
    return out


def test_every_piece_ends_where_the_next_may_begin() -> None:
    program: Program = (
        Static("a"),
        text_hole("subscriber.city"),
        Static("b\n"),
        when("subscriber.vip", (Static("c"),)),
    )
    for text in statics(compiled(text=(*program, *text_foot())).artefact.text):
        assert text == "" or text.endswith("\r\n")


def test_neighbouring_texts_are_joined_before_they_are_encoded() -> None:
    message = compiled(text=(Static("one "), Static("two"), Static(" three\n"), *text_foot()))
    assert message.artefact.text[0].text.startswith("one two three\r\n")  # type: ignore[union-attr]  # it is static
    assert SOFT_BREAK not in message.artefact.text[0].text.split("three")[0]  # type: ignore[union-attr]  # the same


def test_a_part_that_does_not_end_its_last_line_is_ended() -> None:
    message = compiled(text=(*text_foot(), Static("no line end")))
    assert message.text(recipient()).endswith("no line end\n")


def test_the_boundary_follows_the_content() -> None:
    one, same, other = (
        compiled(),
        compiled(subject=(Static("Other"),)),
        compiled(text=(Static("x"), *text_foot())),
    )
    assert one.artefact.boundary == same.artefact.boundary != other.artefact.boundary
    assert one.artefact.boundary.startswith("=_")


@pytest.mark.rule("C12", "F7")
@pytest.mark.parametrize("message_class", list(MessageClass))
def test_every_class_must_show_who_sends(message_class: MessageClass) -> None:
    shown = compiled(message_class=message_class).artefact.must_show
    assert shown == ("Ohm Weekly", "Lötstraße 12, 10115 Berlin", "privacy@shop.example")


def test_an_address_over_several_lines_is_looked_for_line_by_line() -> None:
    site = replace(SITE, postal_address="Ohm & Volt\n Lötstraße 12,\n\n10115 Berlin ")
    assert compiled(site=site).artefact.must_show[1:4] == ("Ohm & Volt", "Lötstraße 12", "10115 Berlin")


def lines_of(message_class: MessageClass, **changes: Any) -> list[str]:
    message = compiled(message_class=message_class, **changes)
    return message.fill(recipient()).data.decode().split("\r\n\r\n")[0].split("\r\n")


def names_of(message_class: MessageClass) -> set[str]:
    return {line.split(":")[0] for line in lines_of(message_class) if not line.startswith(" ")}


#: Fields that each class of message has, and no other (law 4, C6, A85, A87, A90).
COMMON = {
    "From", "To", "Subject", "Date", "Message-ID", "MIME-Version", "Content-Type", "Content-Language",
    "X-Auto-Response-Suppress",
}  # fmt: skip
LIST = {
    "List-Unsubscribe", "List-Unsubscribe-Post", "List-Id", "List-Help", "List-Owner", "List-Post", "Feedback-ID",
    "Precedence",
}  # fmt: skip
CLASSES = {
    MessageClass.CAMPAIGN: COMMON | LIST,
    MessageClass.PROOF: COMMON | LIST | {"X-Mailer-Proof"},
    MessageClass.CONFIRMATION: COMMON | {"Auto-Submitted"},
}


@pytest.mark.rule("A23", "A25", "A85", "A87", "A90", "B8", "C6")
@pytest.mark.parametrize("message_class", list(MessageClass))
def test_each_class_has_exactly_its_fields(message_class: MessageClass) -> None:
    assert names_of(message_class) == CLASSES[message_class]


@pytest.mark.rule("A28")
@pytest.mark.parametrize("message_class", list(MessageClass))
def test_header_lines_are_short_but_for_the_link(message_class: MessageClass) -> None:
    long = [line for line in lines_of(message_class) if len(line) > 78]
    assert all(line.startswith("List-Unsubscribe: <") for line in long)


@pytest.mark.rule("A23")
def test_a_privacy_contact_is_written_as_a_mailto_link() -> None:
    site: SiteIdentity = replace(SITE, privacy_contact="a+b%c@shop.example")
    lines = lines_of(MessageClass.CAMPAIGN, site=site)
    assert "List-Owner: <mailto:a%2Bb%25c@shop.example>" in lines


def test_fields_are_frozen_in_the_order_of_their_names() -> None:
    assert [name for name, _ in compiled().artefact.fields] == sorted(FIELDS)


def test_the_sender_of_the_list_is_the_sender_of_the_message() -> None:
    list_ = ListIdentity("weekly", "Ohm Weekly", "weekly.lists.shop.example", SENDER, reply_to=SENDER)
    lines = lines_of(MessageClass.CAMPAIGN, list_=list_)
    assert "From: Ohm & Volt <news@shop.example>" in lines
    assert "Reply-To: Ohm & Volt <news@shop.example>" in lines


def test_contexts_are_kept_when_pieces_are_joined() -> None:
    program: Program = (Static("x"), Static("y"), Value("subscriber.city", HoleContext.URL))
    assert compiled(html=page(*program)).artefact.html[1] == Value("subscriber.city", HoleContext.URL)
