"""Who is confirmed by an import, who waits, and that nobody comes back by one (C29, B20, C7)."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
import time_machine
from sqlalchemy import insert, select, update

from mailer import clock
from mailer.addresses import parse_address
from mailer.audit import Ledger, seal, verify
from mailer.store.schema import Delivery, Subscriber, Subscription, Suppression
from mailer.store.vocabulary import ALL_LISTS, Stream, SubscriptionState, SuppressionReason
from mailer.subscribers.importing import Declaration
from mailer.subscribers.purge import purge_unconfirmed
from mailer.subscribers.suppressions import Suppressions
from tests.importing.conftest import EVE

if TYPE_CHECKING:
    from pathlib import Path

    from tests.importing.conftest import MakeFile, Office

PLAIN = "email\nada@shop.example\n"


@pytest.mark.rule("C29")
@pytest.mark.parametrize(
    "declaration",
    [
        Declaration(),
        Declaration(by="Eve"),
        Declaration(by="Eve", consent_date=date(2024, 5, 1)),
        Declaration(by="Eve", evidence="paper forms"),
        Declaration(consent_date=date(2024, 5, 1), evidence="paper forms"),
    ],
)
def test_a_row_without_complete_evidence_never_becomes_active(
    office: Office, make_file: MakeFile, declaration: Declaration
) -> None:
    office.run(make_file(PLAIN), declaration=declaration)
    assert office.state("ada@shop.example") == "pending"


@pytest.mark.rule("C29")
def test_a_row_is_confirmed_by_the_operators_evidence_and_word(office: Office, make_file: MakeFile) -> None:
    office.run(make_file(PLAIN), declaration=EVE)
    assert office.state("ada@shop.example") == "confirmed"
    (entry,) = office.ledger("imported")
    payload = json.loads(entry.payload)
    assert payload["declared_by"] == "Eve"
    assert payload["consent"] == {"at": "2024-05-01", "evidence": "paper forms, folder 7"}
    assert payload["origin"] == "spreadsheet file people.csv"
    assert payload["line"] == 2


@pytest.mark.rule("C29")
@pytest.mark.parametrize(
    ("date_cell", "ip", "note", "confirmed"),
    [
        ("2024-05-01", "192.0.2.1", "", True),
        ("2024-05-01", "2001:db8::1", "", True),
        ("2024-05-01 10:00:00+02:00", "", "double opt-in, form A", True),
        ("01.05.2024 10:00", "192.0.2.1", "", True),
        ("1.5.2024", "192.0.2.1", "", True),
        ("2024-05-01", "", "", False),
        ("", "192.0.2.1", "yes", False),
        ("05/01/2024", "192.0.2.1", "", False),
        ("soon", "192.0.2.1", "", False),
        ("2024-05-01", "999.0.2.1", "", False),
        ("2999-05-01", "192.0.2.1", "", False),
        ("1899-12-30", "192.0.2.1", "", False),
    ],
)
def test_evidence_in_a_row_is_a_past_date_and_an_address_or_a_note(
    sqlite_office: Office, make_file: MakeFile, date_cell: str, ip: str, note: str, confirmed: bool
) -> None:
    text = f'email,consent_date,consent_ip,consent_evidence\nada@shop.example,{date_cell},{ip},"{note}"\n'
    sqlite_office.run(make_file(text), declaration=Declaration(by="Eve"))
    assert sqlite_office.state("ada@shop.example") == ("confirmed" if confirmed else "pending")


@pytest.mark.rule("C7", "C29")
def test_an_import_mails_nobody_and_the_uninvited_are_forgotten_after_thirty_days(
    office: Office, make_file: MakeFile
) -> None:
    office.run(make_file(PLAIN), declaration=Declaration())
    assert office.count(Delivery) == 0
    row = office.subscription("ada@shop.example")
    assert row is not None
    assert row.confirm_nonce is None
    life = row.expires_at - clock.now()
    assert timedelta(days=29, hours=23) < life <= timedelta(days=30)
    with time_machine.travel(clock.now() + timedelta(days=30, minutes=1)):
        purge_unconfirmed(office.store, Ledger(office.secrets))
    assert office.count(Subscriber) == 0
    assert [row.payload for row in office.ledger("imported")] == [None]


@pytest.mark.rule("B20")
@pytest.mark.parametrize("reason", list(SuppressionReason))
@pytest.mark.parametrize("scope", ["list", "all"])
def test_a_suppressed_address_stays_suppressed_and_is_reported(
    office: Office, make_file: MakeFile, reason: SuppressionReason, scope: str
) -> None:
    suppressions = Suppressions(office.store, office.imports.settings, office.secrets, Ledger(office.secrets))
    suppressions.add(
        parse_address("Ada@shop.example"), reason, list_name="weekly" if scope == "list" else None
    )
    before = office.everything()
    report = office.run(make_file(PLAIN))
    assert report.counts == {f"kept_out.{reason.value}": 1}
    assert office.everything() == before


@pytest.mark.rule("B20")
def test_a_suppression_of_another_list_does_not_keep_anybody_out(office: Office, make_file: MakeFile) -> None:
    suppressions = Suppressions(office.store, office.imports.settings, office.secrets, Ledger(office.secrets))
    suppressions.add(parse_address("ada@shop.example"), SuppressionReason.UNSUBSCRIBED, list_name="clearance")
    office.run(make_file(PLAIN))
    assert office.state("ada@shop.example") == "confirmed"


@pytest.mark.rule("B20")
def test_who_left_is_not_brought_back_even_if_only_the_subscription_remembers_it(
    office: Office, make_file: MakeFile
) -> None:
    office.run(make_file(PLAIN))
    with office.store.write() as connection:
        connection.execute(update(Subscription).values(state=SubscriptionState.UNSUBSCRIBED))
    report = office.run(make_file(PLAIN))
    assert report.counts == {"kept_out.unsubscribed": 1}
    assert office.state("ada@shop.example") == "unsubscribed"


@pytest.mark.rule("B20", "F2")
def test_an_imported_no_ends_what_runs_and_settles_what_waits(office: Office, make_file: MakeFile) -> None:
    office.run(make_file(PLAIN))
    row = office.subscription("ada@shop.example")
    assert row is not None
    with office.store.write() as connection:
        connection.execute(insert(Delivery).values(**waiting(row.id)))
    report = office.run(make_file("email,status\nADA@shop.example,unsubscribed\n"))
    assert report.counts == {"suppressed.unsubscribed": 1}
    assert office.state("ada@shop.example") == "unsubscribed"
    assert [(d.state, d.skip_reason) for d in office.deliveries()] == [("skipped", "suppressed")]
    (entry,) = office.ledger("suppressed")
    assert json.loads(entry.payload)["reason"] == "unsubscribed"


@pytest.mark.rule("B20")
def test_an_imported_bounce_stops_mail_but_ends_no_consent(office: Office, make_file: MakeFile) -> None:
    office.run(make_file(PLAIN))
    office.run(make_file("email,status\nada@shop.example,cleaned\n"))
    assert office.state("ada@shop.example") == "confirmed"
    assert office.suppressions("ada@shop.example") == {("hard_bounce", ALL_LISTS)}


@pytest.mark.rule("B20")
def test_an_imported_block_ends_every_list(office: Office, make_file: MakeFile) -> None:
    office.run(make_file(PLAIN), "weekly")
    office.run(make_file(PLAIN), "clearance")
    office.run(make_file("email,status\nada@shop.example,blocked\n"), "weekly")
    assert office.state("ada@shop.example", "clearance") == "unsubscribed"


@pytest.mark.rule("B20")
def test_an_imported_opt_out_of_one_list_leaves_the_other_alone(office: Office, make_file: MakeFile) -> None:
    office.run(make_file(PLAIN), "weekly")
    office.run(make_file(PLAIN), "clearance")
    office.run(make_file("email,status\nada@shop.example,left\n"), "weekly")
    assert office.state("ada@shop.example", "weekly") == "unsubscribed"
    assert office.state("ada@shop.example", "clearance") == "confirmed"


def test_who_confirmed_here_after_leaving_there_is_not_thrown_out(
    office: Office, make_file: MakeFile
) -> None:
    office.run(make_file(PLAIN))
    with office.store.write() as connection:
        consent = Ledger(office.secrets).append(
            connection, stream=Stream.CONSENT, event="confirmed", payload={}, subject=office.hash("ada@shop.example")
        )  # fmt: skip
        connection.execute(
            update(Subscription).values(confirmed_at=datetime(2025, 1, 1, tzinfo=UTC), consent_id=consent)
        )
    report = office.run(make_file("email,unsubscribed at\nada@shop.example,2024-12-31\n"))
    assert report.counts == {"already.confirmed_since": 1}
    assert office.run(make_file("email,unsubscribed at\nada@shop.example,2025-01-02\n")).counts == {
        "suppressed.unsubscribed": 1
    }


def test_a_pending_person_is_confirmed_by_a_later_file_with_evidence(
    office: Office, make_file: MakeFile
) -> None:
    office.run(make_file(PLAIN), declaration=Declaration())
    report = office.run(make_file(PLAIN))
    assert report.counts == {"promoted": 1}
    row = office.subscription("ada@shop.example")
    assert row is not None
    assert (row.state, row.expires_at) == ("confirmed", None)


def test_a_confirmed_person_is_not_set_back_by_a_file_without_evidence(
    office: Office, make_file: MakeFile
) -> None:
    office.run(make_file(PLAIN))
    assert office.run(make_file(PLAIN), declaration=Declaration()).counts == {"already.confirmed": 1}
    assert office.state("ada@shop.example") == "confirmed"


MIXED = """email,status,first_name
Ada@Shop.example,active,Ada
ada@shop.example,active,Ada again
bob@shop.example,unsubscribed,Bob
BOB@shop.example,active,Bob
cleo@shop.example,active,Cleo
cleo@SHOP.example,unsubscribed,Cleo
dan@shop.example,pending,Dan
no address,active,Nobody
bob@shop.example,unsubscribed,Bob
"""


@pytest.mark.rule("A69", "B20")
def test_in_one_file_case_makes_no_difference_and_a_no_wins_wherever_it_stands(
    office: Office, make_file: MakeFile
) -> None:
    report = office.run(make_file(MIXED))
    assert report.counts == {
        "confirmed": 2,
        "already.duplicate": 3,
        "suppressed.unsubscribed": 2,
        "pending.unconfirmed": 1,
        "rejected.no_at_sign": 1,
    }
    assert [office.state(f"{who}@shop.example") for who in ("ada", "bob", "cleo", "dan")] == [
        "confirmed",
        None,
        "unsubscribed",
        "pending",
    ]
    row = office.subscription("ada@shop.example")
    assert row is not None
    assert (row.email, row.fields) == ("Ada@shop.example", {"first_name": "Ada"})


def test_running_the_same_file_again_changes_nothing(office: Office, make_file: MakeFile) -> None:
    office.run(make_file(MIXED))
    before = office.everything()
    records = [row for row in office.ledger() if row.event != "import"]
    report = office.run(make_file(MIXED))
    assert office.everything() == before
    assert [row for row in office.ledger() if row.event != "import"] == records
    assert report.counts == {
        "already.confirmed": 1,
        "already.duplicate": 3,
        "already.suppressed": 2,
        "already.pending": 1,
        "kept_out.unsubscribed": 1,
        "rejected.no_at_sign": 1,
    }


def test_a_dry_run_reports_the_same_and_writes_nothing(office: Office, make_file: MakeFile) -> None:
    path = make_file(MIXED)
    before, dry = office.everything(), office.run(path, dry_run=True)
    assert office.everything() == before
    assert office.ledger() == []
    assert dry.counts == office.run(path).counts


def test_known_people_keep_what_they_have_and_gain_what_they_lack(
    office: Office, make_file: MakeFile
) -> None:
    office.run(make_file("email,first_name\nada@shop.example,Ada\n"), "weekly")
    report = office.run(make_file("email,first_name,country\nada@shop.example,Wrong,UK\n"), "clearance")
    row = office.subscription("ada@shop.example", "clearance")
    assert row is not None
    assert row.fields == {"first_name": "Ada", "country": "UK"}
    assert report.fields_filled == 1


def test_nothing_is_learned_about_people_who_said_no(office: Office, make_file: MakeFile) -> None:
    office.run(make_file(PLAIN))
    office.run(make_file("email,status\nada@shop.example,left\n"))
    office.run(make_file("email,country\nada@shop.example,UK\n"))
    row = office.subscription("ada@shop.example")
    assert row is not None
    assert row.fields == {}


@pytest.mark.rule("C3")
def test_one_audit_event_says_who_imported_what(office: Office, make_file: MakeFile) -> None:
    office.run(make_file(MIXED))
    (event,) = office.ledger("import")
    payload = json.loads(event.payload)
    assert payload["declared_by"] == "Eve"
    assert payload["finished"] is True
    assert payload["rows"] == 9
    assert payload["counts"]["confirmed"] == 2
    assert len(payload["sha256"]) == 64
    assert "@" not in event.payload


def test_the_ledger_of_an_import_verifies(office: Office, make_file: MakeFile, tmp_path: Path) -> None:
    office.run(make_file(MIXED))
    head = tmp_path / "ledger.head"
    assert seal(office.store, office.secrets, head) > 0
    assert not verify(office.store, office.secrets, head).findings


def test_no_stored_suppression_of_a_stranger_names_the_address(office: Office, make_file: MakeFile) -> None:
    office.run(make_file("email,status\nada@shop.example,left\n"))
    with office.store.read() as connection:
        rows = connection.execute(select(Suppression.__table__)).all()
    assert "ada" not in repr(rows)
    assert office.count(Subscriber) == 0


def waiting(subscription_id: int) -> dict[str, object]:
    """A queued system message of one subscription."""
    return {
        "stream": 0,
        "kind": "confirmation",
        "subscription_id": subscription_id,
        "domain": "shop.example",
        "state": "queued",
        "attempts": 0,
        "next_attempt_at": clock.now(),
        "created_at": clock.now(),
    }
