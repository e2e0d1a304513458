"""Notifications in JSON: bounces, complaints, arrivals; bare, and in an envelope of SNS."""

from __future__ import annotations

import json
from typing import Any

import pytest

from mailer.bounces import Kind, classify
from tests.bounces.messages import READER, US, mail


def notice(value: dict[str, Any], *, wrapped: bool = False) -> bytes:
    """A notification as the body of a mail."""
    body = json.dumps({"Type": "Notification", "Message": json.dumps(value)} if wrapped else value)
    return mail(body, **{"from": "no-reply@sns.example", "to": US, "subject": "Notification"})


def bounced(**about: Any) -> dict[str, Any]:
    """A bounce notification about one recipient."""
    recipient = {"emailAddress": READER, "action": "failed", **about.pop("recipient", {})}
    return {"notificationType": "Bounce", "bounce": {"bouncedRecipients": [recipient], **about}}


@pytest.mark.parametrize("wrapped", [False, True])
def test_a_bounce_says_what_the_server_said(*, wrapped: bool) -> None:
    said = {"status": "5.1.1", "diagnosticCode": "smtp; 550 5.1.1 user unknown"}
    reading = classify(notice(bounced(bounceType="Permanent", recipient=said), wrapped=wrapped))
    assert reading.kind is Kind.BOUNCE
    assert [(one.recipient, one.kind, one.reason) for one in reading.bounces] == [
        (READER, "hard", "userunknown")
    ]


def test_a_subtype_helps_where_the_server_s_words_are_missing() -> None:
    (found,) = classify(notice(bounced(bounceType="Transient", bounceSubType="MailboxFull"))).bounces
    assert (found.kind, found.reason) == ("soft", "mailboxfull")


def test_a_complaint_names_its_readers() -> None:
    value = {
        "notificationType": "Complaint",
        "complaint": {"complainedRecipients": [{"emailAddress": READER}]},
    }
    reading = classify(notice(value))
    assert reading.kind is Kind.COMPLAINT
    assert [(one.recipient, one.kind) for one in reading.bounces] == [(READER, "complaint")]


def test_an_arrival_is_no_bounce() -> None:
    value = {"notificationType": "Delivery", "delivery": {"recipients": [READER]}}
    assert classify(notice(value)).kind is Kind.NONE


@pytest.mark.parametrize(
    "body", ['{"a": ', '{"notificationType": 7}', '{"bounce": []}', '{"notificationType": "Bounce"}']
)
def test_broken_json_is_other_mail(body: str) -> None:
    assert classify(mail(body, **{"from": READER, "to": US, "subject": "Hm"})).bounces == ()
