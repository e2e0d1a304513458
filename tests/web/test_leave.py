"""Leaving: RFC 8058 to the letter, one button for people, and links that never die."""

from __future__ import annotations

import asyncio
import json

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mailer.keyring import load_secrets, rotate_token_key
from mailer.tokens import PROOF_TAG
from tests.web.conftest import START, Desk, Reader, make_site

ONE_CLICK = "List-Unsubscribe=One-Click"
URLENCODED = {"content-type": "application/x-www-form-urlencoded"}
BOUNDARY = "---FormBoundaryjWmhtjORrn"
#: The body of RFC 8058 section 8.
MULTIPART = (
    f"--{BOUNDARY}\r\n"
    'Content-Disposition: form-data; name="List-Unsubscribe"\r\n'
    "\r\n"
    "One-Click\r\n"
    f"--{BOUNDARY}--\r\n"
)


def one_click(desk: Desk, token: str, **headers: str) -> httpx.Response:
    """What a mailbox provider sends."""
    return desk.client.post(f"/u/{token}", content=ONE_CLICK, headers=URLENCODED | headers)


@pytest.mark.rule("A6", "A10")
@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (ONE_CLICK, "application/x-www-form-urlencoded"),
        (ONE_CLICK, "application/x-www-form-urlencoded; charset=UTF-8"),
        (MULTIPART, f"multipart/form-data; boundary={BOUNDARY}"),
    ],
)
def test_both_bodies_of_rfc_8058_unsubscribe(desk: Desk, body: str, content_type: str) -> None:
    token = desk.leave_token(desk.join("ada@example.net"))
    answer = desk.client.post(f"/u/{token}", content=body, headers={"content-type": content_type})
    assert answer.status_code == 200
    assert desk.state("ada@example.net") == "unsubscribed"


@pytest.mark.rule("A10")
def test_a_mailbox_provider_is_told_in_words_without_a_page(desk: Desk) -> None:
    answer = one_click(desk, desk.leave_token(desk.join("ada@example.net")), **{"accept-language": "de"})
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert answer.headers["content-language"] == "en", "the subscriber's own"
    assert answer.headers["x-robots-tag"] == "noindex"
    assert answer.text.startswith("You have left “Ohm & Volt Weekly”\n")


@pytest.mark.rule("A7")
@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        ("", "application/x-www-form-urlencoded"),
        ("List-Unsubscribe=one-click", "application/x-www-form-urlencoded"),
        ("list-unsubscribe=One-Click", "application/x-www-form-urlencoded"),
        ("List-Unsubscribe=One-Click&more=1", "application/x-www-form-urlencoded"),
        ("List-Unsubscribe=One-Click&List-Unsubscribe=One-Click", "application/x-www-form-urlencoded"),
        ("List-Unsubscribe=One-Click%20", "application/x-www-form-urlencoded"),
        (json.dumps({"List-Unsubscribe": "One-Click"}), "application/json"),
        (ONE_CLICK, "text/plain"),
        (MULTIPART, "multipart/form-data"),
        (MULTIPART, "multipart/form-data; boundary=another"),
        (MULTIPART[:60], f"multipart/form-data; boundary={BOUNDARY}"),
        (MULTIPART.replace('"\r\n', '"; filename="a"\r\n', 1), f"multipart/form-data; boundary={BOUNDARY}"),
        ("choice=everything", "application/x-www-form-urlencoded"),
    ],
)
def test_any_other_body_changes_nothing(desk: Desk, body: str, content_type: str) -> None:
    token = desk.leave_token(desk.join("ada@example.net"))
    answer = desk.client.post(f"/u/{token}", content=body, headers={"content-type": content_type})
    assert answer.status_code == 400
    assert desk.state("ada@example.net") == "confirmed"


@pytest.mark.rule("A7")
def test_a_body_beyond_the_limit_is_refused_before_it_is_read(desk: Desk) -> None:
    token = desk.leave_token(desk.join("ada@example.net"))
    body = ONE_CLICK + "&x=" + "x" * 20_000
    answer = desk.client.post(f"/u/{token}", content=body, headers=URLENCODED)
    assert answer.status_code == 413
    assert desk.state("ada@example.net") == "confirmed"


@pytest.mark.rule("A7")
def test_a_body_without_an_announced_length_is_cut_off_too(desk: Desk) -> None:
    token = desk.leave_token(desk.join("ada@example.net"))
    pieces = (b"x" * 4096 for _ in range(10))
    assert desk.client.post(f"/u/{token}", content=pieces, headers=URLENCODED).status_code == 413


