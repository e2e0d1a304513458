"""What a provider tells by webhook is decided as a mail is: held, complained, left, or nobody's fault (D31, A76)."""

from __future__ import annotations

import json
from typing import Any

import pytest

from mailer.bounces.webhooks import Hooks
from mailer.settings.hooks import HooksSettings
from mailer.store.schema import Delivery, Report, ReturnedMail
from mailer.store.vocabulary import ReturnedState
from tests.bounces.deciding.scene import Scene
from tests.bounces.webhooks import payloads, signing

ADA, BOB = payloads.READER, "bob@example.net"


def tell(scene: Scene, provider: str, event: dict[str, Any]) -> Any:
    """An event is kept, and decided; its row."""
    return scene.receive(json.dumps(event).encode(), source=f"webhook:{provider}")


def test_a_dead_address_is_held_though_only_its_name_is_told(scene: Scene) -> None:
    """Postmark repeats nothing of ours, but its call is proven."""
    scene.sent(ADA, campaign=scene.campaign)
    scene.sent(BOB)
    tell(scene, "postmark", payloads.postmark("HardBounce", "smtp;550 5.1.1 user unknown"))
    assert scene.reasons(ADA) == {"held"} and scene.reasons(BOB) == set()
    (row,) = scene.rows(Report)
    assert (row.source.value, row.severity.value, row.fault) == ("webhook", "hard", "recipient")
    assert (row.campaign_id, row.matched_by) == (scene.campaign, "address")


def test_the_return_path_that_a_provider_repeats_names_the_delivery(one: Scene) -> None:
    older, newer = one.sent(ADA), one.sent(ADA)
    event = payloads.mailgun_failed("permanent", "bounce", 550, "5.1.1 user unknown")
    tell(one, "mailgun", event | {"envelope": {"sender": one.path(older)}})
    (row,) = one.rows(Report)
    assert (row.delivery_id, row.matched_by) == (older, "verp")
    assert newer != older


def test_so_does_our_message_id(one: Scene) -> None:
    older = one.sent(ADA)
    one.sent(ADA)
    (ours,) = [row.message_id for row in one.rows(Delivery) if row.id == older]
    tell(one, "sendgrid", payloads.sendgrid(reason="550 5.1.1 user unknown", **{"smtp-id": f"<{ours}>"}))
    (row,) = one.rows(Report)
    assert (row.delivery_id, row.matched_by) == (older, "message_id")


@pytest.mark.rule("A77")
def test_a_refusal_that_blames_us_costs_nobody_their_mail(one: Scene) -> None:
    one.sent(ADA)
    tell(one, "sendgrid", payloads.sendgrid(type="blocked", bounce_classification="Reputation"))
    assert one.reasons(ADA) == set()
    (row,) = one.rows(Report)
    assert (row.fault, row.effect.value) == ("sender", "noted")


@pytest.mark.rule("A82")
@pytest.mark.parametrize(
    ("provider", "event"),
    [
        ("ses", payloads.ses("Complaint", complainedRecipients=[{"emailAddress": ADA}])),
        ("postmark", payloads.postmark("SpamComplaint", RecordType="SpamComplaint")),
        ("sendgrid", payloads.sendgrid("spamreport")),
        ("mailgun", payloads.mailgun("complained")),
    ],
)
def test_a_complaint_suppresses_everywhere(one: Scene, provider: str, event: dict[str, Any]) -> None:
    one.sent(ADA)
    tell(one, provider, event)
    assert one.reasons(ADA) == {"complaint"}


@pytest.mark.rule("A19")
@pytest.mark.parametrize(
    ("provider", "event"),
    [
        ("postmark", payloads.postmark("Unsubscribe")),
        ("sendgrid", payloads.sendgrid("unsubscribe")),
        ("mailgun", payloads.mailgun("unsubscribed")),
    ],
)
def test_who_left_by_the_provider_s_own_link_is_mailed_no_more(
    one: Scene, provider: str, event: dict[str, Any]
) -> None:
    one.sent(ADA)
    row = tell(one, provider, event)
    assert row.state is ReturnedState.SETTLED
    assert one.reasons(ADA) == {"unsubscribed"}


@pytest.mark.rule("A79")
def test_an_event_about_nobody_we_wrote_to_is_for_review(one: Scene) -> None:
    one.sent(BOB)
    assert tell(one, "postmark", payloads.postmark()).state is ReturnedState.REVIEW
    assert one.rows(Report) == []


@pytest.mark.rule("A79")
@pytest.mark.parametrize(
    "raw", [b"", b"{", b"[]", b'{"event": 7}', b'{"event": "bounce", "email": "\\ud800"}']
)
def test_what_cannot_be_read_stops_nothing(one: Scene, raw: bytes) -> None:
    one.sent(ADA)
    for provider in ("ses", "postmark", "sendgrid", "mailgun", "pigeon"):
        one.receive(raw + b" " * len(provider), source=f"webhook:{provider}")
    tell(one, "postmark", payloads.postmark())
    assert one.reasons(ADA) == {"held"}
    assert not [row for row in one.rows(ReturnedMail) if row.state is ReturnedState.WAITING]


@pytest.mark.rule("D31")
def test_from_the_signed_call_to_the_held_person(scene: Scene) -> None:
    """Through the receiving end itself; the same event again changes nothing."""
    from mailer.bounces.intake import keep

    scene.sent(ADA)
    hooks = Hooks(
        HooksSettings(sendgrid_public_keys=(signing.shown(signing.curve_key(0)),)),
        keep=lambda raw, source, digest: keep(scene.store, raw, source=source, digest=digest),
    )
    event = payloads.sendgrid(type="bounce", reason="550 5.1.1 user unknown")
    for _ in range(2):
        hooks.receive("sendgrid", signing.sendgrid([event, payloads.sendgrid("open", sg_event_id="o")]))
        scene.deciding.process_waiting()
    assert scene.reasons(ADA) == {"held"}
    assert len(scene.rows(Report)) == len(scene.rows(ReturnedMail)) == 1
