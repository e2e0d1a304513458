"""Law: whatever stands in a message, the quick way gives what the RFC's own steps give, and dkimpy's."""

from __future__ import annotations

import hashlib

import pytest
from dkim.canonicalization import Relaxed
from hypothesis import given
from hypothesis import strategies as st

from mailer.dkim.canonical import canonical_body, canonical_field, split_message
from mailer.dkim.plan import Canonical, plain, planned
from tests.dkim.signing import AT, signer, verdicts
from tests.rendering.wire.cast import compiled, recipient

_LINE = st.text(alphabet=" \t.ab=:;<>@é", max_size=12)
_BODY = st.lists(_LINE, max_size=7).map(lambda lines: "".join(f"{line}\r\n" for line in lines))
_NAMES = st.sampled_from(
    ["From", "TO ", "Subject", "List-Id", "X-Odd", "Precedence", "Date", "DKIM-Signature"]
)
_VALUE = st.lists(st.text(alphabet=" \tab@<>.x", max_size=9), min_size=1, max_size=3).map("\r\n ".join)
_HEADER = st.lists(st.tuples(_NAMES, _VALUE), min_size=1, max_size=7)
_FIRST_NAMES = st.text(max_size=40) | st.text(alphabet=" \t.=ab\u00a0\r\n", max_size=90)


def by_dkimpy(text: str) -> Canonical:
    """The same by dkimpy's canonicalisation, fields selected as RFC 6376 5.4.2 says."""
    head, _, body = text.encode().partition(b"\r\n\r\n")
    fields = [tuple(line.split(b":", 1)) for line in head.replace(b"\r\n ", b"\n ").split(b"\r\n")]
    relaxed = Relaxed.canonicalize_headers([(name, value) for name, value in fields])
    names, taken = plain(text).names, []
    for name in names:
        places = [at for at, field in enumerate(relaxed) if field[0] == name.encode() and at not in taken]
        taken += places[-1:]
    header = b"".join(relaxed[at][0] + b":" + relaxed[at][1] for at in taken)
    digest = hashlib.sha256(Relaxed.canonicalize_body(body)).digest()
    return Canonical(plain(text).author, names, header.decode(), digest)


@pytest.mark.rule("A40")
@given(_HEADER, _BODY)
def test_the_plain_way_is_that_of_dkimpy(header: list[tuple[str, str]], body: str) -> None:
    text = "".join(f"{name}:{value}\r\n" for name, value in header) + "\r\n" + body
    assert plain(text) == by_dkimpy(text)


@given(_FIRST_NAMES, _FIRST_NAMES)
def test_two_messages_of_one_shape_are_canonicalised_alike(first: str, second: str) -> None:
    """The plan is learned from the first reader's copy and used on the second one's."""
    message = compiled()
    one, two = (message.fill(recipient({"first_name": name})).pieces for name in (first, second))
    plan = planned(one)
    assert plan is not None, "a message of the product has a plan"
    found = plan.canonical(two)
    assert found is not None
    assert found == plain("".join(two)) == by_dkimpy("".join(two))


@given(st.lists(st.text(alphabet=" \t\r\n.a:\x00", max_size=6), min_size=9, max_size=9), st.data())
def test_a_plan_never_gives_another_answer_than_the_plain_way(pieces: list[str], data: st.DataObject) -> None:
    """Whatever the pieces are: the plan's answer is the right one, or there is none."""
    pieces[0] = f"From: <a@b.example>\r\nTo:{pieces[0]}"
    pieces[4] = f"{pieces[4]}\r\n\r\n{pieces[6]}"
    first = "".join(pieces).replace("\x00", "")
    plan = planned(pieces) if "\x00" not in "".join(pieces) else None
    if plan is None:
        return
    assert plan.canonical(pieces) == plain(first)
    other = list(pieces)
    other[1::2] = data.draw(st.lists(st.text(alphabet=" \t\r\n.a:", max_size=6), min_size=4, max_size=4))
    found = plan.canonical(other)
    assert found is None or found == plain("".join(other))