@pytest.mark.rule("A8")
@pytest.mark.parametrize(
    "headers",
    [
        {"cookie": "session=stolen"},
        {"origin": "https://mail.example", "referer": "https://mail.example/inbox"},
        {"user-agent": "", "accept": "", "accept-language": ""},
        {"authorization": "Basic Zm9vOmJhcg=="},
    ],
)
def test_no_header_helps_or_hinders(desk: Desk, headers: dict[str, str]) -> None:
    token = desk.leave_token(desk.join("ada@example.net"))
    answer = one_click(desk, token, **headers)
    assert answer.status_code == 200
    assert "set-cookie" not in answer.headers
    assert desk.state("ada@example.net") == "unsubscribed"


@pytest.mark.rule("A9")
@pytest.mark.parametrize("change", ["{}/", "{}//", "{}?utm=1", "{}/x", "{}.", "/{}", "/./{}"])
def test_no_variant_of_the_address_is_ever_redirected(desk: Desk, change: str) -> None:
    token = desk.leave_token(desk.join("ada@example.net"))
    path = change.format(f"/u/{token}")
    for host in ("news.shop.example", "www.news.shop.example", "127.0.0.1"):
        answer = desk.client.post(path, content=ONE_CLICK, headers=URLENCODED | {"host": host})
        assert not 300 <= answer.status_code < 400
        assert "location" not in answer.headers


@pytest.mark.rule("A9")
def test_a_trailing_slash_still_unsubscribes(desk: Desk) -> None:
    token = desk.leave_token(desk.join("ada@example.net"))
    assert desk.client.post(f"/u/{token}/", content=ONE_CLICK, headers=URLENCODED).status_code == 200
    assert desk.state("ada@example.net") == "unsubscribed"


@pytest.mark.rule("A11", "A13")
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_tampered_token_is_refused_and_tells_nothing(desk: Desk, data: st.DataObject) -> None:
    tag = desk.row("ada@example.net").tag if desk.row("ada@example.net") else desk.join("ada@example.net")
    token = desk.leave_token(tag)
    position = data.draw(st.integers(0, len(token) - 1))
    letter = data.draw(st.sampled_from("ABCxyz019-_.="))
    changed = token[:position] + letter + token[position + 1 :]
    answer = one_click(desk, changed)
    assert answer.status_code == (200 if changed == token else 404)
    assert "Ohm & Volt Weekly" not in answer.text or changed == token


@pytest.mark.rule("A13")
def test_pressing_three_times_is_one_opt_out_on_record(desk: Desk) -> None:
    token = desk.leave_token(desk.join("ada@example.net"))
    assert [one_click(desk, token).status_code for _ in range(3)] == [200, 200, 200]
    assert len(desk.events("unsubscribed")) == 1


@pytest.mark.rule("A13", "C10")
def test_a_link_whose_row_is_gone_still_answers_kindly(desk: Desk) -> None:
    token = desk.leave_token(b"nobody any more!")
    answer = one_click(desk, token)
    assert answer.status_code == 200
    assert "You are not on the list" in answer.text


@pytest.mark.rule("C10", "D2")
def test_a_link_outlives_two_key_rotations_and_three_years(desk: Desk) -> None:
    token = desk.leave_token(desk.join("ada@example.net"))
    path = desk.site.folder.secrets_path
    rotate_token_key(path, retire_old=True)
    rotate_token_key(path, retire_old=True)
    assert len(load_secrets(path).token_keys) == 3
    later = make_site(desk.site.folder, desk.store)
    desk.clock.move_to(START.replace(year=2029))
    renewed = Desk.of(later, desk.clock)
    assert one_click(renewed, token).status_code == 200
    assert renewed.state("ada@example.net") == "unsubscribed"


@pytest.mark.rule("A16", "B18")
@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "PUT", "DELETE", "PATCH"])
def test_no_other_method_changes_anything(desk: Desk, method: str) -> None:
    desk.join("ada@example.net")
    token = desk.leave_token(desk.row("ada@example.net").tag)
    before = desk.states()
    for agent in ("Mozilla/5.0", "SafeLinks", "curl/8", "GoogleImageProxy"):
        desk.client.request(method, f"/u/{token}", headers={"user-agent": agent})
    assert desk.states() == before


@pytest.mark.rule("A16", "C8", "C9", "E16")
def test_the_page_asks_for_one_button_and_nothing_else(desk: Desk) -> None:
    token = desk.leave_token(desk.join("ada@example.net"))
    page = desk.get(f"/u/{token}")
    assert page.buttons == [("choice", "list")]
    assert page.inputs == []
    assert page.forms == [{"method": "post"}]


@pytest.mark.rule("A17", "E16")
def test_somebody_on_two_lists_may_leave_one_or_both(desk: Desk) -> None:
    token = desk.leave_token(desk.join("ada@example.net"))
    desk.join("ada@example.net", "clearance")
    page = desk.get(f"/u/{token}")
    assert page.buttons == [("choice", "list"), ("choice", "all")]


