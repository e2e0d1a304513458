"""What stands on every answer, on every route, errors included (D21, D22, D23)."""

from __future__ import annotations

from collections.abc import Callable

import httpx
import pytest
from starlette.routing import Route

from mailer.web.headers import PAGE_POLICY, mail_policy
from tests.web.conftest import Desk, Reader

ANSWERS: dict[str, Callable[[Desk], httpx.Response]] = {
    "index": lambda desk: desk.client.get("/"),
    "help": lambda desk: desk.client.get("/help"),
    "subscribe": lambda desk: desk.client.get("/subscribe/weekly"),
    "subscribe, refused": lambda desk: desk.client.post("/subscribe/weekly", data={"email": "x"}),
    "subscribe, as JSON": lambda desk: desk.client.post("/subscribe/weekly", json={}),
    "subscribe, done": lambda desk: desk.subscribe(),
    "privacy": lambda desk: desk.client.get("/privacy"),
    "a policy version": lambda desk: desk.client.get("/privacy/2026-11-22"),
    "no such version": lambda desk: desk.client.get("/privacy/1999-01-01"),
    "confirm": lambda desk: desk.client.get("/confirm/x"),
    "not me": lambda desk: desk.client.get(f"/not-me/{desk.not_me_token('a@example.net')}"),
    "leave": lambda desk: desk.client.get(f"/u/{desk.leave_token(desk.join('ada@example.net'))}"),
    "left": lambda desk: desk.client.post(
        f"/u/{desk.leave_token(desk.join('ada@example.net'))}",
        content="List-Unsubscribe=One-Click",
        headers={"content-type": "application/x-www-form-urlencoded"},
    ),
    "empty post": lambda desk: desk.client.post("/u/x"),
    "too large": lambda desk: desk.client.post("/u/x", content=b"x" * 100_000),
    "view": lambda desk: desk.client.get("/view/x"),
    "media": lambda desk: desk.client.get("/media/0123"),
    "static": lambda desk: desk.client.get("/static/mailer.css"),
    "favicon": lambda desk: desk.client.get("/favicon.ico"),
    "no such file": lambda desk: desk.client.get("/static/..%2f..%2fmailer.toml"),
    "unknown path": lambda desk: desk.client.get("/wp-login.php"),
    "wrong method": lambda desk: desk.client.request("DELETE", "/help"),
    "options": lambda desk: desk.client.request("OPTIONS", "/"),
    "health": lambda desk: desk.client.get("/healthz"),
    "ready": lambda desk: desk.client.get("/readyz"),
    "metrics": lambda desk: desk.client.get("/metrics"),
    "hooks": lambda desk: desk.client.post("/hooks/ses", content=b"{}"),
    "ops": lambda desk: desk.client.get("/ops/sign-in"),
    "robots": lambda desk: desk.client.get("/robots.txt"),
    "security": lambda desk: desk.client.get("/.well-known/security.txt"),
}


@pytest.mark.rule("D21", "D22", "D23")
@pytest.mark.parametrize("name", ANSWERS)
def test_every_answer_carries_the_headers_and_no_cookie(desk: Desk, name: str) -> None:
    headers = ANSWERS[name](desk).headers
    assert headers["content-security-policy"].startswith("default-src 'none'")
    assert headers["strict-transport-security"] == "max-age=31536000; includeSubDomains"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert "cache-control" in headers
    assert "set-cookie" not in headers
    assert "location" not in headers
    assert "server" not in headers


@pytest.mark.rule("D21")
def test_every_route_is_among_the_answers_above(desk: Desk) -> None:
    seen = {"/privacy/{version}": "a policy version", "/.well-known/security.txt": "security", "/": "index"}
    for route in desk.client.app.routes:
        assert isinstance(route, Route)
        first = route.path.strip("/").split("/")[0].split(".")[0]
        known = {"u": "leave", "not-me": "not me", "healthz": "health", "readyz": "ready"}
        assert seen.get(route.path) or known.get(first, first) in ANSWERS, route.path


@pytest.mark.rule("D21")
def test_pages_carry_the_policy_of_the_requirements_word_for_word() -> None:
    assert PAGE_POLICY == (
        "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; "
        "base-uri 'none'; object-src 'none'; frame-ancestors 'none'"
    )


def test_a_mail_in_the_browser_is_sandboxed_and_may_load_the_operators_images() -> None:
    policy = mail_policy(("cdn.shop.example",))
    assert "img-src 'self' https://cdn.shop.example;" in policy
    assert "sandbox allow-popups" in policy
    assert "script" not in policy


@pytest.mark.rule("D22")
@pytest.mark.parametrize("name", ["leave", "left", "not me", "confirm", "view", "unknown path"])
def test_token_pages_stay_out_of_search_engines_and_caches(desk: Desk, name: str) -> None:
    headers = ANSWERS[name](desk).headers
    assert headers["x-robots-tag"] == "noindex"
    assert headers["cache-control"] == "no-store"


@pytest.mark.rule("D23", "F4")
@pytest.mark.parametrize("path", ["/", "/help", "/privacy", "/subscribe/weekly", "/nothing"])
def test_pages_load_only_from_their_own_host_and_hold_no_script(desk: Desk, path: str) -> None:
    page = Reader.of(desk.client.get(path).text)
    assert page.loads
    assert all(address.startswith("/static/") for address in page.loads)
    assert not {"script", "iframe", "object", "img", "style"} & set(page.tags)


@pytest.mark.rule("D37")
def test_security_txt_names_a_contact_and_is_not_expired(desk: Desk) -> None:
    text = desk.client.get("/.well-known/security.txt").text
    assert "Contact: mailto:privacy@shop.example" in text
    assert "Expires: 2027-05-22T00:00:00Z" in text


def test_robots_are_kept_off_personal_links(desk: Desk) -> None:
    assert "Disallow: /u/" in desk.client.get("/robots.txt").text


def test_static_files_may_be_kept_for_ever_under_an_address_that_changes_with_them(desk: Desk) -> None:
    [style] = [address for address in Reader.of(desk.client.get("/").text).loads if ".css" in address]
    answer = desk.client.get(style)
    assert answer.headers["content-type"] == "text/css; charset=utf-8"
    assert "immutable" in answer.headers["cache-control"]


@pytest.mark.rule("F7")
@pytest.mark.parametrize("name", ANSWERS)
def test_every_page_names_the_privacy_contact(desk: Desk, name: str) -> None:
    answer = ANSWERS[name](desk)
    if answer.headers["content-type"].startswith("text/html"):
        assert "mailto:privacy@shop.example" in answer.text
