"""The report in words: one paragraph that says what is wrong, since when, whose fault it is, what to do."""

from __future__ import annotations

import csv
import io
import json
from datetime import timedelta

import pytest

from mailer.bounces.reporting.model import Overview, Period
from mailer.bounces.reporting.overview import overview
from mailer.bounces.reporting.plain import CSV_COLUMNS, as_json, csv_rows
from mailer.bounces.reporting.words import change, headline, length, paragraph, percent, span
from mailer.cli.output import print_csv, print_json
from mailer.store import Store
from tests.bounces.reporting import month
from tests.bounces.reporting.month import NOW, World

MONTH = Period(NOW - timedelta(days=30), NOW)


def seen(store: Store, period: Period = MONTH, *, by: str = "provider") -> Overview:
    return overview(store, period, by=by, zone="Europe/Berlin")


def test_the_paragraph_of_a_bad_month_names_all_four_with_their_faults(sqlite_store: Store) -> None:
    month.bad_month(sqlite_store)
    text = paragraph(seen(sqlite_store))
    assert text.startswith("Four things are wrong. ")
    for words in (
        "DKIM, SPF or DMARC fails at google, outlook and yahoo",
        "gmx-webde refuses us by policy",
        "Many addresses of import:fair do not exist. 80 of 400 messages (20 %), from 10 Nov, 10:00",
        "Readers of issue-7 call it spam. 28 complaints about 2,700 messages (1.0 %)",
        "The fault is on our side",
        "The fault is with the source of these addresses",
        "Run `mailer doctor`",
    ):
        assert words in text


def test_a_calm_month_says_so_calmly(sqlite_store: Store) -> None:
    month.quiet_month(sqlite_store)
    text = paragraph(seen(sqlite_store))
    assert text.startswith("Nothing is wrong. Of 13,500 messages: ")
    assert "30 days before" in text
    assert "fault" not in text


def test_a_site_that_sent_nothing_says_that(sqlite_store: Store) -> None:
    day = Period(NOW - timedelta(days=1), NOW)
    assert paragraph(seen(sqlite_store, day)) == ("Nothing was sent and nothing came back in these 24 hours.")


def test_few_messages_are_told_by_number_and_not_by_rate(sqlite_store: Store) -> None:
    world = World(sqlite_store)
    world.lists("weekly")
    world.campaign("first", NOW - timedelta(hours=5))
    world.send(1, world.people(2, domain="gmail.com"), domain="gmail.com", at=NOW - timedelta(hours=5))
    world.report(1, at=NOW - timedelta(hours=1), campaign=1)
    text = headline(seen(sqlite_store))
    assert "2 answered, 1 bounced, 0 complaints" in text
    assert "%" not in text


def test_what_goes_on_is_told_apart_from_what_is_over(sqlite_store: Store) -> None:
    world = World(sqlite_store)
    world.lists("weekly")
    world.report(50, reason="blocked", at=NOW - timedelta(hours=2), hours=1.9, domain="gmx.de")
    assert "since 23 Nov, 05:00, and it goes on" in paragraph(seen(sqlite_store))
    later = Period(NOW - timedelta(days=29), NOW + timedelta(days=1))
    assert "from 23 Nov, 05:00 to 23 Nov, 07:00, hardly any since" in paragraph(seen(sqlite_store, later))


def test_the_span_is_that_of_the_site_s_clock(sqlite_store: Store) -> None:
    assert span(seen(sqlite_store)) == "24 Oct, 08:00 to 23 Nov 2026, 07:00 (30 days), Europe/Berlin"


@pytest.mark.parametrize(
    ("rate", "text"),
    [
        (None, "–"),
        (0, "0 %"),
        (0.4, "40 %"),
        (0.0801, "8.0 %"),
        (0.00314, "0.31 %"),
        (0.00004, "0.004 %"),
        (1, "100 %"),
    ],
)
def test_shares_read_with_the_digits_that_count(rate: float | None, text: str) -> None:
    assert percent(rate) == text


@pytest.mark.parametrize(
    ("now", "before", "text"),
    [
        (0.03, 0.01, "3.0×"),
        (0.01, 0.03, "÷3.0"),
        (0.0112, 0.01, "+12 %"),
        (0.0101, 0.01, "same"),
        (0.01, 0.0, "new"),
        (0.0, 0.01, "gone"),
        (0.0, 0.0, "same"),
        (None, 0.01, "–"),
        (0.01, None, "–"),
    ],
)
def test_a_change_reads_in_one_look(now: float | None, before: float | None, text: str) -> None:
    assert change(now, before) == text


@pytest.mark.parametrize(("hours", "text"), [(1, "1 hour"), (24, "24 hours"), (168, "7 days")])
def test_a_period_has_its_length(hours: int, text: str) -> None:
    assert length(Period(NOW - timedelta(hours=hours), NOW)) == text


# --- for programs ---------------------------------------------------------------------------------


def test_json_says_all_that_the_terminal_says(
    sqlite_store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    month.bad_month(sqlite_store)
    print_json(as_json(seen(sqlite_store)))
    told = json.loads(capsys.readouterr().out)
    assert [finding["name"] for finding in told["findings"]] == [
        "authentication",
        "listing",
        "bad_import",
        "complaints_campaign",
    ]
    assert told["findings"][2]["count"] == 80
    assert told["paragraph"].startswith("Four things are wrong.")
    assert told["total"]["accepted"] == 13_900
    assert told["total"]["before"]["accepted"] == 5_400
    assert told["total"]["policy_rate"] == pytest.approx(told["total"]["policy"] / 13_900)
    assert {group["key"] for group in told["groups"]} == set(month.PROVIDERS.values())
    assert len(told["over_time"]) == 31


def test_csv_has_a_row_for_each_line_and_one_for_all(
    sqlite_store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    month.bad_month(sqlite_store)
    print_csv(CSV_COLUMNS, csv_rows(seen(sqlite_store, by="import")))
    rows = {row["key"]: row for row in csv.DictReader(io.StringIO(capsys.readouterr().out))}
    assert list(rows) == ["form", "import:fair", "total"]
    assert rows["import:fair"]["hard"] == "80"
    assert rows["import:fair"]["hard_rate"] == "0.2"
    assert rows["import:fair"]["before_bounce_rate"] == "", "nobody of them was mailed before"


@pytest.mark.rule("D17")
def test_no_cell_of_the_csv_is_a_formula(sqlite_store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    world = World(sqlite_store)
    world.lists("weekly")
    world.report(1, at=NOW - timedelta(hours=1), domain="=cmd.example", provider="=cmd|x")
    print_csv(CSV_COLUMNS, csv_rows(seen(sqlite_store)))
    assert "\n'=cmd|x," in capsys.readouterr().out
