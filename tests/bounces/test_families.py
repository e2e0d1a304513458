"""Reports of many programs, providers and languages: whom they mean, whether the address is dead, and why."""

from __future__ import annotations

import pytest

from mailer.bounces import Kind, Reading, classify
from tests.bounces.messages import READER, US, dsn, group, mail, report


def _said(reading: Reading) -> list[tuple[str | None, str, str]]:
    return [(one.recipient, str(one.kind), one.group) for one in reading.bounces]


#: What a server answers to RCPT TO or DATA: status of the report, words, severity and group.
ANSWERS = (
    ("5.1.1", "550 5.1.1 The recipient's account is out of storage: no space left", "soft", "mailbox_full"),
    ("5.1.1", "550 5.1.1 mailbox size limit exceeded", "soft", "mailbox_full"),
    ("5.1.1", "550 5.1.1 this letter is bigger than 5 MB", "soft", "too_big"),
    ("5.1.1", "550 5.1.1 sending limit exceeded, maximum 100 messages per hour", "soft", "rate_limited"),
    ("5.1.1", "550 5.1.1 192.0.2.7 is on our blacklist", "soft", "policy"),
    ("5.1.1", "550 5.1.1 your return path was called back and that user is unknown", "soft", "policy"),
    ("5.1.1", "550 5.1.1 the mailbox has been suspended for non-payment", "soft", "disabled"),
    ("5.1.1", "550 5.1.1 temporarily not reachable, maintenance", "soft", "system"),
    ("5.1.1", "550 5.1.1 the envelope originator cannot be validated", "soft", "policy"),
    ("5.1.1", "550 5.1.1 suspicious words found in your text", "soft", "content"),
    ("5.1.2", "550 5.1.2 could not resolve the domain of the sender", "soft", "policy"),
    ("5.1.8", "550 5.1.8 Sender address rejected: Domain not found", "soft", "policy"),
    ("5.7.1", "550 5.7.1 there is nobody here by that name", "hard", "bad_address"),
    ("5.7.1", "550 5.7.1 No such user!", "hard", "bad_address"),
    ("5.7.1", "554 5.7.1 nobody called anna lives here", "hard", "bad_address"),
    ("5.7.1", "550 5.7.1 he has closed the account", "hard", "bad_address"),
    ("5.7.1", "554 5.7.1 infected by virus Phishing.Spoofed", "soft", "content"),
    ("4.3.0", "451 4.3.0 Temporary lookup failure", "soft", "system"),
    ("4.1.1", "450 4.1.1 user unknown for now, try again", "soft", "bad_address"),
    ("4.7.1", "421 4.7.1 you have reached the allotted concurrency", "soft", "rate_limited"),
    ("5.1.0", "X.400; UnrecognisedORName", "hard", "bad_address"),
    ("5.0.0", "550 Konto wurde vom Inhaber gelöscht", "hard", "bad_address"),
    ("5.0.0", "550 Der Absender wurde abgelehnt: Adresse nicht gefunden", "soft", "policy"),
    ("5.0.0", "550 相手先のメールボックスが満杯です", "soft", "mailbox_full"),
    ("5.0.0", "550 La boite aux lettres est saturee", "soft", "mailbox_full"),
    ("5.0.0", "550 Unbekannter Empfaenger", "hard", "bad_address"),
    ("5.0.0", "550 Konto odbiorcy zostalo zablokowane", "soft", "disabled"),
    ("5.1.1", "550 5.1.1 the owner has no free space", "soft", "mailbox_full"),
    ("5.1.1", "550 5.1.1 she only accepts mail from people in her contacts", "soft", "policy"),
    ("5.1.1", "550 5.1.1 authentication is required to write to her", "soft", "policy"),
    ("5.1.1", "550 5.1.1 mailbox unknown, temporarily: our directory is down", "soft", "system"),
    ("5.1.1", "550 5.1.1 mailbox is not available (deactivated)", "soft", "disabled"),
    ("5.1.1", "550 5.1.1 the customer has not paid, so we serve him no more", "soft", "disabled"),
    ("5.1.1", "550 5.1.1 her inbox reached its maximum", "soft", "mailbox_full"),
    ("5.1.1", "550 5.1.1 you sent more than allowed", "soft", "rate_limited"),
    ("5.1.1", "550 5.1.1 cannot verify her at this time", "soft", "system"),
    ("5.1.1", "550 5.1.1 closed for the holidays, mailbox closed until January", "soft", "disabled"),
    ("5.1.1", "550 5.1.1 mail from your country is unwelcome", "soft", "policy"),
    ("5.1.1", "550 5.1.1 all hosts of the directory are silent: no response", "soft", "network"),
    ("5.1.2", "550 5.1.2 lookup of the relay host timed out", "soft", "network"),
    ("5.1.1", "550 5.1.1 read-only, over her limit", "soft", "mailbox_full"),
    ("5.1.1", "550 5.1.1 Empfaenger hat sein Limit ueberschritten", "soft", "mailbox_full"),
    ("5.0.0", "550 发件人域名不存在", "soft", "policy"),
    ("5.0.0", "550 收件人域名不存在", "hard", "bad_domain"),
    ("5.0.0", "550 user has exceeded his/her disk space limit", "soft", "mailbox_full"),
    ("5.7.1", "550 5.7.1 the account of anna is locked for inactivity", "soft", "disabled"),
    ("5.1.1", "550 5.1.1 she has blocked senders of this kind", "soft", "policy"),
    ("5.1.1", "550 5.1.1 servidor en mantenimiento desde ayer", "soft", "system"),
    ("5.1.1", "550 5.1.1 konto czasowo niedostepne", "soft", "system"),
    ("5.1.1", "550 5.1.1 esta carta no nos gusta nada", "soft", "policy"),
    ("5.1.1", "550 5.1.1 refused by what you chose", "soft", "policy"),
    ("5.1.1", "550 5.1.1 rejected", "hard", "bad_address"),
    ("5.1.1", "550 5.1.1 recipient address rejected", "hard", "bad_address"),
    ("5.1.1", "550 5.1.1 I have never heard of her", "hard", "bad_address"),
    ("5.7.1", "554 5.7.1 the mailbox was deleted at the wish of its owner", "hard", "bad_address"),
    ("5.0.0", "550 Le serveur distant ne répond pas", "soft", "network"),
    ("4.2.0", "450 4.2.0 mailbox locked by another process", "soft", "system"),
    ("5.2.1", "550 5.2.1 nonexistent mailbox", "hard", "bad_address"),
    ("5.3.2", "521 5.3.2 reader.example does not accept mail, see RFC 7504", "hard", "bad_domain"),
    (
        "5.0.0",
        "550 5.5.0 Requested action not taken: mailbox unavailable [eur04.prod]",
        "hard",
        "bad_address",
    ),
    ("5.7.1", "554 5.7.1 poor reputation, a source of spam", "soft", "policy"),
    ("5.3.0", "554 5.3.0 internal error: filter timed out", "soft", "system"),
)


