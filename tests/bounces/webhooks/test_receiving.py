"""A call is taken only with its proof, in time, once; what is taken is stored before it is answered (D31)."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from mailer import clock as time
from mailer.bounces.webhooks import (
    Call,
    CallRefused,
    Forged,
    Hooks,
    HookUnknown,
    Malformed,
    Replayed,
    Taken,
    Unsigned,
)
from mailer.settings.hooks import HooksSettings
from mailer.store import StoreError
from tests.bounces.webhooks import payloads, signing
from tests.bounces.webhooks.conftest import START, Shelf, every_provider

GOOD: dict[str, Callable[..., Call]] = {
    "ses": lambda **how: signing.sns(payloads.ses_bounce("Permanent", "NoEmail"), **how),
    "sendgrid": lambda **how: signing.sendgrid([payloads.sendgrid()], **how),
    "mailgun": lambda **how: signing.mailgun(payloads.mailgun_failed("permanent", "bounce"), **how),
    "postmark": lambda **how: signing.postmark(payloads.postmark(), **how),
}
SIGNED = ("ses", "sendgrid", "mailgun")
UNSIGNED = {
    "ses": Call({}, json.dumps({"Type": "Notification", "TopicArn": signing.TOPIC}).encode()),
    "sendgrid": Call({}, json.dumps([payloads.sendgrid()]).encode()),
    "mailgun": Call({}, json.dumps({"event-data": payloads.mailgun()}).encode()),
    "postmark": Call({}, json.dumps(payloads.postmark()).encode()),
}


@pytest.mark.rule("D31")
@pytest.mark.parametrize("provider", GOOD)
def test_a_proven_call_is_kept_under_its_provider_s_name(hooks: Hooks, shelf: Shelf, provider: str) -> None:
    assert hooks.receive(provider, GOOD[provider]()) == Taken(kept=1)
    assert [source for source, _ in shelf.rows.values()] == [f"webhook:{provider}"]


@pytest.mark.rule("D31")
@pytest.mark.parametrize("provider", GOOD)
def test_an_unsigned_call_is_refused(hooks: Hooks, shelf: Shelf, provider: str) -> None:
    with pytest.raises(Unsigned):
        hooks.receive(provider, UNSIGNED[provider])
    assert shelf.rows == {}


@pytest.mark.rule("D31")
@pytest.mark.parametrize("minutes", [-6, 6, 60 * 24 * 365])
@pytest.mark.parametrize("provider", SIGNED)
def test_a_call_signed_outside_of_five_minutes_is_refused(
    hooks: Hooks, shelf: Shelf, provider: str, minutes: int
) -> None:
    with pytest.raises(Forged) as refused:
        hooks.receive(provider, GOOD[provider](at=START + timedelta(minutes=minutes)))
    assert refused.value.reason == "stale"
    assert shelf.rows == {}


@pytest.mark.parametrize("minutes", [-5, -1, 1, 5])
@pytest.mark.parametrize("provider", SIGNED)
def test_clocks_may_differ_by_less(hooks: Hooks, provider: str, minutes: int) -> None:
    assert hooks.receive(provider, GOOD[provider](at=START + timedelta(minutes=minutes))).kept == 1


def test_a_longer_window_is_a_setting(shelf: Shelf, get: Any) -> None:
    hooks = Hooks(every_provider(window_minutes=30), keep=shelf.keep, get=get)
    assert hooks.receive("mailgun", GOOD["mailgun"](at=START - timedelta(minutes=29))).kept == 1


@pytest.mark.rule("D31")
@pytest.mark.parametrize("provider", ["sendgrid", "mailgun"])
def test_the_same_signed_call_again_is_a_replay(hooks: Hooks, shelf: Shelf, provider: str) -> None:
    call = GOOD[provider]()
    hooks.receive(provider, call)
    with pytest.raises(Replayed):
        hooks.receive(provider, call)
    assert len(shelf.rows) == 1


@pytest.mark.rule("D31")
@pytest.mark.parametrize("provider", ["ses", "postmark"])
def test_a_call_that_its_provider_repeats_word_for_word_changes_nothing(
    hooks: Hooks, shelf: Shelf, provider: str
) -> None:
    call = GOOD[provider]()
    hooks.receive(provider, call)
    assert hooks.receive(provider, call) == Taken(known=1)
    assert len(shelf.rows) == 1


@pytest.mark.rule("D31")
def test_the_same_event_under_a_new_signature_counts_once(hooks: Hooks, shelf: Shelf, clock: Any) -> None:
    hooks.receive("sendgrid", GOOD["sendgrid"]())
    clock.shift(timedelta(days=3))
    assert hooks.receive("sendgrid", GOOD["sendgrid"]()) == Taken(known=1)
    assert len(shelf.rows) == 1


@pytest.mark.rule("D31")
def test_a_used_token_of_mailgun_carries_no_other_event(hooks: Hooks, shelf: Shelf) -> None:
    """Its signature does not cover the event, so only the token's single use protects it."""
    hooks.receive("mailgun", GOOD["mailgun"]())
    with pytest.raises(Replayed):
        hooks.receive("mailgun", signing.mailgun(payloads.mailgun("complained", id="another")))
    assert len(shelf.rows) == 1


