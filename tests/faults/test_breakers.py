"""A signature that breaks in mid-campaign, at full speed, with real processes: how many it meets, and what follows."""

from __future__ import annotations

import json
from typing import Any

import pytest
from click.testing import CliRunner

from mailer.campaigns.status import CampaignStatus
from mailer.cli.main import main
from mailer.site import SiteFolder
from mailer.store import Store
from mailer.store.vocabulary import CampaignState, DeliveryState
from tests.faults.conftest import Make
from tests.faults.running import RunningSite, kill_all, stop

BROKEN = {"verb": "dot", "do": "550 5.7.26 Unauthenticated mail", "who": "p", "after": 1_000}
PEOPLE = 6_000
#: Two workers of 500 claims each, once those in hand and once those on their way to the database.
MOST_BURNT = 2_000


def build(make: Make, store: Store, **options: Any) -> RunningSite:
    """A site whose mail goes through until the server has taken a thousand; ops get theirs."""
    url = None if store.is_sqlite else store.engine.url.render_as_string(hide_password=False)
    site: RunningSite = make(people=PEOPLE, url=url, **options)
    settings = SiteFolder(site.root).settings_path
    settings.write_text(settings.read_text() + '\n[alerts]\nmail = "ops@shop.example"\n')
    return site


def status(site: RunningSite) -> CampaignStatus:
    """Where the campaign stands."""
    with site.open() as opened:
        return opened.campaigns.status("parts")


def mailer(site: RunningSite, *words: str) -> str:
    """A command of a user, which must succeed."""
    result = CliRunner().invoke(main, [*words, "--site", str(site.root)], env=site.database)
    assert result.exit_code == 0, result.output
    return result.output


def mails_to_ops(site: RunningSite) -> list[str]:
    """What ops got."""
    return [message.recipient for message in site.accepted if message.recipient == "ops@shop.example"]


@pytest.mark.rule("A77", "B13")
def test_most_of_a_campaign_is_spared_and_everybody_gets_it_once_it_is_mended(
    make: Make, store: Store
) -> None:
    site = build(make, store)
    site.start_server([BROKEN])
    worker = site.start_worker()
    site.wait(lambda: status(site).state is CampaignState.PAUSED)
    site.wait(lambda: not status(site).counts.get(DeliveryState.ATTEMPTING))
    paused = status(site)
    burnt = paused.counts[DeliveryState.REJECTED]
    assert paused.breaker == "policy_rejections"
    assert 20 <= burnt <= MOST_BURNT
    assert paused.waiting == PEOPLE - burnt - paused.counts[DeliveryState.ACCEPTED]
    site.wait(lambda: len(mails_to_ops(site)) == 1)

    site.order(rules=[])
    said = mailer(site, "campaign", "resume", "parts", "--mended", "the key is published again")
    assert "sending again" in said
    mailer(site, "delivery", "retry", "--campaign", "parts", "--mended", "the key is published again")
    site.wait(site.settled)
    assert site.counts() == {"accepted": PEOPLE, "unwritten": 0}
    assert len({message.recipient for message in site.accepted}) == PEOPLE + 1
    assert len(mails_to_ops(site)) == 1
    assert stop(worker) == 0


def test_a_pause_and_its_alert_outlive_the_processes(make: Make, sqlite_store: Store) -> None:
    """Killed while ops' relay is away: the next start tells them, and nothing of the campaign leaves."""
    site = build(make, sqlite_store)
    site.start_server([BROKEN, {"verb": "rcpt", "do": "451 4.3.0 later", "who": "ops"}])
    worker = site.start_worker()
    site.wait(lambda: status(site).state is CampaignState.PAUSED)
    site.wait(lambda: "alert_waits" in site.work_log())
    kill_all(site, worker)
    site.order(rules=[])
    taken = site.taken
    with site.open() as opened, opened.store.write() as connection:
        connection.exec_driver_sql("UPDATE alert_sendings SET send_at = '2026-01-01 00:00:00.000000'")
    worker = site.start_worker()
    site.wait(lambda: len(mails_to_ops(site)) == 1)
    assert status(site).state is CampaignState.PAUSED
    assert site.taken == taken + 1
    (shown,) = json.loads(mailer(site, "alerts", "list", "--json"))
    assert [(way["channel"], way["state"]) for way in shown["ways"]] == [("mail", "sent")]
    assert stop(worker) == 0
