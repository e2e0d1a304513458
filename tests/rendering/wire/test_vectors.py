"""The RFCs' own examples and the edges they name: 2045 (quoted-printable), 2047 (words), 5322 (fields, dates)."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta, timezone
from email import policy
from email.header import decode_header, make_header
from email.parser import BytesParser, Parser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailer.addresses import Mailbox, parse_address
from mailer.rendering import ArtefactUnreadable, CompiledMessage, MessageClass
from mailer.rendering.program import Static
from mailer.rendering.wire import headers
from mailer.rendering.wire.artefact import FORMAT
from mailer.rendering.wire.encode import decode, encode_chunk, encode_value
from tests.rendering.wire.cast import compiled, confirmation, page, recipient, text_foot

NEWS = parse_address("news@shop.example")


@pytest.mark.rule("A33")
@pytest.mark.parametrize(
    ("text", "encoded"),
    [
        ("=", "=3D"),
        ("\x0c", "=0C"),
        ("\x7f", "=7F"),
        ("\t x", "\t x"),
        ("a \nb", "a=20\r\nb"),
        ("a\t\nb", "a=09\r\nb"),
        ("a  \nb", "a =20\r\nb"),
        ("\n\n", "\r\n\r\n"),
        ("a\r\nb\rc\nd", "a\r\nb\r\nc\r\nd"),
        (".", "=2E"),
        ("a\n.\nb", "a\r\n=2E\r\nb"),
        ("From here", "=46rom here"),
        ("Fromage", "Fromage"),
        ("ü", "=C3=BC"),
        ("€", "=E2=82=AC"),
        ("😀", "=F0=9F=98=80"),
        ("!\"#$@[\\]^`{|}~", "!\"#$@[\\]^`{|}~"),
    ],
)  # fmt: skip
def test_rfc_2045_rule_by_rule(text: str, encoded: str) -> None:
    assert encode_chunk(text) == encoded


@pytest.mark.rule("A33")
def test_the_example_of_rfc_2045_reads_back() -> None:
    """RFC 2045 6.7, rule 5: "Now's the time for all folk to come to the aid of their country."."""
    written = "Now's the time =\r\nfor all folk to come=\r\n to the aid of their country."
    assert decode(written) == "Now's the time for all folk to come to the aid of their country."


@pytest.mark.rule("A33")
@pytest.mark.parametrize("width", range(70, 82))
def test_an_octet_of_three_characters_is_never_cut(width: int) -> None:
    encoded = encode_chunk("x" * width + "ü" * 30)
    assert decode(encoded) == "x" * width + "ü" * 30
    for line in encoded.split("\r\n"):
        assert len(line) <= 76
        assert not re.search(r"=[0-9A-F]?$", line.removesuffix("="))


@pytest.mark.parametrize("start", ["", "x" * 74, "x" * 75, "ü" * 12, "."])
@pytest.mark.parametrize("value", [".", "From me", "=", " ", "ü", "x" * 200])
def test_a_value_may_follow_any_column(start: str, value: str) -> None:
    joined = encode_chunk(start) + "=\r\n" + encode_value(value)
    assert decode(joined) == start + value
    assert not re.search(r"^(\.|From )", joined, re.MULTILINE)


@pytest.mark.rule("A34")
@pytest.mark.parametrize(
    "text",
    [
        "Keith Moore ü",
        "Keld Jørn Simonsen",
        "André Pirard",
        "If you can read this you understand the example. ¡",
        "Patrik Fältström",
        "נתן בורנשטיין",
        "=?ISO-8859-1?Q?a?=",
        "a_b ü",
        "100 % ü?",
        "_ = ? ü",
        "日本語のメールマガジン" * 6,
    ],
)
def test_the_words_of_rfc_2047_come_back_from_another_decoder(text: str) -> None:
    value = headers.unstructured("Subject", text).removeprefix("Subject: ")
    assert str(make_header(decode_header(value))) == text


@pytest.mark.rule("A34")
@given(
    st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Zl", "Zp")), min_size=1, max_size=200)
)  # fmt: skip
def test_every_encoded_word_is_whole_by_itself(text: str) -> None:
    """RFC 2047 2 and 5: at most 75 long, no character over two words, no white space inside."""
    for word in headers.encoded_words(text):
        assert len(word) <= 75
        assert re.fullmatch(r"=\?utf-8\?[qb]\?[!->@-~]*\?=", word)
        ((raw, charset),) = decode_header(word)
        assert charset == "utf-8"
        raw.decode("utf-8")


@pytest.mark.rule("A34")
@given(st.integers(min_value=20, max_value=75), st.text("aé日😀 ", min_size=1, max_size=80))
def test_the_first_word_leaves_the_room_that_its_field_needs(first: int, text: str) -> None:
    words = headers.encoded_words(text, first=first)
    assert len(words[0]) <= max(first, len("=?utf-8?q?=F0=9F=98=80?="))
    assert "".join(str(make_header(decode_header(word))) for word in words) == text


@pytest.mark.rule("A28")
@given(st.lists(st.text("abcdefgh", min_size=1, max_size=30), min_size=1, max_size=40).map(" ".join))
def test_unfolding_a_plain_subject_gives_it_back(text: str) -> None:
    """RFC 5322 2.2.3: unfolding is to take out every CRLF before white space."""
    field = headers.unstructured("Subject", text)
    assert field.replace("\r\n", "") == f"Subject: {text}"
    lines = field.split("\r\n")
    assert all(len(line) <= 76 for line in lines)
    assert all(line.startswith(" ") and line.strip() for line in lines[1:])


@pytest.mark.rule("A28")
def test_no_line_of_a_folded_subject_is_blank() -> None:
    for count in range(1, 60):
        field = headers.unstructured("Subject", "x " * count + "y")
        assert all(line.strip() for line in field.split("\r\n"))


@pytest.mark.rule("A30")
@pytest.mark.parametrize(
    "name",
    [
        "Joe Q. Public",
        'Giant; "Big" Box',
        "Mary Smith: Personal Account",
        "Who? (us)",
        "a\\b",
        "Müller, Söhne & Co",
        "@home",
    ],
)
def test_the_names_of_rfc_5322_stay_names(name: str) -> None:
    """RFC 5322 A.1.2: specials in a display name are quoted, and the address is still one."""
    field = headers.mailbox("From", Mailbox(name, NEWS))
    (value,) = Parser(policy=policy.default).parsestr(f"{field}\r\n\r\n").values()
    (address,) = value.addresses
    assert (address.display_name, address.addr_spec) == (name, "news@shop.example")
    assert not value.defects


@pytest.mark.rule("A27")
@pytest.mark.parametrize(
    ("moment", "written"),
    [
        (datetime(1997, 11, 21, 9, 55, 6, tzinfo=timezone(timedelta(hours=-6))), "Fri, 21 Nov 1997 15:55:06 +0000"),
        (datetime(2024, 2, 29, 23, 59, 59, tzinfo=UTC), "Thu, 29 Feb 2024 23:59:59 +0000"),
        (datetime(2026, 1, 1, 0, 30, tzinfo=timezone(timedelta(minutes=345))), "Wed, 31 Dec 2025 18:45:00 +0000"),
        (datetime(2026, 3, 1, 1, 2, 3, 999_999, tzinfo=UTC), "Sun, 01 Mar 2026 01:02:03 +0000"),
    ],
)  # fmt: skip
def test_the_date_of_rfc_5322(moment: datetime, written: str) -> None:
    assert headers.date(moment) == written


@pytest.mark.rule("A29")
@pytest.mark.parametrize("name", ["Sub ject", "", "Sübject", "Sub\nject"])
def test_a_field_name_is_printable_ascii_without_colon(name: str) -> None:
    with pytest.raises(headers.HeaderUnsafe):
        headers.field(name, "x")


# Boundaries ----------------------------------------------------------------------------------------------------------


@settings(max_examples=40, deadline=None)
@given(st.text(st.sampled_from("-=_0123456789abcdef\n "), max_size=300))
def test_no_text_can_write_its_own_boundary(body: str) -> None:
    """Quoted-printable writes `=` as `=3D`, so that `--=_` never begins a line of content."""
    message = compiled(text=(Static(body), *text_foot()), html=page(Static(body)))
    data = message.fill(recipient()).data
    assert len(re.findall(rb"^--=_", data, re.MULTILINE)) == 3
    assert [part.get_content_type() for part in _parsed(data).iter_parts()] == ["text/plain", "text/html"]


def test_a_body_that_quotes_the_very_boundary_is_still_two_parts() -> None:
    boundary = compiled().artefact.boundary
    message = compiled(text=(Static(f"--{boundary}\n--{boundary}--\n"), *text_foot()))
    parts = list(_parsed(message.fill(recipient()).data).iter_parts())
    assert len(parts) == 2
    assert f"--{boundary}--" in parts[0].get_content()


@pytest.mark.parametrize("make", [compiled, confirmation])
def test_the_message_ends_with_its_boundary_and_one_line_end(make: type[CompiledMessage]) -> None:
    message = make()
    assert message.fill(recipient()).data.endswith(f"--{message.artefact.boundary}--\r\n".encode())


def _parsed(data: bytes):  # type: ignore[no-untyped-def]  # what the library's parser returns depends on its policy
    return BytesParser(policy=policy.SMTP).parsebytes(data)


# The frozen form -----------------------------------------------------------------------------------------------------


def _changed(**changes: object) -> bytes:
    content = json.loads(compiled().to_bytes()) | changes
    return json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


@pytest.mark.rule("A90")
@pytest.mark.parametrize("version", [0, FORMAT + 1, 99, "1", None, [1]])
def test_a_version_we_do_not_know_is_refused_and_not_guessed_at(version: object) -> None:
    with pytest.raises(ArtefactUnreadable):
        CompiledMessage.from_bytes(_changed(format=version))


@pytest.mark.rule("A90")
@pytest.mark.parametrize(
    "data", [b"", b"null", b"[]", b"1", b'"x"', b"{}", b"\xff\xfe", b'{"format":1}', b"{" * 5000]
)
def test_what_is_no_artefact_is_refused_in_one_sentence(data: bytes) -> None:
    with pytest.raises(ArtefactUnreadable) as error:
        CompiledMessage.from_bytes(data)
    assert str(error.value).endswith("compile the campaign again.")


@pytest.mark.rule("A90")
@pytest.mark.parametrize("cut", [1, 10, 100, 1000])
def test_a_truncated_artefact_is_refused(cut: int) -> None:
    with pytest.raises(ArtefactUnreadable):
        CompiledMessage.from_bytes(compiled().to_bytes()[:-cut])


@pytest.mark.rule("A90")
@pytest.mark.parametrize(
    "change",
    [{"boundary": "=_x"}, {"must_show": []}, {"language": "de"}, {"size_bound": 1}, {"unsubscribe_address": "a@b.c"}],
)  # fmt: skip
def test_any_change_to_what_was_approved_changes_its_hash(change: dict[str, object]) -> None:
    assert CompiledMessage.from_bytes(_changed(**change)).hash != compiled().hash


@pytest.mark.rule("A90")
def test_what_is_read_back_has_the_hash_it_was_approved_by() -> None:
    for message in (compiled(), compiled(message_class=MessageClass.PROOF), confirmation()):
        assert CompiledMessage.from_bytes(message.to_bytes()).hash == message.hash


@pytest.mark.rule("A90")
def test_the_order_of_keys_in_the_stored_form_does_not_matter() -> None:
    content = json.loads(compiled().to_bytes())
    turned = json.dumps(dict(reversed(content.items()))).encode()
    assert CompiledMessage.from_bytes(turned).hash == compiled().hash