@pytest.mark.rule("A75")
@pytest.mark.parametrize(("status", "words", "kind", "cause"), ANSWERS)
def test_text_that_contradicts_a_code_wins(status: str, words: str, kind: str, cause: str) -> None:
    assert _said(classify(dsn(group(words, status=status)))) == [(READER, kind, cause)]


#: Reports in words only, with no code in them.
LETTERS = (
    ("Unzustellbar", "Der Empfänger ist auf diesem System unbekannt.", "hard", "bad_address"),
    ("Zustellung fehlgeschlagen", "Das Postfach des Empfängers ist voll.", "soft", "mailbox_full"),
    ("Échec de la remise", "L'adresse de messagerie est introuvable.", "hard", "bad_address"),
    ("Mensaje no entregado", "El buzón del destinatario está lleno.", "soft", "mailbox_full"),
    ("Mancata consegna", "Lo spazio della casella è esaurito.", "soft", "mailbox_full"),
    ("Mensagem não entregue", "Usuário desconhecido.", "hard", "bad_address"),
    ("Teslim edilemedi", "Böyle bir kullanıcı yok.", "hard", "bad_address"),
    ("Kunne ikke leveres", "Modtagerens postkasse er fuld.", "soft", "mailbox_full"),
    ("Kézbesíthetetlen levél", "A címzett postafiókja megtelt.", "soft", "mailbox_full"),
    ("Mesaj nelivrat", "Utilizatorul nu există.", "hard", "bad_address"),
    ("Недоставленное сообщение", "Няма такъв потребител.", "hard", "bad_address"),
    ("系统退信", "退信原因：收件人不存在", "hard", "bad_address"),
    ("Undeliverable mail", "Connect to host failed after 12 attempts", "soft", "network"),
)


