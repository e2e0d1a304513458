"""Many failures alike: the held are set free, scores are taken back, a person decides (law 10, A76, A77)."""

from __future__ import annotations

import pytest
import time_machine

from mailer.addresses import parse_address
from mailer.bounces.deciding import FreezeUnknown, Limits
from mailer.delivery.model import Attempt, Outcome, OutcomeKind
from mailer.keyring import address_hash
from mailer.store.schema import BounceScore, Campaign, LedgerEntry, ProviderRow, RaisedAlert, Report
from tests.bounces.deciding.letters import dsn
from tests.bounces.deciding.scene import Scene, days

#: An alarm at six people of one campaign or provider, and a tenth of what was accepted.
SMALL = Limits(alike_least=6, alike_share=0.1)


def people(number: int, domain: str = "big.example") -> list[str]:
    """So many addresses at one provider."""
    return [f"p{one}@{domain}" for one in range(number)]


def fail(scene: Scene, names: list[str], status: str = "5.1.1", said: str = "550 5.1.1 user unknown") -> None:
    """Everybody's message of the one campaign comes back."""
    for name in names:
        scene.bounce(name, status, said, campaign=scene.campaign)


@pytest.fixture
def small(scene: Scene) -> Scene:
    """A scene with a low alarm."""
    scene.deciding = scene.another(SMALL)
    return scene


@pytest.mark.rule("A76")
def test_many_alike_free_the_held_pause_the_campaign_and_tell_ops(small: Scene) -> None:
    names = people(6)
    fail(small, names[:5])
    assert all(small.reasons(name) == {"held"} for name in names[:5])
    fail(small, names[5:])
    assert not any(small.reasons(name) for name in names)
    assert set(small.effects()) == {"frozen"} and len(small.freezes()) == 1
    campaign = next(row for row in small.rows(Campaign) if row.id == small.campaign)
    assert campaign.state.value == "paused" and "failed alike" in campaign.reason
    (alert,) = small.rows(RaisedAlert)
    assert "mailer bounce release 1" in alert.text and "@" not in alert.text
    assert "freeze" in {row.event for row in small.rows(LedgerEntry)}


def test_those_that_come_while_the_alarm_is_open_are_frozen_too(small: Scene) -> None:
    fail(small, people(9))
    assert set(small.effects()) == {"frozen"} and len(small.freezes()) == 1
    assert len(small.rows(RaisedAlert)) == 1


def test_another_cause_is_no_part_of_it(small: Scene) -> None:
    fail(small, people(5))
    fail(small, ["x@other.example"], "5.1.2", "550 5.1.2 host not found, domain does not exist")
    assert small.freezes() == []


def test_few_of_many_are_no_alarm(small: Scene) -> None:
    for name in people(200, "fine.example"):
        small.sent(name, campaign=small.campaign)
    fail(small, [f"q@d{number}.example" for number in range(12)])
    assert small.freezes() == [] and set(small.effects()) == {"held"}


@pytest.mark.rule("A77")
def test_a_refusal_of_us_by_many_stops_the_campaign_and_blames_nobody(small: Scene) -> None:
    names = people(12)
    fail(small, names, "5.7.26", "550 5.7.26 unauthenticated email is not accepted")
    assert not any(small.reasons(name) for name in names)
    campaign = next(row for row in small.rows(Campaign) if row.id == small.campaign)
    assert campaign.state.value == "paused" and len(small.freezes()) == 1


@pytest.mark.rule("A77")
def test_the_same_at_smtp_time_in_the_transaction_of_the_outcome(small: Scene) -> None:
    names = people(12)
    ids = [small.sent(name, campaign=small.campaign) for name in names]
    from mailer import clock

    outcome = Outcome(OutcomeKind.REJECTED, 550, "5.1.1", "5.1.1 user unknown")
    attempts = [Attempt(one, 1, None, None, clock.now(), outcome) for one in ids]
    with small.store.write() as connection:
        small.deciding.smtp_bounces(connection, attempts)
    assert len(small.freezes()) == 1 and not any(small.reasons(name) for name in names)
    assert {row.source.value for row in small.rows(Report)} == {"smtp"}


