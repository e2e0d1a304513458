"""What operators do from /ops, what viewers may not, and what is on record of it."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from sqlalchemy import insert

from mailer import clock
from mailer.ops.actions import ACTIONS
from mailer.store.schema import Freeze
from tests.web.conftest import CAMPAIGN_TEXT
from tests.web.ops.conftest import Office

pytestmark = pytest.mark.rule("D24")


@pytest.mark.parametrize("action", ACTIONS)
def test_a_viewer_may_do_nothing(office: Office, action: str) -> None:
    number = office.keep_mail()
    browser = office.sign_in("bob")
    answer = browser.post(f"/ops/do/{action}", target=str(number))
    assert answer.status_code == 403
    assert "needs the role operator" in answer.text
    assert office.desk.site.deciding.review().mails
    assert office.desk.events("staff_acted") == []


def test_a_viewer_reads_no_message_and_is_shown_no_button(office: Office) -> None:
    number = office.keep_mail()
    browser = office.sign_in("bob")
    assert browser.get(f"/ops/review/{number}").status_code == 403
    page = browser.page("/ops/review")
    assert [form["action"] for form in page.forms] == ["/ops/sign-out"]
    assert "ada@example.net" not in page.text


def test_an_operator_dismisses_a_message_and_it_is_on_record_who_and_why(office: Office) -> None:
    number = office.keep_mail()
    browser = office.sign_in()
    assert browser.post("/ops/do/dismiss", target=str(number), why="a forgery").status_code == 200
    assert office.desk.site.deciding.review().mails == ()
    [entry] = office.desk.events("staff_acted")
    assert json.loads(entry.payload) == {
        "staff": "ada",
        "action": "dismiss",
        "target": str(number),
        "why": "a forgery",
    }
    [told] = office.desk.events("dismissed")
    assert "a forgery (ada, at /ops)" in told.payload


def test_an_operator_opts_out_whoever_wrote(office: Office) -> None:
    office.desk.join("ada@example.net")
    number = office.keep_mail()
    assert office.sign_in().post("/ops/do/opt-out", target=str(number)).status_code == 200
    assert office.desk.state("ada@example.net") == "unsubscribed"


@pytest.mark.parametrize("action", ["release", "discard"])
def test_an_operator_decides_on_an_alarm(office: Office, action: str) -> None:
    row = {"scope": "provider", "key": "google", "reason": "policy", "facts": {}}
    with office.desk.store.write() as connection:
        connection.execute(insert(Freeze).values(**row, opened_at=clock.now(), last_at=clock.now()))
    browser = office.sign_in()
    assert "people failed alike" in browser.page("/ops/review").text
    assert browser.post(f"/ops/do/{action}", target="1").status_code == 200
    assert office.desk.site.deciding.review().freezes == ()


def test_an_operator_pauses_a_campaign_on_its_way(office: Office) -> None:
    office.desk.join("ada@example.net")
    folder = office.desk.site.folder.campaigns / "week-47"
    folder.mkdir()
    (folder / "campaign.md").write_text(CAMPAIGN_TEXT, encoding="utf-8")
    office.desk.freeze("week-47")
    office.desk.clock.shift(timedelta(seconds=1))
    office.desk.site.campaigns.start_due(clock.now())
    browser = office.sign_in()
    assert "/ops/do/pause" in [form.get("action") for form in browser.page("/ops/campaigns").forms]
    assert browser.post("/ops/do/pause", target="week-47", why="a typo").status_code == 200
    assert office.desk.site.campaigns.status("week-47").state == "paused"
    assert "a typo (ada, at /ops)" in (office.desk.site.campaigns.status("week-47").reason or "")


@pytest.mark.parametrize(
    ("action", "fields", "words"),
    [
        ("dismiss", {"target": "999"}, "No message 999"),
        ("dismiss", {"target": "x"}, "no number"),
        ("dismiss", {"target": "9" * 30}, "no number"),
        ("dismiss", {"target": "1", "why": " "}, "Say why"),
        ("dismiss", {"target": "1", "why": "x" * 301}, "Say why"),
        ("release", {"target": "999"}, "999"),
        ("explode", {"target": "1"}, "no such action"),
        ("pause", {"target": "nothing-here"}, "nothing-here"),
    ],
)
def test_what_cannot_be_done_gets_one_sentence(
    office: Office, action: str, fields: dict[str, str], words: str
) -> None:
    answer = office.sign_in().post(f"/ops/do/{action}", **fields)
    assert answer.status_code == 409
    assert words in answer.text


@pytest.mark.rule("F4", "D24")
def test_reading_a_message_is_on_record_and_it_cannot_run_anything(office: Office) -> None:
    number = office.keep_mail()
    answer = office.sign_in().get(f"/ops/review/{number}")
    assert "ada@example.net" in answer.text
    assert "<script" not in answer.text
    assert "&lt;script&gt;" in answer.text
    [entry] = office.desk.events("staff_acted")
    assert json.loads(entry.payload)["action"] == "read"


def test_a_message_that_is_not_there_gets_one_sentence(office: Office) -> None:
    answer = office.sign_in().get("/ops/review/999")
    assert answer.status_code == 404
