"""What the ledger can prove about one person, from the records alone (C3, C4, F5, law 8)."""

from __future__ import annotations

import hashlib
import logging
from pathlib import Path

import pytest

from mailer.audit import seal, verify
from mailer.audit.ledger import erase_payloads
from mailer.store.schema import Delivery, LedgerEntry
from mailer.store.vocabulary import Stream, SuppressionReason
from mailer.subscribers.joining import token_id
from mailer.subscribers.queries import decoded
from tests.subscribers.conftest import ADA, START, Desk, seen


def records(desk: Desk) -> list[tuple[str, dict[str, object]]]:
    """Ada's story: event and what was said."""
    rows = [row for row in desk.rows(LedgerEntry) if row.subject == desk.hash()]
    return [(row.event, decoded(row.payload)) for row in rows]


@pytest.mark.rule("C3")
def test_both_steps_are_there_with_time_place_words_and_policy(desk: Desk) -> None:
    desk.request()
    desk.pass_time(hours=3)
    desk.joining.confirm(desk.confirm_token(), seen("198.51.100.9", language="de"))
    (asked, request), (confirmed, confirmation) = records(desk)
    assert (asked, confirmed) == ("requested", "confirmed")
    times = [row.at for row in desk.rows(LedgerEntry)]
    assert times[0] == START and (times[1] - times[0]).total_seconds() == 3 * 3600
    for said in (request, confirmation):
        assert said["list"] == "weekly" and said["policy_version"] == "2026-11-01"
        assert hashlib.sha256(str(said["wording"]).encode()).hexdigest() == said["wording_sha256"]
    assert (request["ip"], confirmation["ip"]) == ("192.0.2.7", "198.51.100.9")
    assert (request["language"], confirmation["language"]) == ("en", "de")


@pytest.mark.rule("C3")
def test_the_confirmation_points_at_the_request_and_the_request_at_the_mail(desk: Desk) -> None:
    desk.join()
    (_, request), (_, confirmation) = records(desk)
    ids = [row.id for row in desk.rows(LedgerEntry)]
    assert confirmation["request"] == ids[0]
    assert request["delivery"] == desk.rows(Delivery)[0].id
    assert desk.subscription().consent_id == ids[1]


@pytest.mark.rule("D25")
def test_no_token_is_kept_only_its_fingerprint(desk: Desk) -> None:
    desk.request()
    token = desk.confirm_token()
    desk.joining.confirm(token, seen())
    everything = str([tuple(row) for row in desk.rows(LedgerEntry)])
    assert token_id(token) in everything
    assert token not in everything and token.split(".")[1] not in everything


@pytest.mark.rule("D25")
def test_no_log_line_of_a_whole_story_holds_an_address_a_token_or_an_ip(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG, logger="mailer"):
        desk.request()
        confirm, leave = desk.confirm_token(), desk.leave_token()
        desk.joining.confirm(confirm, seen())
        desk.leaving.leave(leave, scope="all", via="one-click", evidence=seen())
        desk.joining.ask_back(leave, seen())
        desk.joining.process_requests()
        desk.joining.not_me(desk.not_me_token(), seen())
    lines = caplog.text + str([vars(record) for record in caplog.records])
    assert "signup_judged" in lines
    for canary in ("ada@", "example.net", confirm, leave, "192.0.2.7"):
        assert canary not in lines.lower() and canary not in lines


@pytest.mark.rule("D27")
def test_each_act_is_one_record_in_order(desk: Desk) -> None:
    desk.join()
    token = desk.leave_token()
    desk.leaving.leave(token, scope="list", via="one-click")
    desk.joining.ask_back(token, seen())
    desk.joining.process_requests()
    desk.joining.confirm(desk.confirm_token(), seen())
    desk.suppressions.add(ADA, SuppressionReason.HARD_BOUNCE)
    desk.suppressions.lift(ADA, SuppressionReason.HARD_BOUNCE, why="the mailbox works again")
    desk.joining.not_me(desk.not_me_token(), seen())
    assert desk.events() == [
        "requested",
        "confirmed",
        "unsubscribed",
        "resubscribe_requested",
        "confirmed",
        "suppressed",
        "lifted",
        "not_me",
    ]
    assert {row.stream for row in desk.rows(LedgerEntry)} == {Stream.CONSENT}


@pytest.mark.rule("C4")
def test_the_whole_story_verifies(desk: Desk, tmp_path: Path) -> None:
    head = tmp_path / "head"
    desk.join()
    desk.leaving.leave(desk.leave_token(), scope="all", via="page")
    seal(desk.store, desk.secrets, head)
    assert not verify(desk.store, desk.secrets, head).findings


@pytest.mark.rule("C20")
def test_a_request_whose_words_were_erased_can_still_be_confirmed(desk: Desk) -> None:
    """Erasure and confirmation may cross; the act itself is then all that is known."""
    desk.request(ADA, first_name="Ada")
    token = desk.confirm_token()
    with desk.store.write() as connection:
        erase_payloads(connection, [desk.subscription().consent_id])
    assert desk.joining.look(token).language == "en"
    assert desk.joining.confirm(token, seen()).state == "already"
    assert desk.state() == "confirmed"


@pytest.mark.rule("D3")
def test_what_failed_leaves_no_record(desk: Desk) -> None:
    desk.request()
    token = desk.confirm_token()
    desk.pass_time(days=8)
    desk.joining.confirm(token, seen())
    desk.joining.look(token)
    assert desk.events() == ["requested"]


@pytest.mark.rule("C9", "C20")
def test_the_record_of_an_opt_out_is_minimal(desk: Desk) -> None:
    desk.join()
    desk.leaving.leave(desk.leave_token(), scope="list", via="page", evidence=seen())
    assert set(desk.payload("unsubscribed")) == {"list", "scope", "via", "campaign", "ip", "language"}


@pytest.mark.rule("C8")
def test_an_opt_out_without_any_evidence_of_who_pressed_is_an_opt_out(desk: Desk) -> None:
    desk.join()
    assert desk.leaving.leave(desk.leave_token(), scope="list", via="one-click").state == "left"
