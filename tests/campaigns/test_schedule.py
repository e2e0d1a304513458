"""Scheduling: the count is stated, the message is frozen, and a folder leaves once (law 9, D24)."""

from __future__ import annotations

import json
import threading
from datetime import timedelta

import pytest
from sqlalchemy import select

from mailer import clock
from mailer.campaigns.findings import CampaignRefused
from mailer.campaigns.schedule import AlreadyScheduled, NobodyToReach, WrongCount
from mailer.campaigns.service import ArtefactMissing
from mailer.campaigns.status import CampaignStatus
from mailer.campaigns.when import WhenInvalid
from mailer.settings import Rate
from mailer.store.schema import Artefact, Campaign, LedgerEntry, Medium
from mailer.store.vocabulary import CampaignState, SubscriptionState, SuppressionReason
from tests.campaigns.conftest import GOOD

PNG = b"\x89PNG\r\n\x1a\n" + bytes(20)


def test_a_plan_shows_whom_it_reaches_and_why_others_are_left_out(campaigns, crowd, write_campaign):
    people = crowd.join(6)
    crowd.join(2, state=SubscriptionState.PENDING)
    crowd.join(1, state=SubscriptionState.UNSUBSCRIBED)
    crowd.suppress(people[0])
    crowd.suppress(people[1], reason=SuppressionReason.HARD_BOUNCE)
    crowd.suppress(people[1], reason=SuppressionReason.COMPLAINT)
    write_campaign()

    plan = campaigns.plan("week-48", "now")

    assert plan.audience == 4
    assert plan.exclusions == {
        "not confirmed yet": 2,
        "left the list": 1,
        "suppressed: complaint": 2,
    }
    assert (plan.subject, plan.list_title) == ("Ten red LEDs for you", "Ohm & Volt Weekly")
    assert plan.expected_end is None
    assert plan.rate == "unlimited"


@pytest.mark.parametrize(("rate", "seconds"), [(10.0, 37.5), (0.5, 750.0)])
def test_the_expected_end_leaves_system_mail_its_share(
    campaigns, crowd, write_campaign, settings, rate, seconds
):
    crowd.join(3)
    write_campaign()
    sending = settings.sending.model_copy(update={"rate": Rate("x", rate), "system_share": 0.2})
    slow = settings.model_copy(update={"sending": sending})
    # 300 people at 80 % of 10 per second take 37.5 s.
    from mailer.campaigns.schedule import _expected_end

    now = clock.now()
    assert _expected_end(now, 300, slow) == now + timedelta(seconds=seconds)


def test_a_scheduled_campaign_is_frozen_with_its_images(campaigns, crowd, write_campaign, store):
    crowd.join(2)
    folder = write_campaign("week-48", GOOD + "\n![Red LEDs](images/leds.png)\n", **{"images/leds.png": PNG})
    done = campaigns.schedule("week-48", "in 2 hours", expect=2)
    (folder / "campaign.md").write_text(GOOD.replace("Ten red LEDs for you", "Changed"), encoding="utf-8")
    (folder / "images" / "leds.png").unlink()

    frozen = campaigns.compiled(done.artefact_hash)
    assert frozen.hash == done.artefact_hash
    with store.read() as connection:
        row = connection.execute(select(Campaign.__table__)).one()
        media = connection.execute(select(Medium.content_type, Medium.content)).all()
    assert (row.state, row.subject, row.expected_count) == (
        CampaignState.SCHEDULED,
        "Ten red LEDs for you",
        2,
    )
    assert media == [("image/png", PNG)]


def test_the_campaign_remembers_the_zone_the_person_spoke_in(campaigns, crowd, write_campaign, store):
    crowd.join(1)
    write_campaign("week-48", GOOD.replace("list: weekly", "list: weekly\ngive_up_hours: 6"))
    campaigns.schedule("week-48", "in 2 hours", expect=1)
    campaigns.cancel("week-48")
    campaigns.schedule("week-48", "tomorrow 9am Asia/Tokyo", expect=1)
    with store.read() as connection:
        rows = connection.execute(
            select(Campaign.timezone, Campaign.give_up_hours).order_by(Campaign.id)
        ).all()
    assert rows == [("UTC", 6), ("Asia/Tokyo", 6)]


@pytest.mark.rule("D24")
@pytest.mark.parametrize(
    ("expect", "words"), [(None, "--expect 3"), (2, "3 people, not 2"), (3000, "not 3,000"), (0, "not 0")]
)
def test_without_the_right_count_nothing_is_scheduled(campaigns, crowd, write_campaign, store, expect, words):
    crowd.join(3)
    write_campaign()
    with pytest.raises(WrongCount, match=words):
        campaigns.schedule("week-48", "now", expect=expect)
    with store.read() as connection:
        assert connection.execute(select(Campaign.id)).all() == []
        assert connection.execute(select(Artefact.hash)).all() == []


@pytest.mark.rule("E18")
def test_a_campaign_that_fails_the_check_cannot_be_scheduled(campaigns, crowd, write_campaign):
    crowd.join(1)
    write_campaign("week-48", GOOD.replace("first_name", "fist_name"))
    with pytest.raises(CampaignRefused) as refused:
        campaigns.schedule("week-48", "now", expect=1)
    assert refused.value.report.errors
    assert "mailer campaign check week-48" in str(refused.value)


