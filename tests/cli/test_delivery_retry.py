"""`mailer delivery retry`: what is typed, what is said, what is refused."""

from __future__ import annotations

import pytest
from sqlalchemy import update

from mailer.store.schema import Campaign
from tests.cli.delivery_desk import DeliveryDesk


@pytest.fixture
def ended(desk: DeliveryDesk) -> DeliveryDesk:
    """Each end that staff may want to undo."""
    rows = [
        {"state": "deferred", "status": "4.7.1"},
        {"state": "expired", "status": "4.2.2"},
        {"state": "rejected", "reply_code": 550, "status": "5.7.1"},
        {"state": "rejected", "reply_code": 550, "status": "5.1.1"},
        {"state": "accepted", "reply_code": 250},
        {"state": "unknown"},
    ]
    for row in rows:
        # A proof has no subscription: one person has one delivery of a campaign.
        desk.add(
            kind="proof",
            campaign_id=None,
            stream=0,
            context={"address": "ops@shop.example"},
            attempts=1,
            **row,
        )
    return desk


def hold(desk: DeliveryDesk, state: str) -> None:
    desk.add(state="expired", subscription_id=1, attempts=9)
    with desk.write() as connection:
        connection.execute(update(Campaign).values(state=state))


def test_deferred_and_expired_ones_are_due_now_and_the_rest_is_told_apart(ended: DeliveryDesk) -> None:
    done = ended.run("retry", "1", "2", "3", "4", "5", "6")
    assert done.exit_code == 0
    lines = done.stdout.splitlines()
    assert lines[0] == "2 deliveries are due now: 1 deferred, 1 expired."
    said = " ".join(done.stdout.split())
    assert "Not retried, 1: refused by policy (5.7.x): once the cause is mended, say so with --mended" in said
    assert "the server refused for good, and is not asked again" in said
    assert "the relay took it: another would be a second copy" in said
    assert "see mailer delivery settle --help" in said
    assert ended.states()[2] == "deferred"


@pytest.mark.rule("B13")
def test_a_policy_rejection_goes_once_its_cause_is_mended(ended: DeliveryDesk) -> None:
    assert ended.run("retry", "3").exit_code == 1
    done = ended.run("retry", "3", "4", "--mended", "SPF names the relay now")
    assert done.stdout.startswith("1 delivery is due now: 1 rejected.\n")
    assert (ended.states()[3], ended.states()[4]) == ("deferred", "rejected")
    (record,) = ended.recorded("retry")
    assert record["mended"] == "SPF names the relay now" and record["asked"] == {"ids": [3, 4]}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "Say which: ids, or all of a --campaign, a --domain or a --state."),
        (("1", "--campaign", "week-48"), "Say which: ids, or all of"),
        (("1", "--mended", "  "), "Say what was done about the cause."),
        (("--state", "accepted"), "'accepted' is not one of"),
        (("0",), "0 is not in the range"),
        (("ada",), "not a valid integer"),
    ],
)
def test_what_was_meant_must_be_said(ended: DeliveryDesk, words: tuple[str, ...], said: str) -> None:
    refused = ended.run("retry", *words)
    assert refused.exit_code == 2 and said in " ".join(refused.stderr.split())


def test_a_domain_that_is_none_is_refused_in_a_sentence(ended: DeliveryDesk) -> None:
    refused = ended.run("retry", "--domain", "not a domain")
    assert refused.exit_code == 1 and refused.stderr.startswith("mailer: The part after the @")


def test_a_domain_is_meant_as_people_write_it(ended: DeliveryDesk) -> None:
    ended.add(state="expired", domain="xn--bcher-kva.example", kind="proof", campaign_id=None, stream=0)
    assert ended.json("retry", "--domain", "Bücher.example")["due"] == 1


def test_a_dry_run_says_what_would_be_and_does_nothing(ended: DeliveryDesk) -> None:
    before = ended.states()
    done = ended.run("retry", "--state", "expired", "--dry-run")
    assert done.stdout == "1 delivery would be due now: 1 expired.\n"
    assert ended.states() == before and ended.recorded("retry") == []


def test_programs_get_every_refused_one_by_its_id(ended: DeliveryDesk) -> None:
    found = ended.json("retry", "2", "4", "99")
    assert (found["due"], found["was"], found["dry_run"]) == (1, {"expired": 1}, False)
    assert [(each["reason"], each["deliveries"]) for each in found["refused"]] == [
        ("final", [4]),
        ("missing", [99]),
    ]
    assert found["refused"][1]["words"] == "there is no such delivery"


@pytest.mark.parametrize(
    ("state", "said"),
    [
        ("paused", "The campaign week-48 is paused: go on with mailer campaign resume week-48"),
        ("sending", None),
        ("finished", None),
    ],
)
def test_a_campaign_that_holds_its_mail_is_named(desk: DeliveryDesk, state: str, said: str | None) -> None:
    hold(desk, state)
    lines = desk.run("retry", "--campaign", "week-48").stdout.splitlines()
    assert lines == ["1 delivery is due now: 1 expired.", *([said] if said else [])]


def test_a_dry_run_names_the_finished_campaign_that_would_send_again(desk: DeliveryDesk) -> None:
    hold(desk, "finished")
    assert (
        "week-48 is finished, and would send again."
        in desk.run("retry", "--campaign", "week-48", "--dry-run").stdout
    )


def test_of_many_refused_ones_some_are_named(desk: DeliveryDesk) -> None:
    desk.add(15, state="rejected", status="5.1.1", kind="proof", campaign_id=None, stream=0)
    shown = desk.run("retry", "--state", "rejected").stdout
    assert shown.startswith("0 deliveries are due now.\nNot retried, 15: ")
    assert "10, 11, 12 and 3 more (--json has them)" in shown
