"""`mailer campaign`: what staff type, what they read, and how it ends."""

from __future__ import annotations

import json
import os
import shutil
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import insert, select

from mailer import clock
from mailer.addresses import parse_address
from mailer.application import Site, open_site
from mailer.cli.main import main
from mailer.keyring import address_hash
from mailer.site import SiteFolder
from mailer.store.schema import Campaign, Delivery, MailingList, Subscriber, Subscription
from mailer.store.vocabulary import SubscriptionState

GOOD = """\
---
subject: Ten red LEDs for you
preheader: Clearance stock, a new resistor kit, and one circuit that is worth building.
list: weekly
---

# Ten red LEDs

Hello {{ subscriber.first_name | default("there") }}, here is what is new this week in the shop.

- A kit of six hundred resistors, sorted by value
- Ten red LEDs for the price of eight
"""


@pytest.fixture(autouse=True)
def database(site_folder: SiteFolder, _sqlite_template: Path) -> None:
    """A migrated database, copied: migrating a new one for each test takes a second."""
    shutil.copy(_sqlite_template, site_folder.data / "mailer.db")
    (site_folder.data / "mailer.db").chmod(0o600)


def run(folder: SiteFolder, *words: str, code: int = 0, text: str | None = None) -> Result:
    done = CliRunner().invoke(main, ["campaign", *words, "--site", str(folder.root)], input=text)
    assert done.exit_code == code, done.output
    return done


def write(folder: SiteFolder, text: str = GOOD, slug: str = "week-48") -> Path:
    path = folder.campaigns / slug / "campaign.md"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def with_site(folder: SiteFolder, act):
    """Do something with the running site and close it again."""
    site = open_site(folder.root, {})
    try:
        return act(site)
    finally:
        site.close()


def join(folder: SiteFolder, count: int) -> None:
    """Confirmed readers of the weekly list."""
    then = clock.now() - timedelta(days=3)

    def act(site: Site) -> None:
        with site.store.write() as connection:
            list_id = connection.scalar(select(MailingList.id).where(MailingList.name == "weekly"))
            for number in range(count):
                address = parse_address(f"reader{number}@inbox.example")
                person = {
                    "email": str(address),
                    "email_key": address.key,
                    "email_hash": address_hash(site.secrets, address),
                    "domain": address.domain,
                    "language": "en",
                    "fields": {"first_name": "Grace"},
                    "created_at": then,
                    "updated_at": then,
                }
                subscriber = connection.execute(
                    insert(Subscriber).values(person).returning(Subscriber.id)
                ).scalar_one()
                subscription = {
                    "subscriber_id": subscriber,
                    "list_id": list_id,
                    "tag": os.urandom(16),
                    "state": SubscriptionState.CONFIRMED,
                    "source": "form",
                    "requested_at": then,
                    "confirmed_at": then,
                }
                connection.execute(insert(Subscription).values(subscription))

    with_site(folder, act)


def materialise(folder: SiteFolder) -> None:
    """What the scheduler does with a due campaign."""

    def act(site: Site) -> None:
        for campaign_id in site.campaigns.start_due(clock.now()):
            while site.campaigns.materialise_slice(campaign_id):
                pass

    with_site(folder, act)


def column(folder: SiteFolder, wanted) -> list:
    def act(site: Site) -> list:
        with site.store.read() as connection:
            return list(connection.scalars(select(wanted)))

    return with_site(folder, act)


# --- new, check ----------------------------------------------------------------------------------


def test_a_new_campaign_passes_its_check(site_folder):
    told = run(site_folder, "new", "week-48").stdout
    assert "campaigns/week-48/campaign.md is there to be written" in told
    assert "nothing to complain about" in run(site_folder, "check", "week-48").stdout


def test_a_new_campaign_never_overwrites_one(site_folder):
    path = write(site_folder)
    assert "exists already" in run(site_folder, "new", "week-48", code=1).stderr
    assert path.read_text(encoding="utf-8") == GOOD


@pytest.mark.rule("E18")
def test_a_finding_is_printed_with_rule_place_the_line_itself_and_the_remedy(site_folder):
    write(site_folder, GOOD.replace("list: weekly", "list: weakly"))
    printed = run(site_folder, "check", "week-48", code=1).stdout
    assert printed == (
        "error[unknown-list] there is no list `weakly` in mailer.toml\n"
        "  ┌ campaigns/week-48/campaign.md:4\n"
        "  │ list: weakly\n"
        "  └ Did you mean `weekly`?\n"
        "\n"
        "week-48: 1 error, 0 warnings.\n"
    )


def test_findings_can_be_read_by_a_program(site_folder):
    write(site_folder, GOOD.replace("preheader", "prehaeder"))
    told = json.loads(run(site_folder, "check", "week-48", "--json", code=1).stdout)
    assert (told["passed"], told["recipients_rendered"]) == (False, 0)
    assert told["findings"][0] == {
        "severity": "error",
        "rule": "unknown-key",
        "path": "campaigns/week-48/campaign.md",
        "line": 3,
        "message": "there is no `prehaeder` in a campaign",
        "remedy": "Did you mean `preheader`?",
    }


