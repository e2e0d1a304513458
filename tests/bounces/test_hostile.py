"""Untrusted mail: bombs, nonsense and broken headers are answered soon, and never with an exception (A79, D30)."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailer.bounces import Reading, classify
from mailer.bounces.mime import MAX_PARTS, leaves, read
from tests.bounces.grown import messages
from tests.bounces.messages import READER, dsn, group, mail, report

MILLION = 1_000_000


def _daemon(body: bytes, **fields: str) -> bytes:
    return report("@@", **fields).replace(b"@@", body)


HOSTILE = {
    "a body of 24 MB": lambda: _daemon(b"a" * 24 * MILLION),
    "millions of addresses": lambda: _daemon(b"a@b.example " * MILLION),
    "millions of report lines": lambda: _daemon(b"<a@b.example>: 550 user unknown\n" * MILLION),
    "brackets for tags": lambda: _daemon(b"<" * 5 * MILLION, content_type="text/html"),
    "styles that never end": lambda: _daemon(b"<style " * MILLION, content_type="text/html"),
    "base64 without end": lambda: _daemon(b"QUFB" * 5 * MILLION, content_transfer_encoding="base64"),
    "a header of 20 MB": lambda: b"Subject: " + b"y" * 20 * MILLION,
    "a million fields": lambda: b"X: y\n" * MILLION + b"\nhi",
    "a million folds": lambda: b"X: y" + b"\n " * MILLION + b"\n\nhi",
    "a million encoded words": lambda: b"Subject: " + b"=?utf-8?q?a?= " * MILLION + b"\n\nhi",
    "a million parts": lambda: _daemon(b"--b\n\nx\n" * MILLION, content_type="multipart/mixed; boundary=b"),
    "parts within parts": lambda: _daemon(
        b"".join(
            b"--b%d\nContent-Type: multipart/mixed; boundary=b%d\n\n" % (n, n + 1) for n in range(20_000)
        ),
        content_type="multipart/mixed; boundary=b0",
    ),
    "a boundary within itself": lambda: _daemon(
        b"--b\nContent-Type: multipart/mixed; boundary=b\n\n" * 100_000,
        content_type="multipart/mixed; boundary=b",
    ),
    "a hundred thousand recipients": lambda: dsn(
        "\n".join(group(recipient="x@y.example") for _ in range(100_000))
    ),
    "brackets for JSON": lambda: _daemon(b'{"a":' * MILLION),
    "repeated half phrases": lambda: _daemon(b"<q@b.example>: " + b"exceeded user mailbox " * MILLION),
    "a line of spaces before an address": lambda: _daemon(
        (b" " * 500 + b"<" + b" " * 500 + b"a@b.example\n") * 500
    ),
    "a line of marks": lambda: _daemon((b"- " * 900 + b"a@b.example x\n") * 500),
    "noise": lambda: random.Random(1).randbytes(5 * MILLION),
}


@pytest.mark.rule("A79")
@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_message_is_answered(name: str) -> None:
    assert isinstance(classify(HOSTILE[name]()), Reading)


@pytest.mark.rule("A79")
def test_no_more_parts_are_read_than_the_limit() -> None:
    whole = _daemon(b"--b\n\nx\n" * 5000, content_type="multipart/mixed; boundary=b")
    assert len(list(leaves(read(whole)))) <= MAX_PARTS + 1


@pytest.mark.rule("A79")
@pytest.mark.parametrize(
    "charset",
    ["punycode", "idna", "zlib_codec", "rot13", "unicode_escape", "utf-7", "no-such", "\x00", "utf-8\x00"],
)
def test_a_charset_that_is_none_harms_nobody(charset: str) -> None:
    body = f"<{READER}>: 550 user unknown \xe9".encode("latin-1")
    whole = _daemon(body, content_type=f'text/plain; charset="{charset}"')
    assert [one.recipient for one in classify(whole).bounces] == [READER]


def test_raw_bytes_in_headers_are_read_as_well_as_can_be() -> None:
    whole = report(f"<{READER}>: 550 user unknown").replace(b"Undelivered", b"\xff\xfeUndelivered")
    assert [one.reason for one in classify(whole).bounces] == ["userunknown"]


@pytest.mark.parametrize("cut", [10, 60, 120, 200, 260, 320, 400, 480])
def test_a_message_that_was_cut_off_is_read_as_far_as_it_goes(cut: int) -> None:
    assert isinstance(classify(dsn(group("550 5.1.1 user unknown"))[:cut]), Reading)


def test_half_a_surrogate_cannot_come_out() -> None:
    fields = "Final-Recipient: utf-8; a\\x{D800}b\\x{110000}@reader.example\nAction: failed\n"
    for one in classify(dsn(fields, media="message/global-delivery-status")).bounces:
        assert one.recipient is not None
        one.recipient.encode()


_PIECES = st.sampled_from(
    [
        "Content-Type: multipart/report; boundary=b",
        "Content-Type: text/html; charset=utf-8",
        "Content-Type: message/delivery-status",
        "Content-Transfer-Encoding: base64",
        "Content-Transfer-Encoding: quoted-printable",
        "From: MAILER-DAEMON@x.example",
        "Subject: =?utf-8?B?w7x?= Undelivered",
        "Return-Path: <>",
        "Final-Recipient: rfc822; a@b.example",
        "Action: failed",
        "Status: 5.1.1",
        "Diagnostic-Code: smtp; 550",
        "Feedback-Type: abuse",
        "--b",
        "--b--",
        "",
        "",
        "<a@b.example>: 550 user unknown",
        "--- original message ---",
        '{"notificationType": "Bounce", "bounce": {"bouncedRecipients": [{"emailAddress": 1}]}}',
        "=41=\n=4",
        "<p>x</p><a@b.example>",
        "\x1b$B%a!<%k",
    ]
)


@pytest.mark.rule("A79")
@settings(max_examples=400)
@given(st.lists(st.one_of(_PIECES, st.text(max_size=40)), max_size=40))
def test_no_mixture_of_lines_breaks_the_reader(lines: list[str]) -> None:
    reading = classify("\n".join(lines).encode("utf-8", "replace"))
    assert bool(reading.bounces) <= (reading.kind in {"bounce", "complaint"})


@pytest.mark.rule("A79")
@settings(max_examples=200)
@given(messages)
def test_no_parts_in_parts_break_the_reader(raw: bytes) -> None:
    reading = classify(raw)
    assert bool(reading.bounces) <= (reading.kind in {"bounce", "complaint"})


@settings(max_examples=200)
@given(st.binary(max_size=2000))
def test_no_bytes_break_the_reader(raw: bytes) -> None:
    assert classify(raw) == classify(raw)


@settings(max_examples=200)
@given(st.data())
def test_a_damaged_report_never_becomes_a_hard_bounce_of_somebody_else(data: st.DataObject) -> None:
    whole = bytearray(dsn(group("550 5.1.1 user unknown", status="5.1.1")))
    for _ in range(data.draw(st.integers(0, 5))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    assert len(classify(bytes(whole)).bounces) <= 2


def test_a_message_without_a_sender_is_read() -> None:
    whole = mail(f"<{READER}>: 550 user unknown", return_path="<>", subject="Undeliverable")
    assert [one.recipient for one in classify(whole).bounces] == [READER]
