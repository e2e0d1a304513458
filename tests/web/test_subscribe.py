"""Signing up: consent asked for properly, robots kept out without a puzzle, one answer for every address."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from sqlalchemy import event

from mailer.addresses import parse_address
from mailer.store.vocabulary import SuppressionReason
from tests.web.conftest import Desk, Reader


@pytest.mark.rule("C2")
@pytest.mark.parametrize("language", ["en", "de"])
def test_all_that_consent_needs_stands_before_the_tick(desk: Desk, language: str) -> None:
    html = desk.client.get(f"/subscribe/weekly?lang={language}").text
    before = html[: html.index('id="consent"')]
    words = {
        "en": ["What for", "How often", "Your right to withdraw", "takes effect at once", "Privacy policy"],
        "de": ["Wofür", "Wie oft", "Ihr Recht auf Widerruf", "der sofort wirkt", "Datenschutzerklärung"],
    }[language]
    facts = ["Ohm &amp; Volt Electronics GmbH", "Lötstraße 12, 10115 Berlin", "every Friday", "one circuit"]
    for expected in (*words, *facts, "mailto:privacy@shop.example", "/privacy/2026-11-22"):
        assert expected in before, expected


@pytest.mark.rule("C1", "C23")
def test_the_tick_is_empty_and_the_address_is_all_that_is_required(desk: Desk) -> None:
    page = desk.get("/subscribe/weekly")
    assert "checked" not in page.input("consent")
    assert {each["name"] for each in page.inputs if "required" in each} == {"email", "consent"}


def test_only_fields_marked_for_the_form_are_asked_for(desk: Desk) -> None:
    names = {each["name"] for each in desk.get("/subscribe/weekly").inputs}
    assert "field.newsletter_name" in names
    assert "field.first_name" not in names


@pytest.mark.rule("E15")
def test_the_address_field_tells_browsers_what_it_is(desk: Desk) -> None:
    field = desk.get("/subscribe/weekly").input("email")
    assert (field["type"], field["autocomplete"]) == ("email", "email")


def test_a_filled_in_form_becomes_a_request_and_nothing_more(desk: Desk) -> None:
    answer = desk.subscribe(
        **{"field.newsletter_name": "Ada", "field.years": "12", "field.reader_since": "2020-02-29"}
    )
    assert answer.status_code == 202
    [request] = desk.requests()
    assert (request.list_name, request.email) == ("weekly", "ada@example.net")
    assert request.fields == {"newsletter_name": "Ada", "years": 12, "reader_since": "2020-02-29"}
    assert desk.state("ada@example.net") is None


@pytest.mark.rule("C3")
def test_the_evidence_holds_every_word_that_was_shown(desk: Desk) -> None:
    desk.client.post(
        "/subscribe/weekly?lang=de",
        data=desk.form("weekly?lang=de"),
        headers={"user-agent": "Firefox\x07/150"},
    )
    evidence = desk.requests()[0].evidence
    assert evidence["ip"] == "127.0.0.1"
    assert evidence["user_agent"] == "Firefox /150"
    assert evidence["form_url"] == "http://127.0.0.1:8025/subscribe/weekly"
    assert evidence["policy_version"] == "2026-11-22.de"
    assert evidence["language"] == "de"
    assert evidence["wording"].endswith(
        "Ja, bitte schicken Sie mir „Ohm & Volt Weekly“ per E-Mail. Ich kann das jederzeit widerrufen."
    )
    for shown in ("Electronics GmbH", "every Friday", "one circuit worth building", "der sofort wirkt"):
        assert shown in evidence["wording"]


@pytest.mark.rule("C1")
def test_without_the_tick_nothing_is_created(desk: Desk) -> None:
    form = desk.form()
    del form["consent"]
    answer = desk.client.post("/subscribe/weekly", data=form)
    assert answer.status_code == 422
    assert "Please tick the box" in answer.text
    assert desk.requests() == []


@pytest.mark.rule("E15")
def test_an_error_is_named_in_text_announced_and_tied_to_its_field(desk: Desk) -> None:
    answer = desk.subscribe(email="ada.example.net")
    page = Reader.of(answer.text)
    assert "alert" in page.roles
    assert page.title.startswith("Please check: ")
    field = page.input("email")
    assert field["aria-invalid"] == "true"
    assert field["aria-describedby"] == "email-hint email-error"
    assert 'id="email-error">The address needs an @' in answer.text
    assert "#email" in page.links


@pytest.mark.rule("D12")
@pytest.mark.parametrize(
    "typed",
    [
        "",
        "ada",
        "a@b@example.net",
        "ada@example.net, bob@example.net",
        "ada@[127.0.0.1]",
        "ada@example.net\nBcc: x@y.z",
    ],
)
def test_what_is_no_address_is_shown_again_as_it_was_typed(desk: Desk, typed: str) -> None:
    answer = desk.subscribe(email=typed, **{"field.newsletter_name": "Ada"})
    page = Reader.of(answer.text)
    assert answer.status_code == 422
    assert page.input("field.newsletter_name")["value"] == "Ada"
    assert "checked" in page.input("consent")
    assert desk.requests() == []


@pytest.mark.rule("A29")
@pytest.mark.parametrize("text", ["Ada\r\nBcc: eve@example.org", "Ada\u2028Lovelace", "A" * 500])
def test_a_field_that_could_reach_a_header_is_refused(desk: Desk, text: str) -> None:
    answer = desk.subscribe(**{"field.newsletter_name": text})
    assert answer.status_code == 422
    assert "on one line" in answer.text


@pytest.mark.parametrize(
    ("name", "text"), [("years", "many"), ("years", "inf"), ("reader_since", "yesterday"), ("years", "1e999")]
)
def test_a_value_of_the_wrong_type_is_explained(desk: Desk, name: str, text: str) -> None:
    answer = desk.subscribe(**{f"field.{name}": text})
    assert answer.status_code == 422
    assert "or leave the field empty" in answer.text


@pytest.mark.rule("D15")
def test_what_was_typed_comes_back_as_text_only(desk: Desk) -> None:
    answer = desk.subscribe(email='"><script>alert(1)</script>')
    assert "<script" not in answer.text


@pytest.mark.rule("D9")
def test_a_form_sent_within_two_seconds_is_shown_again_and_then_works(desk: Desk) -> None:
    form = desk.form()
    form["stamp"] = str(desk.get("/subscribe/weekly").input("stamp")["value"])
    desk.clock.shift(timedelta(seconds=1))
    early = desk.client.post("/subscribe/weekly", data=form)
    assert early.status_code == 422
    page = Reader.of(early.text)
    assert page.input("email")["value"] == "ada@example.net"
    desk.clock.shift(timedelta(seconds=1))
    again = form | {"stamp": str(page.input("stamp")["value"])}
    assert desk.client.post("/subscribe/weekly", data=again).status_code == 202


@pytest.mark.rule("D9")
@pytest.mark.parametrize("stamp", ["", "x", "fAAAA.BBBB.k1"])
def test_a_form_without_a_genuine_stamp_gets_a_fresh_one(desk: Desk, stamp: str) -> None:
    answer = desk.subscribe(stamp=stamp)
    assert answer.status_code == 422
    fresh = str(Reader.of(answer.text).input("stamp")["value"])
    desk.clock.shift(timedelta(seconds=3))
    assert desk.subscribe(stamp=fresh).status_code == 202


@pytest.mark.rule("D9")
def test_a_stamp_is_for_one_list_only(desk: Desk) -> None:
    other = desk.form("clearance")["stamp"]
    assert desk.subscribe(stamp=other).status_code == 422


@pytest.mark.rule("C3")
def test_consent_to_words_that_were_not_shown_is_asked_for_again(desk: Desk) -> None:
    english = desk.form()
    answer = desk.client.post("/subscribe/weekly?lang=de", data=english)
    assert answer.status_code == 422
    assert "sein Text hat sich seitdem geändert" in answer.text
    assert desk.requests() == []


@pytest.mark.rule("D9", "E16")
def test_a_form_left_open_over_lunch_still_works_and_after_two_days_asks_kindly(desk: Desk) -> None:
    form = desk.form()
    desk.clock.shift(timedelta(hours=23))
    assert desk.client.post("/subscribe/weekly", data=form).status_code == 202
    desk.clock.shift(timedelta(hours=24))
    late = desk.client.post("/subscribe/weekly", data=form)
    assert late.status_code == 422
    assert "Nothing you entered is lost" in late.text


@pytest.mark.rule("D9")
def test_the_trap_catches_a_robot_and_lets_a_person_go_on(desk: Desk) -> None:
    answer = desk.subscribe(website="https://spam.example")
    assert answer.status_code == 422
    page = Reader.of(answer.text)
    assert page.input("website")["value"] == ""
    assert desk.requests() == []


@pytest.mark.rule("D9")
def test_the_trap_is_out_of_the_way_of_the_keyboard_and_names_itself(desk: Desk) -> None:
    html = desk.client.get("/subscribe/weekly").text
    assert Reader.of(html).input("website")["tabindex"] == "-1"
    assert "Please leave this field empty" in html


@pytest.mark.parametrize("list_name", ["staff", "nothing"])
def test_a_list_that_is_not_public_cannot_be_told_from_none(desk: Desk, list_name: str) -> None:
    answers = [
        desk.client.get(f"/subscribe/{list_name}"),
        desk.client.post(f"/subscribe/{list_name}", data={"a": "b"}),
    ]
    assert [answer.status_code for answer in answers] == [404, 404]


def _cast(desk: Desk) -> dict[str, str]:
    """One address for each way in which an address can stand with us."""
    desk.join("confirmed@example.net")
    desk.join("pending@example.net", confirm=False)
    left = desk.leave_token(desk.join("left@example.net"))
    desk.client.post(f"/u/{left}", data={"choice": "list"})
    blocked = desk.not_me_token("blocked@example.net")
    desk.client.post(f"/not-me/{blocked}", data={"choice": "not-me"})
    for name, reason in (
        ("bounced", SuppressionReason.HARD_BOUNCE),
        ("complained", SuppressionReason.COMPLAINT),
    ):
        desk.site.suppressions.add(parse_address(f"{name}@example.net"), reason, list_name=None, note="test")
    names = ("new", "confirmed", "pending", "left", "blocked", "bounced", "complained")
    return {name: f"{name}@example.net" for name in names}


@pytest.mark.rule("D7")
def test_the_form_answers_alike_whoever_the_address_belongs_to(desk: Desk) -> None:
    answers = {}
    for name, email in _cast(desk).items():
        answer = desk.subscribe(email=email)
        answers[name] = (answer.status_code, answer.text, tuple(answer.headers.items()))
    assert len(set(answers.values())) == 1, answers.keys()


@pytest.mark.rule("D7")
def test_the_json_endpoint_answers_alike_whoever_the_address_belongs_to(desk: Desk) -> None:
    answers = {}
    for name, email in _cast(desk).items():
        answer = desk.client.post("/subscribe/weekly", json=desk.form(email=email))
        answers[name] = (answer.status_code, answer.text, tuple(answer.headers.items()))
    assert len(set(answers.values())) == 1
    assert json.loads(next(iter(answers.values()))[1])["status"] == "accepted"


@pytest.mark.rule("D7")
def test_a_request_costs_the_same_writes_for_everybody(desk: Desk) -> None:
    cast = _cast(desk)
    before = len(desk.requests())
    for email in cast.values():
        desk.subscribe(email=email)
    assert len(desk.requests()) == before + len(cast)


def test_json_tells_a_page_of_the_shop_what_it_must_show(desk: Desk) -> None:
    told = desk.client.get("/subscribe/weekly", headers={"accept": "application/json"}).json()
    assert (
        told["consent"]
        == "Yes, please send me “Ohm & Volt Weekly” by e-mail. I can withdraw this at any time."
    )
    assert told["fields"]["years"] == {"type": "number", "label": "Years at the bench"}
    assert told["shown_before_the_tick"][-1] == told["consent"]
    desk.clock.shift(timedelta(seconds=3))
    sent = {"email": "ada@example.net", "consent": True, "stamp": told["stamp"], "field.years": 3}
    assert desk.client.post("/subscribe/weekly", json=sent).status_code == 202
    assert desk.requests()[0].evidence["wording"] == "\n".join(told["shown_before_the_tick"])


@pytest.mark.rule("D9")
def test_json_is_held_to_the_same_rules_as_the_form(desk: Desk) -> None:
    answer = desk.client.post("/subscribe/weekly", json={"email": "nobody", "consent": False})
    assert answer.status_code == 422
    assert set(answer.json()["errors"]) == {"email", "consent", "form"}


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'"x"', b"[" * 16000, b"\xff\xfe", b"null"])
def test_json_that_is_none_is_refused_in_json(desk: Desk, body: bytes) -> None:
    answer = desk.client.post("/subscribe/weekly", content=body, headers={"content-type": "application/json"})
    assert answer.status_code == 400
    assert answer.json()["status"] == "error"


@pytest.mark.parametrize("email", [None, 5, ["ada@example.net"], {"a": 1}, True])
def test_json_of_the_wrong_kind_is_no_address(desk: Desk, email: object) -> None:
    answer = desk.client.post("/subscribe/weekly", json=desk.form() | {"email": email})
    assert answer.status_code == 422
    assert "email" in answer.json()["errors"]


@pytest.mark.rule("D7")
def test_the_same_work_is_done_whoever_the_address_belongs_to(desk: Desk) -> None:
    """Not one statement more or less before the answer: what takes as long cannot be told apart by time."""
    form, work = desk.form(), {}
    for name, email in _cast(desk).items():
        statements: list[str] = []

        def note(*given: object, into: list[str] = statements) -> None:
            into.append(str(given[2]))

        event.listen(desk.store.engine, "before_cursor_execute", note)
        desk.client.post("/subscribe/weekly", data=form | {"email": email})
        event.remove(desk.store.engine, "before_cursor_execute", note)
        work[name] = statements
    assert any("INSERT INTO signup_requests" in statement for statement in work["new"])
    assert [name for name, statements in work.items() if statements != work["new"]] == []
