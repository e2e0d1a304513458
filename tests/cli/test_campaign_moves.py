"""Pause, resume and cancel from the command line, in every state a campaign can be in."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import select, update

from mailer import clock
from mailer.cli.main import main
from mailer.site import SiteFolder
from mailer.store import Store, open_store
from mailer.store.schema import Campaign, Delivery, LedgerEntry
from mailer.store.vocabulary import CampaignState, DeliveryState
from tests.campaigns.conftest import GOOD, Crowd, crowd_of, service_of

#: What each word does in each state: the new state, or None for a refusal.
TABLE: dict[tuple[str, str], str | None] = {
    ("scheduled", "pause"): "paused",
    ("scheduled", "resume"): None,
    ("scheduled", "cancel"): "cancelled",
    ("sending", "pause"): "paused",
    ("sending", "resume"): None,
    ("sending", "cancel"): "cancelled",
    ("paused", "pause"): None,
    ("paused", "resume"): "sending",
    ("paused", "cancel"): "cancelled",
    ("cancelled", "pause"): None,
    ("cancelled", "resume"): None,
    ("cancelled", "cancel"): None,
    ("finished", "pause"): None,
    ("finished", "resume"): None,
    ("finished", "cancel"): None,
}


class Desk:
    """Staff at a terminal, and the clock that drives the campaign meanwhile."""

    def __init__(self, folder: SiteFolder, store: Store, crowd: Crowd, campaigns) -> None:
        self.folder, self.store, self.crowd, self.campaigns = folder, store, crowd, campaigns

    def run(self, *words: str) -> Result:
        """One command; nobody is asked anything."""
        return CliRunner().invoke(main, ["campaign", *words, "--site", str(self.folder.root)])

    def bring_to(self, state: str) -> None:
        """A campaign to three people, in that state."""
        self.crowd.join(3)
        self.campaigns.schedule("week-48", "in 2 hours", expect=3)
        ROADS[state](self)
        assert self.state == state

    def start(self) -> None:
        """Two hours pass."""
        with self.store.write() as connection:
            connection.execute(update(Campaign).values(scheduled_at=clock.now() - timedelta(seconds=1)))
        for campaign in self.campaigns.start_due(clock.now()):
            while self.campaigns.materialise_slice(campaign):
                pass

    def send_all(self) -> None:
        """Everybody gets it."""
        with self.store.write() as connection:
            values = {"state": DeliveryState.ACCEPTED, "next_attempt_at": None, "settled_at": clock.now()}
            connection.execute(update(Delivery).values(values))
        self.campaigns.finish_done()

    @property
    def state(self) -> str:
        """Where the campaign stands."""
        with self.store.read() as connection:
            return connection.scalars(select(Campaign.state)).one().value

    def told(self) -> dict:
        """What `status --json` says."""
        return json.loads(self.run("status", "week-48", "--json").stdout)


def _start_and(*more: Callable[[Desk], object]) -> Callable[[Desk], None]:
    def road(desk: Desk) -> None:
        for act in (Desk.start, *more):
            act(desk)

    return road


ROADS: dict[str, Callable[[Desk], None]] = {
    "scheduled": lambda _desk: None,
    "sending": _start_and(),
    "paused": _start_and(lambda desk: desk.campaigns.pause("week-48")),
    "cancelled": _start_and(lambda desk: desk.campaigns.cancel("week-48")),
    "finished": _start_and(Desk.send_all),
}


@pytest.fixture
def desk(site_folder: SiteFolder, settings, secrets, ledger, _sqlite_template: Path):
    """A site on disk with one campaign folder."""
    shutil.copy(_sqlite_template, site_folder.data / "mailer.db")
    (site_folder.data / "mailer.db").chmod(0o600)
    path = site_folder.campaigns / "week-48" / "campaign.md"
    path.parent.mkdir()
    path.write_text(GOOD, encoding="utf-8")
    store = open_store("sqlite:///data/mailer.db", root=site_folder.root)
    crowd = crowd_of(store, settings, secrets)
    yield Desk(site_folder, store, crowd, service_of(store, settings, secrets, site_folder, ledger))
    store.dispose()


@pytest.mark.parametrize(
    ("state", "word", "leads_to"), [(*key, value) for key, value in TABLE.items() if value is not None]
)
def test_what_is_possible_is_done_and_on_record(desk: Desk, state: str, word: str, leads_to: str) -> None:
    desk.bring_to(state)
    yes = ["--yes"] if word == "cancel" else []
    done = desk.run(word, "week-48", *yes)
    assert done.exit_code == 0, done.output
    assert desk.state == leads_to
    with desk.store.read() as connection:
        last = connection.execute(
            select(LedgerEntry.event, LedgerEntry.payload).order_by(LedgerEntry.id.desc())
        ).first()
    assert last is not None
    assert last.event == word
    assert json.loads(last.payload)["was"] == state


@pytest.mark.parametrize(("state", "word"), [key for key, value in TABLE.items() if value is None])
def test_what_is_impossible_is_one_sentence_and_changes_nothing(desk: Desk, state: str, word: str) -> None:
    desk.bring_to(state)
    before = desk.told()
    refused = desk.run(word, "week-48", *(["--yes"] if word == "cancel" else []))
    assert refused.exit_code == 1
    assert refused.stdout == ""
    past = {"pause": "paused", "resume": "resumed", "cancel": "cancelled"}[word]
    why = f"{state} already" if past == state else f"{state}, so it cannot be {past}"
    assert f"The campaign week-48 is {why}." in refused.stderr
    assert refused.stderr.count("\n") == 1
    assert desk.told() == before


@pytest.mark.parametrize("words", [(), ("--dry-run",)])
def test_nobody_is_asked_whether_to_cancel_what_has_ended(desk: Desk, words: tuple[str, ...]) -> None:
    desk.bring_to("finished")
    refused = desk.run("cancel", "week-48", *words)
    assert (refused.exit_code, refused.stdout) == (1, "")
    assert "is finished, so it cannot be cancelled" in refused.stderr


def test_a_campaign_cancelled_before_its_time_does_not_say_that_it_leaves(desk: Desk) -> None:
    desk.bring_to("scheduled")
    desk.run("cancel", "week-48", "--yes")
    told = desk.run("status", "week-48").stdout
    assert "leaves" not in told and "was to leave" in told
    assert "it reached nobody" in told


def test_the_table_above_covers_every_state() -> None:
    assert {state for state, _word in TABLE} == {state.value for state in CampaignState}


def test_a_campaign_paused_before_its_time_starts_at_its_time_once_it_is_resumed(desk: Desk) -> None:
    desk.bring_to("scheduled")
    desk.run("pause", "week-48")
    desk.start()
    assert desk.state == "paused"
    assert "week-48 is scheduled again" in desk.run("resume", "week-48").stdout
    desk.start()
    assert desk.state == "sending"


@pytest.mark.rule("E18")
def test_a_held_campaign_goes_on_with_the_very_command_that_its_status_names(desk: Desk) -> None:
    desk.bring_to("scheduled")
    desk.crowd.join(7)
    desk.start()
    assert desk.state == "paused"
    reason = desk.told()["reason"]
    assert "The audience is 10 now; 3 was approved" in reason
    command = reason.split("`mailer campaign ")[1].split("`")[0].split()
    refused = desk.run(*command[:2])
    assert refused.exit_code == 1
    assert "The audience is 10 now" in refused.stderr
    wrong = desk.run(*command[:3], "9")
    assert "The audience of week-48 is 10, not 9. Nothing was changed." in wrong.stderr
    assert desk.run(*command).exit_code == 0
    desk.start()
    assert (desk.state, desk.told()["audience"]) == ("sending", 10)


def test_a_pause_that_was_for_a_reason_forgets_it_when_the_sending_goes_on(desk: Desk) -> None:
    desk.bring_to("sending")
    desk.run("pause", "week-48", "--reason", "the price is wrong")
    assert desk.told()["reason"] == "the price is wrong"
    desk.run("resume", "week-48")
    assert desk.told()["reason"] is None


def test_a_cancel_before_the_time_reaches_nobody_and_frees_the_folder(desk: Desk) -> None:
    desk.bring_to("scheduled")
    assert "3 people would not get it" in desk.run("cancel", "week-48", "--dry-run").stdout
    assert "3 people will not get it" in desk.run("cancel", "week-48", "--yes").stdout
    desk.start()
    assert desk.state == "cancelled"
    again = desk.run("schedule", "week-48", "--now", "--expect", "3")
    assert again.exit_code == 0, again.output


def test_who_has_the_mail_keeps_it_when_the_rest_is_cancelled(desk: Desk) -> None:
    desk.bring_to("sending")
    with desk.store.write() as connection:
        first = connection.scalars(select(Delivery.id).order_by(Delivery.id)).first()
        row = update(Delivery).where(Delivery.id == first)
        connection.execute(
            row.values(state=DeliveryState.ACCEPTED, next_attempt_at=None, settled_at=clock.now())
        )
    assert "2 people will not get it" in desk.run("cancel", "week-48", "--yes").stdout
    told = desk.told()
    assert (told["accepted"], told["skipped"], told["skipped_by_reason"]) == (1, 2, {"cancelled": 2})


@pytest.mark.parametrize("word", ["pause", "resume", "cancel"])
def test_a_folder_that_was_never_scheduled_is_one_sentence(desk: Desk, word: str) -> None:
    refused = desk.run(word, "week-48")
    assert (refused.exit_code, refused.stdout) == (1, "")
    assert refused.stderr.startswith("mailer: The campaign week-48 was never scheduled.")


def test_watching_an_ended_campaign_shows_it_once_and_returns(desk: Desk) -> None:
    desk.bring_to("finished")
    shown = desk.run("status", "week-48", "--watch")
    assert shown.exit_code == 0
    assert shown.stdout.count("week-48") == 1
    assert "100 % of 3" in shown.stdout
