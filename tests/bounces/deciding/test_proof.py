"""Whom a report is about, and what proves it: nothing that a stranger could have made acts (A74, A79)."""

from __future__ import annotations

from typing import Any

import pytest

from mailer.bounces.intake import keep
from mailer.store.schema import Delivery, Report, ReturnedMail
from mailer.store.vocabulary import DeliveryState, ReturnedState
from tests.bounces.deciding.letters import dsn
from tests.bounces.deciding.scene import Scene

ADA, BOB = "ada@example.net", "bob@example.net"
PLAIN = "bounce@bounce.shop.example"


def ids_of(scene: Scene, delivery: int) -> Any:
    """A delivery's row."""
    (row,) = [row for row in scene.rows(Delivery) if row.id == delivery]
    return row


@pytest.mark.rule("A74")
@pytest.mark.parametrize("way", ["verp", "envelope", "envid", "message_id"])
def test_each_way_finds_the_delivery(scene: Scene, way: str) -> None:
    delivery = scene.sent(ADA)
    scene.sent(ADA)
    name = ids_of(scene, delivery).message_id
    raw = {
        "verp": dsn(scene.path(delivery), ADA),
        "envelope": dsn(PLAIN, ADA),
        "envid": dsn(PLAIN, ADA, envelope_id=name.partition("@")[0]),
        "message_id": dsn(PLAIN, ADA, returned=f"Message-ID: <{name}>\n"),
    }[way]
    scene.receive(raw, envelope_to=scene.path(delivery).upper() if way == "envelope" else None)
    (row,) = scene.rows(Report)
    assert (row.delivery_id, row.matched_by) == (delivery, "verp" if way == "envelope" else way)
    assert scene.reasons(ADA) == {"held"}


@pytest.mark.rule("A79")
@pytest.mark.parametrize(
    "raw",
    [
        dsn(PLAIN, ADA),
        dsn("bounce+00000000000000000000000000000000@bounce.shop.example", ADA),
        dsn(PLAIN, ADA, envelope_id="0" * 24),
        dsn(PLAIN, ADA, returned="Message-ID: <aaaaaaaaaaaaaaaaaaaaaaaa@shop.example>\n"),
        dsn(PLAIN, "nobody@nowhere.example"),
    ],
)
def test_a_forged_report_changes_nothing_and_lands_in_review(scene: Scene, raw: bytes) -> None:
    scene.sent(ADA)
    assert scene.receive(raw).state is ReturnedState.REVIEW
    assert scene.reasons(ADA) == set() and scene.rows(Report) == []


@pytest.mark.rule("A79")
def test_an_id_of_one_s_own_mail_proves_nothing_about_another(scene: Scene) -> None:
    scene.sent(ADA)
    own = ids_of(scene, scene.sent(BOB)).message_id
    scene.receive(dsn(PLAIN, ADA, envelope_id=own.partition("@")[0], returned=f"Message-ID: <{own}>\n"))
    assert scene.reasons(ADA) == set()


@pytest.mark.rule("A79")
def test_one_s_own_return_path_blames_nobody_else(scene: Scene) -> None:
    scene.sent(ADA)
    scene.receive(dsn(scene.path(scene.sent(BOB)), ADA))
    assert scene.reasons(ADA) == set() and scene.reasons(BOB) == set()


@pytest.mark.parametrize("state", [DeliveryState.UNKNOWN, DeliveryState.DEFERRED, DeliveryState.QUEUED])
def test_a_report_settles_what_was_in_doubt(scene: Scene, state: DeliveryState) -> None:
    delivery = scene.sent(ADA, state=state)
    scene.receive(dsn(scene.path(delivery), ADA))
    assert scene.state_of(delivery) is DeliveryState.ACCEPTED


def test_a_report_about_a_message_in_a_sender_s_hand_waits_for_its_end(scene: Scene) -> None:
    delivery = scene.sent(ADA, state=DeliveryState.ATTEMPTING)
    mail = scene.receive(dsn(scene.path(delivery), ADA))
    other = scene.bounce(BOB)
    assert (mail.state, other.state) == (ReturnedState.WAITING, ReturnedState.SETTLED)
    scene.change(Delivery, state=DeliveryState.UNKNOWN)
    assert scene.deciding.process_waiting() == 1
    assert scene.state_of(delivery) is DeliveryState.ACCEPTED and scene.reasons(ADA) == {"held"}


def test_a_provider_s_word_about_an_address_takes_no_waiting_message_away(scene: Scene) -> None:
    """What it tells is proven, but not which copy it was about."""
    scene.sent(ADA)
    waiting = scene.sent(ADA, state=DeliveryState.QUEUED)
    event = (
        b'{"RecordType": "SpamComplaint", "ID": 7, "Email": "ada@example.net", "MessageID": "x",'
        b' "Type": "SpamComplaint",'
        b' "BouncedAt": "2026-11-02T09:00:00Z"}'
    )
    scene.receive(event, source="webhook:postmark")
    assert scene.reasons(ADA) == {"complaint"}
    assert scene.state_of(waiting) is DeliveryState.SKIPPED


def test_a_message_that_cannot_be_unpacked_stops_nothing(scene: Scene) -> None:
    keep(scene.store, b"Subject: x\n\n", source="pipe")
    scene.change(ReturnedMail, raw=b"no zlib")
    scene.bounce(ADA)
    assert [row.state.value for row in scene.rows(ReturnedMail)] == ["unreadable", "settled"]


def test_what_is_decided_is_decided_once_whoever_does_it(scene: Scene) -> None:
    keep(scene.store, dsn(scene.path(scene.sent(ADA)), ADA), source="pipe")
    assert [scene.another().process_waiting() for _ in range(2)] == [1, 0]
    assert len(scene.rows(Report)) == 1
