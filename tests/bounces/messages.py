"""Reports to try the reader on; all addresses and hosts are invented."""

from __future__ import annotations

READER = "anna@reader.example"
US = "bounce+0123@bounce.shop.example"


def mail(body: str | bytes, **fields: str) -> bytes:
    """A raw message: header fields by name (`return_path`), then the body."""
    head = "".join(f"{name.replace('_', '-')}: {value}\n" for name, value in fields.items())
    text = body if isinstance(body, bytes) else body.encode()
    return head.encode() + b"\n" + text


def report(body: str, **fields: str) -> bytes:
    """A report in plain words, from a mailer daemon."""
    given = {
        "return_path": "<>",
        "from": "Mail Delivery System <MAILER-DAEMON@mx.relay.example>",
        "to": US,
        "subject": "Undelivered Mail Returned to Sender",
    }
    return mail(body, **{**given, **fields})


def dsn(groups: str, *, words: str = "It did not work.", media: str = "message/delivery-status") -> bytes:
    """A multipart/report (RFC 3464): `groups` are the per-recipient fields."""
    return report(
        f"--cut\nContent-Type: text/plain; charset=utf-8\n\n{words}\n"
        f"--cut\nContent-Type: {media}\n\nReporting-MTA: dns; mx.relay.example\n"
        f"Original-Envelope-Id: QX-17b\n\n{groups}\n"
        "--cut\nContent-Type: text/rfc822-headers\n\n"
        f"Message-ID: <offer-1@shop.example>\nFrom: Shop <news@shop.example>\nTo: {READER}\n\n--cut--\n",
        content_type='multipart/report; report-type=delivery-status; boundary="cut"',
    )


def group(
    diagnostic: str = "", *, recipient: str = READER, action: str = "failed", status: str = "5.0.0"
) -> str:
    """The fields of one recipient."""
    said = f"Diagnostic-Code: smtp; {diagnostic}\n" if diagnostic else ""
    return f"Final-Recipient: rfc822; {recipient}\nAction: {action}\nStatus: {status}\n{said}"
