"""Whole exports as Mailchimp, listmonk and the spreadsheet programs hand them over, read from end to end."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

import pytest

from mailer.store.schema import Delivery, Subscriber, Suppression
from mailer.store.vocabulary import ALL_LISTS
from mailer.subscribers.importing import Declaration, ImportRefused

if TYPE_CHECKING:
    from tests.importing.conftest import MakeFile, Office

NOBODY_VOUCHES = Declaration()
#: As the audience export of Mailchimp orders its columns in 2025, without the merge fields of the shop.
AUDIENCE = (
    "MEMBER_RATING", "OPTIN_TIME", "OPTIN_IP", "CONFIRM_TIME", "CONFIRM_IP", "LATITUDE", "LONGITUDE", "GMTOFF",
    "DSTOFF", "TIMEZONE", "CC", "REGION",
)  # fmt: skip
TAIL = ("LAST_CHANGED", "LEID", "EUID", "NOTES", "TAGS")
SIGNED_UP = ("2019-03-02 08:11:09", "198.51.100.4", "2019-03-02 08:13:40", "198.51.100.4")
UPLOADED = ("", "", "2019-05-01 12:00:00", "")
PLACE = ("52.5", "13.4", "1", "2", "Europe/Berlin", "DE", "BE")


def sheet(rows: Sequence[Sequence[str]], *, delimiter: str = ",", line_end: str = "\r\n") -> str:
    """A CSV as the standard library writes it, which is as RFC 4180 says."""
    out = io.StringIO()
    csv.writer(out, delimiter=delimiter, lineterminator=line_end).writerows(rows)
    return out.getvalue()


def member(number: int, *times: str, extra: Sequence[str] = (), name: str = "Ada") -> tuple[str, ...]:
    """One line of an audience export."""
    tail = (
        "2024-01-01 00:00:00",
        str(40_000 + number),
        f"{number:010x}",
        "met at the fair,\nhall 4",
        '"trade"',
    )
    return (f"m{number}@shop.example", name, "Lovelace", *extra, "2", *times, *PLACE, *tail)


def export(members: Sequence[tuple[str, ...]], extra: Sequence[str] = ()) -> str:
    """The file of one part of an audience."""
    head = ("Email Address", "First Name", "Last Name", *extra, *AUDIENCE, *TAIL)
    return sheet([head, *members], line_end="\n")


class TestAMailchimpAudience:
    """Mailchimp hands out a ZIP of three files, each named after who is in it."""

    SUBSCRIBED = export([member(1, *SIGNED_UP), member(2, *UPLOADED), member(3, *SIGNED_UP, name="Zoë")])
    LEFT = export(
        [
            member(
                4, *SIGNED_UP, extra=("2021-06-01 10:00:00", "Spring sale", "NORMAL", "I never signed up")
            ),
            member(5, *SIGNED_UP, extra=("", "", "", "")),
        ],
        extra=("UNSUB_TIME", "UNSUB_CAMPAIGN_TITLE", "UNSUB_REASON", "UNSUB_REASON_OTHER"),
    )
    CLEANED = export(
        [member(6, *SIGNED_UP, extra=("2020-02-02 10:00:00", "Winter"))],
        extra=("CLEAN_TIME", "CLEAN_CAMPAIGN_TITLE"),
    )

    def read(self, office: Office, make_file: MakeFile) -> dict[str, dict[str, int]]:
        """Import the three files, as one would unpack them."""
        files = {
            "subscribed_email_audience_export_5b1.csv": self.SUBSCRIBED,
            "unsubscribed_email_audience_export_5b1.csv": self.LEFT,
            "cleaned_email_audience_export_5b1.csv": self.CLEANED,
        }
        return {
            name.split("_")[0]: dict(
                office.run(make_file(text, name=name), declaration=Declaration(by="Eve")).counts
            )
            for name, text in files.items()
        }

    @pytest.mark.rule("B20", "C29")
    def test_each_file_ends_as_its_name_says(self, office: Office, make_file: MakeFile) -> None:
        assert self.read(office, make_file) == {
            "subscribed": {"confirmed": 2, "pending.no_evidence": 1},
            "unsubscribed": {"suppressed.unsubscribed": 2},
            "cleaned": {"suppressed.hard_bounce": 1},
        }

    @pytest.mark.rule("F1")
    def test_nobody_of_the_two_files_of_noes_becomes_a_subscriber(
        self, office: Office, make_file: MakeFile
    ) -> None:
        self.read(office, make_file)
        assert [office.state(f"m{number}@shop.example") for number in range(1, 7)] == [
            *("confirmed", "pending", "confirmed"),
            *(None, None, None),
        ]
        assert office.count(Subscriber) == 3
        assert office.count(Suppression) == 3

    @pytest.mark.rule("B20")
    def test_the_order_of_the_three_files_does_not_matter(self, office: Office, make_file: MakeFile) -> None:
        both = export([member(1, *SIGNED_UP, extra=("2022-01-01 00:00:00",))], extra=("UNSUB_TIME",))
        office.run(make_file(both, name="unsubscribed_x.csv"), declaration=Declaration(by="Eve"))
        assert self.read(office, make_file)["subscribed"]["kept_out.unsubscribed"] == 1
        assert office.state("m1@shop.example") is None

    @pytest.mark.rule("C3")
    def test_the_time_of_leaving_is_put_on_record_and_the_reason_given_is_not(
        self, sqlite_office: Office, make_file: MakeFile
    ) -> None:
        self.read(sqlite_office, make_file)
        payloads = [json.loads(row.payload) for row in sqlite_office.ledger("suppressed")]
        left = min(payloads, key=lambda payload: int(payload["line"]))
        assert left["since"] == "2021-06-01T10:00:00+00:00"
        assert left["reason"] == "unsubscribed"
        assert "never signed up" not in json.dumps(left)

    def test_notes_of_several_lines_shift_no_line_number(
        self, sqlite_office: Office, make_file: MakeFile
    ) -> None:
        broken = self.SUBSCRIBED.replace("m3@shop.example", "m3.shop.example")
        report = sqlite_office.run(make_file(broken))
        assert report.examples["rejected.no_at_sign"] == [6]  # each row before takes two lines

    def test_nothing_is_mailed(self, sqlite_office: Office, make_file: MakeFile) -> None:
        self.read(sqlite_office, make_file)
        assert sqlite_office.count(Delivery) == 0

    def test_tags_ratings_and_places_are_left_behind_and_named(
        self, sqlite_office: Office, make_file: MakeFile
    ) -> None:
        report = sqlite_office.run(make_file(self.SUBSCRIBED))
        assert {"Last Name", "MEMBER_RATING", "LATITUDE", "TIMEZONE", "NOTES", "TAGS"} <= set(
            report.ignored_columns
        )
        row = sqlite_office.subscription("m1@shop.example")
        assert row is not None
        assert row.fields == {"first_name": "Ada"}


class TestAListmonkExport:
    """listmonk exports subscribers with their global status and a JSON object of attributes."""

    HEAD = ("uuid", "email", "name", "attributes", "status", "created_at", "updated_at")

    def people(self, *rows: tuple[str, dict[str, object], str]) -> str:
        when = "2023-04-01T10:00:00.123456Z"
        return sheet(
            [
                self.HEAD,
                *(
                    (f"8b1c-{n}", email, "A Name", json.dumps(given), status, when, when)
                    for n, (email, given, status) in enumerate(rows)
                ),
            ],
            line_end="\n",
        )

    @pytest.mark.rule("C29")
    def test_an_enabled_row_carries_no_consent_of_its_own(self, office: Office, make_file: MakeFile) -> None:
        """created_at says when the row was made, not that anybody agreed."""
        path = make_file(self.people(("ada@shop.example", {}, "enabled")))
        office.run(path, declaration=Declaration(by="Eve"))
        assert office.state("ada@shop.example") == "pending"

    def test_attributes_are_mapped_like_columns(self, office: Office, make_file: MakeFile) -> None:
        path = make_file(self.people(("ada@shop.example", {"FNAME": "Ada", "Country": "UK"}, "enabled")))
        office.run(path)
        row = office.subscription("ada@shop.example")
        assert row is not None
        assert row.fields == {"first_name": "Ada", "country": "UK"}

    def test_attributes_inside_attributes_are_not_dug_for(
        self, sqlite_office: Office, make_file: MakeFile
    ) -> None:
        path = make_file(self.people(("ada@shop.example", {"who": {"FNAME": "Ada"}}, "enabled")))
        sqlite_office.run(path)
        row = sqlite_office.subscription("ada@shop.example")
        assert row is not None
        assert row.fields == {}

    @pytest.mark.rule("B20")
    def test_who_is_blocklisted_there_is_kept_off_every_list_here(
        self, office: Office, make_file: MakeFile
    ) -> None:
        path = make_file(self.people(("ada@shop.example", {}, "blocklisted")))
        office.run(path, "weekly")
        assert office.suppressions("ada@shop.example") == {("unsubscribed", ALL_LISTS)}
        report = office.run(make_file("email\nada@shop.example\n"), "clearance")
        assert report.counts == {"kept_out.unsubscribed": 1}

    def test_its_export_of_one_list_has_the_status_of_the_subscription(
        self, sqlite_office: Office, make_file: MakeFile
    ) -> None:
        path = make_file(
            self.people(
                ("ada@shop.example", {}, "confirmed"),
                ("bob@shop.example", {}, "unconfirmed"),
                ("cleo@shop.example", {}, "unsubscribed"),
            )
        )
        assert sqlite_office.run(path).counts == {
            "confirmed": 1,
            "pending.unconfirmed": 1,
            "suppressed.unsubscribed": 1,
        }


#: A customer sheet as people keep it: a title cell forgotten, umlauts, a comment of several lines.
CUSTOMERS = [
    ("E-Mail-Adresse", "FNAME", "Country", "Bemerkung", "Confirmed at", "Confirm IP"),
    ("ada@shop.example", "Ada", "Großbritannien", "", "02.03.2019 08:13", "198.51.100.4"),
    ("zoe@shop.example", "Zoë", "Österreich", "ruft an;\n\nwill Ω-Liste", "2.3.2019", "2001:db8::7"),
    ("lukas@bücher.example", "Łukasz", "Polen", 'sagt "später"', "", ""),
    ("", "", "", "", "", ""),
    ("nur ein Name", "Kurt", "Schweiz", "", "", ""),
]
#: How the programs save it: name of the case, delimiter, encoding, byte order mark.
SAVED_AS = {
    "Excel, CSV UTF-8": (";", "utf-8-sig"),
    "Excel, Unicode text": ("\t", "utf-16"),
    "LibreOffice, UTF-8": (",", "utf-8"),
    "LibreOffice, UTF-16": (";", "utf-16"),
    "LibreOffice, tabs": ("\t", "utf-8"),
}


@pytest.mark.rule("C29")
@pytest.mark.parametrize("program", SAVED_AS)
def test_a_customer_sheet_ends_the_same_whatever_program_saved_it(
    sqlite_office: Office, make_file: MakeFile, program: str
) -> None:
    delimiter, encoding = SAVED_AS[program]
    path = make_file(sheet(CUSTOMERS, delimiter=delimiter).encode(encoding))
    report = sqlite_office.run(path, declaration=Declaration(by="Eve"))
    assert report.counts == {"confirmed": 2, "pending.no_evidence": 1, "rejected.no_at_sign": 1}
    assert report.delimiter == delimiter
    zoe = sqlite_office.subscription("zoe@shop.example")
    assert zoe is not None
    assert zoe.fields == {"first_name": "Zoë", "country": "Österreich"}
    assert zoe.confirmed_at.isoformat() == "2019-03-02T00:00:00+00:00"
    lukas = sqlite_office.subscription("lukas@bücher.example")
    assert lukas is not None
    assert lukas.domain == "xn--bcher-kva.example"


@pytest.mark.rule("D18")
def test_a_sheet_of_an_older_excel_is_refused_until_its_encoding_is_named(
    sqlite_office: Office, make_file: MakeFile
) -> None:
    rows = [row for row in CUSTOMERS if "Ω" not in "".join(row) and "Ł" not in "".join(row)]
    path = make_file(sheet(rows, delimiter=";").encode("cp1252"))
    with pytest.raises(ImportRefused, match="Line 2 .* is not UTF-8.*--encoding cp1252"):
        sqlite_office.run(path)
    report = sqlite_office.run(path, encoding="cp1252")
    assert report.encoding == "cp1252"
    row = sqlite_office.subscription("ada@shop.example")
    assert row is not None
    assert row.fields["country"] == "Großbritannien"


def test_a_german_date_with_a_time_is_read_as_day_and_hour(
    sqlite_office: Office, make_file: MakeFile
) -> None:
    sqlite_office.run(make_file(sheet(CUSTOMERS)), declaration=Declaration(by="Eve"))
    row = sqlite_office.subscription("ada@shop.example")
    assert row is not None
    assert row.confirmed_at.isoformat() == "2019-03-02T08:13:00+00:00"


@pytest.mark.rule("C3")
def test_a_version_six_address_is_evidence_like_any_other(sqlite_office: Office, make_file: MakeFile) -> None:
    sqlite_office.run(make_file(sheet(CUSTOMERS)), declaration=Declaration(by="Eve"))
    payloads = [json.loads(row.payload) for row in sqlite_office.ledger("imported")]
    payloads.sort(key=lambda payload: int(payload["line"]))
    assert [payload.get("consent", {}).get("ip") for payload in payloads] == [
        "198.51.100.4",
        "2001:db8::7",
        None,
    ]


def test_a_cell_with_blank_lines_inside_quotes_stays_one_row(
    sqlite_office: Office, make_file: MakeFile
) -> None:
    report = sqlite_office.run(make_file(sheet(CUSTOMERS)))
    assert report.rows == 4
    assert report.examples["rejected.no_at_sign"] == [8]


def test_a_quoted_heading_may_run_over_two_lines_only_in_a_cell(
    sqlite_office: Office, make_file: MakeFile
) -> None:
    """A heading that breaks is refused with its line, and not half read."""
    with pytest.raises(ImportRefused, match="Line 1 should hold the headings"):
        sqlite_office.run(make_file('email,"First\nName"\nada@shop.example,Ada\n'))


def test_the_separator_line_of_excel_is_believed_against_the_look_of_the_headings(
    sqlite_office: Office, make_file: MakeFile
) -> None:
    path = make_file("sep=|\r\nemail|First Name, short|Country\r\nada@shop.example|Ada, A.|UK\r\n")
    report = sqlite_office.run(path)
    assert report.delimiter == "|"
    row = sqlite_office.subscription("ada@shop.example")
    assert row is not None
    assert row.fields == {"country": "UK"}


def test_a_separator_inside_quotation_marks_does_not_count_when_it_is_guessed(
    sqlite_office: Office, make_file: MakeFile
) -> None:
    path = make_file('"a, b, c, d";email\n"1, 2, 3, 4";ada@shop.example\n')
    assert sqlite_office.run(path).delimiter == ";"


def test_a_named_separator_beats_the_one_in_the_file(sqlite_office: Office, make_file: MakeFile) -> None:
    report = sqlite_office.run(make_file("sep=,\nemail;Country\nada@shop.example;UK\n"), delimiter=";")
    assert report.counts == {"confirmed": 1}


def test_two_files_fill_one_person_from_both_ends(office: Office, make_file: MakeFile) -> None:
    """The address book knows the name, the shop knows the country."""
    office.run(make_file("email,FNAME\nada@shop.example,Ada\n", name="book.csv"))
    report = office.run(make_file("email,Country,FNAME\nADA@SHOP.example,UK,A.\n", name="shop.csv"))
    assert report.counts == {"already.confirmed": 1}
    assert report.fields_filled == 1
    row = office.subscription("ada@shop.example")
    assert row is not None
    assert row.fields == {"first_name": "Ada", "country": "UK"}
