"""Reports in plain words: the manners of thirty years of mail software, in many languages (A81)."""

from __future__ import annotations

import pytest

from mailer.bounces import Kind, classify
from tests.bounces.messages import READER, US, mail, report

#: Software or language -> (header fields beside the usual, body, reason of READER).
REPORTS: dict[str, tuple[dict[str, str], str, str]] = {
    "qmail": (
        {"subject": "failure notice"},
        "Hi. This is the qmail-send program at mx.relay.example.\nI'm afraid I wasn't able to deliver your message to "
        f"the following addresses.\n\n<{READER}>:\n192.0.2.7 does not like recipient.\nRemote host said: 550 5.1.1 no "
        "such user\nGiving up on 192.0.2.7.\n\n--- Below this line is a copy of the message.\n\n"
        "Return-Path: <x@shop.example>\nTo: bob@other.example\n",
        "userunknown",
    ),
    "sendmail": (
        {"subject": "Returned mail: see transcript for details"},
        f"   ----- The following addresses had permanent fatal errors -----\n<{READER}>\n    (reason: 552 5.2.2 "
        "quota exceeded)\n\n   ----- Transcript of session follows -----\n... while talking to mx.reader.example:\n"
        f">>> RCPT To:<{READER}>\n<<< 552 5.2.2 quota exceeded\n554 5.0.0 Service unavailable\n",
        "mailboxfull",
    ),
    "exim": (
        {"subject": "Mail delivery failed: returning message to sender", "x_failed_recipients": READER},
        f"A message that you sent could not be delivered.\n\n  {READER}\n    SMTP error from remote mail server after "
        "RCPT TO:<x>: host mx [192.0.2.7]: 550 No such person at this address\n\n"
        "------ This is a copy of the message, including all the headers. ------\n\nTo: bob@other.example\n",
        "userunknown",
    ),
    "postfix without a status part": (
        {},
        f"This is the mail system at host mx.x.example.\n\n<{READER}>: host mx.y.example[192.0.2.7] said: 554\n"
        "    5.7.1 blocked using zen.spamhaus.org (in reply to RCPT TO command)\n",
        "blocked",
    ),
    "exchange 2003": (
        {"subject": "Undeliverable: Offers", "from": "System Administrator <postmaster@reader.example>"},
        "Your message\n\n  To:      bob@other.example\n  Subject: Offers\n  Sent:    Sun, 22 Nov 2026\n\ndid not reach "
        f"the following recipient(s):\n\n{READER} on Sun, 22 Nov 2026 10:00\n    The recipient name is not recognized\n"
        "    MSEXCH:IMS:Reader:HQ:MX 0 (000C05A6) Unknown Recipient\n",
        "userunknown",
    ),
    "exchange 365, html only": (
        {"subject": "Undeliverable: Offers", "content_type": "text/html; charset=utf-8"},
        "<html><head><style>p{color:red}</style></head><body><p>Delivery has failed to these recipients or groups:</p>"
        f'<p><a href="mailto:{READER}">{READER}</a><br>The email address you entered couldn&#39;t be found.</p>'
        "<p>Remote Server returned '550 5.1.10 RESOLVER.ADR.RecipientNotFound'</p></body></html>",
        "userunknown",
    ),
    "domino": (
        {"subject": "DELIVERY FAILURE: User anna not listed", "from": "postmaster@reader.example"},
        f"Your message\n\n  Subject: Offers\n\nwas not delivered to:\n\n  {READER}\n\nbecause:\n\n  User anna "
        f"({READER}) not listed in Domino Directory\n",
        "userunknown",
    ),
    "gmail": (
        {"subject": "Delivery Status Notification (Failure)", "x_failed_recipients": READER},
        f"Delivery to the following recipient failed permanently:\n\n     {READER}\n\nTechnical details of permanent "
        "failure:\nThe error that the other server returned was: 550 550 5.2.1 The email account that you tried to "
        "reach is disabled (state 14).\n",
        "suspend",
    ),
    "imail": (
        {"subject": "Undeliverable Mail", "from": "Postmaster <postmaster@reader.example>"},
        f"User mailbox exceeds allowed size: {READER}\n\nOriginal message follows.\n\nReceived: from a by b\n",
        "mailboxfull",
    ),
    "iplanet": (
        {"subject": "Delivery Notification: Delivery has failed"},
        f"Your message cannot be delivered to the following recipients:\n\n  Recipient address: {READER}\n"
        "  Reason: Remote SMTP server has rejected it\n  Diagnostic code: smtp;550 5.1.1 unknown or illegal alias\n",
        "userunknown",
    ),
    "mailenable": (
        {"subject": "Message Delivery Failure", "from": "Postmaster <postmaster@reader.example>"},
        f"Message could not be delivered to some recipients.\n\nRecipient: [SMTP:{READER}]\nReason: The message size "
        "exceeds the maximum\n",
        "mesgtoobig",
    ),
    "german": (
        {"subject": "Unzustellbar: Angebote", "from": "Systemadministrator <postmaster@reader.example>"},
        f"Fehler bei der Zustellung an folgende Empfänger:\n\n{READER}\nDas Postfach des Empfängers ist voll.\n",
        "mailboxfull",
    ),
    "french": (
        {"subject": "Non remis : Offres"},
        f"Échec de la remise à :\n\n{READER}\nL'adresse n'a pas été trouvée : destinataire inconnu.\n",
        "userunknown",
    ),
    "spanish": (
        {"subject": "No se puede entregar: Ofertas"},
        f"No se pudo entregar a estos destinatarios:\n\n{READER}\nEl buzón del destinatario está lleno.\n",
        "mailboxfull",
    ),
    "russian, in koi8-r": (
        {"subject": "=?koi8-r?B?8yDPzwk=?= Mail failure", "content_type": "text/plain; charset=koi8-r"},
        f"Письмо не доставлено:\n\n  {READER}\n    пользователь не найден\n",
        "userunknown",
    ),
    "japanese, in iso-2022-jp": (
        {"subject": "Returned mail", "content_type": "text/plain; charset=iso-2022-jp"},
        f"次の宛先に配信できません\n\n<{READER}>\nメールボックスがいっぱいです\n",
        "mailboxfull",
    ),
}


