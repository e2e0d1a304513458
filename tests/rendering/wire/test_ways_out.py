"""Each class of message with each of its elements taken away, alone: nothing leaves without its way out (law 4)."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from mailer.rendering import CompiledMessage, Gate, MessageClass, NoWayOut
from tests.rendering.wire.cast import (
    FOOTER_TEXT,
    NOT_ME,
    UNSUBSCRIBE,
    changed,
    compiled,
    confirmation,
    recipient,
)

ADA = recipient({"first_name": "Ada"})
MAKE: dict[MessageClass, Callable[[], CompiledMessage]] = {
    MessageClass.CAMPAIGN: compiled,
    MessageClass.PROOF: lambda: compiled(message_class=MessageClass.PROOF),
    MessageClass.CONFIRMATION: confirmation,
}
LIST_MAIL = (MessageClass.CAMPAIGN, MessageClass.PROOF)
#: Without one of these no reader, or no mail program, takes the bytes for a message.
EVERY_CLASS = ("Date", "From", "To", "Subject", "Message-ID", "MIME-Version", "Content-Type")

Change = Callable[[bytes], bytes]


def without(field: str) -> Change:
    """Take one field with its folded lines out of the header."""
    pattern = re.compile(rf"^{field}: .*\r\n(?:[ \t].*\r\n)*".encode(), re.MULTILINE)
    return lambda data: pattern.sub(b"", data, count=1)


def doubled(field: str) -> Change:
    """Write one field a second time."""
    pattern = re.compile(rf"^{field}: .*\r\n(?:[ \t].*\r\n)*".encode(), re.MULTILINE)
    return lambda data: pattern.sub(lambda found: found[0] * 2, data, count=1)


def refused(kind: MessageClass, change: Change) -> str:
    """The gate's sentence about a changed message of this class."""
    message = MAKE[kind]()
    filled = message.fill(ADA)
    data = change(filled.data)
    assert data != filled.data, "the change changed nothing"
    with pytest.raises(NoWayOut) as error:
        Gate().check(changed(filled, lambda _: data), kind, expected=message.expected(ADA))
    return str(error.value)


def passed(kind: MessageClass, change: Change) -> None:
    """The gate lets a changed message of this class go."""
    message = MAKE[kind]()
    filled = message.fill(ADA)
    Gate().check(changed(filled, change), kind, expected=message.expected(ADA))


@pytest.mark.rule("A25", "A26")
@pytest.mark.parametrize("field", EVERY_CLASS)
@pytest.mark.parametrize("kind", MAKE)
def test_a_message_lacks_none_of_its_fields(kind: MessageClass, field: str) -> None:
    assert refused(kind, without(field)).startswith("The message must not leave: ")


@pytest.mark.rule("A25")
@pytest.mark.parametrize("field", EVERY_CLASS)
@pytest.mark.parametrize("kind", MAKE)
def test_a_message_has_none_of_its_fields_twice(kind: MessageClass, field: str) -> None:
    assert field in refused(kind, doubled(field)) or field == "Content-Type"


@pytest.mark.rule("A1", "A2", "B8")
@pytest.mark.parametrize("kind", LIST_MAIL)
@pytest.mark.parametrize("field", ["List-Unsubscribe", "List-Unsubscribe-Post"])
def test_list_mail_lacks_no_half_of_the_one_click_pair(kind: MessageClass, field: str) -> None:
    assert field in refused(kind, without(field))


@pytest.mark.rule("A1")
@pytest.mark.parametrize("kind", LIST_MAIL)
@pytest.mark.parametrize(
    "field",
    ["List-Unsubscribe", "List-Unsubscribe-Post", "List-Id", "List-Help", "List-Owner", "List-Post", "Feedback-ID"],
)  # fmt: skip
def test_no_list_field_stands_twice(kind: MessageClass, field: str) -> None:
    assert f"more than one {field} field" in refused(kind, doubled(field))


