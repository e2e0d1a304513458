"""A hard bounce: held at once, believed after a day, and only when it is the recipient's own (A76, law 10)."""

from __future__ import annotations

import pytest
import time_machine

from mailer.store.schema import Report, Suppression
from mailer.store.vocabulary import SuppressionReason
from tests.bounces.deciding.letters import dsn
from tests.bounces.deciding.scene import Scene, days

ADA = "ada@example.net"


@pytest.mark.rule("A76")
def test_a_hard_bounce_holds_at_once_and_suppresses_after_a_day(
    scene: Scene, time: time_machine.Traveller
) -> None:
    scene.bounce(ADA)
    assert scene.reasons(ADA) == {"held"} and scene.effects() == ["held"]
    time.shift(days(0.9))
    scene.deciding.ripen()
    assert scene.reasons(ADA) == {"held"}
    time.shift(days(0.2))
    assert scene.deciding.ripen() == 1
    assert scene.reasons(ADA) == {"hard_bounce"} and scene.effects() == ["suppressed"]
    assert scene.deciding.ripen() == 0


@pytest.mark.rule("A74", "A76")
def test_a_report_has_everything_that_is_counted_by(scene: Scene) -> None:
    scene.bounce(ADA, campaign=scene.campaign)
    (row,) = scene.rows(Report)
    assert (row.kind.value, row.severity.value, row.reason, row.fault) == (
        "bounce",
        "hard",
        "userunknown",
        "recipient",
    )
    assert (row.status, row.cause_group, row.source.value, row.matched_by) == (
        "5.1.1",
        "bad_address",
        "mail",
        "verp",
    )
    assert (row.campaign_id, row.list_id, row.origin, row.relay) == (
        scene.campaign,
        1,
        "import:old",
        "relay.example:25",
    )
    assert (row.domain, row.provider, row.mail_id) == ("example.net", "example.net", 1)
    assert row.rule and row.reader_version and row.email_hash


@pytest.mark.parametrize(
    ("status", "said"),
    [
        ("5.7.26", "550 5.7.26 unauthenticated email is not accepted"),
        ("5.7.1", "554 5.7.1 blocked, your IP is listed"),
        ("5.2.3", "552 5.2.3 message size exceeds limit"),
        ("4.4.1", "451 4.4.1 connection timed out"),
    ],
)
@pytest.mark.rule("A77")
def test_what_is_not_the_recipient_s_fault_counts_against_nobody(one: Scene, status: str, said: str) -> None:
    one.bounce(ADA, status, said)
    assert one.reasons(ADA) == set() and one.effects() == ["noted"]


@pytest.mark.rule("A73")
@pytest.mark.parametrize("action", ["delayed", "delivered", "relayed", "expanded"])
def test_only_a_failure_acts(one: Scene, action: str) -> None:
    one.bounce(ADA, "5.1.1", action=action)
    assert one.reasons(ADA) == set()


@pytest.mark.rule("A74")
def test_a_forwarder_s_dead_target_scores_the_right_person_and_holds_nobody(scene: Scene) -> None:
    delivery = scene.sent(ADA)
    scene.receive(dsn(scene.path(delivery), "lovelace@elsewhere.example"))
    (row,) = scene.rows(Report)
    assert scene.effects() == ["scored"] and row.severity.value == "soft" and "another address" in row.rule


def test_the_name_that_a_server_has_inside_for_an_address_is_the_address(one: Scene) -> None:
    delivery = one.sent(ADA)
    one.receive(dsn(one.path(delivery), "Ada@mail7.example.net"))
    assert one.reasons(ADA) == {"held"}


def test_somebody_who_is_set_free_by_staff_stays_free_when_the_day_is_over(
    scene: Scene, time: time_machine.Traveller
) -> None:
    scene.bounce(ADA)
    with scene.store.write() as connection:
        connection.execute(Suppression.__table__.delete().where(Suppression.reason == SuppressionReason.HELD))
    time.shift(days(1.1))
    scene.deciding.ripen()
    assert scene.reasons(ADA) == set()
    assert [row.end.value for row in scene.holds()] == ["lifted"]


def test_a_bounce_from_before_the_person_said_yes_anew_counts_nothing(
    scene: Scene, time: time_machine.Traveller
) -> None:
    delivery = scene.sent(ADA)
    time.shift(days(2))
    from mailer import clock
    from mailer.store.schema import Subscription

    scene.change(Subscription, confirmed_at=clock.now())
    scene.receive(dsn(scene.path(delivery), ADA))
    assert scene.reasons(ADA) == set() and scene.effects() == ["noted"]


def test_a_late_bounce_is_believed_less_than_mail_that_arrived_since(
    scene: Scene, time: time_machine.Traveller
) -> None:
    old = scene.sent(ADA)
    time.shift(days(1))
    scene.sent(ADA)
    time.shift(days(6))
    scene.receive(dsn(scene.path(old), ADA))
    assert scene.reasons(ADA) == set() and scene.effects() == ["noted"]


def test_the_same_report_in_other_words_counts_once(scene: Scene) -> None:
    delivery = scene.sent(ADA)
    scene.receive(dsn(scene.path(delivery), ADA))
    again = scene.receive(dsn(scene.path(delivery), ADA, said="550 5.1.1 no such user here"))
    assert len(scene.rows(Report)) == 1 and again.note == "The same was told before."


def test_a_delay_and_then_a_failure_are_two_reports(scene: Scene) -> None:
    delivery = scene.sent(ADA)
    scene.receive(dsn(scene.path(delivery), ADA, "4.4.1", "connection timed out", action="delayed"))
    scene.receive(dsn(scene.path(delivery), ADA))
    assert scene.effects() == ["noted", "held"]
