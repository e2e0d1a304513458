"""Header fields: typed parts in, finished lines out."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from datetime import UTC, datetime, timedelta, timezone
from email import policy
from email.parser import Parser
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mailer.addresses import Mailbox, parse_address
from mailer.rendering.wire import headers
from mailer.rendering.wire.characters import UNSAFE
from tests.real import require_real
from tests.rendering.wire.strict_words import strict_decode

NEWS = parse_address("news@shop.example")
#: What a subject or a name can hold once the unsafe characters are refused.
header_text = st.text(st.characters(codec="utf-8"), min_size=1, max_size=260).filter(
    lambda text: not UNSAFE.search(text) and text.strip() == text
)  # fmt: skip


def parsed(field: str) -> Any:
    message = Parser(policy=policy.default).parsestr(f"{field}\r\n\r\n")
    (value,) = message.values()
    return value


@pytest.mark.rule("A34")
@given(header_text)
@example("🎉" * 120)
@example("مرحبا بالعالم " * 18 + "!")
@example("é" * 250)
@example("=?utf-8?q?x?=")
@example("a  b   c")
@example("x" * 300)
def test_a_subject_round_trips_through_a_strict_decoder(text: str) -> None:
    field = headers.unstructured("Subject", text)
    assert strict_decode(field.removeprefix("Subject: ")) == text


@given(header_text)
def test_a_subject_stays_one_field_for_the_library_too(text: str) -> None:
    value = parsed(headers.unstructured("Subject", text))
    assert not value.defects
    assert "".join(str(value).split()) == "".join(text.split())


@pytest.mark.rule("A28")
@given(header_text)
def test_header_lines_keep_to_76_columns_in_ascii(text: str) -> None:
    lines = headers.unstructured("Subject", text).split("\r\n")
    assert all(len(line) <= 76 and line.isascii() for line in lines)
    assert all(line.startswith(" ") and line.strip() for line in lines[1:])


def test_a_plain_subject_is_written_as_it_is() -> None:
    assert headers.unstructured("Subject", "Week 47: 20 % off") == "Subject: Week 47: 20 % off"


def test_a_long_plain_subject_is_folded_at_spaces_and_not_encoded() -> None:
    subject = "resistors " * 15 + "end"
    field = headers.unstructured("Subject", subject)
    assert "=?" not in field
    assert field.replace("\r\n", "") == f"Subject: {subject}"


@pytest.mark.rule("A34")
@given(header_text)
def test_neighbouring_encoded_words_stand_apart(text: str) -> None:
    assert "?==?" not in headers.unstructured("Subject", text + "ü")


@pytest.mark.rule("A30")
@given(header_text)
@example('a" <x@y.example>, b')
@example("Doe, Jane")
@example("back\\slash")
@example("(comment)")
@example("=?utf-8?q?spoof?=")
def test_any_display_name_yields_one_mailbox_with_that_name(name: str) -> None:
    value = parsed(headers.mailbox("From", Mailbox(name, NEWS)))
    assert [str(address.addr_spec) for address in value.addresses] == ["news@shop.example"]
    # This library puts a space between neighbouring words of a phrase, so spaces are not compared.
    read = value.addresses[0].display_name
    assert "".join(read.split()) == "".join(name.split()) or not name.isprintable()
    assert not value.defects


def test_a_display_name_outside_ascii_is_encoded_and_the_address_is_not() -> None:
    field = headers.mailbox("From", Mailbox("Bäcker & Söhne", NEWS))
    assert field == "From: =?utf-8?q?B=C3=A4cker_=26_S=C3=B6hne?= <news@shop.example>"


def test_a_simple_display_name_needs_no_quotes() -> None:
    assert headers.mailbox("From", Mailbox("Ohm & Volt", NEWS)) == "From: Ohm & Volt <news@shop.example>"


def test_a_display_name_with_a_comma_is_quoted() -> None:
    assert headers.mailbox("From", Mailbox("Doe, Jane", NEWS)) == 'From: "Doe, Jane" <news@shop.example>'


def test_a_long_name_leaves_its_address_a_line_of_its_own() -> None:
    field = headers.mailbox("From", Mailbox("The very long name of a shop for parts of electronics", NEWS))
    assert field.endswith("\r\n <news@shop.example>") and all(len(line) <= 76 for line in field.split("\r\n"))


def test_without_a_name_the_address_stands_alone() -> None:
    assert headers.mailbox("Reply-To", Mailbox("", NEWS)) == "Reply-To: <news@shop.example>"


@pytest.mark.rule("A29", "D13")
@pytest.mark.parametrize(
    "bad", [*"\r\n\0\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029", "\r\nBcc: x@y.example", "\r\n"]
)
def test_a_value_that_could_break_a_line_is_refused(bad: str) -> None:
    with pytest.raises(headers.HeaderUnsafe, match="List-Id"):
        headers.field("List-Id", f"<a{bad}b>")


@pytest.mark.rule("A29")
@pytest.mark.parametrize("bad", [*"\r\n\0\x0b\x1c\x85\u2028"])
def test_no_encoding_hides_a_line_break(bad: str) -> None:
    with pytest.raises(headers.HeaderUnsafe):
        headers.mailbox("From", Mailbox(f"Bücher{bad}x", NEWS))
    with pytest.raises(headers.HeaderUnsafe):
        headers.unstructured("Subject", f"Bücher{bad}x")


@pytest.mark.rule("A52")
def test_a_line_over_998_octets_is_refused() -> None:
    with pytest.raises(headers.HeaderUnsafe, match="998"):
        headers.field("X-Long", "x" * 1000)


@pytest.mark.rule("A4")
def test_a_long_link_is_left_in_one_piece() -> None:
    url = f"<https://shop.example/{'x' * 300}>"
    assert headers.field("List-Help", url) == f"List-Help: {url}"


@pytest.mark.rule("A27")
def test_the_date_is_in_utc_whatever_the_zone() -> None:
    moment = datetime(2026, 3, 1, 0, 30, 5, tzinfo=timezone(timedelta(hours=1)))
    assert headers.date(moment) == "Sat, 28 Feb 2026 23:30:05 +0000"


@pytest.mark.real
@pytest.mark.rule("A27")
def test_the_date_is_in_english_where_dates_are_german(tmp_path: Path) -> None:
    """A process of its own, in a locale that is compiled for it."""
    found = shutil.which("localedef") is not None and Path("/usr/share/i18n/locales/de_DE").exists()
    require_real("locales", found=found)
    subprocess.run(["localedef", "-i", "de_DE", "-f", "UTF-8", str(tmp_path / "de_DE.UTF-8")], check=True)
    script = """if True:
        import locale
        from datetime import UTC, datetime
        from mailer.rendering.wire.headers import date
        locale.setlocale(locale.LC_ALL, "")
        moment = datetime(2026, 3, 7, 9, 0, 0, tzinfo=UTC)
        print(moment.strftime("%a, %d %b"), "|", date(moment))
        """
    german = {**os.environ, "LOCPATH": str(tmp_path), "LC_ALL": "de_DE.UTF-8", "PYTHONIOENCODING": "utf-8"}
    done = subprocess.run([sys.executable, "-c", script], env=german, check=True, capture_output=True)
    assert done.stdout.decode().strip() == "Sa, 07 Mär | Sat, 07 Mar 2026 09:00:00 +0000"


@given(st.datetimes(min_value=datetime(1970, 1, 2), max_value=datetime(2100, 1, 1)))
def test_every_date_reads_back(moment: datetime) -> None:
    aware = moment.replace(microsecond=0, tzinfo=UTC)
    assert parsed(f"Date: {headers.date(aware)}").datetime == aware
