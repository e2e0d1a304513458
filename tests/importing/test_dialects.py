"""The files that Mailchimp, listmonk and spreadsheets write, read as what they are."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from mailer.store.vocabulary import ALL_LISTS
from mailer.subscribers.importing import Declaration, ImportRefused, Standing

if TYPE_CHECKING:
    from tests.importing.conftest import MakeFile, Office

MAILCHIMP_HEAD = (
    '"Email Address","First Name","Last Name",MEMBER_RATING,OPTIN_TIME,OPTIN_IP,CONFIRM_TIME,CONFIRM_IP,'
    "LATITUDE,LONGITUDE,GMTOFF,DSTOFF,TIMEZONE,CC,REGION,LAST_CHANGED,LEID,EUID,NOTES,TAGS\n"
)


def mailchimp_row(email: str, *, time: str = "2016-04-18 13:55:14", ip: str = "192.0.2.7") -> str:
    optin = '"2016-04-18 13:51:14",192.0.2.6' if time else ","
    return (
        f'{email},Ada,"Lovelace, Countess",2,{optin},"{time}",{ip},,,,,,,,"2016-04-18 14:00:32",55331253,'
        f'89501affba,"called\ntwice","vip, old"\n'
    )


@pytest.mark.rule("C29", "C3")
def test_a_mailchimp_row_with_time_and_address_of_confirmation_is_confirmed(
    office: Office, make_file: MakeFile
) -> None:
    path = make_file(MAILCHIMP_HEAD + mailchimp_row("ada@shop.example"))
    report = office.run(path)
    assert report.dialect == "mailchimp"
    row = office.subscription("ada@shop.example")
    assert row is not None
    assert row.state == "confirmed"
    assert row.confirmed_at.isoformat() == "2016-04-18T13:55:14+00:00"
    assert row.expires_at is None
    assert row.fields == {"first_name": "Ada"}
    (entry,) = office.ledger("imported")
    assert entry.subject == office.hash("ada@shop.example")
    assert json.loads(entry.payload)["consent"] == {
        "at": "2016-04-18 13:55:14",
        "ip": "192.0.2.7",
        "requested_at": "2016-04-18 13:51:14",
        "requested_ip": "192.0.2.6",
    }


@pytest.mark.rule("C29")
def test_a_mailchimp_row_that_staff_uploaded_is_pending(office: Office, make_file: MakeFile) -> None:
    """Mailchimp sets CONFIRM_TIME for uploads too, but only a person leaves an IP address."""
    path = make_file(MAILCHIMP_HEAD + mailchimp_row("ada@shop.example", ip=""))
    report = office.run(path, declaration=Declaration(by="Eve"))
    assert office.state("ada@shop.example") == "pending"
    assert report.counts == {"pending.no_evidence": 1}


@pytest.mark.rule("B20")
def test_a_mailchimp_file_of_people_who_left_becomes_suppressions_of_the_list(
    office: Office, make_file: MakeFile
) -> None:
    head = MAILCHIMP_HEAD.replace(
        "MEMBER_RATING", "UNSUB_TIME,UNSUB_CAMPAIGN_TITLE,UNSUB_REASON,MEMBER_RATING"
    )
    row = mailchimp_row("ada@shop.example").replace(",2,", ',"2020-02-02 10:00:00",Spring,"no longer",2,', 1)
    report = office.run(make_file(head + row, name="unsubscribed_members_export_1.csv"))
    assert report.counts == {"suppressed.unsubscribed": 1}
    assert {reason for reason, _ in office.suppressions("ada@shop.example")} == {"unsubscribed"}
    assert ALL_LISTS not in {scope for _, scope in office.suppressions("ada@shop.example")}
    assert office.state("ada@shop.example") is None


@pytest.mark.rule("B20")
def test_a_mailchimp_file_of_cleaned_addresses_becomes_hard_bounces_of_every_list(
    office: Office, make_file: MakeFile
) -> None:
    head = MAILCHIMP_HEAD.replace("MEMBER_RATING", "CLEAN_TIME,CLEAN_CAMPAIGN_TITLE,MEMBER_RATING")
    row = mailchimp_row("ada@shop.example").replace(",2,", ',"2020-02-02 10:00:00",Spring,2,', 1)
    office.run(make_file(head + row, name="cleaned_members_export_1.csv"))
    assert office.suppressions("ada@shop.example") == {("hard_bounce", ALL_LISTS)}


@pytest.mark.rule("B20")
@pytest.mark.parametrize("name", ["unsubscribed_email_audience_export_77.csv", "export.csv"])
def test_a_row_without_a_time_in_a_file_of_people_who_left_does_not_come_back(
    sqlite_office: Office, make_file: MakeFile, name: str
) -> None:
    path = make_file("Email Address,UNSUB_TIME,LEID,EUID\nada@shop.example,,1,2\n", name=name)
    assert sqlite_office.run(path).counts == {"suppressed.unsubscribed": 1}


def test_a_file_named_after_people_not_subscribed_is_held(sqlite_office: Office, make_file: MakeFile) -> None:
    path = make_file(
        "Email Address,LEID,EUID\nada@shop.example,1,2\n", name="nonsubscribed_members_export.csv"
    )
    assert sqlite_office.run(path).counts == {"pending.unconfirmed": 1}


LISTMONK = """uuid,email,name,attributes,status,created_at,updated_at
8b1c,ada@shop.example,Ada L,"{""first_name"": ""Ada"", ""country"": ""UK"", ""x"": [1]}",enabled,2023-01-01,2023-01-01
8b1d,bob@shop.example,Bob,{},blocklisted,2023-01-01,2023-01-01
8b1e,cleo@shop.example,Cleo,{},disabled,2023-01-01,2023-01-01
8b1f,dan@shop.example,Dan,{broken,enabled,2023-01-01,2023-01-01
"""


@pytest.mark.rule("B20", "C29")
def test_a_listmonk_export_keeps_its_blocklist_and_reads_its_attributes(
    office: Office, make_file: MakeFile
) -> None:
    report = office.run(make_file(LISTMONK))
    assert report.dialect == "listmonk"
    assert office.suppressions("bob@shop.example") == {("unsubscribed", ALL_LISTS)}
    assert office.suppressions("cleo@shop.example") == {("manual", ALL_LISTS)}
    ada = office.subscription("ada@shop.example")
    assert ada is not None
    assert ada.fields == {"first_name": "Ada", "country": "UK"}
    assert report.unread_fields == {"attributes": 1}
    assert office.state("dan@shop.example") == "confirmed"


SPREADSHEETS = {
    "comma": ("E-Mail,First Name,Country\nada@shop.example,Zoë,Åland\n", "utf-8"),
    "byte order mark": ("\ufeffE-Mail,First Name,Country\nada@shop.example,Zoë,Åland\n", "utf-8"),
    "semicolon": ("E-Mail;First Name;Country\r\nada@shop.example;Zoë;Åland\r\n", "utf-8"),
    "Excel's sep line": ("sep=;\r\nE-Mail;First Name;Country\r\nada@shop.example;Zoë;Åland\r\n", "utf-8"),
    "tab": ("E-Mail\tFirst Name\tCountry\nada@shop.example\tZoë\tÅland\n", "utf-8"),
    "pipe": ("E-Mail|First Name|Country\nada@shop.example|Zoë|Åland\n", "utf-8"),
    "UTF-16 with mark": ("E-Mail\tFirst Name\tCountry\r\nada@shop.example\tZoë\tÅland\r\n", "utf-16"),
    "UTF-16 little": ("E-Mail\tFirst Name\tCountry\r\nada@shop.example\tZoë\tÅland\r\n", "utf-16-le"),
    "UTF-16 big": ("E-Mail;First Name;Country\r\nada@shop.example;Zoë;Åland\r\n", "utf-16-be"),
    "old Mac line ends": ("E-Mail,First Name,Country\rada@shop.example,Zoë,Åland\r", "utf-8"),
    "no last line end": ("E-Mail,First Name,Country\nada@shop.example,Zoë,Åland", "utf-8"),
    "quoted": ('"E-Mail","First Name","Country"\n"ada@shop.example","Zoë","Åland"\n', "utf-8"),
    "spaces": (" E-mail , first_name , COUNTRY \n ada@shop.example , Zoë , Åland \n", "utf-8"),
    "blank lines": ("\n\nE-Mail,First Name,Country\n\n,,\nada@shop.example,Zoë,Åland\n\n", "utf-8"),
    "trailing separators": ("E-Mail,First Name,Country,,\nada@shop.example,Zoë,Åland,,\n", "utf-8"),
    "decomposed letters": ("E-Mail,First Name,Country\nada@shop.example,Zoe\u0308,A\u030aland\n", "utf-8"),
}


@pytest.mark.parametrize("kind", SPREADSHEETS)
def test_a_spreadsheet_reads_the_same_however_it_was_saved(
    sqlite_office: Office, make_file: MakeFile, kind: str
) -> None:
    text, encoding = SPREADSHEETS[kind]
    report = sqlite_office.run(make_file(text, encoding=encoding))
    assert report.counts == {"confirmed": 1}
    row = sqlite_office.subscription("ada@shop.example")
    assert row is not None
    assert row.fields == {"first_name": "Zoë", "country": "Åland"}


def test_a_named_encoding_is_used(sqlite_office: Office, make_file: MakeFile) -> None:
    path = make_file("email;first_name\nada@shop.example;Zoë\n", encoding="cp1252")
    sqlite_office.run(path, encoding="cp1252")
    row = sqlite_office.subscription("ada@shop.example")
    assert row is not None
    assert row.fields == {"first_name": "Zoë"}


@pytest.mark.parametrize(
    ("word", "key"),
    [
        ("Subscribed", "confirmed"),
        (" ACTIVE ", "confirmed"),
        ("", "confirmed"),
        ("pending", "pending.unconfirmed"),
        ("Non-Subscribed", "pending.unconfirmed"),
        ("Unsubscribed", "suppressed.unsubscribed"),
        ("opted-out", "suppressed.unsubscribed"),
        ("cleaned", "suppressed.hard_bounce"),
        ("Hard bounce", "suppressed.hard_bounce"),
        ("Spam complaint", "suppressed.complaint"),
        ("blacklisted", "suppressed.unsubscribed"),
        ("disabled", "suppressed.manual"),
        ("archived", "rejected.status"),
        ("???", "rejected.status"),
        ("vip", "rejected.status"),
    ],
)
@pytest.mark.rule("B20")
def test_a_status_means_what_it_says_and_an_unknown_one_is_not_guessed_at(
    sqlite_office: Office, make_file: MakeFile, word: str, key: str
) -> None:
    path = make_file(f"email,status\nada@shop.example,{word}\n")
    assert sqlite_office.run(path).counts == {key: 1}


def test_the_operator_says_where_people_stand_whose_rows_do_not(
    sqlite_office: Office, make_file: MakeFile
) -> None:
    path = make_file("email,status\nada@shop.example,\nbob@shop.example,active\n")
    report = sqlite_office.run(path, treat_as=Standing.COMPLAINED)
    assert report.counts == {"suppressed.complaint": 1, "confirmed": 1}


def test_a_time_of_leaving_beats_the_status_beside_it(sqlite_office: Office, make_file: MakeFile) -> None:
    path = make_file("email,status,unsubscribed at\nada@shop.example,active,2020-01-01\n")
    assert sqlite_office.run(path).counts == {"suppressed.unsubscribed": 1}


def test_the_language_is_kept_where_the_site_speaks_it(sqlite_office: Office, make_file: MakeFile) -> None:
    path = make_file("email,language\na@shop.example,de-AT\nb@shop.example,fr\nc@shop.example,\n")
    sqlite_office.run(path)
    spoken = [sqlite_office.subscription(f"{who}@shop.example") for who in "abc"]
    assert [row.language for row in spoken if row] == ["de", "en", "en"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("email,e-mail\na@b.example,c@d.example\n", "--email-column"),
        ("name,city\nAda,London\n", "No column is named like an address"),
        ("ada@shop.example\nbob@shop.example\n", "not headings"),
        ("email,Country,Country\na@b.example,UK,FR\n", r"2 columns \"Country\""),
        ('email,"Country\na@b.example,UK\n', "quotation marks"),
        ("\n \n\n", "blank lines"),
        ("email" + ",x" * 500 + "\n", "501 columns"),
    ],
)
def test_a_heading_line_in_doubt_is_refused_with_what_to_do(
    sqlite_office: Office, make_file: MakeFile, text: str, said: str
) -> None:
    with pytest.raises(ImportRefused, match=said):
        sqlite_office.run(make_file(text))


def test_the_address_column_can_be_named(sqlite_office: Office, make_file: MakeFile) -> None:
    path = make_file("email,Work mail\na@b.example,ada@shop.example\n")
    assert sqlite_office.run(path, email_column="work mail").counts == {"confirmed": 1}
    assert sqlite_office.state("ada@shop.example") == "confirmed"
    with pytest.raises(ImportRefused, match="not exactly one"):
        sqlite_office.run(path, email_column="private mail")


def test_an_unknown_list_is_refused(sqlite_office: Office, tmp_path: Path) -> None:
    with pytest.raises(ImportRefused, match="weekly, clearance"):
        sqlite_office.run(tmp_path / "people.csv", "daily")


def test_columns_that_nothing_is_made_of_are_named(sqlite_office: Office, make_file: MakeFile) -> None:
    report = sqlite_office.run(make_file("email,Shoe size,Country\na@b.example,42,UK\n"))
    assert report.ignored_columns == ("Shoe size",)


@pytest.mark.rule("B20", "F1")
@pytest.mark.parametrize(
    "heading", ["Unsubscribed", "opted_out", "Opt-out date", "unsubscribed at", "Abgemeldet"]
)
@pytest.mark.parametrize(
    ("cell", "key"),
    [
        ("", "confirmed"),
        ("no", "confirmed"),
        ("FALSE", "confirmed"),
        ("0", "confirmed"),
        ("yes", "suppressed.unsubscribed"),
        ("x", "suppressed.unsubscribed"),
        ("1", "suppressed.unsubscribed"),
        ("2024-02-01", "suppressed.unsubscribed"),
    ],
)
def test_a_spreadsheet_may_mark_beside_the_others_who_left(
    sqlite_office: Office, make_file: MakeFile, heading: str, cell: str, key: str
) -> None:
    path = make_file(f"email,{heading},Country\nada@shop.example,{cell},UK\n")
    assert sqlite_office.run(path).counts == {key: 1}


@pytest.mark.rule("F1")
@pytest.mark.parametrize(
    "heading", ["Do not mail", "Blocked?", "opt-out reason", "Spam complaints", "has unsubscribed"]
)
def test_a_column_that_seems_to_hold_a_no_is_not_passed_over(
    sqlite_office: Office, make_file: MakeFile, heading: str
) -> None:
    path = make_file(f"email,{heading}\nada@shop.example,yes\n")
    with pytest.raises(ImportRefused, match="must not be mailed"):
        sqlite_office.run(path)
    assert sqlite_office.run(path, treat_as=Standing.SUBSCRIBED).counts == {"confirmed": 1}
