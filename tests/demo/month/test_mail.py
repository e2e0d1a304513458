"""What the simulated world writes back is read as what it is meant to be."""

from __future__ import annotations

import pytest

from mailer.bounces import Kind, Severity, classify
from mailer.demo.month import replies, reports
from mailer.demo.month.providers import PROVIDERS, Provider, providers
from mailer.demo.month.world import LISTED, UNSIGNED, Sort
from tests.demo.month.worlds import RETURN_PATH, START, TOKEN, original, person, provider_with


def _worded(reply: str, provider: Provider) -> str:
    return reply.format(address=person(provider).address, domain=provider.domain)


@pytest.mark.parametrize("provider", providers()[: len(PROVIDERS) + 4], ids=lambda one: one.domain)
def test_every_provider_says_of_a_dead_address_that_it_is_dead(provider: Provider) -> None:
    reply = _worded(provider.unknown, provider)
    reading = classify(reports.failure(original(person(provider)), reply, at=START))
    assert reading.kind is Kind.BOUNCE
    assert [(one.recipient, one.kind, one.group) for one in reading.bounces] == [
        (person(provider).address, Severity.HARD, "bad_address")
    ]


@pytest.mark.parametrize("provider", providers()[: len(PROVIDERS) + 4], ids=lambda one: one.domain)
def test_no_provider_says_of_a_full_mailbox_that_nobody_is_there(provider: Provider) -> None:
    reply = _worded(provider.full, provider)
    (bounce,) = classify(reports.failure(original(person(provider)), reply, at=START)).bounces
    assert (bounce.kind, bounce.reason, bounce.delayed) == (Severity.SOFT, "mailboxfull", False)


@pytest.mark.parametrize("mta", reports.FORMATS)
@pytest.mark.parametrize(("reply", "reasons"), [(LISTED, {"blocked"}), (UNSIGNED, {"authfailure"})])
def test_what_is_our_own_fault_reads_so_from_every_kind_of_server(
    mta: str, reply: str, reasons: set[str]
) -> None:
    reading = classify(reports.failure(original(person(provider_with("exim"))), reply, at=START))
    written = reports.FORMATS[mta](original(person()), reply, START, False)
    (bounce,) = classify(written).bounces
    assert bounce.reason in reasons and bounce.fault.value == "sender"
    assert reading.bounces[0].reason == bounce.reason


@pytest.mark.parametrize("mta", reports.FORMATS)
def test_a_report_comes_to_our_return_path_and_names_the_message(mta: str) -> None:
    written = reports.FORMATS[mta](original(person()), "550 5.1.1 user unknown", START, False)
    reading = classify(written)
    assert RETURN_PATH in reading.addressed_to and reading.message_id == "abc@ohm-and-volt.example"


def test_a_delay_is_news_and_no_failure() -> None:
    written = reports.failure(original(person()), "451 4.4.1 Connection timed out", at=START, delayed=True)
    assert [one.delayed for one in classify(written).bounces] == [True]


@pytest.mark.parametrize(
    ("feedback", "named"), [("whole", True), ("redacted", False)], ids=["whole", "redacted"]
)
def test_a_complaint_names_its_reader_only_where_the_provider_does(feedback: str, named: bool) -> None:
    provider = next(one for one in providers() if one.feedback == feedback)
    written = replies.complaint(original(person(provider)), START)
    reading = classify(written)
    assert reading.kind is Kind.COMPLAINT
    assert (person(provider).address.encode() in written) is named
    assert RETURN_PATH in written.decode()


@pytest.mark.parametrize(
    ("sort", "kind"),
    [
        (Sort.VACATION, Kind.AUTOREPLY),
        (Sort.CHALLENGE, Kind.AUTOREPLY),
        (Sort.THANKS, Kind.NONE),
        (Sort.STOP, Kind.UNSUBSCRIBE),
        (Sort.MAILED_LEAVE, Kind.UNSUBSCRIBE),
    ],
)
def test_what_people_and_their_programs_write_is_no_bounce(sort: Sort, kind: Kind) -> None:
    assert classify(replies.WRITERS[sort](original(person()), START)).kind is kind


@pytest.mark.parametrize("sort", [Sort.STOP, Sort.MAILED_LEAVE])
def test_a_wish_to_leave_carries_the_signed_link(sort: Sort) -> None:
    assert TOKEN.encode() in replies.WRITERS[sort](original(person()), START)


def test_a_forged_report_reads_like_a_real_one() -> None:
    reading = classify(replies.forged(1, "ada@bigmail.example", START, "bounces@ohm-and-volt.example"))
    assert [(one.recipient, one.kind) for one in reading.bounces] == [("ada@bigmail.example", Severity.HARD)]


def test_spam_is_nothing() -> None:
    assert classify(replies.spam(1, START, "bounces@ohm-and-volt.example")).kind is Kind.NONE


def test_the_token_is_found_in_a_folded_field() -> None:
    assert original(person()).unsubscribe_token == TOKEN
    assert original(person()).field("list-unsubscribe").endswith(f"unsubscribe%20{TOKEN}>")
    assert original(person()).field("X-Nothing") == ""
