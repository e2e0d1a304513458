"""POST /hooks/{provider} as a provider sees it: stored before it is answered, refused with the right number (D31)."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from sqlalchemy import select

from mailer.application import Site
from mailer.bounces.intake import raw_of
from mailer.bounces.webhooks import Call, reading
from mailer.bounces.webhooks.payload import MAX_CALL_BYTES
from mailer.site import SiteFolder
from mailer.store import Store, StoreError
from mailer.store.schema import ReturnedMail
from tests.bounces.webhooks import payloads, signing
from tests.web.client import Client
from tests.web.conftest import START, Desk, make_site

READER = payloads.READER


def environment() -> dict[str, str]:
    """All four providers set up as ops do it, by the environment."""
    keys = ", ".join(signing.shown(signing.curve_key(number)) for number in (0, 1))
    return {
        "MAILER_HOOKS__SES_TOPICS": signing.TOPIC,
        "MAILER_HOOKS__SENDGRID_PUBLIC_KEYS": keys,
        "MAILER_HOOKS__MAILGUN_SIGNING_KEYS": f"{signing.MAILGUN_KEY}, {signing.NEXT_MAILGUN_KEY}",
        "MAILER_HOOKS__POSTMARK_PASSWORDS": signing.PASSWORD,
    }


@pytest.fixture
def desk(web_folder: SiteFolder, sqlite_store: Store, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The application with every webhook open, Amazon's certificate at hand."""
    monkeypatch.setattr("mailer.bounces.webhooks.receiving.fetch", lambda host, path: signing.certificate())
    with time_machine.travel(START, tick=False) as clock:
        desk = Desk.of(make_site(web_folder, sqlite_store, environment()), clock)
        yield desk


def post(desk: Desk, provider: str, call: Call) -> Any:
    """Send a call."""
    return desk.client.post(f"/hooks/{provider}", content=call.body, headers=dict(call.headers))


def kept(site: Site) -> list[Any]:
    """The rows that came of it."""
    with site.store.read() as connection:
        return list(connection.execute(select(ReturnedMail.__table__).order_by(ReturnedMail.id)))


CALLS = {
    "ses": lambda: signing.sns(payloads.ses_bounce("Permanent", "NoEmail")),
    "sendgrid": lambda: signing.sendgrid([payloads.sendgrid(), payloads.sendgrid("open", sg_event_id="o")]),
    "mailgun": lambda: signing.mailgun(payloads.mailgun_failed("permanent", "bounce")),
    "postmark": lambda: signing.postmark(payloads.postmark()),
}


@pytest.mark.rule("D31")
@pytest.mark.parametrize("provider", CALLS)
def test_an_event_is_stored_raw_before_it_is_answered(desk: Desk, provider: str) -> None:
    answer = post(desk, provider, CALLS[provider]())
    assert (answer.status_code, answer.json()["kept"], answer.json()["status"]) == (200, 1, "ok")
    (row,) = kept(desk.site)
    assert (row.source, str(row.state)) == (f"webhook:{provider}", "waiting")
    with desk.store.read() as connection:
        raw = raw_of(connection, row.id)
    assert raw is not None
    assert [one.recipient for one in reading(row.source, raw).bounces] == [READER]


@pytest.mark.rule("D31")
@pytest.mark.parametrize(
    ("provider", "call", "status", "reason"),
    [
        ("mailgun", lambda: Call({}, b'{"event-data": {}}'), 401, "unsigned"),
        ("postmark", lambda: Call({}, b"{}"), 401, "unsigned"),
        ("sendgrid", lambda: Call({}, b"[]"), 401, "unsigned"),
        ("ses", lambda: Call({}, b"{}"), 401, "unsigned"),
        ("mailgun", lambda: signing.mailgun({}, key="another"), 403, "signature"),
        ("postmark", lambda: signing.postmark({}, password="another"), 403, "password"),
        ("sendgrid", lambda: signing.sendgrid([], key=signing.curve_key(9)), 403, "signature"),
        ("mailgun", lambda: signing.mailgun({}, at=START - timedelta(minutes=6)), 403, "stale"),
        ("sendgrid", lambda: signing.sendgrid([], at=START + timedelta(minutes=6)), 403, "stale"),
        ("ses", lambda: signing.sns("{}", TopicArn="arn:aws:sns:eu-west-1:666666666666:x"), 403, "topic"),
        ("ses", lambda: signing.sns("{}", SigningCertURL="https://evil.example/a.pem"), 403, "certificate"),
        ("mailgun", lambda: signing.mailgun("x"), 400, "shape"),
        ("sendgrid", lambda: signing.sendgrid(b"{"), 400, "json"),
        ("postmark", lambda: Call(signing.postmark({}).headers, b'{"a":' * 50_000), 400, "json"),
        ("pigeon", lambda: Call({}, b"{}"), 404, "unknown"),
    ],
)
def test_a_refusal_has_its_number_and_one_word(
    desk: Desk, provider: str, call: Any, status: int, reason: str
) -> None:
    answer = post(desk, provider, call())
    assert (answer.status_code, answer.json()) == (status, {"status": "refused", "reason": reason})
    assert kept(desk.site) == []


