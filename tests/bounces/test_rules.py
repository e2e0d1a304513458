"""The table of rules: each row has its own examples, and each example its row."""

from __future__ import annotations

import pytest

from mailer.bounces.model import REASONS
from mailer.bounces.rules import CLEAR, LEAST, VAGUE
from mailer.bounces.rules.row import Rule, holds
from mailer.bounces.verdict import Evidence, decide, first, plain

EVERY = (*CLEAR, *VAGUE, *LEAST)
#: The row that must speak for each of these.
EXAMPLES: dict[str, tuple[str, ...]] = {
    "mailbox-full": (
        "552 5.2.2 The recipient's mailbox is full",
        "452 4.2.2 Anna is over quota, try later",
        "550 5.1.1 mailbox exceeded its limit: quota exceeded",
        "#5.2.2 STOREDRV: mailbox full",
        "Deferred: 452 user has too many messages on the server",
    ),
    "mailbox-full-localised": (
        "Das Postfach von Anna ist voll",
        "La boîte aux lettres du destinataire est pleine",
        "El buzón de Anna está lleno",
        "La casella del destinatario è piena",
        "почтовый ящик переполнен",
        "受信者のメールボックスがいっぱいです",
        "对方邮箱已满",
    ),
    "program-failed": (
        'user unknown. Command output: procmail: Couldn\'t create "/var/spool/mail/anna"',
        'Command died with status 75: "/usr/lib/dovecot/deliver"',
    ),
    "message-too-big": (
        "552 5.3.4 Message size exceeds fixed limit",
        "Die Nachricht ist zu groß",
        "550 5.2.3 RESOLVER.RST.RecipSizeLimit; message too large for this recipient",
    ),
    "authentication-failed": (
        "550 5.7.26 This mail is unauthenticated; neither SPF nor DKIM passed",
        "554 5.7.5 rejected per DMARC policy of shop.example",
        "550 SPF check failed",
    ),
    "google-group": ("La grupo povas ne ekzisti. Google Groups",),
    "sender-refused": (
        "553 5.1.8 Sender address rejected: Domain not found",
        "550 5.7.1 RESOLVER.RST.NotAuthorized; not authorized to send to this group",
        "550 sender verify failed",
        "571 you are not allowed to post to this list",
    ),
    "no-reverse-name": (
        "550 5.7.25 no PTR record for 192.0.2.1",
        "450 Client host: cannot find your reverse hostname",
    ),
    "helo-refused": ("554 HELO command rejected: invalid", "554 dynamic IP addresses are not welcome"),
    "too-fast": (
        "421 4.7.28 unusual rate of mail from you: rate limited",
        "452 Too many messages, slow down",
        "550 daily quota reached for sending",
    ),
    "too-many-connections": (
        "421 Too many concurrent SMTP connections",
        "421 4.7.0 too many sessions from 192.0.2.9",
    ),
    "too-fast-localised": ("421 Trop de messages, ralentissez", "450 发送邮件过于频繁"),
    "provider-limit": (
        "450 Requested mail action not taken: mailbox unavailable. Mail send limit exceeded.",
        "451 4.7.500 Server busy. Please try again later from [192.0.2.1]. (S77719)",
    ),
    "account-disabled-localised": (
        "550 Konto odbiorcy zostalo zablokowane",
        "Le compte du destinataire est désactivé",
        "почтовый ящик временно заблокирован",
    ),
    "account-disabled": (
        "550 5.2.1 The email account that you tried to reach is disabled",
        "554 account suspended",
        "525 5.7.13 user account is inactive",
    ),
    "moved": ("551 5.1.6 Anna has moved to anna@elsewhere.example", "recipient address has changed"),
    "null-mx": ("556 5.1.10 Recipient address has null MX", "host does not accept mail"),
    "no-such-domain": (
        "550 5.1.2 Host unknown (Name server: reader.example: host not found)",
        "Host or domain name not found. Name service error for name=reader.example type=A: Host not found",
        "DNS Error: NXDOMAIN",
    ),
    "no-such-domain-localised": ("El dominio reader.example no existe", "домен reader.example не найден"),
    "content-localised": ("554 Nachricht als Werbung eingestuft", "mensaje con contenido sospechoso"),
    "block-list-localised": ("550 votre serveur est sur liste noire", "550 您的服务器在黑名单中"),
    "user-unknown": (
        "550 5.1.1 <anna@reader.example>: Recipient address rejected: User unknown in virtual mailbox table",
        "550 No such user here",
        "550 5.1.1 The email account that you tried to reach does not exist",
        "554 delivery error: dd This user doesn't have an account",
        "550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient not found by SMTP address lookup",
        "User anna (anna@reader.example) not listed in Domino Directory",
        "550 5.4.1 Recipient address rejected: Access denied",
        "all recipients: invalid recipient",
    ),
    "user-unknown-localised": (
        "Empfänger unbekannt",
        "destinataire inconnu",
        "El usuario no existe",
        "utente sconosciuto",
        "пользователь не найден",
        "użytkownik nieznany",
        "宛先が見つかりません",
        "收件人不存在",
        "존재하지 않는 사용자",
        "Mottagaren hittades inte",
        "alıcı bulunamadı",
    ),
    "mailbox-unavailable": ("550 Requested action not taken: mailbox unavailable",),
    "no-relay": (
        "554 5.7.1 <anna@reader.example>: Relay access denied",
        "550 5.7.54 Unable to relay recipient in non-accepted domain",
        "sorry, that domain isn't in my list of allowed rcpthosts",
    ),
    "loop": ("554 5.4.6 Too many hops", "mail for reader.example loops back to myself"),
    "virus": ("554 message infected with a virus", "550 phishing found"),
    "spam": ("550 5.7.1 message looks like spam", "554 rejected as spam by the content filter"),
    "content": ("554 5.6.1 attachment of this file type not wanted", "550 bare LF in the message body"),
    "not-by-the-book": ("550 5.7.1 message is not RFC 5322 compliant",),
    "too-many-recipients": ("452 4.5.3 Too many recipients",),
    "reputation": ("550 sender IP has a very low reputation",),
    "block-list": (
        "554 5.7.1 Service unavailable; client host [192.0.2.1] blocked using zen.spamhaus.org",
        "550 your IP has been put on our blacklist",
        "host mx refused to talk to me: 421",
        "451 greylisted, come back in five minutes",
    ),
    "relay-wants-login": ("530 5.7.0 Must issue a STARTTLS command first", "535 login failed"),
    "ran-out-of-time": ("retry timeout exceeded", "Connection timed out", "Zeitüberschreitung"),
    "no-connection": ("connect to mx.reader.example: Connection refused", "no route to host"),
    "no-connection-localised": ("Der Server antwortet nicht", "сервер получателя недоступен"),
    "server-full": ("452 4.3.1 Insufficient system storage",),
    "server-trouble": ("451 4.3.0 internal server error", "service unavailable", "421 try again later"),
    "syntax": ("500 5.5.2 command not recognized", "501 syntax error in parameters"),
    "policy": ("550 5.7.0 refused for policy reasons", "571 message violates our rules"),
    "in-the-queue-too-long": ("I'm not going to try again; this message has been in the queue too long",),
    "refused": ("554 rejected", "550 denied"),
}