@pytest.mark.rule("A2")
@pytest.mark.parametrize("kind", LIST_MAIL)
@pytest.mark.parametrize(
    "value",
    [b"List-Unsubscribe=one-click", b"List-Unsubscribe = One-Click", b"One-Click", b"List-Unsubscribe=One-Click;x",
     b"=?utf-8?q?List-Unsubscribe=3DOne-Click?="],
)  # fmt: skip
def test_the_one_click_field_is_exact_to_the_letter(kind: MessageClass, value: bytes) -> None:
    """RFC 8058 3.1: a receiver compares the value as it is."""
    change = lambda data: data.replace(b": List-Unsubscribe=One-Click\r\n", b": " + value + b"\r\n")  # noqa: E731 - one change, named where it is used
    assert "List-Unsubscribe-Post field is missing or not exact" in refused(kind, change)


@pytest.mark.rule("A1")
@pytest.mark.parametrize("kind", LIST_MAIL)
@pytest.mark.parametrize(
    "wrong",
    ["http://news.shop.example/u/x", "https://evil.example/u/x", UNSUBSCRIBE + "x", UNSUBSCRIBE[:-1], ""],
)
def test_the_list_unsubscribe_field_holds_this_link_and_no_other(kind: MessageClass, wrong: str) -> None:
    right = f"List-Unsubscribe: <{UNSUBSCRIBE}>".encode()
    said = refused(kind, lambda data: data.replace(right, f"List-Unsubscribe: <{wrong}>".encode()))
    assert "List-Unsubscribe field does not hold this recipient's link" in said


@pytest.mark.rule("C6")
@pytest.mark.parametrize("field", ["List-Unsubscribe", "List-Unsubscribe-Post"])
def test_a_confirmation_carries_no_half_of_the_pair(field: str) -> None:
    line = {"List-Unsubscribe": f"<{UNSUBSCRIBE}>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"}
    said = refused(MessageClass.CONFIRMATION, lambda data: f"{field}: {line[field]}\r\n".encode() + data)
    assert f"system mail must not carry {field}" in said


@pytest.mark.rule("A85")
@pytest.mark.parametrize("value", [b"no", b"auto-replied", b""])
def test_a_confirmation_says_that_a_program_wrote_it(value: bytes) -> None:
    change = lambda data: data.replace(b"Auto-Submitted: auto-generated", b"Auto-Submitted: " + value)  # noqa: E731 - as above
    assert refused(MessageClass.CONFIRMATION, change)


@pytest.mark.rule("A90")
@pytest.mark.parametrize("change", [b"", b"[proof] ", b"Proof: "])
def test_a_proof_says_so_in_its_subject(change: bytes) -> None:
    said = refused(MessageClass.PROOF, lambda data: data.replace(b"[Proof] ", change, 1))
    assert "does not say that this is a proof" in said


@pytest.mark.rule("A25")
@pytest.mark.parametrize("kind", MAKE)
@pytest.mark.parametrize("field", ["Bcc", "Cc"])
def test_nobody_else_is_addressed(kind: MessageClass, field: str) -> None:
    said = refused(kind, lambda data: f"{field}: bob@example.org\r\n".encode() + data)
    assert f"there is a {field} field" in said


@pytest.mark.parametrize("kind", MAKE)
def test_the_text_part_comes_first(kind: MessageClass) -> None:
    def swapped(data: bytes) -> bytes:
        found = re.search(rb"boundary=\"([^\"]+)\"", data)
        assert found is not None
        mark = b"--" + found[1]
        head, text, html, end = data.split(mark)
        return mark.join((head, html, text, end))

    assert "text part followed by an HTML part" in refused(kind, swapped)


@pytest.mark.parametrize("kind", MAKE)
def test_a_part_that_is_cut_off_is_seen(kind: MessageClass) -> None:
    assert refused(kind, lambda data: data[: data.rindex(b"\r\n--=_")])