@pytest.mark.rule("D31")
def test_a_replay_is_refused_and_changes_nothing(desk: Desk) -> None:
    call = CALLS["mailgun"]()
    assert [post(desk, "mailgun", call).status_code for _ in range(3)] == [200, 409, 409]
    assert len(kept(desk.site)) == 1


@pytest.mark.rule("D31")
def test_after_a_restart_a_replay_still_counts_once(desk: Desk) -> None:
    call = CALLS["sendgrid"]()
    post(desk, "sendgrid", call)
    again = Desk.of(
        Site(desk.site.folder, desk.site.settings, desk.site.secrets, store=desk.store), desk.clock
    )
    assert post(again, "sendgrid", call).json() == {"status": "ok", "kept": 0, "known": 1, "ignored": 1}
    assert len(kept(desk.site)) == 1


@pytest.mark.rule("A79", "D31")
@pytest.mark.parametrize("in_pieces", [False, True])
def test_a_call_that_is_too_large_is_refused_unread(desk: Desk, *, in_pieces: bool) -> None:
    size = MAX_CALL_BYTES + 1
    content = (b"x" * 65536 for _ in range(size // 65536 + 1)) if in_pieces else b"x" * size
    answer = desk.client.post("/hooks/sendgrid", content=content)
    assert answer.status_code == 413


def test_a_large_batch_is_taken_whole(desk: Desk) -> None:
    batch = [payloads.sendgrid("delivered", sg_event_id=str(number)) for number in range(2000)]
    answer = post(desk, "sendgrid", signing.sendgrid([*batch, payloads.sendgrid()]))
    assert answer.json() == {"status": "ok", "kept": 1, "known": 0, "ignored": 2000}


def test_while_the_database_is_away_the_provider_is_asked_to_try_again(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_given: Any, **_named: Any) -> bool:
        raise StoreError("The database does not answer.")

    call = CALLS["mailgun"]()
    with monkeypatch.context() as patched:
        patched.setattr("mailer.bounces.intake.keep", away)
        patched.delitem(vars(desk.site), "hooks", raising=False)
        assert post(desk, "mailgun", call).status_code == 503
        del vars(desk.site)["hooks"]
    assert post(desk, "mailgun", call).json()["kept"] == 1


@pytest.mark.rule("D31")
@pytest.mark.parametrize("provider", CALLS)
def test_without_settings_there_is_no_webhook(site: Site, provider: str) -> None:
    with time_machine.travel(START, tick=False) as clock:
        assert post(Desk.of(site, clock), provider, CALLS[provider]()).status_code == 404


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "OPTIONS"])
def test_only_a_post_is_taken(desk: Desk, method: str) -> None:
    assert desk.client.request(method, "/hooks/ses").status_code == 405


@pytest.mark.rule("F8")
def test_a_call_in_clear_text_from_outside_is_refused(web_folder: SiteFolder, sqlite_store: Store) -> None:
    public = environment() | {
        "MAILER_SITE__BASE_URL": "https://news.shop.example",
        "MAILER_SMTP__MAIN__HOST": "127.0.0.1",
    }
    desk = Desk.of(make_site(web_folder, sqlite_store, public), None)
    outside = Client(desk.client.app, peer="203.0.113.9", base_url="http://news.shop.example")
    assert outside.post("/hooks/mailgun", content=b"{}").status_code == 403


@pytest.mark.rule("D25")
def test_the_log_names_provider_and_reason_and_nobody(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    for provider, call in CALLS.items():
        post(desk, provider, call())
        post(desk, provider, Call({}, json.dumps({"email": READER}).encode()))
    events = [record.getMessage() for record in caplog.records]
    assert events.count("hook_taken") == events.count("hook_refused") == 4
    written = " ".join(str(vars(record)) for record in caplog.records)
    for secret in (READER, signing.PASSWORD, signing.MAILGUN_KEY):
        assert secret not in written
