"""Circuit breakers through the real engine, a scripted server and both databases: stopped soon, once, for a reason."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert, select, update

from mailer import clock
from mailer.alerts import Alerts
from mailer.audit import Ledger
from mailer.campaigns import control, queries
from mailer.campaigns.breakers import Breaker, Breakers, Limits
from mailer.campaigns.breakers.counts import MOST_DOMAINS, refusing_domains
from mailer.campaigns.control import MendingNeeded
from mailer.campaigns.status import CampaignStatus, status_of
from mailer.delivery.retrying import Asked, retry
from mailer.delivery.watch import Watch
from mailer.errors import MailerError
from mailer.store import Store
from mailer.store.schema import Campaign, Delivery, LedgerEntry, RaisedAlert, Report
from mailer.store.vocabulary import (
    CampaignState,
    DeliveryState,
    ReportKind,
    ReportSeverity,
    ReportSource,
    Stream,
)
from tests.delivery.world import World, until
from tests.faults.smtp_server import Rule, Script, SmtpServer

UNSIGNED = "550 5.7.26 This mail has been blocked because <p0@example.net> cannot be authenticated"
#: So slow that a breaker can be seen to act: a batch of a few, two connections.
SLOWLY: dict[str, Any] = {"batch_size": 20, "per_second": 400.0}


@dataclass
class Ward:
    """A campaign, its breakers, and what they did."""

    world: World
    ledger: Ledger
    breakers: Breakers

    @property
    def status(self) -> CampaignStatus:
        """Where the campaign stands."""
        with self.world.store.read() as connection:
            campaign = queries.campaign_by_id(connection, self.world.campaign_id)
            assert campaign is not None
            return status_of(connection, campaign)

    @property
    def alerts(self) -> list[Any]:
        """What ops were told."""
        with self.world.store.read() as connection:
            return list(connection.execute(select(RaisedAlert).order_by(RaisedAlert.id)))

    @property
    def recorded(self) -> list[dict[str, Any]]:
        """Pauses in the ledger."""
        with self.world.store.read() as connection:
            found = connection.scalars(
                select(LedgerEntry.payload).where(
                    LedgerEntry.stream == Stream.AUDIT, LedgerEntry.event == "pause"
                )
            )
            return [json.loads(payload) for payload in found if payload]

    def send(self, *rules: Rule, seconds: float = 10.0, **options: Any) -> SmtpServer:
        """Send through a server with these rules until nothing moves or the campaign is paused."""
        server = SmtpServer(Script(list(rules)))

        async def run() -> None:
            async with server.running() as port, self.world.sending(port, **SLOWLY | options):
                await until(self._is_still, seconds=seconds)

        asyncio.run(run())
        return server

    def _is_still(self) -> bool:
        status = self.status
        in_hand = status.counts.get(DeliveryState.ATTEMPTING, 0)
        return in_hand == 0 and (status.state is CampaignState.PAUSED or status.waiting == 0)

    def resume(self, mended: str | None = "published the DKIM record") -> None:
        """A person lets it go on."""
        control.resume(self.world.store, self.ledger, "parts", drift=0.05, mended=mended)

    def complain(self, count: int) -> None:
        """So many readers press the button."""
        row = {"received_at": clock.now(), "kind": ReportKind.COMPLAINT, "domain": "example.net"}
        with self.world.store.write() as connection:
            connection.execute(
                insert(Report), [row | {"campaign_id": self.world.campaign_id} for _ in range(count)]
            )

    def settle(self, count: int, **values: Any) -> None:
        """Let so many waiting rows have come to this end, without sending."""
        ids = [row.id for row in self.world.rows() if row.next_attempt_at is not None][:count]
        with self.world.store.write() as connection:
            connection.execute(
                update(Delivery)
                .where(Delivery.id.in_(ids))
                .values(next_attempt_at=None, settled_at=clock.now(), attempts=1, **values)
            )


ACCEPTED = {"state": DeliveryState.ACCEPTED, "reply_code": 250, "status": "2.0.0"}
BARRED = {"state": DeliveryState.REJECTED, "reply_code": 550, "status": "5.7.26", "reply": UNSIGNED}
NOBODY = {"state": DeliveryState.REJECTED, "reply_code": 550, "status": "5.1.1"}


def ward_of(store: Store, folder: Path, ledger: Ledger, *, people: int, **limits: Any) -> Ward:
    """A campaign to so many, watched."""
    world = World(store, folder)
    breakers = Breakers(store, ledger, Alerts(store, ["mail"]), Limits(**limits))
    world.watch = Watch(breakers)
    world.build([f"p{number}" for number in range(people)])
    with store.write() as connection:
        connection.execute(update(Campaign).values(started_at=clock.now()))
    return Ward(world, ledger, breakers)


@pytest.fixture
def ward(store: Store, tmp_path: Path, ledger: Ledger) -> Ward:
    """A campaign to 150 people, on both databases."""
    return ward_of(store, tmp_path, ledger, people=150)


# --- while it is sent -----------------------------------------------------------------------------


@pytest.mark.rule("A77")
def test_a_campaign_that_everybody_refuses_for_our_fault_is_paused_before_it_has_met_them(ward: Ward) -> None:
    ward.send(Rule("dot", UNSIGNED))
    status = ward.status
    assert (status.state, status.breaker) == (CampaignState.PAUSED, "policy_rejections")
    assert status.counts[DeliveryState.REJECTED] < 100
    assert status.counts[DeliveryState.QUEUED] == 150 - status.counts[DeliveryState.REJECTED]
    assert ward.world.dead == []


@pytest.mark.rule("A77")
def test_the_reason_is_one_sentence_with_the_reply_and_no_address(ward: Ward) -> None:
    ward.send(Rule("dot", UNSIGNED))
    reason = ward.status.reason or ""
    assert "were refused because of the sender, not the recipients (550 5.7.26)." in reason
    (told,) = ward.alerts
    assert told.subject == "The campaign parts was paused: policy rejections"
    assert 'mailer campaign resume parts --mended "what was done"' in told.text
    assert told.facts["breaker"] == "policy_rejections"
    assert "@" not in json.dumps([told.subject, told.text, told.facts, reason])


def test_a_pause_is_made_and_recorded_once(ward: Ward) -> None:
    ward.send(Rule("rcpt", "550 5.7.1 go away"))
    ward.breakers.check()
    (recorded,) = ward.recorded
    assert (recorded["slug"], recorded["was"], recorded["breaker"]) == (
        "parts",
        "sending",
        "policy_rejections",
    )
    assert recorded["reason"] == ward.status.reason


def test_a_bug_that_can_make_no_message_does_not_skip_everybody(ward: Ward) -> None:
    ward.world.messages.failing = {f"p{number}": MailerError("no") for number in range(150)}
    ward.send()
    status = ward.status
    assert (status.state, status.breaker) == (CampaignState.PAUSED, "unrenderable")
    assert status.skipped["unrenderable"] < 120 and status.waiting > 0


def test_one_relay_that_refuses_all_in_the_same_words_is_no_fault_of_the_people(ward: Ward) -> None:
    ward.send(Rule("dot", "554 5.6.0 Message rejected, id 4F2A"))
    assert ward.status.breaker == "alike_failures"
    assert ward.world.dead == []


def test_old_addresses_among_good_ones_pause_nothing(ward: Ward) -> None:
    ward.send(Rule("rcpt", "550 5.1.1 no such user", every=50), Rule("rcpt", "550 5.7.1 no", every=40))
    status = ward.status
    assert (status.state, status.breaker, status.waiting) == (CampaignState.SENDING, None, 0)
    assert ward.alerts == []


def test_another_campaign_goes_on(ward: Ward) -> None:
    """Its people are not refused: `q` is not who the server turns away."""
    other = ward.world.add_campaign("other", [f"q{number}" for number in range(60)])
    ward.send(Rule("dot", UNSIGNED, who="p"))
    with ward.world.store.read() as connection:
        campaign = queries.campaign_by_id(connection, other)
    assert ward.status.state is CampaignState.PAUSED
    assert campaign is not None and campaign.state is CampaignState.SENDING


# --- the slow way: what the database counts --------------------------------------------------------


def test_what_trickles_in_is_seen_by_the_clock_when_no_sender_sees_it(ward: Ward) -> None:
    """Retries of days, a sender restarted now and then: nobody's last messages look bad."""
    ward.settle(100, **ACCEPTED)
    ward.settle(20, **NOBODY)
    (trip,) = ward.breakers.check()
    assert (trip.breaker, trip.failures, trip.volume) == (Breaker.HARD, 20, 120)
    assert ward.status.reason == (
        "20 of 120 messages went to addresses that do not exist (550 5.1.1). "
        "Find out where these addresses came from, such as an old import, before any more are written to."
    )
    assert ward.breakers.check() == []


