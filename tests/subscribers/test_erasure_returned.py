"""What came back about an erased person is emptied too, and what was counted stays counted (C20)."""

from __future__ import annotations

import zlib
from datetime import timedelta

import pytest
from sqlalchemy import insert

from mailer import clock
from mailer.addresses import EmailAddress
from mailer.keyring import address_hash
from mailer.store.schema import BounceScore, Hold, Report, ReturnedMail
from mailer.store.vocabulary import ReportKind, ReturnedState
from mailer.subscribers.erasure import Erasure
from tests.subscribers.conftest import ADA, Desk
from tests.subscribers.erasing import WHY

BOB = EmailAddress("bob", "smith.example")


def mail(desk: Desk, text: str, *, envelope_to: str | None = None) -> int:
    """A message that came back and is kept."""
    raw = text.encode()
    row = {"received_at": clock.now(), "source": "pipe", "digest": raw.ljust(32)[:32], "size": len(raw)}
    row |= {"raw": zlib.compress(raw), "envelope_to": envelope_to, "state": ReturnedState.REVIEW, "note": "x"}
    with desk.store.write() as connection:
        return connection.execute(insert(ReturnedMail).values(row).returning(ReturnedMail.id)).scalar_one()


def report(desk: Desk, address: EmailAddress, mail_id: int) -> None:
    """A report about somebody, with a hold and a score."""
    known = address_hash(desk.secrets, address)
    now, domain = clock.now(), address.domain
    row = {"received_at": now, "kind": ReportKind.BOUNCE, "domain": domain, "provider": domain}
    with desk.store.write() as connection:
        connection.execute(
            insert(Report).values(**row, mail_id=mail_id, email_hash=known, reason="userunknown")
        )
        held = {"email_hash": known, "provider": domain, "held_at": now, "due_at": now + timedelta(days=1)}
        connection.execute(insert(Hold).values(held))
        connection.execute(insert(BounceScore).values(email_hash=known, score=1, first_at=now, last_at=now))


@pytest.fixture
def filled(desk: Desk) -> Desk:
    """Ada and Bob have joined, and there is mail about both."""
    desk.join(ADA)
    desk.join(BOB)
    report(desk, ADA, mail(desk, "1 a bounce that names nobody"))
    report(desk, BOB, mail(desk, "2 about bob@smith.example"))
    mail(desk, "3 From: ADA@Example.net\n\nstop")
    mail(desk, "4 unread", envelope_to="ada@example.net")
    return desk


@pytest.mark.rule("C20")
def test_every_message_about_the_person_is_emptied_and_the_others_stay(
    filled: Desk, erasure: Erasure
) -> None:
    assert erasure.erase(ADA, why=WHY).mails == 3
    kept = {row.id: (row.raw is None, row.envelope_to, row.note) for row in filled.rows(ReturnedMail)}
    assert kept[1] == kept[3] == kept[4] == (True, None, None)
    assert kept[2][0] is False


@pytest.mark.rule("C20")
def test_reports_stay_counted_without_a_domain_that_may_be_their_own(filled: Desk, erasure: Erasure) -> None:
    erasure.erase(BOB, why=WHY)
    rows = {row.id: (row.domain, row.provider, row.reason) for row in filled.rows(Report)}
    assert rows == {1: ("example.net", "example.net", "userunknown"), 2: ("", None, "userunknown")}
    assert [row.provider for row in filled.rows(Hold)] == ["example.net", ""]
    with filled.store.read() as connection:
        assert len(connection.execute(BounceScore.__table__.select()).all()) == 1


def test_to_erase_again_finds_nothing_more(filled: Desk, erasure: Erasure) -> None:
    erasure.erase(ADA, why=WHY)
    assert erasure.erase(ADA, why=WHY).mails == 0