@pytest.mark.rule("F3")
@pytest.mark.parametrize("kind", MAKE)
@pytest.mark.parametrize("part", [0, 1])
def test_each_part_of_each_class_holds_its_own_link(kind: MessageClass, part: int) -> None:
    link = NOT_ME if kind is MessageClass.CONFIRMATION else UNSUBSCRIBE
    path = link.removeprefix("https://news.shop.example")[:8].encode()

    def changed(data: bytes) -> bytes:
        at = data.index(b"\r\n\r\n")
        head, body = data[:at], data[at:]
        pieces = body.split(path)
        assert len(pieces) == 3, "one link in each part"
        marks = [path, path]
        marks[part] = path[:-1] + b"Z"
        return head + pieces[0] + marks[0] + pieces[1] + marks[1] + pieces[2]

    assert "link" in refused(kind, changed)


@pytest.mark.rule("C12", "F7")
@pytest.mark.parametrize("kind", MAKE)
@pytest.mark.parametrize("word", ["Ohm Weekly", "privacy@shop.example", "10115 Berlin"])
def test_each_class_says_in_both_parts_who_sends(kind: MessageClass, word: str) -> None:
    assert word in FOOTER_TEXT
    for part in (0, 1):
        assert "say" in refused(kind, _blotted(part, word.encode()))


def _blotted(part: int, words: bytes) -> Change:
    """Write x over words in one part, wherever soft line breaks may have cut them."""
    pattern = re.compile(rb"(?:=\r\n)?".join(re.escape(bytes([octet])) for octet in words))

    def changed(data: bytes) -> bytes:
        pieces = data.split(b"\r\n--=_")
        pieces[part + 1] = pattern.sub(lambda found: re.sub(rb"[^=\r\n]", b"x", found[0]), pieces[part + 1])
        return b"\r\n--=_".join(pieces)

    return changed


@pytest.mark.parametrize("kind", MAKE)
@pytest.mark.parametrize(
    "extra",
    [
        b"X-Shop: weekly\r\n",
        b"Organization: Ohm & Volt\r\n",
        b"DKIM-Signature: v=1; h=From : List-Unsubscribe:\r\n list-unsubscribe-post; b=YQ==\r\n",
    ],
)
def test_a_harmless_field_more_is_no_reason_to_stay(kind: MessageClass, extra: bytes) -> None:
    passed(kind, lambda data: extra + data)


@pytest.mark.rule("A14")
@pytest.mark.parametrize("left_out", ["from", "list-unsubscribe", "list-unsubscribe-post", "h"])
def test_list_mail_whose_signature_leaves_out_the_way_to_leave_must_stay(left_out: str) -> None:
    """Law 4: where we sign, both one-click fields are signed."""
    names = [name for name in ("from", "list-unsubscribe", "list-unsubscribe-post") if name != left_out]
    tag = "z" if left_out == "h" else "h"
    signature = f"DKIM-Signature: v=1; {tag}={':'.join(names)}; b=YQ==\r\n".encode()
    for kind in (MessageClass.CAMPAIGN, MessageClass.PROOF):
        told = refused(kind, lambda data: signature + data)
        assert "does not cover From and both one-click fields" in told


def test_a_class_nobody_wrote_checks_for_cannot_leave() -> None:
    message = compiled()
    with pytest.raises(KeyError):
        Gate().check(message.fill(ADA), "advertising", expected=message.expected(ADA))


def test_what_passed_as_one_class_is_looked_at_again_as_another() -> None:
    message, gate = compiled(), Gate()
    filled = message.fill(ADA)
    gate.check(filled, MessageClass.CAMPAIGN, expected=message.expected(ADA))
    with pytest.raises(NoWayOut, match="system mail must not carry"):
        gate.check(filled, MessageClass.CONFIRMATION, expected=message.expected(ADA))


@pytest.mark.parametrize("kind", MAKE)
def test_the_refusal_names_its_class_for_the_log_and_no_address(kind: MessageClass) -> None:
    message = MAKE[kind]()
    filled = message.fill(ADA)
    with pytest.raises(NoWayOut) as error:
        Gate().check(changed(filled, without("Date")), kind, expected=message.expected(ADA))
    assert error.value.facts == {"message_class": kind.value}
    assert "example.net" not in str(error.value)
