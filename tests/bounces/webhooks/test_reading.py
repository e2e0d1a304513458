"""What providers tell becomes the same verdicts as a mail; the fault is placed where it lies (law 10, A76, A82)."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailer.bounces.model import REASONS, Kind, Reading
from mailer.bounces.webhooks import reading
from mailer.bounces.webhooks.reading import READERS
from tests.bounces.webhooks import payloads
from tests.bounces.webhooks.payloads import MESSAGE_ID, READER, RETURN_PATH

UNKNOWN = "smtp; 550 5.1.1 user unknown"
FULL = "smtp; 552 5.2.2 mailbox full"
LISTED = "smtp; 550 5.7.1 Our system has detected that this message is blocked using Spamhaus"


def read(provider: str, event: dict[str, Any]) -> Reading:
    """The reading of one kept event."""
    return reading(f"webhook:{provider}", json.dumps(event).encode())


#: event, then: severity, reason, fault.
BOUNCES: dict[str, tuple[str, dict[str, Any], str, str, str]] = {
    "no such address": (
        *("ses", payloads.ses_bounce("Permanent", "NoEmail")),
        *("hard", "userunknown", "recipient"),
    ),
    "permanent, and the server says why": (
        *("ses", payloads.ses_bounce("Permanent", "General", UNKNOWN, "5.1.1")),
        *("hard", "userunknown", "recipient"),
    ),
    "permanent, but the server blames us": (
        *("ses", payloads.ses_bounce("Permanent", "General", LISTED, "5.7.1")),
        *("soft", "blocked", "sender"),
    ),
    "permanent without a word is not believed at once": (
        *("ses", payloads.ses_bounce("Permanent", "General")),
        *("soft", "userunknown", "recipient"),
    ),
    "on the account's own list": (
        *(
            "ses",
            payloads.ses_bounce("Permanent", "OnAccountSuppressionList", "smtp; 550 5.1.1 invalid address"),
        ),
        *("soft", "userunknown", "recipient"),
    ),
    "transient, whatever the code": (
        *("ses", payloads.ses_bounce("Transient", "General", UNKNOWN, "5.1.1")),
        *("soft", "userunknown", "recipient"),
    ),
    "full": ("ses", payloads.ses_bounce("Transient", "MailboxFull"), "soft", "mailboxfull", "recipient"),
    "too large": (
        "ses",
        payloads.ses_bounce("Transient", "MessageTooLarge"),
        "soft",
        "mesgtoobig",
        "message",
    ),
    "nothing known": (
        "ses",
        payloads.ses_bounce("Undetermined", "Undetermined"),
        "soft",
        "undefined",
        "provider",
    ),
    "a virus": ("ses", payloads.ses("Reject", reason="Bad content"), "soft", "virusdetected", "message"),
    "postmark hard": ("postmark", payloads.postmark("HardBounce"), "hard", "userunknown", "recipient"),
    "postmark hard with the server's words": (
        *("postmark", payloads.postmark("HardBounce", "smtp;550 5.7.1 rejected, see spamhaus.org")),
        *("soft", "blocked", "sender"),
    ),
    "postmark no address": (
        *("postmark", payloads.postmark("BadEmailAddress")),
        *("hard", "userunknown", "recipient"),
    ),
    "postmark soft": ("postmark", payloads.postmark("SoftBounce", FULL), "soft", "mailboxfull", "recipient"),
    "postmark soft with hard words": (
        *("postmark", payloads.postmark("SoftBounce", UNKNOWN)),
        *("soft", "userunknown", "recipient"),
    ),
    "postmark blocked": ("postmark", payloads.postmark("Blocked"), "soft", "blocked", "sender"),
    "postmark DMARC": ("postmark", payloads.postmark("DMARCPolicy"), "soft", "authfailure", "sender"),
    "postmark switched off by hand": (
        *("postmark", payloads.postmark("ManuallyDeactivated")),
        *("soft", "userunknown", "recipient"),
    ),
    "a type of tomorrow": ("postmark", payloads.postmark("Quantum"), "soft", "undefined", "provider"),
    "sendgrid bounce": (
        *("sendgrid", payloads.sendgrid(type="bounce", reason="550 5.1.1 user unknown", status="5.1.1")),
        *("hard", "userunknown", "recipient"),
    ),
    "sendgrid bounce, classified": (
        *("sendgrid", payloads.sendgrid(type="bounce", bounce_classification="Invalid Address")),
        *("hard", "userunknown", "recipient"),
    ),
    "sendgrid blocked is never hard": (
        *("sendgrid", payloads.sendgrid(type="blocked", bounce_classification="Invalid Address")),
        *("soft", "userunknown", "recipient"),
    ),
    "sendgrid reputation": (
        *("sendgrid", payloads.sendgrid(type="blocked", bounce_classification="Reputation")),
        *("soft", "badreputation", "sender"),
    ),
    "sendgrid dropped": (
        *("sendgrid", payloads.sendgrid("dropped", reason="Bounced Address")),
        *("soft", "userunknown", "recipient"),
    ),
    "sendgrid dropped for our quota": (
        *("sendgrid", payloads.sendgrid("dropped", reason="Recipient List over Package Quota")),
        *("soft", "rejected", "sender"),
    ),
    "sendgrid dropped for spam": (
        *("sendgrid", payloads.sendgrid("dropped", reason="Spam Content (if Spam Checker app is enabled)")),
        *("soft", "spamdetected", "message"),
    ),
    "mailgun unknown": (
        *("mailgun", payloads.mailgun_failed("permanent", "bounce", 550, "5.1.1 user unknown")),
        *("hard", "userunknown", "recipient"),
    ),
    "mailgun blocked": (
        *("mailgun", payloads.mailgun_failed("permanent", "espblock", 550, "5.7.1 listed at Spamhaus")),
        *("soft", "blocked", "sender"),
    ),
    "mailgun bounced before": (
        *("mailgun", payloads.mailgun_failed("permanent", "suppress-bounce", 605, "previously bounced")),
        *("soft", "userunknown", "recipient"),
    ),
    "mailgun gave up": (
        *("mailgun", payloads.mailgun_failed("permanent", "old", 602, "Too old")),
        *("soft", "expired", "provider"),
    ),
    "mailgun refused to send": (
        *("mailgun", payloads.mailgun("rejected", reject={"reason": "Sandbox"})),
        *("soft", "rejected", "sender"),
    ),
}


@pytest.mark.rule("A76", "A77")
@pytest.mark.parametrize("case", BOUNCES)
def test_a_failure_has_its_severity_its_reason_and_its_fault(case: str) -> None:
    provider, event, severity, reason, fault = BOUNCES[case]
    found = read(provider, event)
    assert found.kind is Kind.BOUNCE
    (bounce,) = found.bounces
    assert (bounce.recipient, bounce.kind, bounce.reason, bounce.fault) == (READER, severity, reason, fault)
    assert not bounce.delayed
    assert bounce.rule.startswith(provider)
    assert len(bounce.rule) <= 64


@pytest.mark.rule("A73")
@pytest.mark.parametrize(
    ("provider", "event"),
    [
        ("sendgrid", payloads.sendgrid("deferred", response="452 4.2.2 mailbox full", attempt="3")),
        ("mailgun", payloads.mailgun_failed("temporary", "generic", 452, "4.2.2 mailbox full")),
        (
            "ses",
            payloads.ses(
                "DeliveryDelay",
                published=True,
                delayType="MailboxFull",
                delayedRecipients=[{"emailAddress": READER, "status": "4.2.2"}],
            ),
        ),
    ],
)
def test_what_is_still_tried_is_a_delay(provider: str, event: dict[str, Any]) -> None:
    (bounce,) = read(provider, event).bounces
    assert (bounce.kind, bounce.reason, bounce.delayed) == ("soft", "mailboxfull", True)


COMPLAINTS = [
    ("ses", payloads.ses("Complaint", complainedRecipients=[{"emailAddress": READER}])),
    (
        "ses",
        payloads.ses(
            "Complaint",
            complainedRecipients=[{"emailAddress": READER}],
            complaintSubType="OnAccountSuppressionList",
        ),
    ),
    ("postmark", payloads.postmark("SpamComplaint", RecordType="SpamComplaint")),
    ("postmark", payloads.postmark("SpamComplaint")),
    ("sendgrid", payloads.sendgrid("spamreport")),
    ("sendgrid", payloads.sendgrid("dropped", reason="Spam Reporting Address")),
    ("mailgun", payloads.mailgun("complained")),
    ("mailgun", payloads.mailgun_failed("permanent", "suppress-complaint", 607, "complained")),
]


@pytest.mark.rule("A82")
@pytest.mark.parametrize(("provider", "event"), COMPLAINTS)
def test_a_complaint_is_one_whichever_way_it_is_told(provider: str, event: dict[str, Any]) -> None:
    found = read(provider, event)
    assert found.kind is Kind.COMPLAINT
    assert [(one.recipient, one.kind, one.reason) for one in found.bounces] == [
        (READER, "complaint", "feedback")
    ]


def test_a_reader_who_says_that_it_is_no_spam_complains_of_nothing() -> None:
    event = payloads.ses(
        "Complaint", complainedRecipients=[{"emailAddress": READER}], complaintFeedbackType="not-spam"
    )
    assert read("ses", event).kind is Kind.NONE


LEFT = [
    ("sendgrid", payloads.sendgrid("unsubscribe")),
    ("sendgrid", payloads.sendgrid("group_unsubscribe")),
    ("sendgrid", payloads.sendgrid("dropped", reason="Unsubscribed Address")),
    ("mailgun", payloads.mailgun("unsubscribed")),
    ("mailgun", payloads.mailgun_failed("permanent", "suppress-unsubscribe", 606, "unsubscribed")),
    ("postmark", payloads.postmark("Unsubscribe")),
    (
        "postmark",
        {
            "RecordType": "SubscriptionChange",
            "Recipient": READER,
            "Origin": "Recipient",
            "SuppressSending": True,
            "SuppressionReason": "ManualSuppression",
        },
    ),
    ("ses", payloads.ses_bounce("Permanent", "UnsubscribedRecipient")),
    ("ses", payloads.ses("Subscription", published=True, newTopicPreferences={"unsubscribeAll": True})),
]


@pytest.mark.rule("A19")
@pytest.mark.parametrize(("provider", "event"), LEFT)
def test_who_left_by_the_provider_s_own_link_has_left(provider: str, event: dict[str, Any]) -> None:
    found = read(provider, event)
    assert (found.kind, found.sender, found.bounces) == (Kind.UNSUBSCRIBE, READER, ())


@pytest.mark.parametrize("address", ["", "nobody", "a..b@example.net", "@example.net", 7, None])
def test_nobody_who_can_be_named_has_left(address: Any) -> None:
    event = payloads.sendgrid("unsubscribe", email=address)
    assert read("sendgrid", event).kind is Kind.NONE


@pytest.mark.parametrize(
    ("provider", "event", "kind"),
    [
        ("postmark", payloads.postmark("AutoResponder"), Kind.AUTOREPLY),
        ("postmark", payloads.postmark("ChallengeVerification"), Kind.AUTOREPLY),
        ("postmark", payloads.postmark("OpenRelayTest"), Kind.NONE),
        ("postmark", {"RecordType": "SubscriptionChange", "SuppressSending": False}, Kind.NONE),
        ("ses", payloads.ses("Delivery"), Kind.NONE),
        ("ses", payloads.ses("Subscription", newTopicPreferences={"unsubscribeAll": False}), Kind.NONE),
        ("sendgrid", payloads.sendgrid("open"), Kind.NONE),
        ("mailgun", payloads.mailgun("clicked"), Kind.NONE),
    ],
)
def test_the_rest_accuses_nobody(provider: str, event: dict[str, Any], kind: Kind) -> None:
    found = read(provider, event)
    assert (found.kind, found.bounces) == (kind, ())


@pytest.mark.rule("A74")
def test_what_correlation_starts_from_is_found() -> None:
    of_ses = read("ses", payloads.ses_bounce("Permanent", "NoEmail"))
    assert (of_ses.addressed_to, of_ses.message_id) == ((RETURN_PATH,), MESSAGE_ID)
    of_mailgun = read("mailgun", payloads.mailgun("complained"))
    assert (of_mailgun.addressed_to, of_mailgun.message_id) == ((RETURN_PATH,), MESSAGE_ID)
    assert read("sendgrid", payloads.sendgrid("spamreport")).message_id == MESSAGE_ID


def test_every_recipient_of_one_notification_has_a_verdict() -> None:
    event = payloads.ses_bounce("Permanent", "NoEmail")
    event["bounce"]["bouncedRecipients"].append({"emailAddress": "eve@example.net"})
    assert [one.recipient for one in read("ses", event).bounces] == [READER, "eve@example.net"]


def test_a_provider_of_tomorrow_accuses_nobody() -> None:
    assert reading("webhook:pigeon", b"{}").kind is Kind.NONE
    assert reading("webhook:ses", b"{").kind is Kind.NONE


def test_no_class_of_a_provider_names_a_reason_that_there_is_not() -> None:
    from mailer.bounces.webhooks import mailgun, postmark, sendgrid, ses

    tables = (ses.BOUNCES, ses.DELAYS, postmark.TYPES, sendgrid.BOUNCES, sendgrid.DROPS, mailgun.REASONS)
    for table in tables:
        assert all(group.reason in REASONS for group in table.values())


_JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)
_KEYS = st.sampled_from(
    ["event", "Type", "RecordType", "notificationType", "bounce", "bouncedRecipients", "mail", "destination"]
    + [
        "delivery-status",
        "message",
        "envelope",
        "severity",
        "email",
        "recipient",
        "reason",
        "headers",
        "Email",
    ]
)
_WORDS = st.sampled_from(
    ["Bounce", "bounce", "failed", "Complaint", "HardBounce", "dropped", "\ud800", "\0@x.y"]
)


@pytest.mark.rule("A79")
@settings(max_examples=300, deadline=None)
@given(st.sampled_from(sorted(READERS)), st.dictionaries(_KEYS, _WORDS | _JSON, max_size=8))
def test_nothing_in_an_event_breaks_the_reading(provider: str, event: dict[str, Any]) -> None:
    found = reading(f"webhook:{provider}", json.dumps(event).encode())
    for bounce in found.bounces:
        assert bounce.reason in REASONS
        assert bounce.recipient is not None
        assert "\0" not in bounce.recipient
        bounce.recipient.encode()
    f"{found.message_id}{found.sender}{''.join(found.addressed_to)}".encode()


@pytest.mark.rule("A79")
@pytest.mark.parametrize("provider", sorted(READERS))
def test_a_value_of_the_wrong_type_is_as_good_as_none(provider: str) -> None:
    good = {
        "ses": payloads.ses_bounce("Permanent", "NoEmail"),
        "postmark": payloads.postmark(),
        "sendgrid": payloads.sendgrid(),
        "mailgun": payloads.mailgun_failed("permanent", "bounce"),
    }[provider]
    for key in good:
        for wrong in (None, 7, [], {}, [[]], {"a": {"b": 1}}, True, "x" * 10_000):
            assert read(provider, good | {key: wrong}).kind in Kind
