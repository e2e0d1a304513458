"""`--invite`: one confirmation mail each, paced, and the clock of each starts with its own (C29, C7, D8)."""

from __future__ import annotations

import json
from datetime import timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest
import time_machine
from sqlalchemy import update

from mailer import clock
from mailer.audit import Ledger
from mailer.store.schema import Subscription
from mailer.store.vocabulary import SYSTEM_STREAM, SubscriptionState
from mailer.subscribers import links
from mailer.subscribers.evidence import Evidence
from mailer.subscribers.importing import Declaration
from mailer.subscribers.joining import ConfirmState, Joining
from mailer.subscribers.purge import purge_unconfirmed
from mailer.tokens import Tokens

if TYPE_CHECKING:
    from tests.importing.conftest import MakeFile, Office

NOBODY_VOUCHES = Declaration()
WEEK = timedelta(days=7)


def people(count: int, start: int = 0) -> str:
    return "email\n" + "".join(f"p{number}@shop.example\n" for number in range(start, start + count))


def invite(office: Office, path: Any, **options: Any) -> Any:
    return office.run(path, invite=True, declaration=NOBODY_VOUCHES, **options)


@pytest.mark.rule("C7", "C29")
def test_each_pending_row_is_queued_once_as_system_mail(office: Office, make_file: MakeFile) -> None:
    report = invite(office, make_file(people(3)))
    assert report.invited == 3
    queued = office.deliveries()
    assert [(row.stream, row.kind, row.state, row.domain) for row in queued] == [
        (SYSTEM_STREAM, "confirmation", "queued", "shop.example")
    ] * 3
    assert len({row.subscription_id for row in queued}) == 3


def test_invitations_leave_at_the_pace_of_the_settings(office: Office, make_file: MakeFile) -> None:
    before = clock.now()
    invite(office, make_file(people(5)))
    due = [row.next_attempt_at for row in office.deliveries()]
    step = timedelta(hours=1) / office.imports.settings.privacy.invitations_hour
    assert before <= due[0] <= clock.now()
    assert [later - first for first, later in pairwise(due)] == [step] * 4


def test_a_second_import_queues_behind_the_first(office: Office, make_file: MakeFile) -> None:
    first = invite(office, make_file(people(50)))
    invite(office, make_file(people(5, start=50)))
    due = [row.next_attempt_at for row in office.deliveries()]
    assert len(set(due)) == 55
    assert due[50] > first.last_invitation_at


@pytest.mark.rule("C7")
def test_the_life_of_each_starts_with_its_own_mail(office: Office, make_file: MakeFile) -> None:
    invite(office, make_file(people(3)))
    for row in office.deliveries():
        with office.store.read() as connection:
            expires = connection.scalar(
                Subscription.__table__.select()
                .with_only_columns(Subscription.expires_at)
                .where(Subscription.id == row.subscription_id)
            )
        assert expires - row.next_attempt_at == WEEK


def test_who_has_evidence_is_not_invited(office: Office, make_file: MakeFile) -> None:
    report = office.run(make_file(people(2)), invite=True)
    assert report.counts == {"confirmed": 2}
    assert office.deliveries() == []


def test_inviting_after_a_plain_import_invites_those_who_wait(office: Office, make_file: MakeFile) -> None:
    path = make_file(people(2))
    office.run(path, declaration=NOBODY_VOUCHES)
    report = invite(office, path)
    assert report.counts == {"pending.invited": 2}
    assert len(office.deliveries()) == 2
    row = office.subscription("p0@shop.example")
    assert row is not None
    assert row.confirm_nonce is not None


def test_inviting_twice_mails_once(office: Office, make_file: MakeFile) -> None:
    path = make_file(people(2))
    invite(office, path)
    before = office.everything()
    report = invite(office, path)
    assert report.counts == {"already.pending": 2}
    assert office.everything() == before


def test_a_dry_run_counts_invitations_and_queues_none(office: Office, make_file: MakeFile) -> None:
    report = invite(office, make_file(people(3)), dry_run=True)
    assert report.invited == 3
    assert office.deliveries() == []


@pytest.mark.rule("D8")
def test_an_address_mailed_lately_is_not_mailed_again_by_another_import(
    office: Office, make_file: MakeFile
) -> None:
    path = make_file(people(1))
    invite(office, path)
    ledger = Ledger(office.secrets)
    with time_machine.travel(clock.now() + WEEK + timedelta(minutes=1)):
        purge_unconfirmed(office.store, ledger)
        assert invite(office, path).invited == 1
    with time_machine.travel(clock.now() + 2 * WEEK + timedelta(minutes=2)):
        purge_unconfirmed(office.store, ledger)
        assert invite(office, path).invited == 1
    with time_machine.travel(clock.now() + 3 * WEEK + timedelta(minutes=3)):
        purge_unconfirmed(office.store, ledger)
        report = invite(office, path)
    assert report.counts == {"pending.capped": 1}
    assert report.invited == 0


@pytest.mark.rule("D3", "C3")
def test_an_invited_person_confirms_by_the_link_like_anybody(office: Office, make_file: MakeFile) -> None:
    invite(office, make_file("email,first_name\nada@shop.example,Ada\n"))
    row = office.subscription("ada@shop.example")
    assert row is not None
    tokens = Tokens(office.secrets, confirm_seconds=int(WEEK.total_seconds()))
    joining = Joining(office.store, office.imports.settings, office.secrets, tokens, Ledger(office.secrets))
    token = links.sign_confirm(tokens, row.tag, nonce=row.confirm_nonce)
    evidence = Evidence("192.0.2.1", None, "http://127.0.0.1:8025/", "Yes, subscribe me", "2026-11-22", "en")
    assert joining.look(token).state is ConfirmState.WAITING
    assert joining.confirm(token, evidence).state is ConfirmState.ALREADY
    confirmed = office.subscription("ada@shop.example")
    assert confirmed is not None
    assert confirmed.state is SubscriptionState.CONFIRMED
    assert confirmed.fields == {"first_name": "Ada"}
    assert len(office.ledger("confirmed")) == 1


@pytest.mark.rule("C3")
def test_the_record_of_an_invitation_names_its_delivery(office: Office, make_file: MakeFile) -> None:
    invite(office, make_file(people(1)))
    (entry,) = office.ledger("imported")
    assert json.loads(entry.payload)["delivery"] == office.deliveries()[0].id


def test_who_is_confirmed_by_a_later_file_is_not_asked_any_more(office: Office, make_file: MakeFile) -> None:
    path = make_file(people(1))
    invite(office, path)
    office.run(path)
    assert [(row.state, row.skip_reason) for row in office.deliveries()] == [("skipped", "stale")]


def test_who_asked_at_the_form_keeps_the_link_they_were_sent(office: Office, make_file: MakeFile) -> None:
    path = make_file(people(1))
    office.run(path, declaration=NOBODY_VOUCHES)
    with office.store.write() as connection:
        connection.execute(update(Subscription).values(confirm_nonce=b"12345678"))
    assert invite(office, path).counts == {"already.pending": 1}
    row = office.subscription("p0@shop.example")
    assert row is not None
    assert row.confirm_nonce == b"12345678"
