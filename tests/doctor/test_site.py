"""The site as a mailbox provider meets it: certificate, redirects, and a POST that must be answered at once."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from mailer import clock
from mailer.application import Site, open_site
from mailer.doctor import http
from mailer.doctor.certificates import Certificate
from mailer.doctor.http import Reply, request
from mailer.doctor.model import Finding, Verdict
from mailer.doctor.web import OneClickFacts, SiteFacts, judge_one_click, judge_site
from mailer.keyring import create_secrets
from mailer.store import migrate, open_store
from mailer.store.schema import LedgerEntry, Suppression
from mailer.web.listening import listen
from tests.delivery.certificates import Authority
from tests.doctor.front import bytes_only, odd, pages
from tests.doctor.name_server import free_port
from tests.doctor.practice import Practice, only_one


@pytest.fixture
def authority(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Authority:
    """An authority that this process trusts, as the world trusts public ones."""
    made = Authority(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(made.file))
    return made


@pytest.fixture
def running(practice: Practice) -> Iterator[Site]:
    """The real site of the practice, its database made."""
    practice.base_url = "http://127.0.0.1:8025"
    folder = practice.write()
    store = open_store("sqlite:///data/mailer.db", root=folder.root)
    migrate.upgrade(store)
    store.dispose()
    site = open_site(folder.root, {})
    yield site
    site.close()


def ask(method: str, url: str, body: bytes = b"") -> Reply:
    """One request."""
    return asyncio.run(request(method, url, body=body))


def judged(facts: SiteFacts | OneClickFacts) -> Finding:
    """The one finding of some facts."""
    (finding,) = judge_site(facts) if isinstance(facts, SiteFacts) else judge_one_click(facts)
    return finding


# --- one request ------------------------------------------------------------------------------


def test_an_answer_is_read_with_its_status_and_fields() -> None:
    with odd(404, fields={"X-Why": "because"}) as (port, seen):
        reply = ask("GET", f"http://127.0.0.1:{port}/healthz")
    assert (reply.status, reply.field("x-why"), reply.trouble) == (404, "because", "")
    assert [(method, path) for method, path, _, _ in seen] == [("GET", "/healthz")]


def test_a_post_is_the_form_of_a_mailbox_provider_without_cookie() -> None:
    with odd() as (port, seen):
        ask("POST", f"http://127.0.0.1:{port}/u/x", b"List-Unsubscribe=One-Click")
    ((method, path, fields, body),) = seen
    assert (method, path, body) == ("POST", "/u/x", b"List-Unsubscribe=One-Click")
    assert fields["Content-Type"] == "application/x-www-form-urlencoded"
    assert "Cookie" not in fields


def test_a_redirect_is_told_and_not_followed() -> None:
    with odd(302, fields={"Location": "https://elsewhere.test/"}) as (port, seen):
        reply = ask("GET", f"http://127.0.0.1:{port}/")
    assert (reply.status, reply.field("location")) == (302, "https://elsewhere.test/")
    assert len(seen) == 1


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (b"", "connection was closed"),
        (b"HTTP/1.1 200 OK\r\nA: b", "connection was closed"),
        (b"220 mail.shop.test ESMTP\r\n\r\n", "does not speak HTTP"),
        (b"\x00\xff" * 50 + b"\r\n\r\n", "does not speak HTTP"),
        (b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 30_000, "never end"),
        (b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 500 + b"\r\n", "got more than 100 headers"),
    ],
)
def test_whatever_comes_back_ends_in_words(answer: bytes, words: str) -> None:
    with bytes_only(answer) as port:
        reply = ask("GET", f"http://127.0.0.1:{port}/")
    assert words in reply.trouble
    assert reply.status == 0


def test_a_server_that_says_nothing_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "_SECONDS", 0.2)

    with closing(listen("127.0.0.1", 0)) as deaf:
        reply = ask("GET", f"http://127.0.0.1:{deaf.getsockname()[1]}/")
    assert "no answer within" in reply.trouble


@pytest.mark.rule("A61")
@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"expired": True}, "expired"),
        ({"name": "other.test"}, "not valid for"),
        ({"self_signed": True}, "self-signed"),
    ],
)
def test_a_certificate_that_is_not_sound_is_not_believed(
    authority: Authority, options: dict[str, Any], words: str
) -> None:
    with odd(certificate=authority.server(**options)) as (port, seen):
        reply = ask("GET", f"https://127.0.0.1:{port}/")
    assert words in reply.distrusted
    assert seen == []


def test_a_sound_certificate_says_how_long_it_lasts(authority: Authority) -> None:
    with odd(certificate=authority.server()) as (port, _):
        reply = ask("GET", f"https://127.0.0.1:{port}/")
    assert reply.certificate is not None
    assert reply.certificate.ends_at - clock.now() > timedelta(days=29)
    assert reply.certificate.protocol.startswith("TLSv1.")


# --- the pages --------------------------------------------------------------------------------


def _certificate(days: float) -> Certificate:
    return Certificate(clock.now() + timedelta(days=days), clock.now(), "TLSv1.3")


@pytest.mark.parametrize(
    ("reply", "verdict", "words"),
    [
        (Reply(200, {}, _certificate(60.5)), "ok", "60 more days"),
        (Reply(200, {}, _certificate(5.5)), "warning", "5 more days"),
        (
            Reply(301, {"location": "https://www.shop.test/"}),
            "failure",
            "redirects (301) to https://www.shop.test/",
        ),
        (Reply(502, {}), "failure", "answered 502"),
        (Reply(trouble="nothing listens there"), "failure", "cannot be reached"),
        (Reply(distrusted="certificate has expired"), "failure", "certificate has expired"),
    ],
)
def test_a_public_site_is_judged(reply: Reply, verdict: str, words: str) -> None:
    finding = judged(SiteFacts("https://news.shop.test", False, reply))
    assert (finding.verdict.value, words in finding.reason) == (verdict, True), finding


def test_pages_over_tls_are_found_sound(running: Site, authority: Authority) -> None:
    with pages(running, certificate=authority.server()) as port:
        reply = ask("GET", f"https://127.0.0.1:{port}/healthz")
    finding = judged(SiteFacts("https://news.shop.test", False, reply))
    assert finding.verdict is Verdict.OK, finding


def test_pages_on_this_machine_only_are_a_note(practice: Practice, running: Site) -> None:
    with pages(running) as port:
        practice.base_url = f"http://127.0.0.1:{port}"
        line = only_one(practice.look("web"))
    assert line.verdict.value == "note"
    assert "public https address" in line.remedy


def test_pages_that_do_not_run_are_a_note_on_a_trial(practice: Practice) -> None:
    practice.base_url = f"http://127.0.0.1:{free_port()}"
    lines = practice.look("web", "one-click")
    assert [line.verdict.value for line in lines] == ["note", "note"]
    assert all("mailer up" in line.remedy for line in lines)


def test_pages_that_nobody_finds_are_a_failure(practice: Practice) -> None:
    practice.base_url = "https://news.shop.test"
    line = only_one(practice.look("web"))
    assert line.verdict.value == "failure"
    assert "nobody can leave a list now" in line.remedy


def counted(site: Site) -> list[int | None]:
    """How much is on record of anybody's leaving."""
    with site.store.read() as connection:
        return [
            connection.scalar(select(func.count()).select_from(table)) for table in (Suppression, LedgerEntry)
        ]


