"""`mailer bounce ingest`, `poll` and `mails`, as people and mail servers run them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from mailer.site import SiteFolder
from tests.bounces.intake.returned import report

ROOT = Path(__file__).parents[2]
TEMPORARY_FAILURE = 75


@pytest.fixture
def site(site_folder: SiteFolder, _sqlite_template: Path) -> Path:
    """A site with an empty database."""
    database = site_folder.data / "mailer.db"
    database.write_bytes(_sqlite_template.read_bytes())
    database.chmod(0o600)
    return site_folder.root


def mailer(site: Path, *words: str, given: bytes = b"", **environ: str) -> subprocess.CompletedProcess[bytes]:
    """Run `mailer bounce …` in the site, with this on standard input."""
    plain = {name: value for name, value in os.environ.items() if not name.startswith("MAILER_")}
    return subprocess.run(
        [sys.executable, "-m", "mailer", "bounce", *words],
        cwd=site,
        env=plain | {"PYTHONPATH": str(ROOT)} | environ,
        input=given,
        capture_output=True,
        check=False,
        timeout=120,
    )


def mails(site: Path) -> list[dict[str, object]]:
    """What `bounce mails` lists."""
    found: list[dict[str, object]] = json.loads(mailer(site, "mails", "--json").stdout)
    return found


def test_a_pipe_stores_one_message_and_says_nothing(site: Path) -> None:
    done = mailer(site, "ingest", given=report(1), ORIGINAL_RECIPIENT="bounce@bounce.shop.example")
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    assert mailer(site, "ingest", "-", given=report(1)).returncode == 0
    (mail,) = mails(site)
    assert (mail["source"], mail["state"], mail["size"]) == ("pipe", "waiting", len(report(1)))


@pytest.mark.parametrize(
    ("words", "environ"),
    [
        ([], {"MAILER_DATABASE__URL": "sqlite:////proc/nothing/mailer.db"}),
        ([], {"MAILER_DATABASE__URL": "postgresql+psycopg://nobody@127.0.0.1:1/none"}),
        ([], {"MAILER_SITE": "/"}),
        ([], {"MAILER_SENDING__RATE": "nonsense"}),
        (["--nonsense"], {}),
    ],
)
def test_whatever_keeps_it_from_being_stored_the_mail_server_keeps_the_mail(
    site: Path, words: list[str], environ: dict[str, str]
) -> None:
    """EX_TEMPFAIL: any other failure would make it send the bounce back, to nobody."""
    done = mailer(site, "ingest", *words, given=report(1), **environ)
    assert done.returncode == TEMPORARY_FAILURE
    assert b"Traceback" not in done.stderr
    assert mails(site) == []


def test_files_are_taken_in_and_read_at_once(site: Path, tmp_path: Path) -> None:
    folder = tmp_path / "returned"
    folder.mkdir()
    for number in range(3):
        (folder / f"{number}.eml").write_bytes(report(number))
    (folder / "not mail").symlink_to("/etc/passwd")
    done = mailer(site, "ingest", str(folder))
    assert done.returncode == 1
    assert done.stdout == b"3 new, 0 known already; 3 read.\n"
    assert b"not mail cannot be read." in done.stderr
    assert mailer(site, "ingest", str(folder), "--json").returncode == 1
    assert {mail["kind"] for mail in mails(site)} == {"bounce"}
    assert b"bounce" in mailer(site, "mails", "--state", "review").stdout
    assert mailer(site, "mails", "--state", "waiting").stdout == b"Nothing has come back.\n"


def test_a_maildir_of_the_settings_is_polled(site: Path, tmp_path: Path) -> None:
    for name in ("new", "cur", "tmp"):
        (tmp_path / "box" / name).mkdir(parents=True)
    (tmp_path / "box" / "new" / "1").write_bytes(report(1))
    settings = site / "mailer.toml"
    settings.write_text(
        f'{settings.read_text()}\n[mailbox.back]\nprotocol = "maildir"\npath = "{tmp_path / "box"}"\n'
        '[mailbox.gone]\nprotocol = "maildir"\npath = "nowhere"\n'
    )
    done = mailer(site, "poll")
    assert done.returncode == 1
    assert done.stdout == b"back: 1 new, 0 known already\n1 read.\n"
    assert b"The mailbox gone cannot be read: " in done.stderr
    assert mailer(site, "poll", "back").returncode == 0
    assert json.loads(mailer(site, "poll", "back", "--json").stdout)["mailboxes"]["back"]["new"] == 0
    assert (
        b"There is no [mailbox.other] in mailer.toml; there is: back, gone."
        in mailer(site, "poll", "other").stderr
    )


def test_a_site_without_a_mailbox_says_how_to_name_one(site: Path) -> None:
    done = mailer(site, "poll")
    assert done.returncode == 1
    assert b"add a [mailbox.NAME]" in done.stderr