@pytest.mark.rule("B9")
def test_complaints_that_come_back_pause_what_is_still_sent(ward: Ward) -> None:
    ward.settle(140, **ACCEPTED)
    ward.complain(2)
    assert ward.breakers.check() == []
    ward.complain(1)
    (trip,) = ward.breakers.check()
    assert (trip.breaker, trip.volume) == (Breaker.COMPLAINTS, 140)
    status = ward.status
    assert (status.complaints, round(status.complaint_rate or 0, 4)) == (3, 0.0214)
    assert status.as_json()["complaint_rate"] == status.complaint_rate


@pytest.mark.rule("B9")
def test_complaints_about_a_campaign_that_has_left_are_told_once(ward: Ward) -> None:
    """Nothing is left to pause, and a person should know."""
    ward.settle(150, **ACCEPTED)
    ward.complain(5)
    with ward.world.store.write() as connection:
        connection.execute(update(Campaign).values(state=CampaignState.FINISHED, finished_at=clock.now()))
    for _ in range(3):
        assert ward.breakers.check() == []
    (told,) = ward.alerts
    assert (told.kind, told.subject) == ("complaints_rising", "5 readers of parts reported it as spam")


def came_back(ward: Ward, count: int, **values: Any) -> None:
    """So many accepted messages come back."""
    ids = [row.id for row in ward.world.rows() if row.state is DeliveryState.ACCEPTED][:count]
    row: dict[str, Any] = {"received_at": clock.now(), "kind": ReportKind.BOUNCE, "domain": "example.net"}
    row |= {"source": ReportSource.MAIL, "severity": ReportSeverity.HARD, "cause_group": "bad_address"}
    row |= {"campaign_id": ward.world.campaign_id} | values
    with ward.world.store.write() as connection:
        connection.execute(insert(Report), [row | {"delivery_id": number} for number in ids])


