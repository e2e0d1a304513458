"""Verdicts become rows: each with its record, once, and never over what has moved on."""

from __future__ import annotations

from datetime import timedelta

import pytest

from mailer import clock
from mailer.campaigns.due import finish_done
from mailer.delivery.claim import Claims
from mailer.delivery.settling.queries import Chosen
from mailer.delivery.settling.settle import Settled, by_word, settle, settle_by_report
from mailer.delivery.settling.verdicts import Finding, Verdict
from mailer.store.vocabulary import CampaignState, SuppressionReason
from tests.delivery.settling.conftest import Scene

SAID = {"evidence": "operator", "why": "the relay's owner looked"}


def say(scene: Scene, finding: Finding, *, attempts: int = 1, name: str = "d") -> Settled:
    verdict = Verdict(scene.ids[name], attempts, finding, "these words")
    return settle(scene.store, scene.ledger, [verdict], record=SAID)


def claimed(scene: Scene) -> list[int]:
    worker, journal = scene.world.new_worker()
    claims = Claims(scene.store, worker).take_campaigns(10)
    journal.close(remove=False)
    return [claim.id for claim in claims]


def test_accepted_is_accepted_with_the_words_in_the_place_of_a_reply(scene: Scene) -> None:
    assert say(scene, Finding.ACCEPTED) == Settled(accepted=1)
    row = scene.world.row(scene.ids["d"])
    assert (row.state.value, row.reply, row.reply_code, row.next_attempt_at) == (
        "accepted",
        "these words",
        None,
        None,
    )
    assert clock.now() - row.settled_at < timedelta(minutes=1)
    assert scene.sum() == {"accepted": 7}


@pytest.mark.rule("A56")
def test_absent_goes_back_to_be_sent_with_the_same_message_id(scene: Scene) -> None:
    assert say(scene, Finding.ABSENT) == Settled(resent=1)
    row = scene.world.row(scene.ids["d"])
    assert (row.state.value, row.attempts, row.settled_at) == ("deferred", 1, None)
    assert row.message_id == scene.message_id("d")
    assert scene.sum() == {"accepted": 6, "deferred": 1}
    assert claimed(scene) == [scene.ids["d"]]


def test_a_doubt_stays_unknown_and_leaves_no_record(scene: Scene) -> None:
    assert say(scene, Finding.DOUBT) == Settled()
    assert scene.unknown() and scene.recorded("settle") == []


def test_what_was_settled_by_what_is_on_record(scene: Scene) -> None:
    say(scene, Finding.ABSENT)
    (record,) = scene.recorded("settle")
    assert record.payload == {**SAID, "accepted": [], "resent": [scene.ids["d"]]}


def test_a_finished_campaign_sends_again_and_finishes_again(scene: Scene) -> None:
    scene.finish()
    say(scene, Finding.ABSENT)
    assert claimed(scene) == [scene.ids["d"]]
    (record,) = scene.recorded("reopen")
    assert record.payload == {
        "campaign": scene.world.campaign_id,
        "slug": "parts",
        "was": "finished",
        "reason": "settle",
    }
    assert finish_done(scene.store, scene.ledger) == [], "one is in hand"
    scene.change("d", state="accepted", worker_id=None)
    assert finish_done(scene.store, scene.ledger) == [scene.world.campaign_id]


def test_a_finished_campaign_stays_so_when_all_were_accepted(scene: Scene) -> None:
    scene.finish()
    say(scene, Finding.ACCEPTED)
    assert scene.recorded("reopen") == [] and claimed(scene) == []


def test_in_a_cancelled_campaign_nothing_is_sent_again(scene: Scene) -> None:
    scene.finish(CampaignState.CANCELLED)
    say(scene, Finding.ABSENT)
    row = scene.world.row(scene.ids["d"])
    assert (row.state.value, row.skip_reason.value) == ("skipped", "cancelled")
    assert scene.sum() == {"accepted": 6, "skipped": 1}


@pytest.mark.rule("F2")
def test_whoever_left_meanwhile_gets_no_second_try(scene: Scene) -> None:
    """Leaving wins: the claim reads again who may be mailed."""
    scene.world.leave("d")
    say(scene, Finding.ABSENT)
    assert claimed(scene) == []
    assert scene.sum() == {"accepted": 6, "skipped": 1}