def test_every_row_has_a_name_of_its_own_and_examples() -> None:
    names = [row.name for row in EVERY]
    assert len(names) == len(set(names))
    assert set(names) == set(EXAMPLES)


def test_every_row_gives_a_known_reason() -> None:
    assert {row.reason for row in EVERY} <= set(REASONS)


@pytest.mark.rule("A75")
@pytest.mark.parametrize(
    ("name", "text"), [(name, text) for name, texts in EXAMPLES.items() for text in texts]
)
def test_an_example_is_decided_by_its_row(name: str, text: str) -> None:
    row = first(EVERY, plain(text))
    assert row is not None
    assert row.name == name


@pytest.mark.rule("A81")
@pytest.mark.parametrize(
    "text",
    [
        "554 sender address rejected: user unknown in virtual alias table",
        "550 5.1.8 sender domain does not exist",
        "Host not found, try again",
        "Name service error: Host not found, try again later",
        "550 too many invalid recipients from your server; your IP is blocked",
        "450 user unknown; greylisted",
        "550 rejected: see https://unknown.user.example/no-such",
        "550 5.7.1 mailbox unavailable",
        "421 temporarily rejected",
        "550 account disabled by its owner",
        "554 message rejected: spam",
        "550 mail from 192.0.2.1 refused: no longer accepted from blacklisted hosts",
    ],
)
def test_no_living_address_is_called_dead(text: str) -> None:
    assert decide(Evidence("anna@reader.example", diagnostic=text)).kind == "soft"


def test_phrases_are_in_lower_case_as_the_text_is() -> None:
    for row in EVERY:
        for phrase in (*row.phrases, *row.unless):
            assert phrase == phrase.lower(), f"{row.name}: {phrase}"


def test_the_parts_of_a_phrase_come_in_their_order_and_near_each_other() -> None:
    assert holds("the mailbox of anna is full", "mailbox * is full")
    assert not holds("is full: the mailbox", "mailbox * is full")
    assert not holds("mailbox " + "x" * 200 + " is full", "mailbox * is full")
    assert holds("mailbox " + "x" * 200 + " mailbox y is full", "mailbox * is full")


def test_a_row_can_be_told_when_to_be_silent() -> None:
    row = Rule("a", "spamdetected", ("spam",), unless=("no spam",))
    assert row.speaks_of("this is spam")
    assert not row.speaks_of("this is no spam")