@pytest.mark.rule("A76")
def test_dead_addresses_that_the_relay_learns_of_later_pause_what_is_still_sent(ward: Ward) -> None:
    """A bought list, behind a relay that takes everything first."""
    ward.settle(140, **ACCEPTED)
    few = ward.breakers.limits.least_failures - 1
    came_back(ward, few)
    assert ward.breakers.check() == []
    came_back(ward, 1)
    (trip,) = ward.breakers.check()
    assert (trip.breaker, trip.failures, trip.volume) == (Breaker.HARD, few + 1, 140)
    assert ward.status.state is CampaignState.PAUSED


@pytest.mark.rule("A77")
def test_what_comes_back_against_the_sender_pauses_as_well(ward: Ward) -> None:
    ward.settle(400, **ACCEPTED)
    came_back(ward, 20, severity=ReportSeverity.SOFT, cause_group="policy")
    (trip,) = ward.breakers.check()
    assert trip.breaker is Breaker.POLICY


@pytest.mark.parametrize(
    "harmless",
    [
        {"severity": ReportSeverity.DELAYED},
        {"severity": ReportSeverity.SOFT, "cause_group": "mailbox_full"},
        {"source": ReportSource.SMTP},  # counted where it was refused
    ],
)
def test_delays_full_mailboxes_and_what_is_counted_already_pause_nothing(
    ward: Ward, harmless: dict[str, Any]
) -> None:
    ward.settle(200, **ACCEPTED)
    came_back(ward, 150, **harmless)
    assert ward.breakers.check() == []


