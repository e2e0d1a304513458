"""Law 4 for the second message of a shape: it is known by its values, and by nothing it could be fooled with."""

from __future__ import annotations

import re
from collections.abc import Sequence
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailer.rendering import CompiledMessage, Gate, MessageClass
from mailer.rendering.message import FilledMessage
from mailer.rendering.program import Static
from mailer.rendering.shape import Shape, learned
from mailer.rendering.wire.wire_bytes import WireBytes
from tests.rendering.wire.cast import (
    NOT_ME,
    UNSUBSCRIBE,
    compiled,
    confirmation,
    html_foot,
    html_hole,
    page,
    recipient,
    text_foot,
    text_hole,
)

MESSAGE = compiled(subject=(Static("Hello "), text_hole("subscriber.city")))
ADA = recipient({"first_name": "Ada"})
PIECES = tuple(MESSAGE.fill(ADA).pieces)
HOLES = range(1, len(PIECES), 2)
#: What could end a line, a header or a part, begin a header or a part, or be dropped on the way.
hostile = st.lists(
    st.sampled_from(
        ["\r\n", "=\r\n", "\n", "\r", "\x00", ".", " ", "\t", "a", "=", "=_", "--", "Bcc: x", "ü", "\u2028", "b" * 76]
        + ["c" * 997, UNSUBSCRIBE]
    ),
    max_size=6,
).map("".join)  # fmt: skip


def shape_of(message: CompiledMessage, link: str = UNSUBSCRIBE) -> Shape:
    """What the gate learns from Ada's message."""
    shape = learned(list(message.fill(ADA).pieces), link)
    assert shape is not None
    return shape


def with_value(place: int, value: str) -> list[str]:
    """Ada's message with another value in one hole."""
    return [*PIECES[:place], value, *PIECES[place + 1 :]]


def skeleton(pieces: Sequence[str]) -> tuple[list[str], list[str]]:
    """The header's field names and the types of the parts, as a parser reads them."""
    data = "".join(pieces).encode()
    message = BytesParser(EmailMessage, policy=policy.SMTP).parsebytes(data)
    return message.keys(), [part.get_content_type() for part in message.walk()]


@pytest.mark.rule("A28", "A29", "A50", "A51")
@given(st.sampled_from(HOLES), hostile)
def test_no_value_that_fits_can_change_a_line_a_field_or_a_part(place: int, value: str) -> None:
    pieces = with_value(place, value)
    if not shape_of(MESSAGE).fits(pieces, UNSUBSCRIBE):
        return
    data = "".join(pieces).encode()
    lines = data.split(b"\r\n")
    assert not re.search(rb"[\r\n\x00]", b"".join(lines))
    assert max(map(len, lines)) <= 998
    assert not any(line.startswith(b".") for line in lines)
    assert lines[-1] == b""
    assert skeleton(pieces) == skeleton(PIECES)


@given(
    st.dictionaries(st.sampled_from(["first_name", "city"]), st.text(max_size=80)),
    st.from_regex(r"[A-Za-z0-9_.-]{1,60}[A-Za-z0-9]", fullmatch=True),
)
def test_whatever_readers_are_called_their_messages_need_no_second_reading(
    fields: dict[str, Any], token: str
) -> None:
    """Else one odd name would cost a hundred times the work, and a list of them the campaign."""
    url = f"https://news.shop.example/u/{token}"
    filled = MESSAGE.fill(recipient(fields, unsubscribe_url=url))
    assert shape_of(MESSAGE).fits(filled.pieces, url)


def test_each_place_of_the_link_must_hold_this_readers_link() -> None:
    shape = shape_of(MESSAGE)
    assert len(shape.links) == 3
    other = UNSUBSCRIBE.replace("uAAAA", "uZZZZ")
    for place in (1 + 2 * number for number in shape.links):
        assert not shape.fits(with_value(place, PIECES[place].replace("uAAAA", "uZZZZ")), UNSUBSCRIBE)
    assert not shape.fits(PIECES, other)
    assert shape.fits(MESSAGE.fill(ADA._replace(unsubscribe_url=other)).pieces, other)


def test_other_static_text_is_another_shape() -> None:
    pieces = [*PIECES[:-1], PIECES[-1].replace("Ohm", "Volt", 1)]
    assert not shape_of(MESSAGE).fits(pieces, UNSUBSCRIBE)


def test_a_confirmation_is_known_by_its_not_me_link() -> None:
    shape = shape_of(confirmation(), NOT_ME)
    assert len(shape.links) == 2
    assert not shape.fits(confirmation().fill(ADA).pieces, UNSUBSCRIBE)


def test_a_link_inside_a_longer_value_is_read_in_full_each_time() -> None:
    text = (
        Static("Go\n"),
        text_hole("'to: ' ~ unsubscribe_url"),
        Static("\n"),
        *text_foot()[:1],
        Static("-\n"),
    )
    message = compiled(text=text)
    assert learned(list(message.fill(ADA).pieces), UNSUBSCRIBE) is None
    filled = message.fill(ADA)
    gate = Gate()
    for _ in range(2):
        assert gate.check(filled, MessageClass.CAMPAIGN, expected=message.expected(ADA)) == filled.data


def test_text_that_was_changed_on_the_way_teaches_nothing() -> None:
    """A hole must be whole lines of its own: here the static text before it ends in the middle of one."""
    pieces = list(PIECES)
    place = 1 + 2 * shape_of(MESSAGE).links[1]
    pieces[place - 1] = pieces[place - 1].removesuffix("\r\n")
    assert learned(pieces, UNSUBSCRIBE) is None
    assert learned(["".join(PIECES)], UNSUBSCRIBE) is None


@pytest.mark.rule("A28")
def test_a_header_of_long_values_is_measured_line_by_line() -> None:
    """900 octets of subject are more than the shape leaves room for; folded, they are no long line."""
    message, gate = (
        compiled(subject=(text_hole("subscriber.city"), text_hole("subscriber.first_name"))),
        Gate(),
    )
    for who in (ADA, recipient({"city": "Ö" * 250, "first_name": "Ü" * 250})):
        data = gate.check(message.fill(who), MessageClass.CAMPAIGN, expected=message.expected(who))
        assert max(map(len, data.split(b"\r\n"))) < 200


def test_two_values_side_by_side_are_whole_lines_too() -> None:
    html = page(html_hole("subscriber.city"), html_hole("subscriber.first_name"), foot=html_foot())
    message = compiled(html=html)
    shape = shape_of(message)
    pieces = list(message.fill(ADA).pieces)
    place = pieces.index("", 1) - 1
    assert shape.fits(pieces, UNSUBSCRIBE)
    pieces[place] = "no soft break"
    assert not shape.fits(pieces, UNSUBSCRIBE)


@pytest.mark.parametrize("fields", [{}, {"first_name": "."}, {"first_name": "\u5b66" * 90}])
def test_the_gate_hands_out_the_bytes_it_has_proven(fields: dict[str, Any]) -> None:
    gate, who = Gate(), recipient(fields)
    for _ in range(2):
        filled = MESSAGE.fill(who)
        data = gate.check(filled, MessageClass.CAMPAIGN, expected=MESSAGE.expected(who))
        assert isinstance(data, WireBytes)
        assert data.isascii() == bytes(data).isascii()
        assert data == filled.data == FilledMessage(["".join(filled.pieces)], filled.shape).data
