"""Delivery status notifications: as RFC 3464 and RFC 6533 have them, and as they come (A72, A73)."""

from __future__ import annotations

import pytest

from mailer.bounces import Kind, Severity, classify
from tests.bounces.messages import READER, US, dsn, group, report


@pytest.mark.rule("A72")
def test_a_failed_recipient_is_found_with_status_reason_and_rule() -> None:
    reading = classify(dsn(group("550 5.1.1 <anna@reader.example>: User unknown", status="5.1.1")))
    assert reading.kind is Kind.BOUNCE
    (found,) = reading.bounces
    assert (found.recipient, found.status, found.reason) == (READER, "5.1.1", "userunknown")
    assert (found.kind, found.fault, found.group) == (Severity.HARD, "recipient", "bad_address")
    assert found.rule == "user-unknown"


@pytest.mark.rule("A72")
def test_each_of_several_recipients_gets_its_own_verdict() -> None:
    other = group("552 5.2.2 mailbox full", recipient="bob@reader.example", status="5.2.2")
    found = classify(dsn(group("550 5.1.1 no such user") + "\n" + other)).bounces
    assert [(one.recipient, one.kind, one.reason) for one in found] == [
        (READER, "hard", "userunknown"),
        ("bob@reader.example", "soft", "mailboxfull"),
    ]


@pytest.mark.rule("A72")
def test_groups_without_an_empty_line_between_them_are_told_apart() -> None:
    found = classify(dsn(group() + group(recipient="bob@reader.example"))).bounces
    assert [one.recipient for one in found] == [READER, "bob@reader.example"]


@pytest.mark.rule("A72")
def test_names_of_fields_may_have_any_case_and_values_may_be_folded() -> None:
    fields = "FINAL-RECIPIENT: RFC822;\n anna@reader.example\naction: FAILED\nSTATUS: 5.2.2 (full)\n"
    (found,) = classify(dsn(fields + "diagnostic-code: smtp; 552\n  over\n\tquota\n")).bounces
    assert (found.recipient, found.status, found.reason) == (READER, "5.2.2", "mailboxfull")


@pytest.mark.rule("A72")
def test_a_utf_8_report_names_its_reader_in_utf_8_or_escaped() -> None:
    fields = "Final-Recipient: utf-8; zoë@reader.example\nAction: failed\nStatus: 5.1.1\n"
    (found,) = classify(dsn(fields, media="message/global-delivery-status")).bounces
    assert found.recipient == "zoë@reader.example"
    (found,) = classify(dsn(fields.replace("ë", "\\x{EB}"), media="message/global-delivery-status")).bounces
    assert found.recipient == "zoë@reader.example"


@pytest.mark.rule("A73")
@pytest.mark.parametrize("action", ["delivered", "relayed", "expanded"])
def test_an_arrival_is_no_bounce(action: str) -> None:
    reading = classify(dsn(group(action=action, status="2.0.0")))
    assert (reading.kind, reading.bounces) == (Kind.NONE, ())


@pytest.mark.rule("A73")
def test_of_several_recipients_only_the_failed_one_counts() -> None:
    arrived = group(action="relayed", recipient="bob@reader.example", status="2.1.5")
    assert [one.recipient for one in classify(dsn(group() + "\n" + arrived)).bounces] == [READER]


@pytest.mark.rule("A73")
def test_a_delay_is_information_and_never_hard() -> None:
    (found,) = classify(dsn(group("450 4.1.1 user unknown", action="delayed", status="4.1.1"))).bounces
    assert found.delayed
    assert found.kind is Severity.SOFT


def test_the_same_recipient_twice_is_one_bounce() -> None:
    assert len(classify(dsn(group() + "\n" + group())).bounces) == 1


def test_a_report_that_forgot_its_content_type_is_read_by_its_boundaries() -> None:
    whole = dsn(group("550 5.1.1 user unknown"))
    bare = whole.replace(
        b'content-type: multipart/report; report-type=delivery-status; boundary="cut"\n', b""
    )
    assert [one.recipient for one in classify(bare).bounces] == [READER]


def test_status_fields_in_the_running_text_count_as_well() -> None:
    (found,) = classify(report("Sorry.\n\n" + group("552 mailbox full"))).bounces
    assert (found.recipient, found.reason) == (READER, "mailboxfull")


def test_an_encoded_report_is_decoded() -> None:
    import base64

    fields = base64.encodebytes(group("550 no such user").encode()).decode()
    whole = dsn("@@").replace(
        b"Reporting-MTA: dns; mx.relay.example\nOriginal-Envelope-Id: QX-17b\n\n@@", b"@@"
    )
    encoded = whole.replace(
        b"message/delivery-status\n\n@@",
        b"message/delivery-status\nContent-Transfer-Encoding: base64\n\n" + fields.encode(),
    )
    assert [one.reason for one in classify(encoded).bounces] == ["userunknown"]


@pytest.mark.rule("A74")
def test_what_correlation_needs_is_handed_on() -> None:
    reading = classify(dsn(group()))
    assert reading.addressed_to == (US,)
    assert reading.envelope_id == "QX-17b"
    assert reading.message_id == "offer-1@shop.example"


def test_lines_may_end_with_cr_lf() -> None:
    whole = dsn(group("550 5.1.1 user unknown", status="5.1.1"))
    assert classify(whole.replace(b"\n", b"\r\n")).bounces == classify(whole).bounces


def test_the_separator_of_a_mailbox_file_is_no_header() -> None:
    whole = dsn(group())
    assert (
        classify(b"From MAILER-DAEMON Sun Nov 22 10:00:00 2026\n" + whole).bounces == classify(whole).bounces
    )


def test_other_addresses_of_the_returned_message_are_left_alone() -> None:
    found = classify(dsn(group(recipient="b@list.example"))).bounces
    assert [one.recipient for one in found] == ["b@list.example"]