@pytest.mark.rule("A81")
@pytest.mark.parametrize(("subject", "words", "kind", "cause"), LETTERS)
def test_a_report_in_words_is_read_in_its_language(subject: str, words: str, kind: str, cause: str) -> None:
    raw = report(
        f"{subject}\n\n{READER}\n{words}\n", subject=subject, content_type="text/plain; charset=utf-8"
    )
    assert _said(classify(raw)) == [(READER, kind, cause)]


#: The first sentence of Exchange, and the reason after the address, in the languages it is sold in.
EXCHANGE = (
    ("Échec de la remise à ces destinataires :", "La boîte aux lettres est pleine.", "soft", "mailbox_full"),
    ("Dostarczenie wiadomości nie powiodło się:", "Nie można odnaleźć adresu.", "hard", "bad_address"),
    ("Сбой доставки следующим получателям:", "Не удалось найти указанный адрес.", "hard", "bad_address"),
    ("Toimitus seuraaville epäonnistui:", "Antamaasi osoitetta ei löydy.", "hard", "bad_address"),
    ("发送到以下收件人失败:", "找不到您输入的电子邮件地址。", "hard", "bad_address"),
)


@pytest.mark.rule("A81")
@pytest.mark.parametrize(("opening", "why", "kind", "cause"), EXCHANGE)
def test_exchange_is_known_by_its_own_field_whatever_its_language(
    opening: str, why: str, kind: str, cause: str
) -> None:
    raw = mail(
        f"<html><p>{opening}</p><p><a href='mailto:{READER}'>{READER}</a><br>{why}</p></html>",
        **{
            "return_path": "<>",
            "from": "Microsoft Outlook <postmaster@reader.example>",
            "to": US,
            "subject": "?",
            "auto_submitted": "auto-replied",
            "x_ms_exchange_message_is_ndr": "",
            "content_type": "text/html; charset=utf-8",
        },
    )
    assert _said(classify(raw)) == [(READER, kind, cause)]


def test_qmail_gives_up_on_a_host_and_that_says_nothing_of_time() -> None:
    raw = report(
        f"Hi. This is the qmail-send program.\n\n<{READER}>:\n192.0.2.8 does not like recipient.\n"
        "Remote host said: 554 IP=192.0.2.1 - A problem occurred.\nGiving up on 192.0.2.8.\n",
        subject="failure notice",
    )
    assert _said(classify(raw)) == [(READER, "soft", "policy")]


def _receipt(words: str) -> bytes:
    return mail(
        f"--b\nContent-Type: text/plain\n\n{words}\n--b\nContent-Type: message/disposition-notification\n\n"
        f"Final-Recipient: rfc822; {READER}\n"
        "Disposition: automatic-action/MDN-sent-automatically; deleted\n--b--\n",
        **{
            "return_path": "<>",
            "from": "Mail Delivery Subsystem <postmaster@reader.example>",
            "to": US,
            "subject": "Rejected: Offers",
            "content_type": "multipart/report; report-type=disposition-notification; boundary=b",
        },
    )


def test_a_mailbox_that_refuses_by_a_receipt_has_bounced() -> None:
    raw = _receipt(
        f"Your message to <{READER}> was automatically rejected:\nQuota exceeded (mailbox is full)"
    )
    assert _said(classify(raw)) == [(READER, "soft", "mailbox_full")]


@pytest.mark.rule("A80")
def test_a_receipt_that_only_says_deleted_is_no_bounce() -> None:
    assert (
        classify(_receipt(f"Your message to {READER} was deleted without being read")).kind is Kind.AUTOREPLY
    )


@pytest.mark.parametrize("line", [f"收件人：{READER}", f"宛先は{READER}です", f"「{READER}」"])
def test_an_address_ends_where_writing_without_spaces_goes_on(line: str) -> None:
    raw = report(f"{line}\n\n用户不存在\n", subject="系统退信", content_type="text/plain; charset=utf-8")
    assert _said(classify(raw)) == [(READER, "hard", "bad_address")]


