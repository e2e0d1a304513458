"""One report in full, and one person's timeline: what happened, by which rule, in the order of time."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import insert, update

from mailer.addresses import parse_address
from mailer.audit import Ledger
from mailer.audit.read import Filter, records
from mailer.bounces.intake.keeping import keep
from mailer.bounces.reporting.history import history
from mailer.bounces.reporting.showing import ReportMissing, report
from mailer.keyring import Secrets, address_hash
from mailer.store import Store
from mailer.store.schema import Delivery, Hold, Report, ReturnedMail, Subscriber
from mailer.store.vocabulary import DeliveryState, HoldEnd, ReportEffect, ReportSource, Stream
from mailer.subscribers.people import PersonUnknown
from tests.bounces.reporting.month import NOW, World

ADA = parse_address("reader1@gmail.com")
RAW = b"From: mailer-daemon@gmail.com\r\nSubject: failure\r\n\r\n550 5.1.1 no such user\r\n"


@pytest.fixture
def bounced(store: Store, secrets: Secrets) -> World:
    """One mail to Ada, accepted; an hour later a bounce came by mail, and she was held."""
    world = World(store)
    world.lists("weekly")
    world.campaign("issue", NOW)
    world.send(1, world.people(1, domain="gmail.com"), domain="gmail.com", at=NOW)
    person = address_hash(secrets, ADA)
    assert keep(store, RAW, source="pipe")
    world.report(1, at=NOW + timedelta(hours=1), campaign=1, email_hash=person)
    with store.write() as connection:
        connection.execute(update(Subscriber).values(email_hash=person))
        values = {"mail_id": 1, "delivery_id": 1, "status": "5.1.1", "effect": ReportEffect.HELD}
        connection.execute(update(Report).values(rule="user-unknown", reader_version=3, **values))
        held = {"email_hash": person, "provider": "google", "held_at": NOW + timedelta(hours=2)}
        ended = {"end": HoldEnd.RELEASED, "ended_at": NOW + timedelta(hours=3)}
        connection.execute(insert(Hold), [{**held, **ended, "report_id": 1}])
    return world


def test_a_report_shows_the_rule_that_fired_and_the_message_as_it_came(
    bounced: World, ledger: Ledger
) -> None:
    found = report(bounced.store, ledger, 1)
    assert (found.rule, found.reader_version) == ("user-unknown", 3)
    assert (found.severity, found.reason, found.fault) == ("hard", "userunknown", "recipient")
    assert (found.campaign, found.list_name, found.effect) == ("issue", "weekly", "held")
    assert found.mail_source == "pipe"
    assert found.raw == RAW.decode()


@pytest.mark.rule("F4")
def test_who_reads_a_raw_report_is_on_record(bounced: World, ledger: Ledger) -> None:
    report(bounced.store, ledger, 1)
    with bounced.store.read() as connection:
        found = records(connection, Filter(stream=Stream.AUDIT, event="report_shown"))
    assert [record.payload for record in found] == [{"report": 1}]


def test_a_message_whose_retention_is_over_is_said_to_be_gone(bounced: World, ledger: Ledger) -> None:
    with bounced.store.write() as connection:
        connection.execute(update(ReturnedMail).values(raw=None))
    found = report(bounced.store, ledger, 1)
    assert found.raw is None
    assert "retention is over" in found.why_not_raw


def test_an_answer_of_the_server_itself_shows_its_words(bounced: World, ledger: Ledger) -> None:
    with bounced.store.write() as connection:
        connection.execute(update(Report).values(mail_id=None, source=ReportSource.SMTP))
        connection.execute(update(Delivery).values(reply="550 5.1.1 no such user"))
    found = report(bounced.store, ledger, 1)
    assert found.reply == "550 5.1.1 no such user"
    assert "directly" in found.why_not_raw


def test_a_report_that_is_not_there_is_said_so(store: Store, ledger: Ledger) -> None:
    with pytest.raises(ReportMissing, match="There is no report 77"):
        report(store, ledger, 77)


def test_a_timeline_weaves_mails_bounces_and_what_followed(
    bounced: World, secrets: Secrets, ledger: Ledger
) -> None:
    with bounced.store.write() as connection:
        subject = address_hash(secrets, ADA)
        payload = {"list": "weekly", "note": "after the hold"}
        ledger.append(
            connection, stream=Stream.CONSENT, event="unsubscribed", payload=payload, subject=subject
        )
    found = history(bounced.store, secrets, ledger, ADA)
    assert [event.what for event in found if event.what != "unsubscribed"] == [
        "mail accepted",
        "hard bounce",
        "held",
        "hold ended",
    ]
    words = {event.what: event.words for event in found}
    assert words["mail accepted"] == "issue"
    assert words["hard bounce"] == (
        "issue, userunknown (5.1.1), fault: recipient, rule: user-unknown, then held"
    )
    assert words["hold ended"] == "released: mailed again"
    assert words["unsubscribed"] == "list: weekly, note: after the hold"
    assert [event.at for event in found] == sorted(event.at for event in found)


def test_a_mail_that_still_waits_is_in_the_timeline(bounced: World, secrets: Secrets, ledger: Ledger) -> None:
    values = {"state": DeliveryState.DEFERRED, "settled_at": None, "next_attempt_at": NOW, "reply_code": 451}
    with bounced.store.write() as connection:
        connection.execute(update(Delivery).values(status="4.7.1", **values))
    first = history(bounced.store, secrets, ledger, ADA)[0]
    assert (first.what, first.words, first.id) == ("mail deferred", "issue, 451 4.7.1", 1)


def test_an_erased_person_still_has_what_came_back_by_the_keyed_hash(
    bounced: World, secrets: Secrets, ledger: Ledger
) -> None:
    with bounced.store.write() as connection:
        connection.execute(update(Subscriber).values(email="x@gmail.com", email_key="x@gmail.com"))
    whats = [event.what for event in history(bounced.store, secrets, ledger, ADA)]
    assert whats == ["hard bounce", "held", "hold ended"]


def test_somebody_of_whom_nothing_is_stored_is_unknown(
    store: Store, secrets: Secrets, ledger: Ledger
) -> None:
    with pytest.raises(PersonUnknown):
        history(store, secrets, ledger, parse_address("nobody@example.net"))


@pytest.mark.rule("F4")
def test_who_reads_a_timeline_is_on_record(bounced: World, secrets: Secrets, ledger: Ledger) -> None:
    history(bounced.store, secrets, ledger, ADA)
    with bounced.store.read() as connection:
        wanted = Filter(stream=Stream.AUDIT, event="subscriber_shown", subject=address_hash(secrets, ADA))
        assert len(records(connection, wanted)) == 1
