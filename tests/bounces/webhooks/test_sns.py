"""Amazon SNS: its signature, its certificate from its own hosts alone, our topics alone (D31, F4, D19)."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest

from mailer.bounces.webhooks import Call, Forged, Hooks, Malformed, NotNow, Taken, Unsigned
from mailer.bounces.webhooks.certificates import PER_MINUTE, Certificates, signing_key
from mailer.bounces.webhooks.fetching import HOST, fetch
from tests.bounces.webhooks import payloads, signing
from tests.bounces.webhooks.conftest import START, Shelf, every_provider

BOUNCE = payloads.ses_bounce("Permanent", "NoEmail")
HOST_NAME = "sns.eu-west-1.amazonaws.com"


@pytest.mark.parametrize("version", ["1", "2"])
def test_both_versions_of_the_signature_are_known(hooks: Hooks, version: str) -> None:
    assert hooks.receive("ses", signing.sns(BOUNCE, version=version)).kept == 1


def test_a_subject_is_part_of_what_is_signed(hooks: Hooks) -> None:
    assert hooks.receive("ses", signing.sns(BOUNCE, Subject="Amazon SES Email Event")).kept == 1


@pytest.mark.rule("D31")
@pytest.mark.parametrize("version", ["", "3", "sha256"])
def test_an_unknown_version_is_refused(hooks: Hooks, version: str) -> None:
    with pytest.raises(Forged):
        hooks.receive("ses", signing.sns(BOUNCE, version=version))


@pytest.mark.rule("D31")
def test_a_topic_that_is_not_ours_is_refused_though_amazon_signed_it(
    hooks: Hooks, fetched: list[Any]
) -> None:
    """Whoever pays Amazon has messages signed by it."""
    for topic in ("arn:aws:sns:eu-west-1:666666666666:bounces", "", signing.TOPIC + "-too"):
        with pytest.raises(Forged) as refused:
            hooks.receive("ses", signing.sns(BOUNCE, TopicArn=topic))
        assert refused.value.reason == "topic"
    assert fetched == []


FOREIGN = [
    "http://sns.eu-west-1.amazonaws.com/SimpleNotificationService-" + "ab" * 16 + ".pem",
    "https://sns.eu-west-1.amazonaws.com.evil.example/SimpleNotificationService-" + "ab" * 16 + ".pem",
    "https://evil.example/SimpleNotificationService-" + "ab" * 16 + ".pem",
    "https://evil.example/?sns.eu-west-1.amazonaws.com/SimpleNotificationService-" + "ab" * 16 + ".pem",
    "https://user@sns.eu-west-1.amazonaws.com/SimpleNotificationService-" + "ab" * 16 + ".pem",
    "https://sns.eu-west-1.amazonaws.com:8443/SimpleNotificationService-" + "ab" * 16 + ".pem",
    "https://sns.us-east-1.amazonaws.com/SimpleNotificationService-" + "ab" * 16 + ".pem",
    "https://bucket.s3.amazonaws.com/SimpleNotificationService-" + "ab" * 16 + ".pem",
    "https://sns.eu-west-1.amazonaws.com/../evil.pem",
    "https://sns.eu-west-1.amazonaws.com/evil.pem",
    "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-" + "ab" * 16 + ".pem?x=y",
    "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-" + "ab" * 16 + ".pem\n",
    "https://sns.eu-west-1\u3002amazonaws.com/SimpleNotificationService-" + "ab" * 16 + ".pem",
    "https://169.254.169.254/latest/meta-data/",
    "file:///etc/passwd",
    "SimpleNotificationService.pem",
]


@pytest.mark.rule("D31", "D19", "F4")
@pytest.mark.parametrize("url", FOREIGN)
def test_no_other_address_is_ever_asked_for_a_certificate(hooks: Hooks, fetched: list[Any], url: str) -> None:
    with pytest.raises(Forged):
        hooks.receive("ses", signing.sns(BOUNCE, SigningCertURL=url))
    assert fetched == []


def test_a_certificate_is_asked_for_once_a_day(hooks: Hooks, fetched: list[Any], clock: Any) -> None:
    for number in range(5):
        hooks.receive("ses", signing.sns(BOUNCE, MessageId=str(number)))
    assert len(fetched) == 1
    clock.shift(timedelta(days=1))
    hooks.receive("ses", signing.sns(BOUNCE, MessageId="next day"))
    assert len(fetched) == 2


def test_made_up_names_of_certificates_do_not_make_us_ask_for_ever(clock: Any) -> None:
    asked = []

    def get(host: str, path: str) -> bytes:
        asked.append(path)
        raise NotNow("fetch", "No such certificate.")

    keys = Certificates(get)
    for number in range(50):
        with pytest.raises(NotNow):
            keys.key(signing.CERTIFICATE_URL.replace("ab" * 16, f"{number:032x}"), region="eu-west-1")
    assert len(asked) == PER_MINUTE


BAD_CERTIFICATES: dict[str, Callable[[], bytes]] = {
    "another's": lambda: signing.certificate("evil.example"),
    "of a name that only looks alike": lambda: signing.certificate("sns.amazonaws.com.evil.example"),
    "over": lambda: signing.certificate(days=(-10, -1)),
    "not yet valid": lambda: signing.certificate(days=(1, 10)),
    "too weak": lambda: signing.certificate(key=signing.rsa_key(1024)),
    "no certificate": lambda: b"-----BEGIN CERTIFICATE-----\nbm9uZQ==\n-----END CERTIFICATE-----\n",
    "nothing": lambda: b"",
}


@pytest.mark.rule("D31")
@pytest.mark.parametrize("case", BAD_CERTIFICATES)
def test_a_certificate_must_be_amazon_s_and_valid_now(clock: Any, case: str) -> None:
    with pytest.raises(Forged):
        signing_key(BAD_CERTIFICATES[case](), START)


def test_a_certificate_with_a_regional_name_is_amazon_s_too(clock: Any) -> None:
    assert signing_key(signing.certificate("sns.eu-west-1.amazonaws.com"), START).key_size == 2048


def subscription(**changed: Any) -> Call:
    """What SNS sends when the webhook is entered at a topic."""
    fields = {
        "Type": "SubscriptionConfirmation",
        "Token": "2336412f37fb687f5d51e6e2425c464de257e8aa",
        "SubscribeURL": "https://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription&Token=2336",
    }
    return signing.sns("You have chosen to subscribe.", **(fields | changed))


@pytest.mark.rule("F4", "D19")
def test_a_subscription_is_confirmed_at_amazon_s_own_host_for_our_own_topic(
    hooks: Hooks, fetched: list[tuple[str, str]]
) -> None:
    evil = "https://evil.example/?Action=ConfirmSubscription"
    assert hooks.receive("ses", subscription(SubscribeURL=evil)) == Taken(ignored=1)
    assert [host for host, _ in fetched] == [HOST_NAME] * 2
    assert fetched[1][1] == (
        "/?Action=ConfirmSubscription"
        "&TopicArn=arn%3Aaws%3Asns%3Aeu-west-1%3A123456789012%3Abounces"
        "&Token=2336412f37fb687f5d51e6e2425c464de257e8aa"
    )


def test_a_subscription_whose_token_is_none_is_refused(hooks: Hooks, fetched: list[Any]) -> None:
    for token in ("", "a b", "x&Action=DeleteTopic", "a" * 5000):
        with pytest.raises(Malformed):
            hooks.receive("ses", subscription(Token=token))
    assert len(fetched) == 1, "its certificate alone"


def test_a_subscription_to_somebody_s_topic_is_not_confirmed(hooks: Hooks, fetched: list[Any]) -> None:
    with pytest.raises(Forged):
        hooks.receive("ses", subscription(TopicArn="arn:aws:sns:eu-west-1:666666666666:theirs"))
    assert fetched == []


def test_a_subscription_that_ended_is_logged_and_not_renewed(
    hooks: Hooks, fetched: list[Any], caplog: pytest.LogCaptureFixture
) -> None:
    assert hooks.receive("ses", subscription(Type="UnsubscribeConfirmation")) == Taken(ignored=1)
    assert [record.getMessage() for record in caplog.records] == ["hook_subscription"]
    assert len(fetched) == 1


def test_the_greeting_of_a_new_topic_is_nothing(hooks: Hooks, shelf: Shelf) -> None:
    greeting = "Successfully validated SNS topic for Amazon SES event publishing."
    assert hooks.receive("ses", signing.sns(greeting)) == Taken(ignored=1)


@pytest.mark.parametrize("message", ["{", '{"notificationType": 7}', '{"a": [', "[]", "{}"])
def test_a_message_that_is_no_event_is_kept_nowhere(hooks: Hooks, shelf: Shelf, message: str) -> None:
    with suppress(Malformed):
        assert hooks.receive("ses", signing.sns(message)) == Taken(ignored=1)
    assert shelf.rows == {}


def test_amazon_out_of_reach_is_told_so_that_it_tries_again(shelf: Shelf, clock: Any) -> None:
    def get(host: str, path: str) -> bytes:
        raise NotNow("fetch", "No route.")

    with pytest.raises(NotNow):
        Hooks(every_provider(), keep=shelf.keep, get=get).receive("ses", signing.sns(BOUNCE))


def test_a_broken_signature_is_no_crash(hooks: Hooks) -> None:
    call = signing.sns(BOUNCE)
    for wrong in ("", "%%%", "AAAA", "\ud800", 7, None, ["x"]):
        body = json.dumps(json.loads(call.body) | {"Signature": wrong}).encode()
        with pytest.raises((Forged, Unsigned)):
            hooks.receive("ses", Call(call.headers, body))


@pytest.mark.rule("D19")
@pytest.mark.parametrize(
    "host", ["localhost", "127.0.0.1", "169.254.169.254", "sns.amazonaws.com", "evil.example"]
)
def test_the_fetcher_itself_knows_no_other_host(host: str) -> None:
    assert not HOST.fullmatch(host)
    with pytest.raises(NotNow):
        fetch(host, "/")


def test_hosts_of_every_region_are_known() -> None:
    for region in ("us-east-1", "eu-central-2", "ap-southeast-4", "us-gov-west-1", "me-south-1"):
        assert HOST.fullmatch(f"sns.{region}.amazonaws.com"), region
