"""What stands before the routes: clear text refused, failures told honestly, logs without secrets."""

from __future__ import annotations

import logging
import sqlite3
from typing import Any

import pytest

from mailer.cli.logs import FactsFormatter
from mailer.site import SiteFolder
from mailer.store import Store, StoreFull, StoreUnreachable
from mailer.web.app import create_app
from tests.web.client import Client
from tests.web.conftest import Desk, make_site

HTTPS = {"MAILER_SITE__BASE_URL": "https://news.shop.example", "MAILER_WEB__TRUSTED_PROXIES": "10.0.0.0/8"}


@pytest.fixture
def public(web_folder: SiteFolder, sqlite_store: Store) -> Client:
    """A site whose address is https, behind a proxy at 10.0.0.1."""
    app = create_app(make_site(web_folder, sqlite_store, HTTPS))
    return Client(app, peer="10.0.0.1", base_url="http://news.shop.example")


@pytest.mark.rule("F8")
@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("headers", [{}, {"x-forwarded-proto": "http"}, {"x-forwarded-proto": "https, http"}])
def test_clear_text_is_refused_and_never_redirected(
    public: Client, method: str, headers: dict[str, str]
) -> None:
    answer = public.request(method, "/help", headers=headers)
    assert answer.status_code == 403
    assert "secure connection" in answer.text
    assert "location" not in answer.headers


@pytest.mark.rule("F8")
def test_what_came_over_tls_to_our_proxy_is_served(public: Client) -> None:
    assert public.get("/help", headers={"x-forwarded-proto": "https"}).status_code == 200


@pytest.mark.rule("F8", "D11")
def test_a_stranger_cannot_claim_to_have_come_over_tls(public: Client) -> None:
    public.peer = "192.0.2.9"
    assert public.get("/help", headers={"x-forwarded-proto": "https"}).status_code == 403


@pytest.mark.rule("F8")
def test_this_machine_itself_may_speak_clear_text_but_not_pass_it_on(public: Client) -> None:
    public.peer = "127.0.0.1"
    assert public.get("/help").status_code == 200
    assert public.get("/help", headers={"x-forwarded-for": "192.0.2.1"}).status_code == 403


def test_probes_are_answered_over_clear_text(public: Client) -> None:
    assert [public.get(path).status_code for path in ("/healthz", "/readyz")] == [200, 200]


@pytest.mark.rule("D34")
def test_a_locked_database_is_a_503_with_retry_after_and_nothing_is_pretended(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    patient = Store.write
    monkeypatch.setattr(Store, "write", lambda store: patient(store, patience_seconds=0.05))
    token = desk.leave_token(desk.join("ada@example.net"))
    path = desk.store.engine.url.database
    blocker = sqlite3.connect(str(path), isolation_level=None)
    blocker.execute("BEGIN IMMEDIATE")
    try:
        answer = desk.client.post(f"/u/{token}", data={"choice": "list"})
    finally:
        blocker.execute("ROLLBACK")
        blocker.close()
    assert answer.status_code == 503
    assert int(answer.headers["retry-after"]) > 0
    assert "Nothing was changed" in answer.text
    assert desk.state("ada@example.net") == "confirmed"


@pytest.mark.rule("D34")
@pytest.mark.parametrize("error", [StoreFull(), StoreUnreachable()])
def test_a_full_disk_or_a_lost_database_is_a_503_too(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    token = desk.leave_token(desk.join("ada@example.net"))

    def fail(*_: Any, **__: Any) -> None:
        raise error

    monkeypatch.setattr(desk.site.leaving, "leave_together", fail)
    assert desk.client.post(f"/u/{token}", data={"choice": "list"}).status_code == 503


def test_not_ready_is_told_while_the_database_is_away(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise StoreUnreachable()

    monkeypatch.setattr("mailer.store.engine.Store.ping", fail)
    answer = desk.client.get("/readyz")
    assert answer.status_code == 503
    assert desk.client.get("/healthz").status_code == 200


@pytest.mark.rule("D25", "D34")
def test_a_bug_is_a_calm_page_with_a_reference_and_a_log_without_values(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def crash(*_: Any, **__: Any) -> None:
        try:
            raise KeyError("ada@example.net")
        except KeyError as error:
            raise ValueError("parameters: ada@example.net") from error

    monkeypatch.setattr(desk.site.leaving, "look", crash)
    with caplog.at_level(logging.INFO, logger="mailer"):
        answer = desk.client.get("/u/seeded-canary-token")
    assert answer.status_code == 500
    assert "Traceback" not in answer.text
    assert "ValueError" not in answer.text
    log = _log_of(caplog)
    assert "ada@" not in answer.text + log
    assert "seeded-canary" not in log
    reference = answer.text.split("name the reference ")[1].split(".")[0]
    assert reference in log
    assert "builtins.KeyError" in log


@pytest.mark.rule("D25")
def test_the_log_names_routes_and_never_tokens_or_addresses(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    token = desk.leave_token(desk.join("canary@example.net"))
    with caplog.at_level(logging.DEBUG, logger="mailer.web"):
        desk.client.get(f"/u/{token}?email=canary@example.net")
        desk.client.post(f"/u/{token}", data={"choice": "list"})
        desk.client.get(f"/wrong/{token}")
        desk.subscribe(email="canary@example.net")
    log = _log_of(caplog)
    assert "request method=GET route=/u/{token} status=200" in log
    assert "request method=GET route=- status=404" in log
    assert token not in log
    assert "canary" not in log


def _log_of(caplog: pytest.LogCaptureFixture) -> str:
    """The log as `mailer serve` prints it, facts and all."""
    return "\n".join(FactsFormatter().format(record) for record in caplog.records)


def test_an_unknown_path_is_a_kind_page_in_the_readers_language(desk: Desk) -> None:
    answer = desk.client.get("/newsletter", headers={"accept-language": "de-AT,de;q=0.9"})
    assert answer.status_code == 404
    assert "Hier ist nichts" in answer.text
    assert "mailto:privacy@shop.example" in answer.text


def test_a_wrong_method_says_which_are_right(desk: Desk) -> None:
    answer = desk.client.request("DELETE", "/u/x")
    assert answer.status_code == 405
    assert {"GET", "POST"} <= {each.strip() for each in answer.headers["allow"].split(",")}
