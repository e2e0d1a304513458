"""The scanner itself: it takes a good message, and names each liberty a bad one takes."""

from __future__ import annotations

import re

import pytest

from tests.rendering.scan.scanner import scan
from tests.rendering.wire.cast import compiled, recipient

GOOD = compiled().fill(recipient({"first_name": "Jürgen"})).data

#: What is changed in the good message -> into what, and what the scanner says.
LIBERTIES: dict[str, tuple[bytes, bytes, str]] = {
    "a bare line feed": (b"Subject: Week 47\r\n", b"Subject: Week 47\n", "bare LF"),
    "a bare carriage return": (b"Week 47\r\n", b"Week\r 47\r\n", "bare CR"),
    "a NUL": (b"Week 47", b"Week\x0047", "NUL"),
    "a dot": (b"Hello =\r\n", b"=\r\n.Hello =\r\n", "begins with a dot"),
    "a line of 999": (b"Hello =\r\n", b"H" * 999 + b"\r\n", "998 octets"),
    "eight bits": (b"Hello", "Hellö".encode(), "8 bits in the body"),
    "eight bits above": (b"Week 47", "Wöche 47".encode(), "8 bits in the header"),
    "no end": (b"--\r\n", b"--", "does not end"),
    "a second subject": (b"Subject: ", b"Subject: x\r\nSubject: ", "2 Subject fields"),
    "no date": (b"Date: ", b"X-Date: ", "0 Date fields"),
    "a Bcc": (b"To: ", b"Bcc: a@b.example\r\nTo: ", "nobody expects a field Bcc"),
    "a second list id": (b"List-Id: ", b"list-id: x\r\nList-Id: ", "stands twice"),
    "an empty line folded": (b"\r\nDate", b"\r\n \r\nDate", "white space in the header"),
    "a wide field": (b"Week 47", b"word " * 20 + b"end", "wider than 78"),
    "a control": (b"Week 47", b"Week\x0747", "control character"),
    "two mailboxes": (b"<news@shop.example>", b"<news@shop.example>, b@c.example", "not one mailbox"),
    "a group": (b"From: Ohm & Volt <news@shop.example>", b"From: Shop: news@shop.example;", "not one mailbox"),
    "a comment": (b"To: Ada@example.net", b"To: Ada@example.net (Ada)", "not one mailbox"),
    "a local date": (b"+0000", b"+0100", "not a date in UTC"),
    "a German date": (b"Mon, 23", b"Mo, 23", "not a date in UTC"),
    "the wrong day": (b"Mon, 23", b"Tue, 23", "wrong day"),
    "a bare message id": (b"<c42.7f3a9e@news.shop.example>", b"c42@news.shop.example", "A26"),
    "a word in a name": (b"Ohm & Volt <", b'"=?utf-8?q?Ohm?=" <', "in a quoted string"),
    "glued words": (b"Week 47", b"=?utf-8?q?a?==?utf-8?q?b?=", "neighbours stand apart"),
    "half a character": (b"Week 47", b"=?utf-8?q?=C3?= =?utf-8?q?=BC?=", "unexpected end of data"),
    "a word of 76": (b"Week 47", b"=?utf-8?q?" + b"a" * 64 + b"?=", "too wide"),
    "lower-case hex": (b"=C3=BC", b"=c3=bc", "not quoted-printable"),
    "a line of 77": (b"Hello =\r\n", b"H" * 77 + b"\r\n", "76 columns"),
    "white space at an end": (b"Hello =\r\n", b"Hello \r\n", "white space at the end"),
    "a From line": (b"Hello =\r\n", b"From =\r\n", "a server would escape"),
    "a broken character": (b"=C3=BC", b"=C3=", "not quoted-printable|continuation byte"),
    "no charset": (b"text/plain; charset=utf-8", b"text/plain", "not a text/plain in UTF-8"),
    "another charset": (b"plain; charset=utf-8", b"plain; charset=latin-1", "not a text/plain in UTF-8"),
    "a word in a parameter": (b"text/html; charset=utf-8", b'text/html; charset="=?utf-8?q?utf-8?="', "A35"),
    "base64 said": (b"Encoding: quoted-printable", b"Encoding: base64", "not in quoted-printable"),
    "a part more": (b"\r\n--=_", b"\r\n--=_%b\r\n\r\nx\r\n--=_", "3 parts"),
    "a preamble": (b"\r\n\r\n--=_", b"\r\n\r\nhello\r\n--=_", "before the first part"),
    "an epilogue": (b"--\r\n", b"--\r\n\r\nbye\r\n", "after the last part|does not end|goes on"),
    "mixed": (b"multipart/alternative", b"multipart/mixed", "A31"),
    "http": (b"List-Unsubscribe: <https:", b"List-Unsubscribe: <http:", "one https"),
    "two links": (b"List-Unsubscribe: <", b"List-Unsubscribe: <https://a.example/u/b>,\r\n <", "one https"),
    "a fold in a link": (b"/u/uAAAA", b"/u/\r\n uAAAA", "folded after commas alone"),
    "a token that ends in a dot": (b".k1>", b".k1.>", "A5"),
    "an encoded post": (b": List-Unsubscribe=One", b": =?utf-8?q?List-Unsubscribe=3DOne", "A2"),
    "an encoded list id": (b'"Ohm Weekly"', b'"=?utf-8?q?Ohm?="', "never encoded"),
    "a list id without a dot": (b"<weekly.lists.shop.example>", b"<weekly>", "RFC 2919 3"),
    "a feedback id that repeats": (b"week-47:weekly:", b"weekly:weekly:", "B10"),
    "a long sender": (b":newsshopexample", b":newsshopexampleltd", "5 to 15"),
}  # fmt: skip


def test_a_good_message_is_read_whole() -> None:
    read = scan(GOOD)
    assert read.text.startswith("Hello Jürgen.\n")
    assert "<p>Hello Jürgen.</p>" in read.html
    assert read.says("From") == "Ohm & Volt"
    assert read.says("Subject") == "Week 47"


@pytest.mark.rule("A1", "A25", "A26", "A27", "A28", "A31", "A32", "A33", "A34", "A35", "B10")
@pytest.mark.parametrize("name", LIBERTIES)
def test_each_liberty_is_named(name: str) -> None:
    before, after, said = LIBERTIES[name]
    at = GOOD.rfind(before) if before in (b"--\r\n",) else GOOD.find(before)
    assert at >= 0, "nothing to change"
    if b"%b" in after:
        (boundary,) = re.findall(rb"boundary=\"=_(\w+)\"", GOOD)
        after %= boundary
    bad = GOOD[:at] + after + GOOD[at + len(before) :]
    with pytest.raises((AssertionError, ValueError), match=said):
        scan(bad)
