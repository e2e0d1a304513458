"""From what was said to a verdict: text, codes, and who wins when they disagree (A75, A76)."""

from __future__ import annotations

import pytest

from mailer.bounces import Severity
from mailer.bounces.model import REASONS, Bounce, Fault
from mailer.bounces.verdict import Evidence, decide, plain


def said(diagnostic: str, *, status: str = "", context: str = "", delayed: bool = False) -> Bounce:
    """The verdict on a server's words."""
    return decide(Evidence("anna@reader.example", status, diagnostic, context, delayed))


@pytest.mark.rule("A75")
@pytest.mark.parametrize(
    ("status", "reason", "kind"),
    [
        ("5.1.1", "userunknown", "hard"),
        ("5.1.2", "hostunknown", "hard"),
        ("5.1.3", "userunknown", "hard"),
        ("5.1.6", "hasmoved", "hard"),
        ("5.1.10", "notaccept", "hard"),
        ("5.2.1", "suspend", "soft"),
        ("5.2.2", "mailboxfull", "soft"),
        ("5.3.4", "mesgtoobig", "soft"),
        ("4.4.7", "expired", "soft"),
        ("4.4.1", "networkerror", "soft"),
        ("5.7.26", "authfailure", "soft"),
        ("5.7.1", "policyviolation", "soft"),
        ("4.1.1", "userunknown", "soft"),
    ],
)
def test_where_no_text_helps_the_status_decides(status: str, reason: str, kind: str) -> None:
    found = said("", status=status)
    assert (found.reason, found.kind, found.rule) == (reason, kind, f"status {status}")


@pytest.mark.rule("A75")
@pytest.mark.parametrize(
    ("reply", "reason"), [("552", "mailboxfull"), ("550", "filtered"), ("421", "systemerror")]
)
def test_where_no_status_is_given_the_reply_code_decides(reply: str, reason: str) -> None:
    found = said(f"{reply} hm")
    assert (found.reason, found.rule, found.kind) == (reason, f"reply {reply}", "soft")


@pytest.mark.rule("A76")
def test_a_full_mailbox_sent_as_unknown_user_is_soft() -> None:
    found = said("550 5.1.1 <anna@reader.example> mailbox is full", status="5.1.1")
    assert (found.kind, found.reason) == (Severity.SOFT, "mailboxfull")


@pytest.mark.rule("A76")
def test_an_unknown_user_sent_as_policy_is_hard() -> None:
    found = said("550 5.7.1 Unknown user anna@reader.example", status="5.7.1")
    assert (found.kind, found.reason) == (Severity.HARD, "userunknown")


@pytest.mark.rule("A76")
def test_the_report_s_own_words_can_save_an_address() -> None:
    found = said("550 5.1.1 user unknown", context="Not delivered: the mailbox is full.")
    assert (found.kind, found.reason) == (Severity.SOFT, "mailboxfull")


def test_what_is_unknown_only_for_now_is_not_dead() -> None:
    assert said("450 4.1.1 user unknown", status="4.1.1").kind is Severity.SOFT
    found = said("451 domain not found", status="4.4.4")
    assert (found.kind, found.reason) == (Severity.SOFT, "networkerror")


def test_a_refusal_before_the_recipient_was_named_is_not_about_the_recipient() -> None:
    found = said("550 user unknown (in reply to MAIL FROM command)")
    assert (found.kind, found.reason) == (Severity.SOFT, "rejected")


def test_lines_that_sendmail_adds_say_less_than_the_other_server() -> None:
    transcript = "<<< 550 5.7.1 your IP is on a blacklist\n550 5.1.1 <anna@reader.example>... User unknown"
    assert said("", context=transcript).kind is Severity.SOFT


def test_a_status_in_the_server_s_words_says_more_than_the_reporter_s() -> None:
    assert said("550 5.7.26 unauthenticated mail", status="5.0.0").status == "5.7.26"


def test_nothing_said_is_nothing_known() -> None:
    found = said("")
    assert (found.kind, found.reason, found.status) == (Severity.SOFT, "undefined", "")


def test_an_address_in_the_text_gives_no_phrase() -> None:
    assert plain("550 <mailbox.full@unknown.user.example> OK") == "550 @ ok"
    assert said("550 5.7.1 <user.unknown@reader.example> go away").kind is Severity.SOFT


def test_a_number_in_an_ip_address_is_no_code() -> None:
    assert said("connect to [192.0.2.5.1.1]").status == ""


def test_every_reason_has_a_group_and_a_fault() -> None:
    groups = "bad_address bad_domain mailbox_full disabled too_big content policy rate_limited network system complaint"
    assert {cause.group for cause in REASONS.values()} == set(groups.split())
    assert {name for name, cause in REASONS.items() if cause.dead} == {
        "userunknown",
        "hasmoved",
        "hostunknown",
        "notaccept",
    }
    assert all(cause.fault is Fault.RECIPIENT for cause in REASONS.values() if cause.dead)


@pytest.mark.rule("A77")
@pytest.mark.parametrize("reason", ["authfailure", "blocked", "badreputation", "policyviolation", "speeding"])
def test_what_they_hold_against_us_is_not_the_recipient_s_fault(reason: str) -> None:
    assert REASONS[reason].fault is Fault.SENDER
