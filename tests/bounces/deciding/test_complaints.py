"""Complaints: from everywhere at once, the right person even where the report hides them (A82, B9)."""

from __future__ import annotations

import base64

import pytest

from mailer.campaigns import queries
from mailer.store.schema import Delivery, Report
from mailer.store.vocabulary import ReturnedState
from tests.bounces.deciding.letters import arf
from tests.bounces.deciding.scene import Scene

ADA, BOB = "ada@example.net", "bob@example.net"
FBL = "fbl@shop.example"


def proof_of(scene: Scene, kind: str, delivery: int) -> tuple[str, str]:
    """Fields of the report and of the returned message that name the delivery in one way."""
    (row,) = [row for row in scene.rows(Delivery) if row.id == delivery]
    return {
        "original mail from": (f"Original-Mail-From: <{scene.path(delivery)}>\n", "From: news@shop.example"),
        "return path inside": ("", f"Return-Path: <{scene.path(delivery).upper()}>\nFrom: news@shop.example"),
        "list-unsubscribe": ("", f"List-Unsubscribe: <https://shop.example/u/{scene.link(ADA)}>"),
        "message-id": ("", f"Message-ID: <{row.message_id}>"),
    }[kind]


@pytest.mark.rule("A82")
@pytest.mark.parametrize(
    "kind", ["original mail from", "return path inside", "list-unsubscribe", "message-id"]
)
def test_a_redacted_complaint_suppresses_the_right_person_everywhere(scene: Scene, kind: str) -> None:
    scene.sent(BOB)
    delivery = scene.sent(ADA, campaign=scene.campaign)
    scene.sent(BOB)
    fields, returned = proof_of(scene, kind, delivery)
    scene.receive(arf(FBL, fields=fields, returned=f"To: redacted\n{returned}"))
    assert scene.reasons(ADA) == {"complaint"} and scene.reasons(BOB) == set()
    (row,) = scene.rows(Report)
    assert (row.kind.value, row.severity.value, row.effect.value) == ("complaint", "complaint", "suppressed")


@pytest.mark.rule("B9")
def test_a_complaint_counts_for_its_campaign_once(scene: Scene) -> None:
    delivery = scene.sent(ADA, campaign=scene.campaign)
    fields, returned = proof_of(scene, "original mail from", delivery)
    for number in range(2):
        scene.receive(arf(FBL, fields=fields, returned=f"X-Copy: {number}\n{returned}"))
    with scene.store.read() as connection:
        assert queries.complaint_count(connection, scene.campaign, after=None) == 1


@pytest.mark.rule("A82")
def test_a_complaint_packed_in_base64_is_read_too(one: Scene) -> None:
    delivery = one.sent(ADA)
    returned = f"Return-Path: <{one.path(delivery)}>\nFrom: news@shop.example\nSubject: parts\n\nHi\n"
    packed = base64.encodebytes(returned.encode()).decode()
    raw = arf(FBL, returned="@@").decode()
    head, _, _ = raw.partition("Content-Type: message/rfc822")
    raw = f"{head}Content-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\n{packed}\n--b--\n"
    one.receive(raw.encode())
    assert one.reasons(ADA) == {"complaint"}


@pytest.mark.rule("A82")
def test_not_spam_is_ignored(one: Scene) -> None:
    delivery = one.sent(ADA)
    fields, returned = proof_of(one, "original mail from", delivery)
    one.receive(arf(FBL, fields=fields, returned=returned, kind="not-spam"))
    assert one.reasons(ADA) == set()


@pytest.mark.rule("A79")
def test_a_complaint_that_only_names_an_address_waits_for_a_person(scene: Scene) -> None:
    scene.sent(ADA)
    mail = scene.receive(arf(FBL, fields=f"Original-Rcpt-To: <{ADA}>\n", returned="From: news@shop.example"))
    assert mail.state is ReturnedState.REVIEW and scene.reasons(ADA) == set()


@pytest.mark.rule("A79")
def test_a_report_with_two_return_paths_inside_is_about_neither_for_sure(one: Scene) -> None:
    paths = [one.path(one.sent(ADA)), one.path(one.sent(BOB))]
    fields = "".join(f"Original-Mail-From: <{path}>\n" for path in paths)
    mail = one.receive(arf(FBL, fields=fields, returned="From: news@shop.example"))
    assert mail.state is ReturnedState.REVIEW and one.reasons(ADA) | one.reasons(BOB) == set()


@pytest.mark.rule("A79")
def test_one_s_own_tag_accuses_nobody_else(scene: Scene) -> None:
    scene.sent(ADA)
    own = scene.path(scene.sent(BOB))
    scene.receive(arf(own, fields=f"Original-Rcpt-To: <{ADA}>\n", returned="From: news@shop.example"))
    assert scene.reasons(ADA) == set() and scene.reasons(BOB) == {"complaint"}
