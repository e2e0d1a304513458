"""The file of rejected rows: complete, private, and safe to open in a spreadsheet (D17)."""

from __future__ import annotations

import csv
import stat
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailer.store.schema import Subscriber
from mailer.subscribers.importing import ImportRefused
from mailer.subscribers.importing.rejects import safe_cell

if TYPE_CHECKING:
    from tests.importing.conftest import MakeFile, Office


@pytest.mark.rule("D17")
def test_rejected_rows_are_written_with_their_line_and_what_is_wrong(
    sqlite_office: Office, make_file: MakeFile, tmp_path: Path
) -> None:
    rejects = tmp_path / "rejects.csv"
    text = 'email,first_name\nada@shop.example,Ada\n=cmd@,"-Bob"\nx@y,"open\n'
    sqlite_office.run(make_file(text), rejects=rejects)
    with rejects.open(newline="", encoding="utf-8") as file:
        assert list(csv.reader(file)) == [
            ["line", "reason", "email", "first_name"],
            ["3", "The address has no @ with something on both sides of it.", "'=cmd@", "'-Bob"],
            ["4", "The quotation marks of the row do not match.", 'x@y,"open'],
        ]
    assert stat.S_IMODE(rejects.stat().st_mode) == 0o600


@pytest.mark.rule("D17")
def test_a_dry_run_writes_them_too(sqlite_office: Office, make_file: MakeFile, tmp_path: Path) -> None:
    sqlite_office.run(make_file("email\nnobody\n"), rejects=tmp_path / "rejects.csv", dry_run=True)
    assert "nobody" in (tmp_path / "rejects.csv").read_text()


@pytest.mark.rule("D17")
def test_an_existing_file_is_not_overwritten(
    sqlite_office: Office, make_file: MakeFile, tmp_path: Path
) -> None:
    (tmp_path / "rejects.csv").write_text("precious")
    with pytest.raises(ImportRefused, match="exists already"):
        sqlite_office.run(make_file("email\nada@shop.example\n"), rejects=tmp_path / "rejects.csv")
    assert (tmp_path / "rejects.csv").read_text() == "precious"
    assert sqlite_office.count(Subscriber) == 0


@pytest.mark.rule("D17")
def test_a_folder_that_is_missing_is_one_sentence(
    sqlite_office: Office, make_file: MakeFile, tmp_path: Path
) -> None:
    with pytest.raises(ImportRefused, match="cannot be written"):
        sqlite_office.run(make_file("email\nada@shop.example\n"), rejects=tmp_path / "none" / "rejects.csv")


@pytest.mark.rule("D17")
@given(st.text(max_size=20))
def test_no_cell_begins_like_a_formula_or_holds_what_is_no_text(cell: str) -> None:
    safe = safe_cell(cell)
    assert not safe.startswith(("=", "+", "-", "@", "\t", "\r", "\0"))
    safe.encode("utf-8")