def test_dead_addresses_of_a_campaign_that_has_left_are_told_once(ward: Ward) -> None:
    ward.settle(150, **ACCEPTED)
    came_back(ward, 60)
    with ward.world.store.write() as connection:
        connection.execute(update(Campaign).values(state=CampaignState.FINISHED, finished_at=clock.now()))
    assert ward.breakers.check() == []
    assert ward.breakers.check() == []
    assert [alert.kind for alert in ward.alerts] == ["campaign_failed"]
    assert "60 of 150 messages went to addresses that do not exist" in ward.alerts[0].text


def test_late_news_of_what_was_sent_before_it_was_mended_does_not_pause_it_again(ward: Ward) -> None:
    ward.settle(400, attempted_at=clock.now() - timedelta(hours=1), **ACCEPTED)
    came_back(ward, 30)
    assert len(ward.breakers.check()) == 1
    ward.resume("took the bought addresses out")
    came_back(ward, 100)
    assert ward.breakers.check() == []


def test_a_campaign_long_finished_is_left_alone(ward: Ward) -> None:
    ward.settle(150, **ACCEPTED)
    ward.complain(5)
    with ward.world.store.write() as connection:
        long_ago = clock.now() - timedelta(days=8)
        connection.execute(update(Campaign).values(state=CampaignState.FINISHED, finished_at=long_ago))
    assert ward.breakers.check() == [] and ward.alerts == []


@pytest.mark.rule("A77")
def test_a_large_provider_that_refuses_us_pauses_however_few_each_sender_has_seen(ward: Ward) -> None:
    """Its pace lets few through, to many senders; everybody else takes everything."""
    ward.settle(100, **ACCEPTED)
    with ward.world.store.write() as connection:
        waiting = select(Delivery.id).where(Delivery.next_attempt_at.is_not(None)).limit(40)
        moved = Delivery.id.in_(list(connection.scalars(waiting)))
        connection.execute(update(Delivery).where(moved).values(domain="big.example"))
    ward.settle(4, **BARRED)
    assert ward.breakers.check() == []
    ward.settle(1, **BARRED)
    (trip,) = ward.breakers.check()
    assert trip.sentence.startswith(
        "5 of the last 5 messages to big.example were refused because of the sender"
    )
    ward.resume()
    assert ward.breakers.check() == []


@pytest.mark.rule("A77")
def test_a_provider_that_took_most_of_it_since_does_not(ward: Ward) -> None:
    ward.settle(5, **BARRED)
    ward.settle(120, **ACCEPTED)
    assert ward.breakers.check() == []


def test_of_many_domains_that_refuse_only_the_worst_are_looked_at(ward: Ward) -> None:
    """Each look reads all of the campaign; the next look comes in a moment."""
    ward.settle(60, **BARRED)
    rows = {row.id: number for number, row in enumerate(ward.world.rows()[:60])}
    with ward.world.store.write() as connection:
        for row_id, number in rows.items():
            # The first domain refuses 5 times, the eleventh 6 times and more.
            domain = f"d{number % (MOST_DOMAINS + 1) if number < 55 else MOST_DOMAINS}.example"
            connection.execute(update(Delivery).where(Delivery.id == row_id).values(domain=domain))
        campaign = queries.campaign_by_id(connection, ward.world.campaign_id)
        assert campaign is not None
        hour_ago = clock.now() - timedelta(hours=1)
        found = refusing_domains(connection, campaign, ward.breakers.limits, after=hour_ago)
    assert len(found) == MOST_DOMAINS
    assert next(iter(found)) == f"d{MOST_DOMAINS}.example"


