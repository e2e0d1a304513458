"""What commands print: tables and facts for people, JSON for programs."""

from __future__ import annotations

import json
import unicodedata
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import click
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from mailer.cli.output import (
    console,
    dry_run_option,
    json_option,
    print_facts,
    print_json,
    print_table,
    printable,
)
from mailer.store.vocabulary import DeliveryState

Captured = pytest.CaptureFixture[str]


@dataclass(frozen=True)
class Reply:
    """Something a room hands to the command line."""

    state: DeliveryState
    at: datetime


@pytest.mark.rule("D26")
@given(st.text())
def test_printable_text_holds_no_control_character(text: str) -> None:
    """Neither to move the cursor nor to turn the direction of what follows."""
    shown = printable(text)
    assert all(character == " " or unicodedata.category(character)[0] not in "CZ" for character in shown)


@given(st.text(alphabet=st.characters(categories=("L", "N", "P", "S"))))
def test_ordinary_text_is_printed_as_it_is(text: str) -> None:
    assert printable(text) == text


def test_columns_of_numbers_stand_right_and_words_left(capsys: Captured) -> None:
    print_table(["state", "count"], [["accepted", 9], ["deferred", 12000]])
    lines = [line.rstrip() for line in capsys.readouterr().out.splitlines() if "e" in line]
    assert lines[1].startswith(" accepted") and lines[1].endswith("    9")
    assert lines[2].endswith("12000")


def test_a_table_without_rows_still_shows_its_headings(capsys: Captured) -> None:
    print_table(["key", "created"], [], title="Keys")
    out = capsys.readouterr().out
    assert "key" in out and "Keys" in out


def test_a_table_writes_nothing_for_nothing_and_words_for_truth(capsys: Captured) -> None:
    print_table(["a", "b", "c"], [[None, True, False]])
    assert "-" in (row := capsys.readouterr().out.strip().splitlines()[-1]) and "yes" in row and "no" in row
    print_facts({"until": None, "public": True})
    out = capsys.readouterr().out
    assert "until   -" in out and "public  yes" in out


def test_facts_stand_below_each_other(capsys: Captured) -> None:
    print_facts({"state": "sending", "due at": datetime(2026, 11, 27, 8, tzinfo=UTC)}, title="week-47")
    assert capsys.readouterr().out == "week-47\n  state   sending\n  due at  2026-11-27 08:00:00+00:00\n"


@pytest.mark.rule("D26")
def test_a_fact_from_outside_stays_on_its_line(capsys: Captured) -> None:
    print_facts({"reply": "550 no\n  state  accepted"})
    assert capsys.readouterr().out == "  reply  550 no\\n  state  accepted\n"


def test_json_spells_out_what_python_means(capsys: Captured) -> None:
    at = datetime(2026, 11, 27, 8, tzinfo=UTC)
    print_json(
        {"reply": Reply(DeliveryState.ACCEPTED, at), "day": date(2026, 11, 27), "took": timedelta(minutes=2)}
    )
    assert json.loads(capsys.readouterr().out) == {
        "reply": {"state": "accepted", "at": "2026-11-27T08:00:00+00:00"},
        "day": "2026-11-27",
        "took": 120.0,
    }


def test_json_takes_rows_as_they_come(capsys: Captured) -> None:
    print_json({"rows": ({"path": Path("a/b")} for _ in range(2))})
    assert json.loads(capsys.readouterr().out) == {"rows": [{"path": "a/b"}, {"path": "a/b"}]}


def test_what_has_no_json_form_is_refused() -> None:
    with pytest.raises(TypeError, match="no JSON form"):
        print_json(object())


def test_markup_in_data_is_data(capsys: Captured) -> None:
    console().print("[red]not red[/red]")
    assert "[red]not red[/red]" in capsys.readouterr().out


def test_the_options_are_passed_by_their_names() -> None:
    @click.command()
    @json_option
    @dry_run_option
    def command(*, as_json: bool, dry_run: bool) -> None:
        click.echo(f"{as_json} {dry_run}")

    assert CliRunner().invoke(command, ["--json"]).output == "True False\n"
    assert CliRunner().invoke(command, ["--dry-run"]).output == "False True\n"