# --- one click --------------------------------------------------------------------------------


@pytest.mark.rule("A6", "A8", "A9", "A90")
def test_the_real_pages_answer_a_real_post_and_nothing_changes(practice: Practice, running: Site) -> None:
    with pages(running) as port:
        practice.base_url = f"http://127.0.0.1:{port}"
        before = counted(running)
        line = only_one(practice.look("one-click"))
        assert counted(running) == before
    assert line.verdict.value == "ok", line
    assert "no redirect" in line.reason


def test_pages_with_other_keys_are_found(practice: Practice, running: Site) -> None:
    """Two hosts, two secrets files: every second click would be refused."""
    with pages(running) as port:
        practice.base_url = f"http://127.0.0.1:{port}"
        running.folder.secrets_path.unlink()
        create_secrets(running.folder.secrets_path)
        line = only_one(practice.look("one-click"))
    assert line.verdict.value == "failure"
    assert "the same secrets.toml" in line.remedy


@pytest.mark.rule("A9")
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirected_post_is_a_failure(practice: Practice, status: int) -> None:
    with odd(status, fields={"Location": "https://news.shop.test/"}) as (port, _):
        practice.base_url = f"http://127.0.0.1:{port}"
        line = only_one(practice.look("one-click"))
    assert line.verdict.value == "failure"
    assert f"redirected ({status})" in line.reason


@pytest.mark.parametrize(
    ("status", "words"),
    [(403, "answered with 403"), (404, "other pages"), (500, "answered with 500"), (200, "forged")],
)
def test_other_programs_at_that_address_are_found(practice: Practice, status: int, words: str) -> None:
    with odd(status) as (port, seen):
        practice.base_url = f"http://127.0.0.1:{port}"
        line = only_one(practice.look("one-click"))
    assert line.verdict.value == "failure"
    assert words in line.reason
    assert all(method == "POST" and path.startswith("/u/") for method, path, _, _ in seen)


def test_the_token_of_the_probe_is_never_shown(practice: Practice) -> None:
    with odd(500) as (port, seen):
        practice.base_url = f"http://127.0.0.1:{port}"
        line = only_one(practice.look("one-click"))
    token = seen[0][1].removeprefix("/u/")
    assert token not in f"{line.subject}{line.reason}{line.remedy}"


def test_without_secrets_no_probe_is_made(practice: Practice) -> None:
    practice.write().secrets_path.write_text("address_key = 1\n")
    line = only_one(practice.look("one-click"))
    assert line.verdict.value == "skipped"


@pytest.mark.parametrize(
    ("genuine", "forged", "verdict"),
    [
        (Reply(200), Reply(404), "ok"),
        (Reply(200), Reply(200), "failure"),
        (Reply(200), Reply(trouble="no answer"), "failure"),
        (Reply(trouble="nothing listens there"), Reply(), "failure"),
        (Reply(distrusted="expired"), Reply(), "failure"),
        (Reply(503), Reply(503), "failure"),
    ],
)
def test_the_post_to_a_public_site_is_judged(genuine: Reply, forged: Reply, verdict: str) -> None:
    assert judged(OneClickFacts("https://news.shop.test", False, genuine, forged)).verdict.value == verdict