def test_what_a_file_holds_cannot_paint_the_terminal(site_folder):
    write(site_folder, GOOD.replace("list: weekly", "list: weekly\nx\u009b31m: y"))
    printed = run(site_folder, "check", "week-48", code=1).stdout
    assert "\x9b" not in printed
    assert "\x1b" not in printed


def test_the_real_subscribers_tried_are_counted(site_folder):
    write(site_folder)
    join(site_folder, 3)
    assert "Rendered for 3 real subscribers" in run(site_folder, "check", "week-48").stdout


# --- preview, proof ------------------------------------------------------------------------------


def test_a_preview_prints_the_text_part_under_its_subject(site_folder):
    write(site_folder)
    printed = run(site_folder, "preview", "week-48").stdout
    assert printed.startswith("Subject: Ten red LEDs for you\n\n")
    assert "Hello Ada" in printed


def test_a_preview_for_a_subscriber_uses_their_values(site_folder):
    write(site_folder)
    join(site_folder, 1)
    assert "Hello Grace" in run(site_folder, "preview", "week-48", "--for", "reader0@inbox.example").stdout


def test_the_raw_message_is_printed_as_it_would_leave(site_folder):
    write(site_folder)
    raw = run(site_folder, "preview", "week-48", "--part", "raw").stdout_bytes
    assert b"\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n" in raw
    assert b"\n" not in raw.replace(b"\r\n", b"")


def test_a_preview_can_be_written_to_a_folder(site_folder, tmp_path):
    write(site_folder)
    printed = run(site_folder, "preview", "week-48", "--out", str(tmp_path / "look")).stdout
    assert printed.split() == [
        str(tmp_path / "look" / name) for name in ("preview.html", "preview.txt", "message.eml")
    ]
    assert "<html" in (tmp_path / "look" / "preview.html").read_text(encoding="utf-8")


@pytest.mark.rule("A90")
def test_a_proof_goes_to_the_colleagues_of_the_settings_only(site_folder):
    write(site_folder)
    settings = site_folder.settings_path
    text = settings.read_text(encoding="utf-8")
    settings.write_text(
        text.replace("[sending]", '[sending]\nproof_addresses = ["mia@shop.example"]'), encoding="utf-8"
    )

    assert "on its way to mia@shop.example" in run(site_folder, "proof", "week-48").stdout
    assert "may not get a proof" in run(site_folder, "proof", "week-48", "x@y.example", code=1).stderr
    told = json.loads(run(site_folder, "proof", "week-48", "--json").stdout)
    assert len(told["deliveries"]) == 1
    assert len(column(site_folder, Delivery.id)) == 2


# --- schedule ------------------------------------------------------------------------------------


def test_the_plan_is_shown_before_the_count_is_asked(site_folder):
    write(site_folder)
    join(site_folder, 3)
    done = run(site_folder, "schedule", "week-48", "2027-01-15 09:00 Asia/Tokyo", code=1)
    assert "Friday, 15 January 2027, 09:00 Asia/Tokyo" in done.stdout
    assert "2027-01-15 00:00" in done.stdout
    assert "3 people" in done.stdout
    assert "State how many people this reaches: `--expect 3`" in done.stderr
    assert column(site_folder, Campaign.id) == []


@pytest.mark.rule("D24")
def test_the_stated_count_schedules_the_campaign(site_folder):
    write(site_folder)
    join(site_folder, 3)
    printed = run(site_folder, "schedule", "week-48", "tomorrow", "9am", "--expect", "3").stdout
    assert "week-48 is scheduled: 3 people" in printed
    assert column(site_folder, Campaign.slug) == ["week-48"]


@pytest.mark.rule("D24")
def test_a_wrong_count_schedules_nothing(site_folder):
    write(site_folder)
    join(site_folder, 3)
    assert (
        "3 people, not 30"
        in run(site_folder, "schedule", "week-48", "--now", "--expect", "30", code=1).stderr
    )
    assert column(site_folder, Campaign.id) == []


def test_a_person_at_a_terminal_types_the_count(site_folder, monkeypatch):
    write(site_folder)
    join(site_folder, 3)
    monkeypatch.setattr("mailer.cli.campaign_send.can_ask", lambda: True)
    refused = run(site_folder, "schedule", "week-48", "--now", code=1, text="4\n")
    assert "Type the number of people it reaches" in refused.stdout
    assert "3 people, not 4" in refused.stderr
    assert "is scheduled" in run(site_folder, "schedule", "week-48", "--now", text="3\n").stdout


def test_a_dry_run_shows_the_plan_and_changes_nothing(site_folder):
    write(site_folder)
    join(site_folder, 2)
    assert "2 people" in run(site_folder, "schedule", "week-48", "--now", "--dry-run").stdout
    told = json.loads(run(site_folder, "schedule", "week-48", "--now", "--dry-run", "--json").stdout)
    assert (told["audience"], told["rate"], told["expected_end"]) == (2, "unlimited", None)
    assert column(site_folder, Campaign.id) == []


