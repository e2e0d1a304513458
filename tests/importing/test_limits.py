"""What no file may do to us: each limit is one clear sentence, and nothing is changed (D18)."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from mailer.store.schema import Subscriber
from mailer.subscribers.importing import ImportRefused, source
from mailer.subscribers.importing.source import examine

if TYPE_CHECKING:
    from tests.importing.conftest import MakeFile, Office

GOOD = "email\nada@shop.example\n"


def refused(office: Office, path: Path, said: str, **options: Any) -> None:
    with pytest.raises(ImportRefused, match=said) as caught:
        office.run(path, **options)
    assert str(caught.value).count("\n") == 0
    assert office.count(Subscriber) == 0
    assert office.ledger() == []


@pytest.mark.rule("D18")
@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "empty"),
        (b"\0" * 100_000, "NUL byte"),
        (b"email\nada@shop.example\n" * 3 + b"b\0b@shop.example\n", "Line 7 .* NUL byte"),
        (
            b"email\n" + b"ada@shop.example\n" * 50_000 + "zoë@shop.example\n".encode("cp1252"),
            "Line 50002 .* UTF-8",
        ),
        ("email\nzoë@shop.example\n".encode("cp1252"), "--encoding cp1252"),
        ("email\nada@shop.example\n".encode("utf-16") + b"\x00\xd8\x00\xd8", "UTF-16"),
        ("email\n".encode("utf-32"), "UTF-32"),
        (b",".join([b"email"] * 1_000_000) + b"\n", "Line 1 .* longer than"),
        (b"email\n" + b"x" * 3_000_000 + b"\n", "Line 2 .* longer than"),
        (b"email\n" + b"x" * 1_100_000, "Line 2 .* longer than"),
        (("email" + ",x" * 600 + "\n").encode(), "601 columns"),
    ],
    ids=lambda value: None if isinstance(value, bytes) else value,
)
def test_a_hostile_file_is_refused_in_one_sentence(
    sqlite_office: Office, make_file: MakeFile, content: bytes, said: str
) -> None:
    refused(sqlite_office, make_file(content), said)


@pytest.mark.rule("D18")
def test_a_late_fault_is_found_before_the_first_row_is_written(
    sqlite_office: Office, make_file: MakeFile
) -> None:
    rows = "".join(f"person{number}@shop.example\n" for number in range(3000))
    refused(sqlite_office, make_file(b"email\n" + rows.encode() + b"\xff\n"), "Line 3002")


@pytest.mark.rule("D18")
def test_a_file_above_the_size_limit_is_refused_unread(sqlite_office: Office, tmp_path: Path) -> None:
    path = tmp_path / "huge.csv"
    with path.open("wb") as file:
        file.truncate(source.MAX_BYTES + 1)
    refused(sqlite_office, path, "512 MiB")


@pytest.mark.rule("D18")
def test_too_many_lines_are_refused(
    sqlite_office: Office, make_file: MakeFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(source, "MAX_LINES", 10)
    refused(sqlite_office, make_file("email\n" + "ada@shop.example\n" * 11), "more than 10 lines")


@pytest.mark.rule("D18")
def test_what_is_no_file_is_refused(sqlite_office: Office, tmp_path: Path) -> None:
    refused(sqlite_office, tmp_path, "not a regular file")
    refused(sqlite_office, tmp_path / "missing.csv", "No such file")
    os.mkfifo(tmp_path / "pipe")
    refused(sqlite_office, tmp_path / "pipe", "not a regular file")


@pytest.mark.rule("D18")
@pytest.mark.parametrize("name", ["klingon", "base64", "zip"])
def test_an_unknown_encoding_is_refused(sqlite_office: Office, make_file: MakeFile, name: str) -> None:
    refused(sqlite_office, make_file(GOOD), "not a text encoding", encoding=name)


@pytest.mark.rule("D18")
def test_rows_with_bad_bytes_can_be_left_out_instead(sqlite_office: Office, make_file: MakeFile) -> None:
    content = b"email,first_name\nada@shop.example,Ada\nbob@shop.example,B\xffb\nc\0leo@shop.example,Cleo\n"
    report = sqlite_office.run(make_file(content), reject_bad_bytes=True)
    assert report.counts == {"confirmed": 1, "rejected.bytes": 2}
    assert report.examples["rejected.bytes"] == [3, 4]


@pytest.mark.rule("D18")
def test_a_replacement_character_is_damage_of_an_earlier_tool(
    sqlite_office: Office, make_file: MakeFile
) -> None:
    report = sqlite_office.run(make_file("email,first_name\nada@shop.example,Zo\ufffd\n"))
    assert report.counts == {"rejected.bytes": 1}


@pytest.mark.rule("D18")
def test_a_cell_no_spreadsheet_could_hold_costs_its_row(sqlite_office: Office, make_file: MakeFile) -> None:
    text = f"email,country\nada@shop.example,{'x' * 40_000}\nbob@shop.example,UK\n"
    report = sqlite_office.run(make_file(text))
    assert report.counts == {"rejected.cell_too_long": 1, "confirmed": 1}


@pytest.mark.rule("D18")
@pytest.mark.parametrize("size", [1, 7, 255, 256, 257])
def test_lines_are_counted_the_same_however_the_file_is_cut_into_chunks(
    make_file: MakeFile, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    text = "email\r\n" + "zoë@shop.example\r\n" * 40
    monkeypatch.setattr(source, "_CHUNK", size)
    examined = examine(make_file(text))
    assert examined.lines == 42
    assert examined.size == len(text.encode())


@pytest.mark.rule("D18")
def test_an_endless_line_is_found_across_chunks(make_file: MakeFile, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source, "_CHUNK", 64)
    monkeypatch.setattr(source, "MAX_LINE_CHARACTERS", 100)
    examine(make_file("email\n" + ("x" * 100 + "\n") * 5))
    with pytest.raises(ImportRefused, match="Line 3 "):
        examine(make_file("email\n" + "x" * 99 + "\n" + "x" * 101 + "\n" + "x\n"))
