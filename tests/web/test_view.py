"""The mail in the browser, from the frozen artefact, and the images it shows."""

from __future__ import annotations

import re

import pytest

from mailer.tokens import PROOF_TAG, LinkClaim, Purpose, sign_link
from tests.web.conftest import CAMPAIGN_TEXT, Desk

PNG = (
    b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x06\x00\x00\x00\x1f\x15\xc4\x89"
    b"\x00\x00\x00\nIDATx\x9cc\x00\x01\x00\x00\x05\x00\x01\r\n-\xb4\x00\x00\x00\x00IEND\xaeB`\x82"
)
CAMPAIGN = CAMPAIGN_TEXT + "\n![A resistor](images/resistor.png)\n"


@pytest.fixture
def campaign(desk: Desk) -> bytes:
    """A campaign frozen for one reader; its tag."""
    folder = desk.site.folder.campaigns / "week-47"
    (folder / "images").mkdir(parents=True)
    (folder / "images" / "resistor.png").write_bytes(PNG)
    (folder / "campaign.md").write_text(CAMPAIGN, encoding="utf-8")
    desk.join("ada.lovelace@example.net")
    return desk.freeze("week-47")


def view_token(desk: Desk, tag: bytes, campaign: bytes) -> str:
    """The token of a view link."""
    return sign_link(desk.site.tokens, Purpose.VIEW, LinkClaim(tag, campaign))


def test_the_reader_sees_their_own_copy(desk: Desk, campaign: bytes) -> None:
    token = view_token(desk, desk.row("ada.lovelace@example.net").tag, campaign)
    answer = desk.client.get(f"/view/{token}")
    assert answer.status_code == 200
    assert "Week 47" in answer.text


@pytest.mark.rule("D23")
def test_the_address_in_it_is_masked(desk: Desk, campaign: bytes) -> None:
    token = view_token(desk, desk.row("ada.lovelace@example.net").tag, campaign)
    html = desk.client.get(f"/view/{token}").text
    assert "lovelace" not in html
    assert "a…@example.net" in html


@pytest.mark.rule("D21")
def test_it_is_sandboxed_by_a_policy_of_its_own(desk: Desk, campaign: bytes) -> None:
    token = view_token(desk, desk.row("ada.lovelace@example.net").tag, campaign)
    policy = desk.client.get(f"/view/{token}").headers["content-security-policy"]
    assert "sandbox" in policy
    assert "style-src 'unsafe-inline'" in policy
    assert "frame-ancestors 'none'" in policy


@pytest.mark.rule("F3")
def test_the_unsubscribe_link_in_it_works(desk: Desk, campaign: bytes) -> None:
    token = view_token(desk, desk.row("ada.lovelace@example.net").tag, campaign)
    html = desk.client.get(f"/view/{token}").text
    link = re.search(r'href="http://127\.0\.0\.1:8025(/u/[^"]+)"', html)
    assert link is not None
    desk.client.post(link[1], data={"choice": "list"})
    assert desk.state("ada.lovelace@example.net") == "unsubscribed"


def test_who_is_erased_still_sees_the_issue_without_a_name(desk: Desk, campaign: bytes) -> None:
    answer = desk.client.get(f"/view/{view_token(desk, b'nobody any more!', campaign)}")
    assert answer.status_code == 200
    assert "Good morning there" in answer.text


@pytest.mark.rule("A16")
def test_looking_changes_nothing(desk: Desk, campaign: bytes) -> None:
    before = desk.states()
    desk.client.get(f"/view/{view_token(desk, desk.row('ada.lovelace@example.net').tag, campaign)}")
    assert desk.states() == before


@pytest.mark.parametrize(
    ("tag", "campaign_tag"), [(PROOF_TAG, b""), (b"x" * 16, b"nobody"), (b"x" * 16, b"")]
)
def test_what_is_not_kept_is_said_kindly(desk: Desk, tag: bytes, campaign_tag: bytes) -> None:
    answer = desk.client.get(f"/view/{view_token(desk, tag, campaign_tag)}")
    assert answer.status_code == 404
    assert "cannot be shown here" in answer.text


def test_an_opt_out_token_opens_no_view(desk: Desk, campaign: bytes) -> None:
    token = desk.leave_token(desk.row("ada.lovelace@example.net").tag, campaign)
    assert desk.client.get(f"/view/{token}").status_code == 404


def test_the_images_of_a_campaign_are_served_and_may_be_kept_for_ever(desk: Desk, campaign: bytes) -> None:
    token = view_token(desk, desk.row("ada.lovelace@example.net").tag, campaign)
    source = re.search(
        r'src="http://127\.0\.0\.1:8025(/media/[^"]+)"', desk.client.get(f"/view/{token}").text
    )
    assert source is not None
    answer = desk.client.get(source[1])
    assert (answer.status_code, answer.content) == (200, PNG)
    assert answer.headers["content-type"] == "image/png"
    assert "immutable" in answer.headers["cache-control"]
    assert answer.headers["cross-origin-resource-policy"] == "cross-origin"


@pytest.mark.parametrize("name", ["0" * 64, "nothing", "..%2f..%2fsecrets.toml"])
def test_no_other_file_is_served_as_an_image(desk: Desk, name: str) -> None:
    assert desk.client.get(f"/media/{name}").status_code == 404
