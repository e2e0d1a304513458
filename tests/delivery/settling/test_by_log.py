"""A delivery, its neighbours and a log: who is looked for, by which names, and what is found."""

from __future__ import annotations

import pytest

from mailer.delivery.settling.queries import Chosen
from mailer.delivery.settling.verdicts import Finding
from tests.delivery.settling.conftest import RELAY, Scene


def verdict_of(scene: Scene, **options: object) -> tuple[Finding, str]:
    (found,) = scene.judge(**options).verdicts
    assert found.delivery_id == scene.ids["d"]
    return found.finding, found.words


def test_a_message_in_the_queue_was_accepted(scene: Scene) -> None:
    queue_id = scene.log.accepted(scene.message_id("d"))
    finding, words = verdict_of(scene)
    assert finding is Finding.ACCEPTED and queue_id in words


def test_a_row_of_a_lost_host_is_found_by_the_message_id_that_is_made_again(scene: Scene) -> None:
    scene.log.accepted(scene.message_id("d"))
    scene.change("d", message_id=None, relay=None)
    assert verdict_of(scene)[0] is Finding.ACCEPTED


def test_the_return_path_is_found_when_the_message_id_is_another(scene: Scene) -> None:
    """The domain of Message-IDs was changed since, or the line of cleanup is lost."""
    queue_id = scene.log.client()
    scene.log.takes(queue_id, scene.return_path("d").upper())
    scene.change("d", message_id=None)
    assert verdict_of(scene)[0] is Finding.ACCEPTED


def test_a_cut_is_proof_that_it_never_arrived(scene: Scene) -> None:
    scene.log.cut(scene.message_id("d"))
    assert verdict_of(scene)[0] is Finding.ABSENT


def test_silence_beside_six_known_neighbours_is_proof_too(scene: Scene) -> None:
    assert verdict_of(scene)[0] is Finding.ABSENT


def test_a_log_that_lacks_one_neighbour_proves_nothing_by_its_silence(scene: Scene) -> None:
    scene.log.lines = [line for line in scene.log.lines if scene.message_id("e") not in line]
    finding, words = verdict_of(scene)
    assert finding is Finding.DOUBT and f"does not name delivery {scene.ids['e']}" in words


def test_a_log_of_last_year_proves_nothing(scene: Scene) -> None:
    scene.log.lines = [line.replace("20", "19", 1) for line in scene.log.lines]
    finding, words = verdict_of(scene)
    assert (finding is Finding.DOUBT and "must reach from" in words) or "minutes before" in words


def test_the_log_of_another_relay_proves_nothing(scene: Scene) -> None:
    strangers = [line for line in scene.log.lines if "@shop.example" not in line]
    scene.log.lines = [line for line in strangers if "queue active" not in line]
    finding, words = verdict_of(scene)
    assert finding is Finding.DOUBT and "it is another relay's log, or not whole" in words


def test_neighbours_that_went_to_another_relay_are_no_witnesses(scene: Scene) -> None:
    for name in "abcefg":
        scene.change(name, relay="other.example:25")
    assert "names no message that this relay is known to have taken" in verdict_of(scene)[1]


def test_what_an_operator_called_accepted_is_no_witness(scene: Scene) -> None:
    """It has no reply: nobody knows whether a log must name it."""
    for name in "abcefg":
        scene.change(name, reply_code=None)
    assert "names no message that this relay is known to have taken" in verdict_of(scene)[1]


def test_the_operator_may_name_the_relay_of_a_row_that_does_not_know_it(scene: Scene) -> None:
    scene.change("d", relay=None)
    assert "It is not known which relay" in verdict_of(scene)[1]
    assert verdict_of(scene, relay=RELAY)[0] is Finding.ABSENT
    assert "another" not in verdict_of(scene, relay=RELAY)[1]


def test_only_those_asked_about_are_judged(scene: Scene) -> None:
    scene.change("a", state="unknown")
    both = {scene.ids["a"], scene.ids["d"]}
    assert {each.delivery_id for each in scene.judge().verdicts} == both
    assert {each.delivery_id for each in scene.judge(chosen=Chosen(campaign="parts")).verdicts} == both
    assert not scene.judge(chosen=Chosen(campaign="other")).verdicts
    assert verdict_of(scene, chosen=Chosen(frozenset({scene.ids["d"], scene.ids["b"]})))


@pytest.mark.rule("A56")
def test_nothing_is_changed_by_reading(scene: Scene) -> None:
    before = scene.world.rows()
    scene.judge()
    assert scene.world.rows() == before
