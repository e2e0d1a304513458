"""HEAD, OPTIONS and everything else that is neither GET nor POST, on every route (A8, D34)."""

from __future__ import annotations

import pytest

from mailer.tokens import PROOF_TAG
from mailer.wording import LANGUAGES, wording
from tests.web.conftest import Desk

PAGES = (
    *("/", "/help", "/privacy", "/subscribe/weekly", "/robots.txt", "/healthz", "/readyz", "/favicon.ico"),
    *("/static/mailer.css", "/.well-known/security.txt"),
)
#: A link of each kind.
LINKS = ("u", "confirm", "not-me")


def link(desk: Desk, kind: str) -> str:
    """The path of a genuine link of that kind."""
    tag = desk.join("ada@example.net", confirm=kind != "confirm")
    tokens = {
        "u": lambda: desk.leave_token(tag),
        "confirm": lambda: desk.confirm_token("ada@example.net"),
        "not-me": lambda: desk.not_me_token("ada@example.net"),
    }
    return f"/{kind}/{tokens[kind]()}"


@pytest.mark.parametrize("path", PAGES)
def test_head_is_answered_as_get_is_without_the_body(desk: Desk, path: str) -> None:
    page, head = desk.client.get(path), desk.client.request("HEAD", path)
    assert head.status_code == page.status_code == 200
    assert head.headers == page.headers
    assert int(head.headers["content-length"]) == len(page.content)


@pytest.mark.rule("A8", "B18")
@pytest.mark.parametrize("kind", LINKS)
@pytest.mark.parametrize("method", ["HEAD", "OPTIONS", "PUT", "PATCH", "DELETE", "PROPFIND", "TRACE"])
def test_no_other_method_moves_anybody(desk: Desk, kind: str, method: str) -> None:
    path = link(desk, kind)
    before = desk.states()
    answer = desk.client.request(method, path)
    assert answer.status_code == (200 if method == "HEAD" else 405)
    assert desk.states() == before
    assert desk.events("not_me") == []


@pytest.mark.parametrize("path", [path for path in PAGES if not path.startswith("/subscribe/")])
def test_what_can_only_be_read_takes_no_post_and_says_so(desk: Desk, path: str) -> None:
    answer = desk.client.post(path, data={"email": "ada@example.net"})
    assert answer.status_code == 405
    assert {each.strip() for each in answer.headers["allow"].split(",")} == {"GET", "HEAD"}


BROKEN = {
    "not_found": ("GET", "/wp-login.php", 404),
    "link": ("GET", "/u/broken", 404),
    "method": ("DELETE", "/help", 405),
    "bad_request": ("POST", "/subscribe/weekly", 400),
    "too_large": ("POST", "/subscribe/weekly", 413),
}


@pytest.mark.rule("D34", "E17")
@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", BROKEN)
def test_every_error_is_one_json_sentence_in_the_language_of_who_asked(
    desk: Desk, kind: str, language: str
) -> None:
    method, path, status = BROKEN[kind]
    content = {"bad_request": b"{", "too_large": b"x" * 100_000}.get(kind)
    headers = {"accept": "application/json", "accept-language": language}
    if content:
        headers["content-type"] = "application/json"
    answer = desk.client.request(method, path, headers=headers, content=content)
    assert answer.status_code == status
    assert answer.json() == {"status": "error", "message": wording(language).text(f"page.error.{kind}.lead")}
    assert answer.headers["x-robots-tag"] == "noindex"


@pytest.mark.rule("D34", "E17")
@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", BROKEN)
def test_every_error_is_a_page_with_its_title_in_the_language_of_who_asked(
    desk: Desk, kind: str, language: str
) -> None:
    method, path, status = BROKEN[kind]
    content = {"bad_request": b"{", "too_large": b"x" * 100_000}.get(kind)
    headers = {"accept": "text/html", "accept-language": language}
    if kind == "bad_request":
        headers["content-type"] = "multipart/form-data"
    answer = desk.client.request(method, path, headers=headers, content=content)
    assert answer.status_code == status
    assert answer.headers["content-language"] == language
    assert wording(language).text(f"page.error.{kind}.title") in answer.text


@pytest.mark.rule("E17")
@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("path", ["/", "/help", "/privacy", "/subscribe/weekly"])
def test_a_page_links_to_itself_in_every_other_language(desk: Desk, path: str, language: str) -> None:
    page = desk.get(f"{path}?lang={language}")
    assert page.lang == language
    for other in set(LANGUAGES) - {language}:
        assert f"?lang={other}" in page.links
        assert desk.get(f"{path}?lang={other}").lang == other


@pytest.mark.rule("A90")
def test_a_colleague_who_clicks_through_a_whole_proof_moves_nobody(desk: Desk) -> None:
    """Every button there is behind the links of a proof, pressed."""
    desk.join("ada@example.net")
    before, waiting = desk.states(), desk.requests()
    path = f"/u/{desk.leave_token(PROOF_TAG)}"
    page = desk.get(path)
    for name, value in page.buttons or [("choice", "list")]:
        assert desk.client.post(path, data={name or "choice": value or "list"}).status_code == 200
    for choice in ("list", "all", "back"):
        desk.client.post(path, data={"choice": choice})
    one_click = {"content-type": "application/x-www-form-urlencoded"}
    assert desk.client.post(path, content="List-Unsubscribe=One-Click", headers=one_click).status_code == 200
    assert desk.states() == before
    assert desk.requests() == waiting
    assert desk.events("unsubscribed") == desk.events("resubscribe_requested") == []