def test_nobody_to_reach_is_said(campaigns, crowd, write_campaign):
    crowd.join(3, state=SubscriptionState.PENDING)
    write_campaign()
    with pytest.raises(NobodyToReach, match="Nobody on the list weekly has confirmed"):
        campaigns.plan("week-48", "now")


def test_a_past_time_schedules_nothing(campaigns, crowd, write_campaign):
    crowd.join(1)
    write_campaign()
    with pytest.raises(WhenInvalid):
        campaigns.schedule("week-48", "2026-01-01 09:00", expect=1)


def test_a_folder_on_the_schedule_cannot_be_scheduled_again(campaigns, crowd, write_campaign):
    crowd.join(1)
    write_campaign()
    campaigns.schedule("week-48", "in 2 hours", expect=1)
    with pytest.raises(AlreadyScheduled, match="is scheduled already"):
        campaigns.schedule("week-48", "now", expect=1)


def test_a_folder_cancelled_before_its_time_can_be_scheduled_again(campaigns, crowd, write_campaign):
    crowd.join(1)
    write_campaign()
    campaigns.schedule("week-48", "in 2 hours", expect=1)
    campaigns.cancel("week-48")
    assert campaigns.schedule("week-48", "in 3 hours", expect=1).audience == 1


@pytest.mark.parametrize("ended", ["finish", "cancel"])
def test_a_folder_that_was_sent_cannot_be_sent_again(campaigns, crowd, write_campaign, store, ended):
    (reader,) = crowd.join(1)
    write_campaign()
    campaigns.schedule("week-48", "now", expect=1)
    (campaign_id,) = campaigns.start_due(clock.now())
    while campaigns.materialise_slice(campaign_id):
        pass
    if ended == "cancel":
        campaigns.cancel("week-48")
    else:
        crowd.leave(reader)
        assert campaigns.finish_done() == [campaign_id]

    with pytest.raises(AlreadyScheduled, match="was sent already, on .* copy the folder"):
        campaigns.schedule("week-48", "now", expect=1)


def test_two_people_who_schedule_the_same_folder_at_once_send_it_once(
    campaigns, crowd, write_campaign, store
):
    crowd.join(1)
    write_campaign()
    plan = campaigns.plan("week-48", "in 2 hours")
    outcomes: list[str] = []
    gate = threading.Barrier(3)

    def commit() -> None:
        gate.wait()
        try:
            campaigns.commit(plan, expect=1)
            outcomes.append("done")
        except AlreadyScheduled:
            outcomes.append("refused")

    threads = [threading.Thread(target=commit) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(outcomes) == ["done", "refused", "refused"]
    with store.read() as connection:
        assert len(connection.execute(select(Campaign.id)).all()) == 1


def test_scheduling_is_on_record_with_the_hash_and_the_count(campaigns, crowd, write_campaign, store):
    crowd.join(2)
    write_campaign()
    done = campaigns.schedule("week-48", "in 2 hours", expect=2)
    with store.read() as connection:
        ((event, payload),) = connection.execute(select(LedgerEntry.event, LedgerEntry.payload)).all()
    told = json.loads(payload)
    assert event == "schedule"
    assert (told["artefact"], told["approved"], told["slug"]) == (done.artefact_hash, 2, "week-48")


def test_the_same_source_freezes_to_the_same_hash(campaigns, crowd, write_campaign):
    crowd.join(1)
    write_campaign()
    first = campaigns.plan("week-48", "now").compiled
    second = campaigns.plan("week-48", "now").compiled
    assert first.hash == second.hash


def test_a_frozen_message_is_read_once_and_kept(campaigns, crowd, write_campaign):
    crowd.join(1)
    write_campaign()
    done = campaigns.schedule("week-48", "now", expect=1)
    assert campaigns.compiled(done.artefact_hash) is campaigns.compiled(done.artefact_hash)


def test_a_frozen_message_that_was_altered_in_the_database_is_not_sent(
    campaigns, crowd, write_campaign, store
):
    crowd.join(1)
    write_campaign()
    done = campaigns.schedule("week-48", "now", expect=1)
    with store.write() as connection:
        content = connection.scalar(select(Artefact.content))
        altered = content.replace(b"LEDs", b"LEDS")
        connection.execute(Artefact.__table__.update().values(content=altered))
    with pytest.raises(ArtefactMissing, match="was altered"):
        campaigns.compiled(done.artefact_hash)
    with pytest.raises(ArtefactMissing, match="is not in the database"):
        campaigns.compiled("0" * 64)


def test_the_service_tells_where_each_campaign_stands(campaigns, crowd, write_campaign):
    crowd.join(2)
    for slug in ("week-48", "week-49"):
        write_campaign(slug)
        campaigns.schedule(slug, "in 2 hours", expect=2)
    assert [one.slug for one in campaigns.statuses()] == ["week-49", "week-48"]
    one: CampaignStatus = campaigns.pause("week-48", reason="wait")
    assert (one.state, one.reason) == (CampaignState.PAUSED, "wait")
    assert campaigns.resume("week-48").state is CampaignState.SCHEDULED
    told = campaigns.status("week-48").as_json()
    assert (told["state"], told["expected"], told["audience"], told["queued"]) == ("scheduled", 2, 0, 0)
    assert campaigns.unmaterialised() == []
