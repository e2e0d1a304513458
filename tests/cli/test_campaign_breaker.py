"""A campaign that a breaker paused, as staff meet it in a terminal: what is wrong, what to do, going on."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import insert, select, update

from mailer import clock
from mailer.application import Site, open_site
from mailer.cli import campaign_send
from mailer.cli.main import main
from mailer.site import SiteFolder
from mailer.store.schema import Campaign, Delivery, LedgerEntry, Report
from mailer.store.vocabulary import CampaignState, DeliveryState, ReportKind
from tests.delivery.world import World

BARRED = {"state": DeliveryState.REJECTED, "reply_code": 550, "status": "5.7.26", "reply": "5.7.26 no DKIM"}
MENDED = ("--mended", "published the DKIM record")


class Desk:
    """A site whose campaign has been paused, and the staff."""

    def __init__(self, folder: SiteFolder, site: Site) -> None:
        self.folder, self.site = folder, site
        self.world = World(site.store, folder.root)
        with site.store.read() as connection:
            self.world.list_id = connection.exec_driver_sql(
                "SELECT id FROM lists WHERE name = 'weekly'"
            ).scalar_one()
        self.world.campaign_id = self.world.add_campaign("parts", [f"p{n}" for n in range(40)])
        with site.store.write() as connection:
            now = clock.now()
            connection.execute(update(Campaign).values(started_at=now))
            some = Delivery.id.in_([row.id for row in self.world.rows()][:20])
            connection.execute(
                update(Delivery)
                .where(some)
                .values(next_attempt_at=None, settled_at=now, attempts=1, **BARRED)
            )
        site.breakers.check()

    def run(self, *words: str, say: str | None = None) -> Result:
        """One command; `say` is typed when something is asked."""
        return CliRunner().invoke(main, ["campaign", *words, "--site", str(self.folder.root)], input=say)

    @property
    def state(self) -> CampaignState:
        """Where the campaign stands."""
        with self.site.store.read() as connection:
            return connection.scalars(select(Campaign.state)).one()


@pytest.fixture
def desk(site_folder: SiteFolder) -> Iterator[Desk]:
    """Paused for policy."""
    site = open_site(site_folder.root, {})
    yield Desk(site_folder, site)
    site.close()


def test_the_status_gives_the_whole_reason_and_the_command_that_goes_on(desk: Desk) -> None:
    shown = " ".join(desk.run("status", "parts").stdout.split())
    said = "20 of 20 messages were refused because of the sender, not the recipients (550 5.7.26)."
    assert said in shown
    assert 'Go on with: mailer campaign resume parts --mended "what was done"' in shown


def test_the_list_of_campaigns_names_what_stands_and_why(desk: Desk) -> None:
    said = desk.run("status").stdout
    assert "parts is paused: 20 of" in said


def test_programs_see_which_breaker_it_was(desk: Desk) -> None:
    told = json.loads(desk.run("status", "parts", "--json").stdout)
    assert (told["state"], told["breaker"]) == ("paused", "policy_rejections")


def test_a_script_must_say_what_was_done(desk: Desk) -> None:
    refused = desk.run("resume", "parts")
    assert refused.exit_code == 1
    assert 'mailer campaign resume parts --mended "what was done"' in refused.stderr
    assert desk.state is CampaignState.PAUSED


def test_it_goes_on_once_it_is_said(desk: Desk) -> None:
    assert desk.run("resume", "parts", *MENDED).stdout.startswith("parts is sending again.")
    assert desk.state is CampaignState.SENDING
    assert desk.site.breakers.check() == []


def test_somebody_at_a_terminal_is_shown_the_reason_and_asked(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(campaign_send, "can_ask", lambda: True)
    said = desk.run("resume", "parts", say="published the DKIM record\n").stdout
    assert "were refused because of the sender" in said
    assert "What was done about it: published the DKIM record" in said
    with desk.site.store.read() as connection:
        payload = connection.scalars(select(LedgerEntry.payload).where(LedgerEntry.event == "resume")).one()
    assert json.loads(payload or "")["mended"] == "published the DKIM record"


def test_it_can_be_cancelled_like_any_other(desk: Desk) -> None:
    assert desk.run("cancel", "parts", "--yes").exit_code == 0
    status = desk.site.campaigns.status("parts")
    assert (status.state, status.skipped) == (CampaignState.CANCELLED, {"cancelled": 20})
    assert "Go on with" not in desk.run("status", "parts").stdout


def test_a_pause_by_hand_asks_nothing(desk: Desk) -> None:
    desk.run("resume", "parts", *MENDED)
    desk.run("pause", "parts")
    assert desk.run("resume", "parts").exit_code == 0


@pytest.mark.rule("B9")
def test_complaints_stand_in_the_status_with_their_rate(desk: Desk) -> None:
    desk.run("resume", "parts", *MENDED)
    with desk.site.store.write() as connection:
        waiting = Delivery.next_attempt_at.is_not(None)
        taken = {"state": DeliveryState.ACCEPTED, "next_attempt_at": None, "settled_at": clock.now()}
        connection.execute(update(Delivery).where(waiting).values(taken))
        row = {"received_at": clock.now(), "kind": ReportKind.COMPLAINT, "domain": "example.net"}
        connection.execute(insert(Report).values(campaign_id=desk.world.campaign_id, **row))
    assert "1 reader reported it as spam (5.00 % of the accepted)" in desk.run("status", "parts").stdout
    told = json.loads(desk.run("status", "parts", "--json").stdout)
    assert (told["complaints"], told["complaint_rate"]) == (1, 0.05)


def test_a_status_without_complaints_says_nothing_of_them(desk: Desk) -> None:
    assert "spam" not in desk.run("status", "parts").stdout
    status = desk.site.campaigns.status("parts")
    assert replace(status, counts={}).complaint_rate is None