def test_release_blames_nobody_and_those_that_come_late_neither(
    small: Scene, time: time_machine.Traveller
) -> None:
    late = small.sent("late@big.example", campaign=small.campaign)
    fail(small, people(6))
    time.shift(60)
    assert small.deciding.release(1, why="our fault") == 6
    small.receive(dsn(small.path(late), "late@big.example"))
    assert set(small.effects()) == {"released"} and small.reasons("late@big.example") == set()
    time.shift(days(2))
    small.deciding.ripen()
    assert not any(small.reasons(name) for name in people(6))
    with pytest.raises(FreezeUnknown):
        small.deciding.release(1, why="again")


def test_after_a_release_a_new_failure_counts_again(small: Scene, time: time_machine.Traveller) -> None:
    fail(small, people(6))
    time.shift(60)
    small.deciding.release(1, why="our fault")
    time.shift(60)
    small.bounce("new@big.example", campaign=small.campaign)
    assert small.reasons("new@big.example") == {"held"} and len(small.freezes()) == 1


def test_discard_lets_all_of_them_count_from_now_and_raises_no_second_alarm(
    small: Scene, time: time_machine.Traveller
) -> None:
    names = people(6)
    fail(small, names)
    time.shift(days(3))
    small.deciding.discard(1, why="an old list")
    assert all(small.reasons(name) == {"held"} for name in names)
    small.bounce("one@big.example", campaign=small.campaign)
    assert small.reasons("one@big.example") == {"held"} and len(small.freezes()) == 1
    time.shift(days(1.1))
    small.deciding.ripen()
    assert all(small.reasons(name) == {"hard_bounce"} for name in names)


def test_a_discard_that_was_cut_off_is_finished_by_the_clock(small: Scene) -> None:
    fail(small, people(6))
    from mailer import clock

    with small.store.write() as connection:
        small.deciding._alarms.discard(connection, 1, why="then the power went", now=clock.now())
    assert set(small.effects()) == {"frozen"}
    small.another(SMALL).ripen()
    assert set(small.effects()) == {"held"}


def test_scores_of_that_day_are_taken_back_with_what_they_did(
    small: Scene, time: time_machine.Traveller
) -> None:
    for _ in range(4):
        small.full("p0@big.example")
        time.shift(days(7))
    for name in people(6):
        small.full(name, campaign=small.campaign)
    assert small.reasons("p0@big.example") == set()
    email_hash = address_hash(small.secrets, parse_address("p0@big.example"))
    with small.store.read() as connection:
        scores = {
            bytes(row.email_hash): row.score for row in connection.execute(BounceScore.__table__.select())
        }
    assert 3 < scores.pop(email_hash) < 4 and scores == {}


def test_a_provider_with_a_small_part_of_a_campaign_pauses_nothing(small: Scene) -> None:
    with small.store.write() as connection:
        from mailer import clock

        row = {"domain": "fine.example", "provider": "fine", "expires_at": clock.now()}
        connection.execute(ProviderRow.__table__.insert().values(row))
    for name in people(150, "fine.example"):
        small.sent(name, campaign=small.campaign)
    fail(small, people(6))
    campaign = next(row for row in small.rows(Campaign) if row.id == small.campaign)
    assert [row.scope.value for row in small.freezes()] == ["provider"] and campaign.state.value == "sending"


def test_an_opt_out_and_what_staff_said_outlive_an_alarm(small: Scene) -> None:
    fail(small, people(5))
    small.leaving.leave(small.link("p1@big.example"), scope="list", via="page")
    fail(small, people(6)[5:])
    small.deciding.release(1, why="our fault")
    assert small.reasons("p1@big.example") == {"unsubscribed"}