def test_scheduling_by_a_program_prints_one_json_document(site_folder):
    write(site_folder)
    join(site_folder, 2)
    told = json.loads(run(site_folder, "schedule", "week-48", "--now", "--expect", "2", "--json").stdout)
    assert (told["audience"], told["slug"]) == (2, "week-48")
    assert len(told["artefact"]) == 64


@pytest.mark.rule("E18")
def test_a_campaign_with_an_error_is_not_scheduled_and_says_why(site_folder):
    write(site_folder, GOOD.replace("list: weekly", "list: weakly"))
    done = run(site_folder, "schedule", "week-48", "--now", "--expect", "1", code=1)
    assert "error[unknown-list]" in done.stdout
    assert "has 1 error" in done.stderr
    told = run(site_folder, "schedule", "week-48", "--now", "--expect", "1", "--json", code=1)
    assert json.loads(told.stdout)["findings"][0]["rule"] == "unknown-list"


@pytest.mark.parametrize("words", [[], ["--now", "tomorrow 9am"]])
def test_saying_no_time_or_two_is_a_usage_error(site_folder, words):
    write(site_folder)
    assert "Say when" in run(site_folder, "schedule", "week-48", *words, code=2).stderr


def test_a_time_that_is_not_understood_is_one_sentence(site_folder):
    write(site_folder)
    done = run(site_folder, "schedule", "week-48", "9am", code=1)
    assert done.stderr == 'mailer: \'9am\' has no day. Say "today 9am" or "tomorrow 9am".\n'


# --- pause, resume, cancel, status ---------------------------------------------------------------


@pytest.fixture
def sending(site_folder) -> SiteFolder:
    """A campaign to three people that has started."""
    write(site_folder)
    join(site_folder, 3)
    run(site_folder, "schedule", "week-48", "--now", "--expect", "3")
    materialise(site_folder)
    return site_folder


def test_pause_and_resume_say_what_is_waiting_and_how_to_go_on(sending):
    paused = run(sending, "pause", "week-48", "--reason", "typo").stdout
    assert paused == "week-48 is paused; 3 are waiting. Go on with: mailer campaign resume week-48\n"
    assert "typo" in run(sending, "status", "week-48").stdout
    assert "week-48 is sending again" in run(sending, "resume", "week-48").stdout
    assert "cannot be resumed" in run(sending, "resume", "week-48", code=1).stderr


def test_cancel_asks_first(sending):
    assert "Aborted" in run(sending, "cancel", "week-48", code=1, text="n\n").stderr
    done = run(sending, "cancel", "week-48", text="y\n").stdout
    assert "week-48 is cancelled; 3 people will not get it." in done
    assert set(column(sending, Delivery.skip_reason)) == {"cancelled"}


def test_a_dry_cancel_changes_nothing(sending):
    printed = run(sending, "cancel", "week-48", "--dry-run").stdout
    assert printed == "week-48 would end; 3 people would not get it. Nothing was changed.\n"
    assert set(column(sending, Delivery.skip_reason)) == {None}


def test_cancel_can_be_told_not_to_ask(sending):
    run(sending, "cancel", "week-48", "--yes", "--reason", "wrong price")
    assert "wrong price" in run(sending, "status", "week-48").stdout


def test_the_status_of_one_campaign_adds_up(sending):
    told = json.loads(run(sending, "status", "week-48", "--json").stdout)
    states = ("queued", "attempting", "accepted", "deferred", "rejected", "expired", "skipped", "unknown")
    assert told["audience"] == 3 == told["not_materialised"] + sum(told[state] for state in states)
    printed = run(sending, "status", "week-48").stdout
    assert "0 % of 3" in printed
    assert "3  queued" in printed


def test_the_status_of_all_is_a_table_or_a_list(sending):
    assert "week-48" in run(sending, "status").stdout
    assert [one["slug"] for one in json.loads(run(sending, "status", "--json").stdout)] == ["week-48"]


def test_an_empty_schedule_says_how_to_start(site_folder):
    assert "mailer campaign new SLUG" in run(site_folder, "status").stdout
    assert "was never scheduled" in run(site_folder, "status", "week-48", code=1).stderr


def test_watching_without_a_terminal_prints_once(sending):
    assert "3  queued" in run(sending, "status", "week-48", "--watch").stdout


@pytest.mark.parametrize("words", [["--watch"], ["week-48", "--watch", "--json"]])
def test_what_cannot_be_watched_is_a_usage_error(sending, words):
    assert "--watch shows one campaign" in run(sending, "status", *words, code=2).stderr


def test_every_command_explains_itself():
    helped = CliRunner().invoke(main, ["campaign", "--help"]).stdout
    for name in ("new", "check", "preview", "proof", "schedule", "pause", "resume", "cancel", "status"):
        assert f"\n  {name} " in helped
        told = CliRunner().invoke(main, ["campaign", name, "--help"])
        assert told.exit_code == 0
        assert "Options:" in told.stdout
