"""Quoted-printable in joinable pieces."""

from __future__ import annotations

import quopri

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailer.rendering.wire.encode import LINE_WIDTH, SOFT_BREAK, decode, encode_chunk, encode_value

#: Any text that UTF-8 can hold, and more of the characters that matter to the encoding.
awkward = st.text(
    st.one_of(st.characters(codec="utf-8"), st.sampled_from(".=F \t\r\n-~ä€😀")), max_size=400
)  # fmt: skip
one_line = awkward.map(lambda text: text.replace("\r", "").replace("\n", ""))


def lines(encoded: str) -> list[str]:
    return encoded.split("\r\n")


def read_by_the_library(encoded: str) -> str:
    return quopri.decodestring(encoded.encode("ascii")).decode("utf-8").replace("\r\n", "\n")


def normal(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")


@pytest.mark.rule("A33")
@given(awkward)
def test_a_chunk_decodes_to_its_text(text: str) -> None:
    assert read_by_the_library(encode_chunk(text)) == normal(text)


@given(awkward)
def test_our_own_decoder_agrees_with_the_library(text: str) -> None:
    encoded = encode_chunk(text)
    assert decode(encoded) == read_by_the_library(encoded)


@pytest.mark.rule("A28", "A33")
@given(awkward)
def test_no_line_is_longer_than_76_columns(text: str) -> None:
    assert all(len(line) <= 76 for line in lines(encode_chunk(text)))


@given(awkward)
def test_the_last_line_leaves_room_for_a_soft_break(text: str) -> None:
    assert len(lines(encode_chunk(text))[-1]) <= LINE_WIDTH


@pytest.mark.rule("A33")
@given(awkward)
def test_only_printable_ascii_in_lines_that_end_in_no_white_space(text: str) -> None:
    encoded = lines(encode_chunk(text))
    assert all(" " <= character <= "~" or character == "\t" for line in encoded for character in line)
    assert not any(line.endswith((" ", "\t")) for line in encoded[:-1])


@given(awkward)
def test_no_line_begins_with_a_dot_or_with_from(text: str) -> None:
    assert not any(line.startswith((".", "From ")) for line in lines(encode_chunk(text)))


@given(awkward, st.lists(st.tuples(one_line, awkward), max_size=5))
def test_pieces_can_be_joined_at_any_column(start: str, rest: list[tuple[str, str]]) -> None:
    wire, plain = encode_chunk(start) + SOFT_BREAK, start
    for value, static in rest:
        wire += encode_value(value) + encode_chunk(static) + SOFT_BREAK
        plain += value + static
    assert read_by_the_library(wire) == normal(plain)
    assert all(len(line) <= 76 and not line.startswith((".", "From ")) for line in lines(wire))


@given(one_line)
def test_a_value_closes_itself_with_a_soft_break(value: str) -> None:
    encoded = encode_value(value)
    assert encoded.endswith(SOFT_BREAK)
    assert read_by_the_library(encoded) == value


@given(
    st.text(
        st.characters(min_codepoint=32, max_codepoint=126, exclude_characters="="), min_size=70, max_size=400
    )
)
def test_long_plain_values_take_the_short_way_to_the_same_text(value: str) -> None:
    encoded = encode_value(value)
    assert read_by_the_library(encoded) == value
    assert all(len(line) <= 76 and not line.startswith((".", "From ")) for line in lines(encoded))


@pytest.mark.parametrize(
    ("text", "encoded"),
    [
        ("", ""),
        ("plain", "plain"),
        ("a=b", "a=3Db"),
        ("Käse", "K=C3=A4se"),
        ("end \nnext", "end=20\r\nnext"),
        ("tab\t\n", "tab=09\r\n"),
        (".hidden", "=2Ehidden"),
        ("From me", "=46rom me"),
        ("Fromage", "Fromage"),
        ("x" * 75, "x" * 75),
        ("x" * 76, "x" * 75 + "=\r\nx"),
        ("x" * 75 + ".", "x" * 75 + "=\r\n=2E"),
        ("x" * 74 + "ä", "x" * 74 + "=\r\n=C3=A4"),
        ("x" * 73 + "ä", "x" * 73 + "=\r\n=C3=A4"),
        ("x" * 72 + "ä", "x" * 72 + "=C3=\r\n=A4"),
        ("one\rtwo\r\nthree", "one\r\ntwo\r\nthree"),
        ("\0", "=00"),
    ],
)
def test_known_encodings(text: str, encoded: str) -> None:
    assert encode_chunk(text) == encoded


plain_lines = st.text("ab .F=~rom", max_size=160) | st.builds(
    "{}{}{}".format,
    st.text("a", min_size=70, max_size=78),
    st.sampled_from([".", "From ", "=", "F"]),
    one_line,
)


@given(one_line | plain_lines)
def test_the_short_way_of_plain_values_writes_what_the_long_way_would(text: str) -> None:
    assert encode_value(text) == encode_chunk(text) + SOFT_BREAK
