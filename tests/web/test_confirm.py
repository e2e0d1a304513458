"""Confirming: a page with one button, evidence of the second step, and links that die when they should."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from tests.web.conftest import Desk, Reader

CONFIRM = {"choice": "confirm"}


@pytest.mark.rule("B18")
@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "PUT"])
def test_opening_the_link_confirms_nothing(desk: Desk, method: str) -> None:
    desk.join("ada@example.net", confirm=False)
    for _ in range(5):
        desk.client.request(method, f"/confirm/{desk.confirm_token('ada@example.net')}")
    assert desk.state("ada@example.net") == "pending"


def test_the_page_names_the_list_and_has_one_button(desk: Desk) -> None:
    desk.join("ada@example.net", confirm=False)
    page = desk.get(f"/confirm/{desk.confirm_token('ada@example.net')}")
    assert "Ohm & Volt Weekly" in page.text
    assert page.buttons == [("choice", "confirm")]


def test_the_button_confirms(desk: Desk) -> None:
    desk.join("ada@example.net", confirm=False)
    answer = desk.client.post(f"/confirm/{desk.confirm_token('ada@example.net')}", data=CONFIRM)
    assert answer.status_code == 200
    assert "You are subscribed" in answer.text
    assert "status" in Reader.of(answer.text).roles
    assert desk.state("ada@example.net") == "confirmed"


@pytest.mark.parametrize("body", [{}, {"choice": "no"}, {"List-Unsubscribe": "One-Click"}])
def test_any_other_post_confirms_nothing(desk: Desk, body: dict[str, str]) -> None:
    desk.join("ada@example.net", confirm=False)
    answer = desk.client.post(f"/confirm/{desk.confirm_token('ada@example.net')}", data=body)
    assert answer.status_code == 400
    assert desk.state("ada@example.net") == "pending"


@pytest.mark.rule("C3")
def test_the_second_step_is_on_record_with_what_was_read(desk: Desk) -> None:
    desk.join("ada@example.net", confirm=False)
    token = desk.confirm_token("ada@example.net")
    desk.client.post(f"/confirm/{token}", data=CONFIRM)
    payload = json.dumps(json.loads(desk.events("confirmed")[0].payload))
    assert "127.0.0.1" in payload
    assert token not in payload


@pytest.mark.rule("D3")
def test_pressing_twice_is_one_confirmation(desk: Desk) -> None:
    desk.join("ada@example.net", confirm=False)
    token = desk.confirm_token("ada@example.net")
    answers = [desk.client.post(f"/confirm/{token}", data=CONFIRM) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 200]
    assert len(desk.events("confirmed")) == 1


@pytest.mark.rule("D3")
def test_an_old_link_cannot_bring_back_who_has_left(desk: Desk) -> None:
    desk.join("ada@example.net", confirm=False)
    token = desk.confirm_token("ada@example.net")
    desk.client.post(f"/confirm/{token}", data=CONFIRM)
    desk.client.post(f"/u/{desk.leave_token(desk.row('ada@example.net').tag)}", data={"choice": "list"})
    answer = desk.client.post(f"/confirm/{token}", data=CONFIRM)
    assert answer.status_code == 410
    assert "/subscribe/weekly" in answer.text
    assert desk.state("ada@example.net") == "unsubscribed"


@pytest.mark.rule("C7", "D3")
def test_a_link_older_than_its_life_says_so_and_confirms_nothing(desk: Desk) -> None:
    desk.join("ada@example.net", confirm=False)
    token = desk.confirm_token("ada@example.net")
    desk.clock.shift(timedelta(days=8))
    for answer in (desk.client.get(f"/confirm/{token}"), desk.client.post(f"/confirm/{token}", data=CONFIRM)):
        assert answer.status_code == 410
        assert "This link is too old" in answer.text
    assert desk.state("ada@example.net") == "pending"


@pytest.mark.rule("D23")
def test_the_page_never_shows_the_address(desk: Desk) -> None:
    desk.join("ada.lovelace@example.net", confirm=False)
    html = desk.client.get(f"/confirm/{desk.confirm_token('ada.lovelace@example.net')}").text
    assert "lovelace" not in html


@pytest.mark.rule("E17")
def test_the_page_speaks_the_language_of_the_sign_up(desk: Desk) -> None:
    desk.join("ada@example.net", confirm=False, language="de")
    page = desk.get(f"/confirm/{desk.confirm_token('ada@example.net')}")
    assert page.lang == "de"
    assert "Ja, bitte anmelden" in page.text


def test_a_damaged_link_is_a_kind_404(desk: Desk) -> None:
    answer = desk.client.get("/confirm/c123")
    assert answer.status_code == 404
    assert "copy the whole link" in answer.text