# --- going on ----------------------------------------------------------------------------------


@pytest.fixture
def paused(ward: Ward) -> Ward:
    """Paused by the clock, for policy."""
    ward.settle(60, **ACCEPTED)
    ward.settle(30, **BARRED)
    assert [trip.breaker for trip in ward.breakers.check()] == [Breaker.POLICY]
    return ward


@pytest.mark.parametrize("mended", [None, "", "  "])
def test_it_goes_on_only_when_somebody_says_what_was_done(paused: Ward, mended: str | None) -> None:
    with pytest.raises(MendingNeeded, match="--mended"):
        paused.resume(mended)
    assert paused.status.state is CampaignState.PAUSED


def test_what_was_done_is_on_record(paused: Ward) -> None:
    paused.resume()
    with paused.world.store.read() as connection:
        payload = connection.scalars(select(LedgerEntry.payload).where(LedgerEntry.event == "resume")).one()
    assert json.loads(payload or "")["mended"] == "published the DKIM record"
    status = paused.status
    assert (status.state, status.breaker, status.reason) == (CampaignState.SENDING, None, None)


def test_what_was_counted_before_does_not_trip_it_again(paused: Ward) -> None:
    paused.resume()
    assert paused.breakers.check() == []
    paused.send()
    assert paused.status.state is CampaignState.SENDING
    assert paused.status.counts[DeliveryState.ACCEPTED] == 120


def test_what_fails_afterwards_does(paused: Ward) -> None:
    paused.resume()
    paused.settle(20, **BARRED)
    (trip,) = paused.breakers.check()
    assert (trip.failures, trip.volume) == (20, 20)
    assert len(paused.alerts) == 2


@pytest.mark.rule("A77", "B13")
def test_those_refused_meanwhile_get_it_once_the_cause_is_mended(ward: Ward) -> None:
    ward.send(Rule("dot", UNSIGNED))
    barred = ward.status.counts[DeliveryState.REJECTED]
    done = retry(ward.world.store, ward.ledger, Asked(campaign="parts"), mended="published the DKIM record")
    assert done.count == barred
    ward.resume()
    server = ward.send()
    assert ward.status.counts == {DeliveryState.ACCEPTED: 150}
    assert len({message.recipient for message in server.accepted}) == 150


@pytest.mark.rule("B13")
def test_those_who_were_skipped_meanwhile_get_it_once_their_message_can_be_made(ward: Ward) -> None:
    ward.world.messages.failing = {f"p{number}": MailerError("no") for number in range(150)}
    ward.send()
    skipped = ward.status.counts[DeliveryState.SKIPPED]
    ward.world.messages.failing = {}
    ward.world.leave("p0")
    asked = Asked(campaign="parts")
    assert retry(ward.world.store, ward.ledger, asked).count == 0
    done = retry(ward.world.store, ward.ledger, asked, mended="the template is mended")
    assert done.count == skipped - 1
    ward.resume("the template is mended")
    server = ward.send()
    assert ward.status.counts == {DeliveryState.ACCEPTED: 149, DeliveryState.SKIPPED: 1}
    assert len({message.recipient for message in server.accepted}) == 149


def test_a_campaign_paused_by_hand_goes_on_without_a_word(ward: Ward) -> None:
    control.pause(ward.world.store, ward.ledger, "parts", reason="a typo")
    ward.resume(None)
    assert ward.status.state is CampaignState.SENDING


def test_a_breaker_does_not_touch_what_a_person_has_paused(ward: Ward) -> None:
    ward.settle(30, **BARRED)
    control.pause(ward.world.store, ward.ledger, "parts", reason="a typo")
    assert ward.breakers.check() == []
    assert (ward.status.reason, ward.status.breaker) == ("a typo", None)