def test_a_suppressed_person_gets_no_second_try(scene: Scene) -> None:
    scene.world.suppress("d", SuppressionReason.COMPLAINT)
    say(scene, Finding.ABSENT)
    assert claimed(scene) == []


@pytest.mark.parametrize("finding", [Finding.ACCEPTED, Finding.ABSENT])
def test_a_row_that_has_moved_on_is_left_alone(scene: Scene, finding: Finding) -> None:
    """It was sent again, and is unknown again, while somebody read a log of many gigabytes."""
    scene.change("d", attempts=2)
    assert say(scene, finding) == Settled()
    assert scene.unknown()
    assert say(scene, finding, name="a") == Settled()
    assert scene.state("a") == "accepted"


def test_settling_twice_changes_nothing_more(scene: Scene) -> None:
    say(scene, Finding.ACCEPTED)
    before = scene.world.rows()
    assert say(scene, Finding.ABSENT) == Settled()
    assert scene.world.rows() == before


def test_many_are_settled_in_short_transactions_each_on_record(scene: Scene) -> None:
    ids = [
        scene.world.queue(
            scene.world.subscribe(f"x{number}"),
            campaign_id=scene.world.campaign_id,
            state="unknown",
            next_attempt_at=None,
            attempts=1,
        )
        for number in range(205)
    ]
    verdicts = [Verdict(id_, 1, Finding.ACCEPTED, "these words") for id_ in ids]
    assert settle(scene.store, scene.ledger, verdicts, record=SAID) == Settled(accepted=205)
    assert [len(record.payload["accepted"]) for record in scene.recorded("settle") if record.payload] == [
        5,
        200,
    ]


def test_an_operator_s_word_is_about_the_unknown_ones_only(scene: Scene) -> None:
    both = Chosen(frozenset({scene.ids["a"], scene.ids["d"]}))
    (verdict,) = by_word(scene.store, both, Finding.ABSENT, why="the disk was lost")
    assert verdict.delivery_id == scene.ids["d"]
    assert verdict.words == "Sent again by an operator's word: the disk was lost"


# --- a report -------------------------------------------------------------------------------------


def report(scene: Scene, name: str = "d") -> bool:
    with scene.store.write() as connection:
        return settle_by_report(connection, scene.ledger, scene.ids[name], report="a bounce, 5.1.1")


def test_a_report_proves_that_the_relay_took_it(scene: Scene) -> None:
    assert report(scene)
    assert scene.sum() == {"accepted": 7}
    assert scene.world.row(scene.ids["d"]).reply == "The relay took it, as a report shows: a bounce, 5.1.1"
    (record,) = scene.recorded("settle")
    assert record.payload == {
        "evidence": "report",
        "report": "a bounce, 5.1.1",
        "accepted": [scene.ids["d"]],
        "resent": [],
    }


def test_a_report_stops_a_second_copy_that_was_ordered_by_mistake(scene: Scene) -> None:
    say(scene, Finding.ABSENT)
    assert report(scene)
    assert claimed(scene) == []
    assert scene.sum() == {"accepted": 7}


@pytest.mark.parametrize("state", ["accepted", "rejected", "expired"])
def test_a_report_about_a_settled_delivery_is_no_news(scene: Scene, state: str) -> None:
    scene.change("d", state=state)
    before = scene.world.rows()
    assert not report(scene)
    assert scene.world.rows() == before and scene.recorded("settle") == []


def test_a_report_about_no_delivery_is_no_news(scene: Scene) -> None:
    with scene.store.write() as connection:
        assert not settle_by_report(connection, scene.ledger, 10**9, report="a bounce")


def test_a_record_holds_only_if_the_transaction_does(scene: Scene) -> None:
    with pytest.raises(RuntimeError), scene.store.write() as connection:
        settle_by_report(connection, scene.ledger, scene.ids["d"], report="a bounce")
        raise RuntimeError
    assert scene.unknown() and scene.recorded("settle") == []
