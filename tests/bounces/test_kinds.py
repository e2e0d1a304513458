"""What is no bounce: notes of absence, receipts, challenges, people, newsletters, forwarded reports (A80)."""

from __future__ import annotations

import pytest

from mailer.bounces import Kind, classify
from tests.bounces.messages import READER, US, dsn, group, mail, report

PERSON = "Anna <anna@reader.example>"
_SAID = f"<{READER}>: host mx.reader.example said: 550 5.1.1 User unknown (in reply to RCPT TO command)\n"

NOTES = {
    "out of office, in the words of a bounce": mail(
        "I am away. Mail to bob@reader.example could not be delivered: mailbox full, 550 5.2.2",
        **{"from": PERSON, "to": US, "subject": "Automatic reply: Offers", "return_path": "<>"},
    ),
    "a note of absence with no header that says so": mail(
        "Ich bin bis Montag nicht da. Bitte bob@reader.example fragen.",
        **{"from": PERSON, "to": US, "subject": "Abwesenheitsnotiz"},
    ),
    "an answer of a program": mail(
        "Thank you. I cannot answer now. Write to bob@reader.example.",
        **{
            "from": PERSON,
            "to": US,
            "subject": "Re: Offers",
            "auto_submitted": "auto-replied",
            "return_path": "<>",
        },
    ),
    "an old program's answer": mail(
        "Away until Monday.", **{"from": PERSON, "to": US, "subject": "Hm", "precedence": "auto_reply"}
    ),
    "a ticket": mail(
        "Your message could not be delivered to one agent, joe@reader.example. 550",
        **{
            "from": "Support <help@reader.example>",
            "to": US,
            "subject": "We received your request",
            "return_path": "<>",
        },
    ),
    "a challenge": mail(
        f"Your message has not been delivered yet. Please confirm that you are a person. {READER}",
        **{"from": "filter@reader.example", "to": US, "subject": "Please confirm your message"},
    ),
    "a read receipt": mail(
        "--b\n\nThis is a receipt.\n--b\nContent-Type: message/disposition-notification\n\n"
        f"Final-Recipient: rfc822; {READER}\nDisposition: manual-action/MDN-sent-manually; displayed\n--b--\n",
        **{
            "from": PERSON,
            "to": US,
            "subject": "Read: Offers",
            "content_type": "multipart/report; report-type=disposition-notification; boundary=b",
        },
    ),
}
OTHERS = {
    "a colleague who left": mail(
        "This mailbox is no longer read. Please use bob@reader.example.",
        **{"from": PERSON, "to": US, "subject": "Anna no longer works here", "return_path": "<>"},
    ),
    "a note of absence that says so nowhere and quotes the message": mail(
        f"I am away, my mailbox is not read. Ask bob@reader.example.\n\nReceived: from a by b\nTo: {READER}\n",
        **{"from": PERSON, "to": US, "subject": "Offers", "return_path": "<>"},
    ),
    "a newsletter about bounces": mail(
        _SAID,
        **{
            "from": "Postmaster Weekly <postmaster@paper.example>",
            "to": US,
            "subject": "What a bounce says",
            "list_unsubscribe": "<https://paper.example/u>",
        },
    ),
    "a newsletter about bounces without list fields": mail(
        _SAID,
        **{"from": "Weekly <no-reply@paper.example>", "to": US, "subject": "Undeliverable: what it means"},
    ),
    "a person who asks about a bounce": mail(
        f"Hi, what is this?\n\n{_SAID}\nReceived: from a by b\n",
        **{"from": PERSON, "to": US, "subject": "Undelivered Mail Returned to Sender"},
    ),
    "a bounce forwarded as an attachment": mail(
        b"--b\n\nWhat is this?\n--b\nContent-Type: message/rfc822\n\n"
        + dsn(group("550 user unknown"))
        + b"\n--b--\n",
        **{"from": PERSON, "to": US, "subject": "odd", "content_type": "multipart/mixed; boundary=b"},
    ),
    "a bounce forwarded in the text": mail(
        _SAID, **{"from": PERSON, "to": US, "subject": "Fwd: Undelivered Mail Returned to Sender"}
    ),
    "a postmaster's answer": mail(
        f"We looked at it: {READER} is unknown.\n> {_SAID}",
        **{
            "from": "postmaster@reader.example",
            "to": US,
            "subject": "Re: Undelivered Mail Returned to Sender",
            "in_reply_to": "<q@us.example>",
        },
    ),
    "a parcel service": mail(
        "Delivery attempt failed. The recipient was unknown at 550 Main St. help@parcel.example",
        **{"from": "Parcels <notice@parcel.example>", "to": US, "subject": "Delivery failed: we missed you"},
    ),
    "a job's output": mail(
        f"could not deliver to {READER}: mailbox full, 550",
        **{
            "from": "root@host.example (Cron Daemon)",
            "to": US,
            "subject": "Cron <root@host> /usr/bin/backup",
        },
    ),
    "a digest of a quarantine": mail(
        f"3 messages were rejected as spam:\n{READER} 550 5.7.1\njoe@x.example 550",
        **{"from": "postmaster@reader.example", "to": US, "subject": "Quarantine report"},
    ),
    "an aggregate report on DMARC": mail(
        "UEsDBBQA",
        **{
            "from": "noreply-dmarc@provider.example",
            "subject": "Report Domain: shop.example",
            "content_type": "application/zip",
            "content_transfer_encoding": "base64",
        },
    ),
    "nothing at all": b"",
    "an empty message": b"\n\n",
}


@pytest.mark.rule("A80")
@pytest.mark.parametrize("name", NOTES)
def test_automatic_mail_is_an_autoreply(name: str) -> None:
    reading = classify(NOTES[name])
    assert (reading.kind, reading.bounces) == (Kind.AUTOREPLY, ())


@pytest.mark.rule("A80")
@pytest.mark.parametrize("name", OTHERS)
def test_other_mail_is_no_bounce(name: str) -> None:
    reading = classify(OTHERS[name])
    assert (reading.kind, reading.bounces) == (Kind.NONE, ())


def test_a_program_may_say_that_its_bounce_is_an_automatic_reply() -> None:
    whole = report(
        f"The following address failed:\n\n  {READER}\n    no such user\n", auto_submitted="auto-replied"
    )
    assert classify(whole).kind is Kind.BOUNCE


def test_a_list_server_s_report_counts_in_spite_of_its_list_fields() -> None:
    assert classify(report(_SAID, list_id="<news.shop.example>")).kind is Kind.BOUNCE


@pytest.mark.parametrize("missing", ["from", "subject", "return_path", "to"])
def test_a_report_without_one_of_its_fields_is_still_one(missing: str) -> None:
    whole = report(
        f"This mail could not be delivered.\n\n{_SAID}\nReturn-Path: <{US}>\nMessage-ID: <q@shop.example>\n"
    )
    lines = [
        line for line in whole.split(b"\n") if not line.startswith(missing.replace("_", "-").encode() + b":")
    ]
    reading = classify(b"\n".join(lines))
    assert [one.recipient for one in reading.bounces] == [READER]