def _raw(name: str) -> bytes:
    fields, body, _ = REPORTS[name]
    charset = fields.get("content_type", "").partition("charset=")[2] or "utf-8"
    return report("@@BODY@@", **fields).replace(b"@@BODY@@", body.encode(charset))


@pytest.mark.rule("A81")
@pytest.mark.parametrize("name", REPORTS)
def test_the_reader_and_the_reason_are_found(name: str) -> None:
    reading = classify(_raw(name))
    assert reading.kind is Kind.BOUNCE
    assert [(one.recipient, one.reason) for one in reading.bounces] == [(READER, REPORTS[name][2])]


def test_a_list_of_recipients_gives_each_its_own_words() -> None:
    body = f"<{READER}>:\n550 5.1.1 no such user\n\n<bob@other.example>:\n552 mailbox full\n"
    assert [(one.recipient, one.reason) for one in classify(report(body)).bounces] == [
        (READER, "userunknown"),
        ("bob@other.example", "mailboxfull"),
    ]


def test_nobody_of_the_returned_message_is_taken_for_a_recipient_that_failed() -> None:
    body = f"<{READER}>:\n550 user unknown\n\n--- Below this line is a copy of the message.\n\nCc: bob@other.example\n"
    assert [one.recipient for one in classify(report(body)).bounces] == [READER]


def test_who_may_be_asked_for_help_did_not_fail() -> None:
    body = f"For help contact help@relay.example\nor write to <admin@relay.example>.\n\n<{READER}>: 550 user unknown\n"
    assert [one.recipient for one in classify(report(body)).bounces] == [READER]


def test_the_returned_message_names_the_reader_when_the_text_does_not() -> None:
    body = "Sorry, your message could not be delivered: mailbox full.\n\n--- Original message ---\n"
    (found,) = classify(report(f"{body}\nReceived: from a by b\nFrom: {US}\nTo: Anna <{READER}>\n")).bounces
    assert (found.recipient, found.reason) == (READER, "mailboxfull")


def test_the_list_of_failed_recipients_in_the_header_is_believed() -> None:
    whole = mail(
        "The pipe broke.",
        **{"from": "x@relay.example", "subject": "Hm", "x_failed_recipients": f"{READER}, bob@other.example"},
    )
    assert [one.recipient for one in classify(whole).bounces] == [READER, "bob@other.example"]


@pytest.mark.rule("A73")
def test_a_warning_is_marked_as_delayed() -> None:
    body = f"Your message has not yet been delivered; we will keep trying.\n\n  {READER}\n    connection refused\n"
    (found,) = classify(report(body, subject="Warning: message delayed 4 hours")).bounces
    assert found.delayed
    assert found.kind == "soft"


@pytest.mark.rule("A81")
def test_what_is_not_understood_stays_unknown() -> None:
    (found,) = classify(report(f"<{READER}>: brzl grmpf\n")).bounces
    assert (found.reason, found.kind) == ("undefined", "soft")
