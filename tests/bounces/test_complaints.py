"""Readers who say no: abuse reports as RFC 5965 has them, redacted, mislabelled, and in providers' own forms (A82)."""

from __future__ import annotations

import pytest

from mailer.bounces import Bounce, Kind, classify
from mailer.bounces.model import Reading
from tests.bounces.messages import READER, US, mail

_RETURNED = (
    f"Message-ID: <offer-1@shop.example>\nFrom: news@shop.example\nTo: {READER}\nSubject: Offers\n\nHello\n"
)


def arf(fields: str, *, returned: str = _RETURNED, media: str = "message/feedback-report") -> bytes:
    """An abuse report with these fields, and the message it is about."""
    return mail(
        f"--b\nContent-Type: text/plain\n\nThis is an abuse report.\n--b\nContent-Type: {media}\n\n{fields}\n"
        f"--b\nContent-Type: message/rfc822\n\n{returned}\n--b--\n",
        **{
            "from": "fbl@provider.example",
            "to": US,
            "subject": "FW: Offers",
            "content_type": "multipart/report; report-type=feedback-report; boundary=b",
        },
    )


def only(reading: Reading) -> Bounce:
    """The one verdict of a complaint."""
    assert reading.kind is Kind.COMPLAINT
    (found,) = reading.bounces
    return found


@pytest.mark.rule("A82")
def test_the_reader_named_in_the_report_complained() -> None:
    found = only(
        classify(arf("Feedback-Type: abuse\nUser-Agent: X/1\nOriginal-Rcpt-To: <bob@other.example>\n"))
    )
    assert (found.recipient, found.kind, found.reason, found.group) == (
        "bob@other.example",
        "complaint",
        "feedback",
        "complaint",
    )


@pytest.mark.rule("A82")
def test_several_readers_are_several_complaints() -> None:
    fields = "Feedback-Type: abuse\nOriginal-Rcpt-To: a@x.example\nOriginal-Rcpt-To: b@x.example\n"
    assert [one.recipient for one in classify(arf(fields)).bounces] == ["a@x.example", "b@x.example"]


@pytest.mark.rule("A82")
def test_the_returned_message_names_the_reader_otherwise() -> None:
    assert only(classify(arf("Feedback-Type: abuse\nUser-Agent: X/1\n"))).recipient == READER


@pytest.mark.rule("A82")
def test_a_redacted_report_is_a_complaint_of_nobody_named_and_keeps_what_finds_them() -> None:
    reading = classify(arf("Feedback-Type: abuse\n", returned=_RETURNED.replace(READER, "redacted")))
    assert only(reading).recipient is None
    assert (reading.message_id, reading.addressed_to) == ("offer-1@shop.example", (US,))


@pytest.mark.rule("A82")
@pytest.mark.parametrize("kind", ["fraud", "virus", "other", "opt-out", "abuse-by-a-new-name"])
def test_every_other_type_is_a_complaint_too(kind: str) -> None:
    assert classify(arf(f"Feedback-Type: {kind}\nUser-Agent: X/1\n")).kind is Kind.COMPLAINT


@pytest.mark.rule("A82")
@pytest.mark.parametrize("kind", ["not-spam", "auth-failure", "Auth-Failure"])
def test_not_spam_and_failed_authentication_are_no_complaints(kind: str) -> None:
    reading = classify(arf(f"Feedback-Type: {kind}\nUser-Agent: X/1\n"))
    assert (reading.kind, reading.bounces) == (Kind.NONE, ())


def test_fields_under_a_wrong_media_type_are_found() -> None:
    assert only(classify(arf("Feedback-Type: abuse\nVersion: 1\n", media="text/plain"))).recipient == READER


def test_a_type_without_fields_beside_it_is_somebody_who_writes_about_reports() -> None:
    body = "How do you read this?\n\nFeedback-Type: abuse\n"
    assert classify(mail(body, **{"from": READER, "to": US, "subject": "Question"})).kind is Kind.NONE


def test_a_provider_s_own_form_names_the_reader_in_the_returned_message() -> None:
    returned = f"X-HmXmrOriginalRecipient: {READER}\nFrom: news@shop.example\n\nHello\n"
    whole = mail(
        f"--b\nContent-Type: message/rfc822\n\n{returned}\n--b--\n",
        **{
            "from": "staff@provider.example",
            "subject": "complaint about message from 192.0.2.1",
            "content_type": "multipart/mixed; boundary=b",
        },
    )
    assert only(classify(whole)).recipient == READER


def test_an_encoded_returned_message_is_decoded() -> None:
    import base64

    encoded = base64.encodebytes(_RETURNED.encode()).decode()
    whole = arf("Feedback-Type: abuse\n", returned="@@").replace(
        b"message/rfc822\n\n@@", b"message/rfc822\nContent-Transfer-Encoding: base64\n\n" + encoded.encode()
    )
    assert only(classify(whole)).recipient == READER