def test_statics_that_differ_have_no_plan_in_common() -> None:
    pieces = compiled().fill(recipient()).pieces
    plan = planned(pieces)
    assert plan is not None
    assert plan.canonical([*pieces[:-1], f"{pieces[-1]}Another line.\r\n"]) is None


@pytest.mark.parametrize("value", ["Ada\r\n", "A  d\ta=\r\n", " Ada=\r\n", "=\r\n"])
def test_a_value_of_whole_lines_keeps_the_plan(value: str) -> None:
    pieces = ["From: <a@b.example>\r\nTo: ", "<x@y.example>", "\r\n\r\nHello=\r\n", value, "and  bye.\r\n"]
    plan = planned(["Ada=\r\n" if piece == value else piece for piece in pieces])
    assert plan is not None
    assert plan.canonical(pieces) == plain("".join(pieces))


@pytest.mark.parametrize("value", ["Ada", "", "Ada=\r\n.", "\x00\r\n"])
def test_a_value_that_is_not_whole_lines_is_read_the_plain_way(value: str) -> None:
    pieces = ["From: <a@b.example>\r\nTo: ", "<x@y.example>", "\r\n\r\nHello=\r\n", "Ada=\r\n", "bye.\r\n"]
    plan = planned(pieces)
    assert plan is not None
    assert plan.canonical([value if piece == "Ada=\r\n" else piece for piece in pieces]) is None


@pytest.mark.parametrize("value", [" x", "x ", "", "a\r\nBcc: b", "x\r\n"])
def test_a_value_that_could_touch_its_field_is_read_the_plain_way(value: str) -> None:
    pieces = ["From: <a@b.example>\r\nSubject: ", "Week 47", " of 52\r\n\r\nHello\r\n"]
    plan = planned(pieces)
    assert plan is not None
    assert plan.canonical([pieces[0], value, pieces[2]]) is None


@pytest.mark.parametrize(
    "pieces",
    [
        ["From: <a@b.example>\r\n", "X-A: b\r\n", "To: <x@y.example>\r\n\r\nHello\r\n"],
        ["From: <a@b.example>\r\nX-A: ", "b", "\r\n\r\nHello\r\n"],
        ["From: <a@b.example>\r\n\r\nHello ", "Ada=\r\n", "bye\r\n"],
        ["From: <a@b.example>\r\n\r\n", "Ada=\r\n", "bye\r\n\r\n"],
        ["From: <a@b.example>\r\nSubject: a\r\nSubject: ", "b", "\r\n\r\nbye\r\n"],
    ],
)
def test_what_cannot_be_told_apart_has_no_plan(pieces: list[str]) -> None:
    assert planned(pieces) is None


def test_what_has_no_plan_is_signed_all_the_same() -> None:
    pieces = ["From: <a@shop.example>\r\nSubject: a\r\nSubject: ", "b", "\r\n\r\nbye  now \r\n\r\n"]
    sign = signer()
    for _ in range(2):
        assert verdicts("".join(sign.sign(pieces, shape="odd", at=AT)).encode()) == [True]


def test_an_empty_body_stays_empty() -> None:
    assert canonical_body(b"\r\n \r\n\r\n") == b""
    assert canonical_body(b"") == b""


@pytest.mark.parametrize(
    ("raw", "relaxed"),
    [
        (b"A: X", b"a:X\r\n"),
        (b"B : Y\t\r\n\tZ  ", b"b:Y Z\r\n"),
        (b"SubJect:", b"subject:\r\n"),
    ],
)
def test_the_examples_of_the_rfc(raw: bytes, relaxed: bytes) -> None:
    """RFC 6376 3.4.5."""
    assert canonical_field(raw) == relaxed
    assert canonical_body(b" C \r\nD \t E\r\n\r\n\r\n") == b" C\r\nD E\r\n"
    assert [field.name for field in split_message(raw + b"\r\n\r\nx")[0]] == [relaxed.split(b":")[0].decode()]
