"""`mailer delivery`: what staff read of single messages, and never an address."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import delete, insert, update

from mailer.application import open_site
from mailer.cli.main import main
from mailer.delivery.read import reply_words
from mailer.site import SiteFolder
from mailer.store.schema import Artefact, Campaign, Delivery, Subscriber, Subscription

NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
SAID = "550 5.1.1 <ada@example.net>: no\r\n such user \x1b[31m"

DELIVERIES: list[dict[str, Any]] = [
    {"state": "accepted", "attempts": 1, "reply_code": 250, "status": "2.0.0", "reply": "2.0.0 ok", "settled_at": NOW},
    {"state": "rejected", "attempts": 1, "reply_code": 550, "status": "5.1.1", "reply": SAID, "settled_at": NOW},
    {"state": "deferred", "attempts": 2, "reply_code": 451, "next_attempt_at": NOW + timedelta(hours=1)},
    {"state": "skipped", "skip_reason": "unsubscribed", "settled_at": NOW},
    {"state": "unknown", "attempts": 1, "reply": "connection lost after the data", "settled_at": NOW},
    {"state": "queued", "next_attempt_at": NOW, "kind": "confirmation", "stream": 0, "campaign_id": None},
]  # fmt: skip
PERSON = {
    "email": "ada@example.net", "email_key": "ada@example.net", "email_hash": bytes(32), "domain": "example.net",
    "language": "en", "fields": {}, "created_at": NOW, "updated_at": NOW,
}  # fmt: skip


@pytest.fixture
def run(site_folder: SiteFolder, _sqlite_template: Path) -> Callable[..., Result]:
    """Type a `mailer delivery` command in a site whose one campaign met every kind of answer."""
    shutil.copy(_sqlite_template, site_folder.data / "mailer.db")
    site = open_site(site_folder.root, {})
    with site.store.write() as connection:
        connection.execute(insert(Subscriber), [PERSON])
        connection.execute(insert(Artefact), [{"hash": "a" * 64, "content": b"", "created_at": NOW}])
        campaign = {
            "tag": b"sixsix", "slug": "week-48", "subject": "Ten LEDs", "list_id": 1, "state": "sending",
            "artefact_hash": "a" * 64, "scheduled_at": NOW, "timezone": "UTC", "expected_count": 1, "created_at": NOW,
        }  # fmt: skip
        connection.execute(insert(Campaign), [campaign])
        subscription = {
            "subscriber_id": 1, "list_id": 1, "tag": bytes(16), "state": "confirmed", "source": "x",
            "requested_at": NOW,
        }  # fmt: skip
        connection.execute(insert(Subscription), [subscription])
        for number, row in enumerate(DELIVERIES):
            plain = {
                "stream": 1,
                "kind": "campaign",
                "campaign_id": 1,
                "domain": "example.net",
                "created_at": NOW,
            }
            mine = {"subscription_id": 1} if number == 1 else {}
            connection.execute(insert(Delivery), [plain | mine | row])
    site.close()

    def type_in(*words: str) -> Result:
        return CliRunner().invoke(main, ["delivery", *words, "--site", str(site_folder.root)])

    return type_in


def listed(run: Callable[..., Result], *words: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(run("list", "--json", *words).stdout)
    return found


def test_the_newest_delivery_stands_first(run: Callable[..., Result]) -> None:
    assert [each["id"] for each in listed(run)] == [6, 5, 4, 3, 2, 1]
    assert [each["id"] for each in listed(run, "--limit", "2")] == [6, 5]


@pytest.mark.parametrize("number", range(len(DELIVERIES)))
def test_each_state_can_be_asked_for_alone(run: Callable[..., Result], number: int) -> None:
    state = DELIVERIES[number]["state"]
    assert [(each["id"], each["state"]) for each in listed(run, "--state", state)] == [(number + 1, state)]


def test_a_state_and_a_campaign_cut_together(run: Callable[..., Result]) -> None:
    assert [each["id"] for each in listed(run, "--campaign", "week-48", "--state", "rejected")] == [2]
    assert [each["id"] for each in listed(run, "--campaign", "week-48")] == [5, 4, 3, 2, 1]


@pytest.mark.rule("D23", "D25")
def test_no_list_shows_an_address(run: Callable[..., Result]) -> None:
    """Not even the one that a server repeated in its reply: the table has its code alone."""
    assert "ada@" not in run("list").stdout
    assert [each["masked"] for each in listed(run, "--state", "rejected")] == ["a…@example.net"]
    assert [each["masked"] for each in listed(run, "--state", "accepted")] == ["…@example.net"]


def test_the_table_names_campaign_state_tries_and_answer(run: Callable[..., Result]) -> None:
    rows = [line.split() for line in run("list").stdout.splitlines() if line.strip()[:1].isdigit()]
    told = {row[0]: " ".join(row) for row in rows}
    assert "week-48 rejected 1 550 5.1.1" in told["2"]
    skipped = run("list", "--state", "skipped").stdout
    assert "week-48 skipped 0 unsubscribed -" in " ".join(skipped.split())
    assert "confirmation queued 0" in " ".join(run("list", "--state", "queued").stdout.split())
    assert "connection" in run("list", "--state", "unknown").stdout
    assert "451" in told["3"]


def test_a_delivery_for_programs_has_every_name(run: Callable[..., Result]) -> None:
    one = json.loads(run("show", "3", "--json").stdout)
    assert set(one) == {
        "id", "kind", "campaign", "masked", "state", "skip_reason", "attempts", "next_attempt_at", "attempted_at",
        "settled_at", "reply_code", "status", "reply", "relay", "message_id", "digest", "created_at",
    }  # fmt: skip
    assert one["next_attempt_at"] == "2026-11-22T10:00:00+00:00"
    assert (one["campaign"], one["kind"], one["status"]) == ("week-48", "campaign", None)
    assert one in listed(run)


def test_one_delivery_is_told_in_plain_names_and_short_times(run: Callable[..., Result]) -> None:
    shown = run("show", "3").stdout
    assert "recipient   …@example.net" in shown and "masked" not in shown
    assert "next try    2026-11-22 10:00\n" in shown


def test_a_status_that_the_server_repeats_is_shown_once(run: Callable[..., Result]) -> None:
    assert "reply       250 2.0.0 ok\n" in run("show", "1").stdout


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ("5.1.1 No such user", "No such user"),
        ("550 5.1.1 No such user", "No such user"),
        ("550-5.1.1 No such user", "No such user"),
        ("No such user", "No such user"),
        ("5.1.10 is another status", "5.1.10 is another status"),
        ("5500 messages too many", "5500 messages too many"),
        ("", ""),
    ],
)
def test_only_the_code_and_status_themselves_are_left_out_of_a_reply(said: str, words: str) -> None:
    assert reply_words(550, "5.1.1", said) == words


def test_an_address_is_cut_off_rather_than_broken_over_lines(
    run: Callable[..., Result], monkeypatch: pytest.MonkeyPatch, site_folder: SiteFolder
) -> None:
    site = open_site(site_folder.root, {})
    with site.store.write() as connection:
        connection.execute(update(Delivery).values(domain=f"{'long-' * 11}name.example"))
    site.close()
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setattr("mailer.cli.output._is_terminal", lambda: True)
    shown = run("list").stdout
    assert shown.count("…@long-") == 5 and ".example" not in shown


@pytest.mark.parametrize(
    ("words", "said"),
    [((), "Nothing was sent yet.\n"), (("--state", "expired"), "There is no such delivery.\n")],
)
def test_an_empty_list_is_one_sentence(
    run: Callable[..., Result], site_folder: SiteFolder, words: tuple[str, ...], said: str
) -> None:
    site = open_site(site_folder.root, {})
    with site.store.write() as connection:
        connection.execute(delete(Delivery))
    site.close()
    assert run("list", *words).stdout == said
    assert run("list", *words, "--json").stdout == "[]\n"


@pytest.mark.rule("D26")
def test_a_servers_words_are_shown_in_full_on_one_line(run: Callable[..., Result]) -> None:
    (line,) = [each for each in run("show", "2").stdout.splitlines() if each.strip().startswith("reply  ")]
    assert line.endswith(r"550 5.1.1 <ada@example.net>: no\r\n such user \x1b[31m")


def test_what_is_not_known_is_a_dash(run: Callable[..., Result]) -> None:
    facts = dict(
        line.split(maxsplit=1) for line in run("show", "4").stdout.splitlines()[1:] if len(line.split()) == 2
    )
    assert facts["reply"] == "-" and facts["digest"] == "-"
    assert run("show", "4").stdout.startswith("Delivery 4 (times are UTC)\n")


def test_a_table_fits_80_columns_of_a_terminal(
    run: Callable[..., Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setattr("mailer.cli.output._is_terminal", lambda: True)
    assert max(len(line) for line in run("list").stdout.splitlines()) <= 80