def test_what_a_report_quotes_of_the_other_server_counts_more_than_its_own_words() -> None:
    raw = report(
        f"Your message to {READER} has been blocked.\n\nThe response from the remote server was:\n"
        "554 5.7.1 Message rejected because of spam content\n",
        x_failed_recipients=READER,
    )
    assert _said(classify(raw)) == [(READER, "soft", "content")]


def test_words_in_another_charset_than_the_one_named_are_read() -> None:
    raw = report(f"{READER}\nПользователь не найден\n", content_type="text/plain; charset=us-ascii")
    assert _said(classify(raw)) == [(READER, "hard", "bad_address")]


def test_each_recipient_has_the_end_that_is_said_of_it() -> None:
    groups = "\n".join(
        (
            group("550 5.1.1 user unknown", recipient="a@reader.example", status="5.1.1"),
            group("250 OK", recipient="b@reader.example", action="delivered", status="2.0.0"),
            group("552 5.2.2 mailbox is full", recipient="c@reader.example", status="5.2.2"),
            group("connection timed out", recipient="d@reader.example", action="delayed", status="4.4.1"),
        )
    )
    assert _said(classify(dsn(groups))) == [
        ("a@reader.example", "hard", "bad_address"),
        ("c@reader.example", "soft", "mailbox_full"),
        ("d@reader.example", "soft", "network"),
    ]


@pytest.mark.rule("A80")
def test_a_newsletter_that_shows_the_fields_of_a_report_is_no_bounce() -> None:
    body = f"Diagnostic-Code: smtp; 550 5.1.1 unknown\nFinal-Recipient: rfc822; {READER}\nAction: failed\n"
    raw = mail(
        body, **{"from": "Digest <digest@dd.example>", "subject": "Bounces", "list_id": "<dd.example>"}
    )
    assert classify(raw).kind is Kind.NONE


@pytest.mark.rule("A80")
@pytest.mark.parametrize("name", ["Mail Admin <admin@evil.example>", "Mail Delivery System <a@evil.example>"])
def test_a_letter_that_frightens_its_own_addressee_is_no_bounce(name: str) -> None:
    raw = mail(
        f"Dear {US}, 7 mails are pending, system error 550, mailbox quota exceeded. Release them here.",
        **{"return_path": "<x@evil.example>", "from": name, "to": US, "subject": "Undelivered mail"},
    )
    assert not classify(raw).bounces


@pytest.mark.rule("A80")
def test_a_letter_that_frightens_another_address_of_the_house_is_none_either() -> None:
    raw = mail(
        "Dear info@shop.example, 7 mails were not delivered. Release them here.",
        **{
            "return_path": "<x@evil.example>",
            "from": "Mail Delivery System <a@evil.example>",
            "to": US,
            "subject": "Undelivered messages",
        },
    )
    assert not classify(raw).bounces


@pytest.mark.rule("A80")
def test_a_daemon_s_name_over_another_s_address_needs_more_than_its_words() -> None:
    raw = mail(
        "Mail to many was blocked. Log in to restore it: info@other.example",
        **{
            "return_path": "<x@evil.example>",
            "from": "Mail Delivery Subsystem <x@evil.example>",
            "to": US,
            "subject": "Undelivered Mail Returned to Sender",
        },
    )
    assert not classify(raw).bounces


@pytest.mark.rule("A80")
def test_a_postmaster_who_welcomes_a_new_mailbox_reports_nothing() -> None:
    raw = report(
        "Your mailbox news@shop.example is ready. Mail over quota is rejected with 552.",
        **{"from": "Mail Administrator <postmaster@host.example>", "subject": "Welcome to your new mailbox"},
    )
    assert not classify(raw).bounces


@pytest.mark.rule("A80")
def test_a_person_who_sends_on_a_digest_of_reports_has_not_bounced() -> None:
    inner = dsn(group("550 5.1.1 no such user", status="5.1.1")).decode()
    raw = mail(
        f"--d\n\n{inner}\n--d\n\n{inner}\n--d--\n",
        **{
            "from": "Ivo <ivo@x.example>",
            "subject": "mail problems",
            "content_type": "multipart/digest; boundary=d",
        },
    )
    assert classify(raw).kind is Kind.NONE


