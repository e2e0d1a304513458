"""Records: RFC 4180 read exactly, and a stray quotation mark costs its own row alone."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailer.subscribers.importing.records import MAX_RECORD_LINES, Damage, Lines, Record, read_records


def read(text: str, *, delimiter: str = ",", width: int = 3) -> list[Record]:
    def is_row(cells: list[str]) -> bool:
        return len(cells) == width and "@" in cells[0]

    lines = Lines(io.StringIO(text, newline=None))
    return list(read_records(lines, delimiter=delimiter, width=width, is_row=is_row))


def good(text: str) -> list[tuple[int, list[str]]]:
    return [(record.line, record.cells) for record in read(text) if record.damage is None]


def bad(text: str) -> list[tuple[int, Damage | None]]:
    return [(record.line, record.damage) for record in read(text) if record.damage is not None]


def test_quoted_separators_quotes_and_line_breaks_belong_to_their_cell() -> None:
    text = 'a@x,"b, c","d ""e"""\nf@x,"two\nlines",g\n'
    assert good(text) == [(1, ["a@x", "b, c", 'd "e"']), (2, ["f@x", "two\nlines", "g"])]


def test_blank_and_empty_rows_are_no_rows() -> None:
    assert good("\n,,\n\na@x,b,c\n,,\n") == [(4, ["a@x", "b", "c"])]


def test_line_numbers_count_the_lines_inside_cells() -> None:
    assert [line for line, _ in good('a@x,"1\n2\n3",c\nb@x,,c\nc@x,"\n",\nd@x,,c')] == [1, 4, 5, 7]


@pytest.mark.parametrize(
    "damaged",
    [
        'x@x,"never closed,c',
        'x@x,"closed" badly,c',
        '"x@x,b,c',
        'x@x,b,"',
    ],
)
@pytest.mark.parametrize("after", ["b@x,b,c\n", 'b@x,"b",c\n', 'b@x,"b\nb",c\nd@x,"d",e\n', ""])
def test_a_damaged_row_costs_itself_and_no_other(damaged: str, after: str) -> None:
    before = "a@x,b,c\n"
    assert bad(before + damaged + "\n" + after) == [(2, Damage.QUOTES)]
    assert [cells[0] for _, cells in good(before + damaged + "\n" + after)] == [
        cells[0] for _, cells in good(before + after)
    ]


def test_a_row_swallowed_by_two_stray_quotes_is_found_again() -> None:
    """Both marks together make one well-formed record; the row inside it must not get lost."""
    text = 'a@x,"stray,c\nb@x,b,c"\nc@x,c,c\n'
    assert [cells[0] for _, cells in good(text)] == ["b@x", "c@x"]
    assert bad(text) == [(1, Damage.QUOTES)]


def test_a_cell_that_does_not_end_is_given_up_after_fifty_lines() -> None:
    text = 'a@x,"begins,c\n' + "".join(f"p{number}@x,b,c\n" for number in range(3 * MAX_RECORD_LINES))
    assert bad(text) == [(1, Damage.QUOTES)]
    assert len(good(text)) == 3 * MAX_RECORD_LINES


def test_thousands_of_stray_quotes_are_read_in_reasonable_time() -> None:
    text = "".join(f'p{number}@x,"b,c\n' for number in range(3000))
    assert len(bad(text)) == 3000


def test_a_row_with_a_cell_too_many_is_damaged_unless_it_is_empty() -> None:
    assert bad("a@x,b,c,d\n") == [(1, Damage.CELLS)]
    assert good("a@x,b,c,,\n") == [(1, ["a@x", "b", "c"])]


def test_a_short_row_is_left_to_who_knows_the_columns() -> None:
    assert good("a@x\n") == [(1, ["a@x"])]


cells = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=8).map(str.strip)
quoted = st.text(st.sampled_from(["x", ",", ";", '"', "\n", "é"]), max_size=8).map(str.strip)


@settings(max_examples=60)
@given(st.lists(st.tuples(cells, quoted, cells), max_size=8), st.sampled_from([",", ";", "\t"]))
def test_what_a_csv_writer_wrote_is_read_back(rows: list[tuple[str, str, str]], delimiter: str) -> None:
    buffer = io.StringIO()
    csv.writer(buffer, delimiter=delimiter, quoting=csv.QUOTE_ALL).writerows(rows)
    expected = [
        list(row) for row in rows if any(row) and not any("\ufffd" in cell or "\0" in cell for cell in row)
    ]
    found = [record.cells for record in read(buffer.getvalue(), delimiter=delimiter) if record.damage is None]
    assert found == expected


@settings(max_examples=100)
@given(st.text(st.sampled_from('a@x,;"\n'), max_size=200))
def test_any_text_is_read_to_its_end_and_every_record_has_its_line(text: str) -> None:
    records = read(text)
    numbers = [record.line for record in records]
    assert numbers == sorted(set(numbers))
    assert all(1 <= number <= text.count("\n") + 1 for number in numbers)
