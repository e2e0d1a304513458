"""Messages as they come back: reports, complaints and wishes, written small."""

from __future__ import annotations

from email.message import EmailMessage


def dsn(
    to: str,
    recipient: str,
    status: str = "5.1.1",
    said: str = "550 5.1.1 user unknown",
    *,
    action: str = "failed",
    returned: str = "",
    envelope_id: str = "",
) -> bytes:
    """A delivery status notification (RFC 3464)."""
    envid = f"Original-Envelope-Id: {envelope_id}\n" if envelope_id else ""
    return (
        f"Return-Path: <>\nFrom: Mail Delivery System <MAILER-DAEMON@mx.example.org>\nTo: {to}\n"
        "Subject: Undelivered Mail Returned to Sender\nMIME-Version: 1.0\n"
        'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\n\n'
        "--b\nContent-Type: text/plain\n\nI could not deliver your message.\n"
        "--b\nContent-Type: message/delivery-status\n\n"
        f"Reporting-MTA: dns; mx.example.org\n{envid}\n"
        f"Final-Recipient: rfc822; {recipient}\nAction: {action}\nStatus: {status}\n"
        f"Diagnostic-Code: smtp; {said}\n"
        f"--b\nContent-Type: text/rfc822-headers\n\n{returned}Subject: parts\n\n--b--\n"
    ).encode()


def arf(to: str, *, returned: str, fields: str = "", kind: str = "abuse") -> bytes:
    """An abuse report whose reader is not named (RFC 5965, RFC 6590)."""
    return (
        f"From: <fbl@provider.example>\nTo: {to}\nSubject: FW: parts\nMIME-Version: 1.0\n"
        'Content-Type: multipart/report; report-type=feedback-report; boundary="b"\n\n'
        "--b\nContent-Type: text/plain\n\nThis is an abuse report.\n"
        "--b\nContent-Type: message/feedback-report\n\n"
        f"Feedback-Type: {kind}\nUser-Agent: fbl/1\nVersion: 1\n{fields}\n"
        f"--b\nContent-Type: message/rfc822\n\n{returned}\nSubject: parts\n\nHello\n\n--b--\n"
    ).encode()


def letter(
    to: str, subject: str, text: str = "", *, sender: str = "Ada <ada@example.net>", head: str = ""
) -> bytes:
    """What a person or their mail program writes."""
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = sender, to, subject
    message.set_content(text or "\n")
    return head.encode() + message.as_bytes()
