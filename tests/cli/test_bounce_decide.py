"""`mailer bounce review` and what a person decides, as it is typed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from mailer.application import open_site
from mailer.cli.main import main
from mailer.site import SiteFolder
from mailer.store.schema import LedgerEntry, Report
from tests.bounces.deciding.letters import dsn, letter
from tests.bounces.deciding.scene import Scene

ADA = "ada@example.net"


@pytest.fixture
def scene(site_folder: SiteFolder, _sqlite_template: Path) -> Iterator[Scene]:
    """A site whose alarm is at three people."""
    settings = site_folder.settings_path
    settings.write_text(settings.read_text("utf-8") + "\n[bounces]\nalike_least = 3\n", "utf-8")
    database = site_folder.data / "mailer.db"
    database.write_bytes(_sqlite_template.read_bytes())
    database.chmod(0o600)
    site = open_site(site_folder.root, {})
    scene = Scene(site.store, site.settings, site.secrets)
    scene.deciding = site.deciding
    yield scene
    site.close()


def bounce(scene: Scene, *words: str) -> Result:
    """Run `mailer bounce …` in the site."""
    database = Path(str(scene.store.engine.url.database))
    return CliRunner().invoke(main, ["bounce", *words, "--site", str(database.parent.parent)])


def three_alike(scene: Scene) -> None:
    """An alarm."""
    for number in range(3):
        scene.bounce(f"p{number}@big.example", campaign=scene.campaign)


def test_nothing_waits_at_first(scene: Scene) -> None:
    assert bounce(scene, "review").output == "Nothing waits for you.\n"


def test_alarms_and_messages_that_wait_are_listed_without_addresses(scene: Scene) -> None:
    three_alike(scene)
    scene.receive(dsn("bounce@bounce.shop.example", "x@example.net"))
    shown = bounce(scene, "review").output
    assert "campaign parts" in shown and "bad_address" in shown and "speaks of nobody" in shown
    assert "@" not in shown
    listed = json.loads(bounce(scene, "review", "--json").output)
    assert [one["people"] for one in listed["freezes"]] == [3]


def test_a_message_can_be_looked_at_and_the_look_is_on_record(scene: Scene) -> None:
    mail = scene.receive(letter("news@shop.example", "Re: parts", "stop\x1b[31m"))
    shown = bounce(scene, "review", str(mail.id)).output
    assert "| Subject: Re: parts" in shown and "\x1b" not in shown
    assert "returned_mail_shown" in {row.event for row in scene.rows(LedgerEntry)}


@pytest.mark.parametrize(("word", "effect"), [("release", "released"), ("discard", "held")])
def test_an_alarm_is_ended_once_with_a_reason(scene: Scene, word: str, effect: str) -> None:
    three_alike(scene)
    assert bounce(scene, word, "1").exit_code == 2
    assert bounce(scene, word, "1", "--why", "looked into it").exit_code == 0
    assert {row.effect.value for row in scene.rows(Report)} == {effect}
    again = bounce(scene, word, "1", "--why", "once more")
    assert (again.exit_code, again.output) == (
        1,
        "mailer: There is no open alarm 1; see `mailer bounce review`.\n",
    )


def test_a_message_is_dismissed(scene: Scene) -> None:
    mail = scene.receive(dsn("bounce@bounce.shop.example", "x@example.net"))
    assert bounce(scene, "dismiss", str(mail.id), "--why", "spam").exit_code == 0
    assert bounce(scene, "review").output == "Nothing waits for you.\n"
    assert bounce(scene, "dismiss", str(mail.id), "--why", "spam").exit_code == 1


@pytest.mark.rule("C33")
def test_who_writes_stop_is_opted_out_by_a_person_s_word(scene: Scene) -> None:
    scene.person(ADA)
    mail = scene.receive(letter("news@shop.example", "Re: parts", "stop"))
    assert bounce(scene, "opt-out", str(mail.id), "--why", "she says so").exit_code == 0
    assert scene.reasons(ADA) == {"unsubscribed"}
    assert bounce(scene, "opt-out", str(mail.id), "--why", "again").exit_code == 1


def test_reclassify_shows_first_and_then_makes_it_so(scene: Scene) -> None:
    """Ada's mailbox was full; an older reader had said that she does not exist."""
    scene.bounce(ADA)
    raw = dsn("x@shop.example", ADA, "5.1.1", "552 5.2.2 mailbox full")
    import zlib

    from mailer.store.schema import ReturnedMail

    scene.change(ReturnedMail, raw=zlib.compress(raw), size=len(raw))
    shown = bounce(scene, "reclassify", "--since", "1d")
    assert "hard userunknown" in shown.output and "add --apply" in shown.output
    assert scene.reasons(ADA) == {"held"}
    assert "1 were lifted" in bounce(scene, "reclassify", "--since", "1d", "--apply").output
    assert scene.reasons(ADA) == set()
    assert bounce(scene, "reclassify", "--since", "1d").output.startswith(
        "The rules of today read everything as"
    )
