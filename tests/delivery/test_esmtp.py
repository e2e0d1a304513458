"""Command lines: limits, xtext, and nothing that an address could smuggle in (A52, A66, A67, A70)."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailer.addresses import EmailAddress
from mailer.delivery.esmtp import (
    Extensions,
    Unsendable,
    check_bytes,
    mail_command,
    rcpt_command,
    stuffed,
    xtext,
)
from mailer.delivery.model import Envelope
from mailer.rendering.wire.wire_bytes import WireBytes

NOTHING = Extensions(frozenset(), None)
EVERYTHING = Extensions.offered(
    {"size": "1000000", "8bitmime": "", "smtputf8": "", "dsn": "", "pipelining": ""}
)


def to(local: str, domain: str = "example.net", *, return_path: str = "b@example.org") -> Envelope:
    """An envelope, also for addresses the parser would refuse."""
    return Envelope(return_path, EmailAddress(local, domain), "e1")


@pytest.mark.parametrize(
    ("text", "encoded"),
    [
        ("plain", "plain"),
        ("a+b", "a+2Bb"),
        ("a=b", "a+3Db"),
        ("ü", "+C3+BC"),
        ("a b", "a+20b"),
        ("x@example.net", "x@example.net"),
    ],
)
def test_plus_and_equals_are_escaped(text: str, encoded: str) -> None:
    """A70, RFC 3461 4."""
    assert xtext(text) == encoded


@given(text=st.text())
def test_xtext_is_always_printable_ascii_and_can_be_read_back(text: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError:
        return
    encoded = xtext(text)
    assert all(33 <= ord(c) <= 126 for c in encoded)
    raw = re.sub(rb"\+([0-9A-F]{2})", lambda m: bytes([int(m[1], 16)]), encoded.encode())
    assert raw.decode() == text


def test_each_dsn_parameter_appears_once_and_within_its_limits() -> None:
    """A70: ENVID at most 100 characters, ORCPT at most 500."""
    mail = mail_command(to("ada"), EVERYTHING, b"x\r\n").decode()
    rcpt = rcpt_command(to("a+b"), EVERYTHING).decode()
    for parameter in ("RET=HDRS", "ENVID=e1"):
        assert mail.count(parameter) == 1
    assert rcpt.strip() == "RCPT TO:<a+b@example.net> NOTIFY=FAILURE,DELAY ORCPT=rfc822;a+2Bb@example.net"


def test_nothing_of_dsn_is_sent_when_it_is_not_offered() -> None:
    """A70."""
    assert mail_command(to("ada"), NOTHING, b"x\r\n") == b"MAIL FROM:<b@example.org>\r\n"
    assert rcpt_command(to("ada"), NOTHING) == b"RCPT TO:<ada@example.net>\r\n"


@pytest.mark.parametrize(
    "local", ["a\r\nRCPT TO:<x@y.example>", "a b", "a>", "<a", "a\x00", "a\n", "a\tb", "a\x7f"]
)
def test_an_address_cannot_add_to_the_command_line(local: str) -> None:
    with pytest.raises(Unsendable):
        rcpt_command(to(local), EVERYTHING)


@pytest.mark.parametrize(("local", "fits"), [("a" * 242, True), ("a" * 243, False)])
def test_a_path_has_at_most_256_octets(local: str, fits: bool) -> None:
    """A52: 242 + @example.net (12) + <> = 256."""
    if fits:
        assert rcpt_command(to(local), NOTHING)
    else:
        with pytest.raises(Unsendable, match="254"):
            rcpt_command(to(local), NOTHING)


def test_a_domain_has_at_most_255_octets() -> None:
    """A52."""
    with pytest.raises(Unsendable, match="255"):
        rcpt_command(to("a", "d" * 256), NOTHING)


@given(local=st.text("abc.+-", min_size=1, max_size=200), dsn=st.booleans())
def test_no_command_line_is_longer_than_the_server_must_take(local: str, dsn: bool) -> None:
    """A52: 512, and 500 more for DSN's RCPT parameters."""
    extensions = EVERYTHING if dsn else NOTHING
    try:
        line = rcpt_command(to(local), extensions)
    except Unsendable:
        return
    assert len(line) <= 512 + (500 if dsn else 0)


def test_eight_bit_bytes_need_8bitmime() -> None:
    """A66."""
    with pytest.raises(Unsendable) as caught:
        mail_command(to("a"), NOTHING, "ü\r\n".encode())
    assert caught.value.status == "5.6.3"


@pytest.mark.parametrize(("offer", "size"), [("", None), ("0", None), ("35882577", 35882577), ("junk", None)])
def test_the_size_limit_is_read_as_rfc_1870_says(offer: str, size: int | None) -> None:
    """Zero and nothing both mean: no fixed limit."""
    assert Extensions.offered({"size": offer}).size == size


BODY_LINES = st.lists(st.text(".ab ", max_size=5), min_size=1, max_size=8)


@given(lines=BODY_LINES)
def test_unstuffing_gives_the_bytes_back(lines: list[str]) -> None:
    """A50."""
    data = "".join(f"{line}\r\n" for line in lines).encode()
    wire = stuffed(data)
    assert wire.endswith(b"\r\n.\r\n") or wire == b".\r\n"
    assert wire.find(b"\r\n.\r\n") in (-1, len(wire) - 5)
    received = b""
    for line in wire.split(b"\r\n")[:-2]:
        received += (line[1:] if line.startswith(b".") else line) + b"\r\n"
    assert received == data


@given(lines=st.lists(st.text("ab -=", max_size=78), min_size=1, max_size=8))
def test_bytes_the_gate_has_proven_leave_as_any_others_do(lines: list[str]) -> None:
    """A50, A51: what is not read a second time is what a second reading would have let through."""
    data = "".join(f"{line}\r\n" for line in lines).encode()
    proven = WireBytes(data)
    check_bytes(data)
    check_bytes(proven)
    assert stuffed(proven) == stuffed(data)
    assert mail_command(to("a"), EVERYTHING, proven) == mail_command(to("a"), EVERYTHING, data)


@given(data=st.binary(max_size=60).map(lambda b: b + b"\r\n"))
def test_only_whole_line_ends_pass(data: bytes) -> None:
    """A51."""
    bare = re.search(rb"(?<!\r)\n|\r(?!\n)", data)
    if bare:
        with pytest.raises(Unsendable):
            check_bytes(data)
    else:
        check_bytes(data)