def test_a_call_that_could_not_be_stored_may_come_again(hooks: Hooks, shelf: Shelf) -> None:
    shelf.error = StoreError("The database is locked.")
    call = GOOD["mailgun"]()
    with pytest.raises(StoreError):
        hooks.receive("mailgun", call)
    shelf.error = None
    assert hooks.receive("mailgun", call) == Taken(kept=1)


@pytest.mark.rule("D31")
def test_two_secrets_are_valid_while_one_replaces_the_other(hooks: Hooks) -> None:
    for key in (signing.MAILGUN_KEY, signing.NEXT_MAILGUN_KEY):
        event = payloads.mailgun_failed("permanent", "bounce") | {"id": key}
        assert hooks.receive("mailgun", signing.mailgun(event, key=key, token=key)).kept == 1
    for number in (0, 1):
        event = payloads.sendgrid(sg_event_id=str(number))
        assert hooks.receive("sendgrid", signing.sendgrid([event], key=signing.curve_key(number))).kept == 1
    for password in (signing.PASSWORD, signing.NEXT_PASSWORD):
        event = payloads.postmark(ID=password)
        assert hooks.receive("postmark", signing.postmark(event, password=password)).kept == 1


@pytest.mark.rule("D31")
def test_any_other_secret_is_refused(hooks: Hooks, shelf: Shelf) -> None:
    calls = {
        "mailgun": signing.mailgun(payloads.mailgun_failed("permanent", "bounce"), key="key-of-somebody"),
        "sendgrid": signing.sendgrid([payloads.sendgrid()], key=signing.curve_key(2)),
        "postmark": signing.postmark(payloads.postmark(), password="wrong"),
    }
    for provider, call in calls.items():
        with pytest.raises(Forged):
            hooks.receive(provider, call)
    assert shelf.rows == {}


@pytest.mark.rule("D31")
@pytest.mark.parametrize("provider", ["ses", "sendgrid"])
def test_a_call_altered_by_one_letter_is_refused(hooks: Hooks, shelf: Shelf, provider: str) -> None:
    call = GOOD[provider]()
    with pytest.raises(Forged):
        hooks.receive(provider, Call(call.headers, call.body.replace(b"ada@", b"eve@")))
    assert shelf.rows == {}


@pytest.mark.rule("D31")
@pytest.mark.parametrize("provider", GOOD)
def test_a_provider_without_a_secret_has_no_webhook(shelf: Shelf, get: Any, provider: str) -> None:
    hooks = Hooks(HooksSettings(), keep=shelf.keep, get=get)
    assert not hooks.serves(provider)
    with pytest.raises(HookUnknown):
        hooks.receive(provider, GOOD[provider]())


@pytest.mark.rule("D31")
@pytest.mark.parametrize("provider", GOOD)
@pytest.mark.parametrize("path", [*GOOD, "mandrill", "", "../ses"])
def test_a_call_on_another_provider_s_path_is_refused(
    hooks: Hooks, shelf: Shelf, provider: str, path: str
) -> None:
    if path != provider:
        with pytest.raises(CallRefused):
            hooks.receive(path, GOOD[provider]())
        assert shelf.rows == {}


@pytest.mark.parametrize("kind", ["Delivery", "Send", "Open", "Click"])
def test_arrivals_openings_and_clicks_of_ses_are_not_kept(hooks: Hooks, shelf: Shelf, kind: str) -> None:
    call = signing.sns(payloads.ses(kind, published=True, recipients=[payloads.READER]))
    assert hooks.receive("ses", call) == Taken(ignored=1)
    assert shelf.rows == {}


