""" "That was not me": a button that blocks the address for good (D10)."""

from __future__ import annotations

import pytest

from tests.web.conftest import Desk

BLOCK = {"choice": "not-me"}


@pytest.mark.rule("B18", "D10")
def test_opening_the_link_blocks_nothing(desk: Desk) -> None:
    page = desk.get(f"/not-me/{desk.not_me_token('eve@example.net')}")
    assert page.buttons == [("choice", "not-me")]
    assert desk.events("not_me") == []


@pytest.mark.rule("D10")
def test_the_button_blocks_the_address_on_every_list(desk: Desk) -> None:
    desk.join("eve@example.net", confirm=False)
    answer = desk.client.post(f"/not-me/{desk.not_me_token('eve@example.net')}", data=BLOCK)
    assert answer.status_code == 200
    assert "We will not write again" in answer.text
    assert desk.state("eve@example.net") is None
    assert len(desk.events("not_me")) == 1


@pytest.mark.rule("D10")
def test_it_works_when_nothing_is_stored_of_the_address(desk: Desk) -> None:
    token = desk.not_me_token("stranger@example.net")
    assert [desk.client.post(f"/not-me/{token}", data=BLOCK).status_code for _ in range(2)] == [200, 200]
    assert len(desk.events("not_me")) == 1


@pytest.mark.rule("D10")
def test_a_blocked_address_meets_the_same_sign_up_page(desk: Desk) -> None:
    before = desk.subscribe(email="eve@example.net").text
    desk.client.post(f"/not-me/{desk.not_me_token('eve@example.net')}", data=BLOCK)
    assert desk.subscribe(email="eve@example.net").text == before


@pytest.mark.parametrize("body", [{}, {"choice": "list"}, {"List-Unsubscribe": "One-Click"}])
def test_any_other_post_blocks_nothing(desk: Desk, body: dict[str, str]) -> None:
    answer = desk.client.post(f"/not-me/{desk.not_me_token('eve@example.net')}", data=body)
    assert answer.status_code == 400
    assert desk.events("not_me") == []
