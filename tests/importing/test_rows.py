"""Cells become typed values; what cannot be read is left out and said, the person is kept."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from mailer.settings import load_settings
from tests.conftest import SETTINGS
from tests.importing.conftest import office_of

if TYPE_CHECKING:
    from mailer.keyring import Secrets
    from mailer.store import Store
    from tests.importing.conftest import MakeFile, Office

TYPED = (
    SETTINGS
    + """
[fields.age]
type = "number"
columns = ["Age"]

[fields.member]
type = "boolean"
columns = ["Member"]

[fields.born]
type = "date"
columns = ["Born", "Birthday"]
"""
)


@pytest.fixture
def typed_office(sqlite_store: Store, secrets: Secrets, tmp_path: Path) -> Office:
    """A site whose merge fields have every type."""
    path = tmp_path / "typed.toml"
    path.write_text(TYPED, encoding="utf-8")
    return office_of(sqlite_store, load_settings(path, {}), secrets)


def fields_of(office: Office, path: Path) -> tuple[Any, dict[str, int]]:
    report = office.run(path)
    row = office.subscription("ada@shop.example")
    assert row is not None
    return row.fields, dict(report.unread_fields)


@pytest.mark.parametrize(
    ("heading", "cell", "stored"),
    [
        ("Age", "42", {"age": 42}),
        ("Age", "1.5", {"age": 1.5}),
        ("Age", '"1,5"', {"age": 1.5}),
        ("Age", "", {}),
        ("Member", "yes", {"member": True}),
        ("Member", "FALSE", {"member": False}),
        ("Member", "Ja", {"member": True}),
        ("Born", "1815-12-10", {"born": "1815-12-10"}),
        ("Born", "10.12.1815", {"born": "1815-12-10"}),
        ("Born", "1815-12-10 00:00:00", {"born": "1815-12-10"}),
        ("Birthday", "1815-12-10", {"born": "1815-12-10"}),
        ("born", "1815-12-10", {"born": "1815-12-10"}),
        ("FNAME", "Ada", {"first_name": "Ada"}),
        ("first name", "Zoe\u0308", {"first_name": "Zoë"}),
        ("First_Name", "=1+1", {"first_name": "=1+1"}),
    ],
)
def test_a_cell_becomes_a_value_of_its_fields_type(
    typed_office: Office, make_file: MakeFile, heading: str, cell: str, stored: dict[str, Any]
) -> None:
    path = make_file(f"email,{heading}\nada@shop.example,{cell}\n")
    assert fields_of(typed_office, path) == (stored, {})


@pytest.mark.parametrize(
    ("heading", "cell", "name"),
    [
        ("Age", "old", "age"),
        ("Age", "nan", "age"),
        ("Member", "maybe", "member"),
        ("Born", "12/10/1815", "born"),
        ("Born", "31.02.2000", "born"),
        ("FNAME", '"Ada\nBcc: eve"', "first_name"),
        ("FNAME", "Ada\u2028Bcc", "first_name"),
        ("FNAME", "x" * 500, "first_name"),
    ],
)
def test_a_cell_that_does_not_fit_is_left_out_and_reported(
    typed_office: Office, make_file: MakeFile, heading: str, cell: str, name: str
) -> None:
    path = make_file(f"email,{heading}\nada@shop.example,{cell}\n")
    assert fields_of(typed_office, path) == ({}, {name: 1})


def test_a_row_may_lack_trailing_cells_that_say_nothing_of_consent(
    typed_office: Office, make_file: MakeFile
) -> None:
    assert fields_of(typed_office, make_file("email,FNAME,Age\nada@shop.example,Ada\n")) == (
        {"first_name": "Ada"},
        {},
    )


def test_a_row_cut_off_before_its_status_is_rejected(typed_office: Office, make_file: MakeFile) -> None:
    report = typed_office.run(make_file("email,FNAME,status\nada@shop.example,Ada\n"))
    assert report.counts == {"rejected.cells": 1}


def test_the_columns_of_a_field_are_preferred_in_the_order_of_the_settings(
    typed_office: Office, make_file: MakeFile
) -> None:
    path = make_file("email,Birthday,Born\nada@shop.example,2000-01-01,1815-12-10\n")
    assert fields_of(typed_office, path)[0] == {"born": "1815-12-10"}


def test_attributes_fill_only_what_no_column_of_its_own_does(
    typed_office: Office, make_file: MakeFile
) -> None:
    text = (
        "uuid,email,name,attributes,status,Age\n"
        '1,ada@shop.example,Ada,"{""Age"": 1, ""Member"": true, ""FNAME"": null, ""born"": ""x""}",enabled,42\n'
    )
    assert fields_of(typed_office, make_file(text)) == ({"age": 42, "member": True}, {"born": 1})


@pytest.mark.parametrize("attributes", ["[1]", "{", "nonsense", '"""text"""', "[" * 3000])
def test_attributes_that_are_no_object_are_left_out(
    typed_office: Office, make_file: MakeFile, attributes: str
) -> None:
    text = f"uuid,email,name,attributes,status\n1,ada@shop.example,Ada,{attributes},enabled\n"
    assert fields_of(typed_office, make_file(text)) == ({}, {"attributes": 1})