@pytest.mark.parametrize("kind", ["Delivery", "Open", "Click", "Inbound"])
def test_nor_are_those_of_postmark(hooks: Hooks, shelf: Shelf, kind: str) -> None:
    assert hooks.receive("postmark", signing.postmark({"RecordType": kind})) == Taken(ignored=1)
    assert shelf.rows == {}


@pytest.mark.parametrize("kind", ["accepted", "delivered", "opened", "clicked", "stored"])
def test_nor_are_those_of_mailgun(hooks: Hooks, shelf: Shelf, kind: str) -> None:
    assert hooks.receive("mailgun", signing.mailgun(payloads.mailgun(kind))) == Taken(ignored=1)
    assert shelf.rows == {}


def test_of_a_batch_of_sendgrid_each_event_stands_for_itself(hooks: Hooks, shelf: Shelf) -> None:
    kinds = ("processed", "delivered", "open", "click", "bounce", "dropped", "deferred", "spamreport")
    batch: list[Any] = [payloads.sendgrid(kind, sg_event_id=kind) for kind in kinds]
    assert hooks.receive("sendgrid", signing.sendgrid([*batch, "nonsense"])) == Taken(kept=4, ignored=5)
    batch[4] |= {"email": "eve@example.net"}  # the same id: known already
    batch.append(payloads.sendgrid(sg_event_id="new"))
    assert hooks.receive("sendgrid", signing.sendgrid(batch)) == Taken(kept=1, known=4, ignored=4)


def test_a_thousand_events_at_once_are_a_thousand_rows(hooks: Hooks, shelf: Shelf) -> None:
    batch = [payloads.sendgrid(sg_event_id=str(number)) for number in range(1000)]
    assert hooks.receive("sendgrid", signing.sendgrid(batch)).kept == 1000
    assert len(shelf.rows) == 1000


def test_events_without_an_id_are_told_apart_by_what_they_say(hooks: Hooks) -> None:
    one, other = payloads.sendgrid(sg_event_id=""), payloads.sendgrid(sg_event_id="", email="b@example.net")
    assert hooks.receive("sendgrid", signing.sendgrid([one, other, one])) == Taken(kept=2, known=1)


@pytest.mark.parametrize("body", [b"", b"{", b"7", b"[]", b"null", b'"x"', b"\xff", b'{"a":NaN}'])
@pytest.mark.parametrize("provider", ["ses", "mailgun"])
def test_what_is_no_call_at_all_is_refused(hooks: Hooks, provider: str, body: bytes) -> None:
    with pytest.raises((Malformed, Unsigned)):
        hooks.receive(provider, Call({}, body))


@pytest.mark.parametrize("body", [b"", b"{", b"{}", b"7", b"\xff", b"[" * 100_000, b'"x"', b"[NaN]"])
def test_a_signed_batch_that_is_none_is_refused(hooks: Hooks, shelf: Shelf, body: bytes) -> None:
    with pytest.raises(Malformed):
        hooks.receive("sendgrid", signing.sendgrid(body))
    assert shelf.rows == {}


@pytest.mark.rule("A79")
@pytest.mark.parametrize("provider", ["ses", "mailgun", "postmark"])
def test_nesting_without_end_is_refused(hooks: Hooks, provider: str) -> None:
    deep = b'{"a":' * 100_000
    with pytest.raises((Malformed, Unsigned)):
        hooks.receive(provider, Call(signing.postmark({}).headers, deep))


@pytest.mark.rule("D25")
def test_no_log_line_holds_an_address_or_a_secret(hooks: Hooks, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    for provider, call in GOOD.items():
        hooks.receive(provider, call())
        for bad in (UNSIGNED[provider], Call(call().headers, b"{")):
            with pytest.raises(CallRefused) as refused:
                hooks.receive(provider, bad)
            assert payloads.READER not in str(refused.value)
    written = "\n".join(f"{record.getMessage()} {vars(record)}" for record in caplog.records)
    assert "hook_taken" in written
    for secret in (payloads.READER, signing.MAILGUN_KEY, signing.PASSWORD, payloads.RETURN_PATH):
        assert secret not in written
    assert payloads.READER not in repr(GOOD["mailgun"]())
    assert time.now() == START
