"""/metrics is for this machine, or for who has the token; for others it is not there."""

from __future__ import annotations

from typing import Any

import pytest

from mailer.site import SiteFolder
from mailer.store import Store
from tests.web.client import Client
from tests.web.conftest import Desk, make_site

TOKEN = "a-token-of-24-characters"


@pytest.fixture
def guarded(web_folder: SiteFolder, sqlite_store: Store) -> Desk:
    """A site whose metrics have a token."""
    return Desk.of(make_site(web_folder, sqlite_store, {"MAILER_METRICS__TOKEN": TOKEN}), None)


def outside(desk: Desk) -> Client:
    """Somebody on another machine."""
    return Client(desk.client.app, peer="203.0.113.9")


def test_this_machine_is_told_the_figures(desk: Desk) -> None:
    answer = desk.client.get("/metrics")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert "mailer_database_up 1.0" in answer.text
    assert "ada@" not in answer.text


def test_requests_are_counted_by_route_and_no_token_shows(desk: Desk) -> None:
    tag = desk.join("ada@example.net")
    token = desk.leave_token(tag)
    desk.client.get(f"/u/{token}")
    desk.client.get("/no/such/page")
    page = desk.client.get("/metrics").text
    assert 'mailer_http_requests_total{method="GET",route="/u/{token}",status="200"} 1.0' in page
    assert 'route="-",status="404"' in page
    assert token not in page


@pytest.mark.rule("D25")
def test_other_machines_find_nothing(desk: Desk, guarded: Desk) -> None:
    for site in (desk, guarded):
        for headers in (
            {},
            {"authorization": "Bearer "},
            {"authorization": "Bearer wrong-wrong-wrong-wrong"},
        ):
            assert outside(site).get("/metrics", headers=headers).status_code == 404


def test_a_token_opens_it_from_elsewhere(guarded: Desk) -> None:
    headers = {"authorization": f"Bearer {TOKEN}"}
    assert outside(guarded).get("/metrics", headers=headers).status_code == 200
    assert guarded.client.get("/metrics").status_code == 200


@pytest.mark.parametrize("header", ["x-forwarded-for", "x-forwarded-proto", "forwarded", "via"])
def test_what_a_proxy_on_this_machine_hands_on_is_from_elsewhere(desk: Desk, header: str) -> None:
    assert desk.client.get("/metrics", headers={header: "203.0.113.9"}).status_code == 404


def test_it_can_be_switched_off(web_folder: SiteFolder, sqlite_store: Store) -> None:
    closed: Any = {"MAILER_METRICS__ENABLED": "false"}
    assert (
        Desk.of(make_site(web_folder, sqlite_store, closed), None).client.get("/metrics").status_code == 404
    )
