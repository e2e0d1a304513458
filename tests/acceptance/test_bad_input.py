"""Issue 2, "Bad input", seen from the command line: one clear sentence, exit 1, nothing half done."""

from __future__ import annotations

import contextlib
import shutil
import socket
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from mailer.cli.main import main
from mailer.site import SiteFolder
from mailer.store import Store

HEAD = """\
---
subject: Ten red LEDs for you
preheader: Clearance stock, a new resistor kit, and one circuit that is worth building.
list: weekly
---

# Ten red LEDs

"""
BODY = "What is new this week in the shop, and what leaves the shelves.\n"


@pytest.fixture(autouse=True)
def database(site_folder: SiteFolder, _sqlite_template: Path) -> Path:
    """A migrated database, copied."""
    path = site_folder.data / "mailer.db"
    shutil.copy(_sqlite_template, path)
    path.chmod(0o600)
    return path


@pytest.fixture
def say(site_folder: SiteFolder) -> Callable[..., Result]:
    """One command on the site."""

    def run(*words: str) -> Result:
        return CliRunner().invoke(main, [*words, "--site", str(site_folder.root)])

    return run


def _write(folder: SiteFolder, text: str, name: str = "campaign.md") -> None:
    path = folder.campaigns / "week-48" / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, encoding="utf-8")


def _rows(path: Path) -> dict[str, int]:
    """How many rows each table has that a mistake could have filled."""
    tables = ("subscribers", "subscriptions", "suppressions", "campaigns", "deliveries", "artefacts")
    with contextlib.closing(sqlite3.connect(path)) as connection:
        return {name: connection.execute(f"SELECT count(*) FROM {name}").fetchone()[0] for name in tables}


def test_broken_toml_is_told_with_its_line_by_every_command(say, site_folder: SiteFolder) -> None:
    text = site_folder.settings_path.read_text(encoding="utf-8")
    site_folder.settings_path.write_text(text.replace("[smtp.main]", "[smtp.main"), encoding="utf-8")
    for words in (("campaign", "status"), ("suppression", "list"), ("work",)):
        done = say(*words)
        assert done.exit_code == 1, done.output
        assert "mailer.toml" in done.stderr
        assert "line 10" in done.stderr
        assert "Traceback" not in done.output


BROKEN = {
    "broken MJML": ("<mjml><mj-body><mj-section></mj-body></mjml>", "campaign.mjml", "campaign.mjml:7"),
    "no field of that name": ("Hello {{ subscriber.fist_name }}\n", "campaign.md", "fist_name"),
    "a comment without an end": (f"{BODY}\n<!-- to be continued\n\n{BODY}", "campaign.md", "campaign.md:11"),
    "a style sheet without an end": (f"{BODY}\n<style>p {{ color: red\n\n{BODY}", "campaign.md", "campaign.md:1"),
    "a loop without an end": (
        "{% for a in range(99999) %}{% for b in range(99999) %}x{% endfor %}{% endfor %}", "campaign.md",
        "campaign.md:9",
    ),
    "ten megabytes": ("x" * 10 * 1024 * 1024, "campaign.md", "must stay below 1 MB"),
}  # fmt: skip


@pytest.mark.parametrize(("body", "name", "words"), BROKEN.values(), ids=BROKEN)
def test_a_broken_campaign_is_refused_with_its_place_and_cannot_be_scheduled(
    say, site_folder: SiteFolder, database: Path, body: str, name: str, words: str
) -> None:
    head = HEAD.replace("\n# Ten red LEDs\n", "") if name.endswith("mjml") else HEAD
    _write(site_folder, head + body, name)
    before = _rows(database)
    checked = say("campaign", "check", "week-48")
    assert checked.exit_code == 1, checked.output
    assert words in checked.stdout
    assert "Traceback" not in checked.output
    scheduled = say("campaign", "schedule", "week-48", "--now", "--expect", "1")
    assert scheduled.exit_code == 1
    assert _rows(database) == before


@pytest.mark.parametrize("break_", ["\\r\\nBcc: eve@example.org", "\\u2028", "\\u0085", "\\n"])
def test_a_line_break_in_a_subject_is_refused_with_its_line(
    say, site_folder: SiteFolder, break_: str
) -> None:
    _write(site_folder, HEAD.replace("subject: Ten red LEDs for you", f'subject: "Ten{break_}LEDs"') + BODY)
    checked = say("campaign", "check", "week-48")
    assert checked.exit_code == 1, checked.output
    assert "campaign.md:2" in checked.stdout


@pytest.mark.parametrize("break_", ["\r\nBcc: eve@example.org", "\u2028", "\x85", "\n"])
def test_a_line_break_in_a_name_added_by_hand_is_refused(say, database: Path, break_: str) -> None:
    before = _rows(database)
    asked = ("--list", "weekly", "--asked", "at the counter, 20 November")
    done = say("subscriber", "add", "ada@example.net", *asked, "--field", f"first_name=A{break_}B")
    assert done.exit_code == 1, done.output
    assert "first_name" in done.stderr
    assert "line break" in done.stderr
    assert _rows(database) == before


CSVS = {
    "nothing but NULs": b"\0" * 5000,
    "a million columns": b"Email," + b"a," * 1_000_000 + b"b\nada@example.net\n",
    "no address anywhere": b"Name,City\nAda,London\n",
    "empty": b"",
}


@pytest.mark.parametrize("content", CSVS.values(), ids=CSVS)
def test_a_file_that_is_no_list_imports_nobody(say, tmp_path: Path, database: Path, content: bytes) -> None:
    path = tmp_path / "people.csv"
    path.write_bytes(content)
    before = _rows(database)
    done = say("subscriber", "import", str(path), "--list", "weekly")
    assert done.exit_code == 1, done.output[:500]
    assert "Traceback" not in done.output
    assert _rows(database) == before


def test_a_locked_database_is_one_sentence(say, database: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    say("campaign", "status")  # the lists are in the database from now on
    patient = Store.write
    monkeypatch.setattr(Store, "write", lambda store: patient(store, patience_seconds=0.05))
    before = _rows(database)
    with contextlib.closing(sqlite3.connect(database, isolation_level=None)) as blocker:
        blocker.execute("BEGIN IMMEDIATE")
        done = say(
            "suppression", "add", "ada@example.net", "--reason", "manual", "--note", "asked by telephone"
        )
        blocker.execute("ROLLBACK")
    assert done.exit_code == 1, done.output
    assert done.stderr.startswith("mailer: The database is ")
    assert _rows(database) == before


def test_a_database_that_is_none_is_one_sentence(say, database: Path) -> None:
    database.write_bytes(b"this is not a database, it only has its name\n" * 100)
    done = say("campaign", "status")
    assert done.exit_code == 1
    assert done.stderr.startswith("mailer: ")
    assert "Traceback" not in done.output


def test_a_port_in_use_is_one_sentence(say, site_folder: SiteFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        monkeypatch.setenv("MAILER_WEB__PORT", str(port))
        done = say("serve")
    assert done.exit_code == 1, done.output
    assert str(port) in done.stderr
    assert "Traceback" not in done.output
