"""Soft bounces: once a day, five over two weeks, and mail that arrives takes them back (A78)."""

from __future__ import annotations

import pytest
import time_machine

from mailer.store.schema import Suppression
from tests.bounces.deciding.scene import Scene, days

ADA = "ada@example.net"


@pytest.mark.rule("A78")
def test_five_weekly_bounces_suppress_and_four_do_not(scene: Scene, time: time_machine.Traveller) -> None:
    for _ in range(4):
        scene.full(ADA)
        time.shift(days(7))
    assert scene.reasons(ADA) == set()
    scene.full(ADA)
    assert scene.reasons(ADA) == {"soft_bounce"} and scene.effects()[-1] == "suppressed"


@pytest.mark.rule("A78")
def test_many_in_a_few_days_are_not_enough(one: Scene, time: time_machine.Traveller) -> None:
    for _ in range(13):
        one.full(ADA)
        time.shift(days(1))
    assert one.reasons(ADA) == set()


@pytest.mark.rule("A78")
def test_of_one_day_only_one_counts(one: Scene) -> None:
    for _ in range(3):
        one.full(ADA)
    assert one.effects() == ["scored", "noted", "noted"]


@pytest.mark.rule("A78")
def test_they_fade(one: Scene, time: time_machine.Traveller) -> None:
    for _ in range(5):
        one.full(ADA)
        time.shift(days(120))
    assert one.reasons(ADA) == set()


@pytest.mark.rule("A78")
def test_mail_that_arrived_in_between_begins_anew(one: Scene, time: time_machine.Traveller) -> None:
    for _ in range(4):
        one.full(ADA)
        time.shift(days(7))
    one.sent(ADA)
    time.shift(days(6))
    for _ in range(4):
        one.full(ADA)
        time.shift(days(7))
    assert one.reasons(ADA) == set()


@pytest.mark.rule("A78")
def test_accepted_is_no_success_before_five_days(one: Scene, time: time_machine.Traveller) -> None:
    for _ in range(4):
        one.full(ADA)
        time.shift(days(7))
    one.sent(ADA)
    time.shift(days(1))
    one.full(ADA)
    assert one.reasons(ADA) == {"soft_bounce"}


@pytest.mark.rule("A78")
def test_who_got_mail_after_all_is_set_free(scene: Scene, time: time_machine.Traveller) -> None:
    for _ in range(5):
        scene.full(ADA)
        time.shift(days(7))
    time.shift(days(-6.9))
    scene.sent(ADA)
    assert scene.reasons(ADA) == {"soft_bounce"}
    time.shift(days(5.1))
    scene.deciding.ripen()
    assert scene.reasons(ADA) == set()


def test_what_staff_wrote_down_is_not_lifted(one: Scene, time: time_machine.Traveller) -> None:
    for _ in range(5):
        one.full(ADA)
        time.shift(days(7))
    one.change(Suppression, source="staff")
    one.sent(ADA)
    time.shift(days(5.1))
    one.deciding.ripen()
    assert one.reasons(ADA) == {"soft_bounce"}
