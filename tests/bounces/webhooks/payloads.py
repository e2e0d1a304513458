"""What the four providers send, in the shape of their documentation; every value can be changed."""

from __future__ import annotations

from typing import Any

READER = "ada@example.net"
RETURN_PATH = "bounce+0123456789abcdef0123456789abcdef@bounce.shop.example"
MESSAGE_ID = "20261123.77@news.shop.example"


def ses(kind: str = "Bounce", *, published: bool = False, **body: Any) -> dict[str, Any]:
    """A notification of SES, or `published`, an event of a configuration set."""
    name = {"DeliveryDelay": "deliveryDelay", "Rendering Failure": "failure"}.get(kind, kind.lower())
    return {
        "eventType" if published else "notificationType": kind,
        name: body,
        "mail": {
            "timestamp": "2026-11-23T08:59:38.237Z",
            "source": RETURN_PATH,
            "sourceArn": "arn:aws:ses:eu-west-1:123456789012:identity/shop.example",
            "messageId": "0102019a-ses-own",
            "destination": [READER],
            "headersTruncated": False,
            "headers": [
                {"name": "From", "value": "Ohm & Volt <news@shop.example>"},
                {"name": "Message-ID", "value": f"<{MESSAGE_ID}>"},
            ],
            "commonHeaders": {"subject": "Week 47", "messageId": "<0102019a@eu-west-1.amazonses.com>"},
        },
    }


def ses_bounce(kind: str, subtype: str, said: str = "", status: str = "", **more: Any) -> dict[str, Any]:
    """A bounce of SES about the reader."""
    recipient = {"emailAddress": READER, "action": "failed"}
    recipient |= {"diagnosticCode": said} if said else {}
    recipient |= {"status": status} if status else {}
    return ses(
        "Bounce",
        bounceType=kind,
        bounceSubType=subtype,
        bouncedRecipients=[recipient],
        timestamp="2026-11-23T09:00:00.000Z",
        feedbackId="0102019a-feedback",
        reportingMTA="dns; e1.smtp-out.amazonses.com",
        **more,
    )


def postmark(kind: str = "HardBounce", details: str = "", **changed: Any) -> dict[str, Any]:
    """A bounce of Postmark."""
    return {
        "RecordType": "Bounce",
        "MessageStream": "broadcast",
        "ID": 4323372036854775807,
        "Type": kind,
        "TypeCode": 1,
        "Name": "Hard bounce",
        "Tag": "week-47",
        "MessageID": "883953f4-6105-42a2-a16a-77a8eac79483",
        "ServerID": 23,
        "Description": "The server was unable to deliver your message.",
        "Details": details,
        "Email": READER,
        "From": "news@shop.example",
        "BouncedAt": "2026-11-23T09:00:00Z",
        "DumpAvailable": True,
        "Inactive": True,
        "CanActivate": True,
        "Subject": "Week 47",
    } | changed


def sendgrid(event: str = "bounce", **changed: Any) -> dict[str, Any]:
    """One event of a SendGrid batch."""
    return {
        "email": READER,
        "timestamp": 1795424400,
        "smtp-id": f"<{MESSAGE_ID}>",
        "event": event,
        "category": ["week-47"],
        "sg_event_id": "Ym91bmNlLTAtMQ",
        "sg_message_id": "14c5d75ce93.dfd.64b469.filter0001.16648.5515E0B88.0",
    } | changed


def mailgun(event: str = "failed", **changed: Any) -> dict[str, Any]:
    """The event-data of a Mailgun call."""
    return {
        "event": event,
        "id": "G9Bn5sl1TC6nu79C8C0bwg",
        "timestamp": 1795424400.375624,
        "log-level": "error",
        "recipient": READER,
        "recipient-domain": "example.net",
        "flags": {
            "is-routed": False,
            "is-authenticated": True,
            "is-system-test": False,
            "is-test-mode": False,
        },
        "envelope": {"sender": RETURN_PATH, "transport": "smtp", "targets": READER},
        "message": {"headers": {"message-id": MESSAGE_ID, "to": READER, "subject": "Week 47"}, "size": 111},
        "tags": [],
        "user-variables": {},
    } | changed


def mailgun_failed(severity: str, reason: str, code: int = 550, message: str = "") -> dict[str, Any]:
    """A failure that Mailgun tells of."""
    status = {"attempt-no": 1, "code": code, "message": message, "description": "", "session-seconds": 0.4}
    return mailgun(severity=severity, reason=reason, **{"delivery-status": status})