@pytest.mark.parametrize(
    ("subject", "words"),
    [
        ("Relayed: Offers", "Delivery to these recipients or groups is complete"),
        ("Zugestellt: Angebote", "Ihre Nachricht wurde diesen Empfängern zugestellt"),
        ("Delivery report", "Your message was successfully delivered"),
    ],
)
def test_a_report_of_success_in_words_is_no_bounce(subject: str, words: str) -> None:
    assert not classify(report(f"{words}:\n\n{READER}\n", subject=subject)).bounces


@pytest.mark.rule("A82")
def test_a_person_who_asks_about_a_complaint_makes_none() -> None:
    body = f"Is this right?\n\nFeedback-Type: abuse\nUser-Agent: x\nOriginal-Rcpt-To: {READER}\n"
    assert classify(mail(body, **{"from": "Ray <ray@x.example>", "subject": "A question"})).kind is Kind.NONE


@pytest.mark.rule("A82")
def test_the_fields_of_a_complaint_alone_are_one_under_any_media_type() -> None:
    body = (
        f"Feedback-Type: abuse\nUser-Agent: x\nOriginal-Rcpt-To: {READER}\n\nTo: {READER}\nSubject: Offers\n"
    )
    reading = classify(mail(body, **{"from": "fbl@provider.example", "subject": "A report"}))
    assert [one.recipient for one in reading.bounces] == [READER]


@pytest.mark.rule("A82")
def test_hotmail_s_form_is_known_where_the_returned_message_is_the_text_itself() -> None:
    body = f"X-HmXmrOriginalRecipient: <{READER}>\nFrom: news@shop.example\nSubject: Offers\n\nHello\n"
    raw = mail(body, **{"from": "staff@hotmail.example", "subject": "complaint about message from 192.0.2.1"})
    reading = classify(raw)
    assert (reading.kind, [one.recipient for one in reading.bounces]) == (Kind.COMPLAINT, [READER])


@pytest.mark.parametrize("ours", ["Our weekly newsletter", "Summer vacation offers", "Your ticket"])
def test_the_subject_that_a_report_repeats_does_not_make_it_something_else(ours: str) -> None:
    raw = report(f"It did not reach\n\n{READER}\nuser unknown\n", subject=f"Undeliverable: {ours}")
    assert _said(classify(raw)) == [(READER, "hard", "bad_address")]


def test_the_subject_that_a_report_names_says_nothing_of_the_end() -> None:
    raw = report(
        f"Your message\n\n  To: {READER}\n  Subject: Delayed: is your mailbox full?\n\n"
        "did not reach its recipient: unknown user\n",
        subject="Undeliverable: Delayed: is your mailbox full?",
    )
    assert [(one.group, one.delayed) for one in classify(raw).bounces] == [("bad_address", False)]


@pytest.mark.rule("A80")
def test_a_summary_of_a_log_is_no_bounce() -> None:
    raw = report(
        f"12 bounced\nmessage bounce detail: {READER}: user unknown\n",
        **{"from": "postmaster@host.example", "subject": "Postfix log summaries for Nov 18"},
    )
    assert not classify(raw).bounces


@pytest.mark.rule("A82")
def test_a_newsletter_that_shows_the_fields_of_a_complaint_is_no_complaint() -> None:
    body = f"An example:\n\nFeedback-Type: abuse\nUser-Agent: x\nOriginal-Rcpt-To: {READER}\n"
    raw = mail(body, **{"from": "Digest <d@dd.example>", "subject": "Loops", "list_id": "<dd.example>"})
    assert classify(raw).kind is Kind.NONE


@pytest.mark.rule("A82")
@pytest.mark.parametrize("hidden", ["redacted@reader.example", "[redacted]", "xxxx@reader.example"])
def test_a_complaint_whose_reader_was_taken_out_names_nobody(hidden: str) -> None:
    raw = mail(
        "--fb\nContent-Type: message/feedback-report\n\n"
        f"Feedback-Type: abuse\nVersion: 1\nOriginal-Rcpt-To: {hidden}\n\n"
        f"--fb\nContent-Type: message/rfc822\n\nTo: {hidden}\nSubject: Offer\n\nHello\n--fb--\n",
        **{
            "from": "fbl@provider.example",
            "content_type": 'multipart/report; report-type=feedback-report; boundary="fb"',
        },
    )
    reading = classify(raw)
    assert (reading.kind, [one.recipient for one in reading.bounces]) == (Kind.COMPLAINT, [None])