@pytest.mark.rule("A17")
def test_one_click_leaves_only_the_list_of_that_mail(desk: Desk) -> None:
    token = desk.leave_token(desk.join("ada@example.net"))
    desk.join("ada@example.net", "clearance")
    one_click(desk, token)
    assert (desk.state("ada@example.net"), desk.state("ada@example.net", "clearance")) == (
        "unsubscribed",
        "confirmed",
    )


@pytest.mark.rule("A17")
def test_all_lists_clears_both(desk: Desk) -> None:
    token = desk.leave_token(desk.join("ada@example.net"))
    desk.join("ada@example.net", "clearance")
    answer = desk.client.post(f"/u/{token}", data={"choice": "all"})
    assert "You have left all our lists" in answer.text
    assert {state for _, state in desk.states()} == {"unsubscribed"}


def test_the_done_page_offers_all_lists_while_another_is_left(desk: Desk) -> None:
    token = desk.leave_token(desk.join("ada@example.net"))
    desk.join("ada@example.net", "clearance")
    page = Reader.of(desk.client.post(f"/u/{token}", data={"choice": "list"}).text)
    assert page.buttons == [("choice", "all"), ("choice", "back")]
    assert "status" in page.roles


@pytest.mark.rule("B20")
def test_left_by_mistake_asks_for_a_fresh_confirmation_and_no_more(desk: Desk) -> None:
    token = desk.leave_token(desk.join("ada@example.net"))
    one_click(desk, token)
    answer = desk.client.post(f"/u/{token}", data={"choice": "back"})
    assert answer.status_code == 200
    assert "Please look into your inbox" in answer.text
    assert desk.state("ada@example.net") == "unsubscribed"
    assert len(desk.requests()) == 1


@pytest.mark.rule("B20")
def test_left_by_mistake_answers_alike_when_nobody_is_there(desk: Desk) -> None:
    known = desk.leave_token(desk.join("ada@example.net"))
    unknown = desk.leave_token(b"nobody any more!")
    answers = [desk.client.post(f"/u/{token}", data={"choice": "back"}) for token in (known, unknown)]
    assert answers[0].text == answers[1].text


@pytest.mark.rule("A90")
def test_a_link_from_a_proof_changes_nothing_and_says_so(desk: Desk) -> None:
    desk.join("ada@example.net")
    before = desk.states()
    answer = one_click(desk, desk.leave_token(PROOF_TAG))
    assert answer.status_code == 200
    assert "from a proof" in answer.text
    assert desk.states() == before


@pytest.mark.rule("D1")
def test_a_token_of_another_purpose_opens_nothing(desk: Desk) -> None:
    desk.join("ada@example.net", confirm=False)
    confirm, not_me = desk.confirm_token("ada@example.net"), desk.not_me_token("ada@example.net")
    assert [one_click(desk, token).status_code for token in (confirm, not_me)] == [404, 404]
    assert desk.client.post(f"/confirm/{not_me}", data={"choice": "confirm"}).status_code == 404
    assert desk.client.post(f"/not-me/{confirm}", data={"choice": "not-me"}).status_code == 404


@pytest.mark.rule("D23", "D4")
def test_the_page_never_shows_the_address(desk: Desk) -> None:
    token = desk.leave_token(desk.join("ada.lovelace@example.net"))
    for html in (desk.client.get(f"/u/{token}").text, one_click(desk, token).text):
        assert "lovelace" not in html
        assert "example.net" not in html


@pytest.mark.rule("C3", "D25")
def test_the_opt_out_is_on_record_with_its_way_and_without_the_token(desk: Desk) -> None:
    token = desk.leave_token(desk.join("ada@example.net"))
    one_click(desk, token)
    payload = json.loads(desk.events("unsubscribed")[0].payload)
    assert (payload["via"], payload["scope"]) == ("one-click", "list")
    assert token not in json.dumps(payload)


@pytest.mark.rule("E17")
def test_the_page_speaks_the_language_of_the_subscriber(desk: Desk) -> None:
    token = desk.leave_token(desk.join("jürgen@example.net", language="de"))
    answer = desk.client.get(f"/u/{token}", headers={"accept-language": "en"})
    assert answer.headers["content-language"] == "de"
    assert "Von dieser Liste abmelden" in answer.text
    assert "Leave this list" in desk.client.get(f"/u/{token}?lang=en").text


@pytest.mark.rule("A18")
def test_five_thousand_posts_from_one_address_all_succeed(desk: Desk) -> None:
    tokens = [desk.leave_token(desk.join(f"reader{number}@example.net")) for number in range(5)]

    async def press_all() -> list[int]:
        transport = httpx.ASGITransport(desk.client.app, client=("192.0.2.1", 40000))
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
            return [
                (await client.post(f"/u/{tokens[n % 5]}", content=ONE_CLICK, headers=URLENCODED)).status_code
                for n in range(5000)
            ]

    assert asyncio.run(press_all()) == [200] * 5000
