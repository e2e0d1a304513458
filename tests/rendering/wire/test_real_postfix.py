"""What the renderer signed off is what Postfix stores, octet for octet."""

from __future__ import annotations

import smtplib
from collections.abc import Iterator
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser

import pytest

from mailer.addresses import parse_address
from mailer.rendering import FilledMessage, Gate, RecipientValues
from mailer.rendering.program import Static
from tests.real.postfix import Postfix, running_postfix, untraced
from tests.rendering.wire.cast import compiled, confirmation, html_hole, page, recipient, text_foot, text_hole

CAMPAIGN = compiled(
    subject=(Static("Sommer ☀ für "), text_hole("subscriber.first_name")),
    html=page(
        Static("<p>.ä " + "€uro " * 400), html_hole("subscriber.first_name"), Static("</p>\n.\n..\nFrom x\n")
    ),
    text=(
        Static(".\n..\n.x\nFrom Monday\n"),
        text_hole("subscriber.first_name"),
        Static("\n \n"),
        *text_foot(),
    ),
)
LONG_LINK = "https://news.shop.example/u/" + "a1_-." * 60 + "z"
PEOPLE = [
    recipient({"first_name": "Ada"}),
    recipient({"first_name": "a\r\n.\r\nRCPT TO:<eve@x.example>\u2028\0"}),
    recipient({"first_name": "أحمد 🎉 " * 20}),
    recipient({"first_name": "."}, unsubscribe_url=LONG_LINK),
    recipient({"first_name": "From me"}, address="a" * 64 + "@" + "d" * 60 + ".example"),
    recipient({"first_name": "ü"}, address=parse_address("jürgen@example.net")),
]


@pytest.fixture(scope="module")
def postfix() -> Iterator[Postfix]:
    with running_postfix() as running:
        yield running


def submit(postfix: Postfix, messages: list[tuple[RecipientValues, FilledMessage]]) -> None:
    with smtplib.SMTP(postfix.host, postfix.port) as client:
        client.ehlo("sender.example")
        for who, filled in messages:
            options = ["SMTPUTF8", "BODY=8BITMIME"] if filled.needs_smtputf8 else []
            client.sendmail("bounce@bounce.shop.example", str(who.address), filled.data, mail_options=options)


@pytest.mark.real
@pytest.mark.rule("A15", "A50", "A51")
def test_postfix_stores_exactly_the_bytes_that_passed_the_gate(postfix: Postfix) -> None:
    gate = Gate()
    sent = [(who, CAMPAIGN.fill(who)) for who in PEOPLE] + [(PEOPLE[0], confirmation().fill(PEOPLE[0]))]
    for who, filled in sent[:-1]:
        gate.check(filled, CAMPAIGN.message_class, expected=CAMPAIGN.expected(who))
    submit(postfix, sent)
    stored = sorted(untraced(message) for message in postfix.messages(len(sent)))
    assert stored == sorted(filled.data for _, filled in sent)
    for message in stored:
        parsed = BytesParser(EmailMessage, policy=policy.SMTP).parsebytes(message)
        if message.isascii():
            assert not parsed.defects and not [value for value in parsed.values() if value.defects]
        assert not [part for part in parsed.walk() if part.defects]
