"""How many messages that came back are classified per second on one core, against only parsing them with `email`."""

from __future__ import annotations

import email
import email.policy
import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from benchmarks.table import Row, run_alone, sized
from mailer.bounces import classify

_ROUNDS = 5
_DSN = """Return-Path: <>
From: MAILER-DAEMON@mx{n}.relay.example (Mail Delivery System)
To: bounce+{n:032x}@bounce.shop.example
Subject: Undelivered Mail Returned to Sender
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="{n}/mx.relay.example"

--{n}/mx.relay.example
Content-Type: text/plain; charset=us-ascii

This is the mail system at host mx{n}.relay.example.

I'm sorry to have to inform you that your message could not
be delivered to one or more recipients. It's attached below.

<reader{n}@reader.example>: host mx.reader.example[192.0.2.7] said: {reply}
    (in reply to RCPT TO command)

--{n}/mx.relay.example
Content-Type: message/delivery-status

Reporting-MTA: dns; mx{n}.relay.example
Arrival-Date: Sun, 22 Nov 2026 10:00:00 +0000

Final-Recipient: rfc822; reader{n}@reader.example
Action: failed
Status: 5.0.0
Diagnostic-Code: smtp; {reply}

--{n}/mx.relay.example
Content-Type: message/rfc822

Message-ID: <{n}@shop.example>
From: Shop <news@shop.example>
To: reader{n}@reader.example
Subject: Offers
Content-Type: text/plain

{body}
--{n}/mx.relay.example--
"""
_REPLIES = (
    "550 5.1.1 User unknown",
    "552 5.2.2 mailbox full",
    "554 5.7.1 blocked using a list",
    "450 go away",
)


def rows() -> list[Row]:
    """Both in turns, the best round of each: other work only ever slows."""
    messages, what = _messages()
    ours, reference = [], []
    for _ in range(_ROUNDS):
        ours.append(_rate(classify, messages))
        reference.append(_rate(_parsed, messages))
    value, against = max(ours), max(reference)
    return [
        Row(
            name="bounce_classify",
            value=value,
            unit="msg/s",
            reference="email.message_from_bytes, policy.default, header and bodies read",
            reference_value=against,
            ratio=value / against,
            reach="≥ 1500 msg/s on one core",
            reached=value >= 1500,
            note=f"{len(messages)} messages ({what}), one process, CPU time, best of {_ROUNDS}",
        )
    ]


def _messages() -> tuple[Sequence[bytes], str]:
    """The labelled set where it is, else made-up reports of usual size."""
    if named := os.environ.get("MAILER_BOUNCE_CORPUS"):
        files = sorted(Path(named, "messages").iterdir())
        return [path.read_bytes() for path in files], "the labelled development set"
    count = sized(1000, quick=100)
    made = (_DSN.format(n=n, reply=_REPLIES[n % len(_REPLIES)], body="Hello\n" * 200) for n in range(count))
    return [one.encode() for one in made], "made-up delivery status notifications"


def _parsed(raw: bytes) -> None:
    """What a reader on top of the standard library does before it knows anything."""
    message = email.message_from_bytes(raw, policy=email.policy.default)
    for part in message.walk():
        part.get_content_type()
        part.get_payload(decode=True)
    dict(message.items())


def _rate(work: Callable[[bytes], object], messages: Sequence[bytes]) -> float:
    began = time.process_time()
    for raw in messages:
        work(raw)
    return len(messages) / (time.process_time() - began)


if __name__ == "__main__":
    run_alone(rows)
