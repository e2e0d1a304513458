"""A real import process killed on its way, and opt-outs that arrive while one runs (D18, F2)."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from mailer.application import open_site
from mailer.audit import Ledger, seal, verify
from mailer.store import migrate, open_store
from mailer.store.schema import LedgerEntry
from mailer.subscribers.leaving import Leaving
from mailer.tokens import LinkClaim, Purpose, Tokens, sign_link

if TYPE_CHECKING:
    from mailer.site import SiteFolder
    from tests.importing.conftest import MakeFile, Office

ROOT = Path(__file__).parents[2]
VOUCHED = ("--declared-by", "Eve", "--consent-date", "2024-05-01", "--evidence", "paper forms")
#: Enough rows for dozens of slices; every tenth has left, every eleventh is damaged.
ROWS = 6000


def people(count: int = ROWS) -> str:
    lines = []
    for number in range(count):
        address = f"p{number}.shop.example" if number % 11 == 5 else f"p{number}@shop.example"
        lines.append(f"{address},{'left' if number % 10 == 3 else 'active'},P{number}")
    return "email,status,first_name\n" + "\n".join(lines) + "\n"


def command(site: Path, file: Path) -> list[str]:
    words = ("subscriber", "import", str(file), "--list", "weekly", "--site", str(site), *VOUCHED, "--json")
    return [sys.executable, "-m", "mailer", *words]


def start(site: Path, file: Path) -> subprocess.Popen[bytes]:
    """The command as staff would type it, in a process group of its own."""
    return subprocess.Popen(
        command(site, file), cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )  # fmt: skip


def entered(database: Path) -> int:
    with sqlite3.connect(f"file:{database}?mode=ro", uri=True) as connection:
        return int(connection.execute("SELECT count(*) FROM subscriptions").fetchone()[0])


def end_state(database: Path) -> dict[str, list[Any]]:
    """What is stored, without the ids, times and random tags that two runs cannot share."""
    with sqlite3.connect(f"file:{database}?mode=ro", uri=True) as connection:
        people = connection.execute(
            "SELECT email_key, fields, state, confirmed_at, source FROM subscribers"
            " JOIN subscriptions ON subscriber_id = subscribers.id ORDER BY email_key"
        ).fetchall()
        noes = connection.execute(
            "SELECT email_hash, reason, list_id, note FROM suppressions ORDER BY email_hash, reason, list_id"
        ).fetchall()
        records = connection.execute(
            "SELECT subject, event, payload FROM ledger WHERE stream = 'consent' ORDER BY subject, event"
        ).fetchall()
    return {"people": people, "noes": noes, "records": records}


@pytest.fixture
def database(site_folder: SiteFolder) -> Iterator[Path]:
    """The site's own database, migrated."""
    store = open_store("sqlite:///data/mailer.db", root=site_folder.root)
    migrate.upgrade(store)
    store.dispose()
    open_site(site_folder.root, {}).close()
    return site_folder.root / "data" / "mailer.db"


def killed_on_its_way(site: Path, file: Path, database: Path) -> int:
    """Start an import, kill it between two slices or inside one, and say how many people are in."""
    process = start(site, file)
    try:
        while entered(database) < 200:
            assert process.poll() is None, "the import ended before it could be killed"
            time.sleep(0.002)
    finally:
        os.kill(process.pid, signal.SIGKILL)
        process.wait(timeout=30)
    return entered(database)


def finished(site: Path, file: Path) -> None:
    done = subprocess.run(command(site, file), cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr


@pytest.mark.rule("D18")
def test_an_import_killed_and_run_again_ends_like_one_clean_run(
    site_folder: SiteFolder, database: Path, make_file: MakeFile
) -> None:
    file = make_file(people())
    pristine = database.read_bytes()
    count = killed_on_its_way(site_folder.root, file, database)
    finished(site_folder.root, file)
    assert 0 < count < entered(database), "the kill came too late to show anything"
    after_the_kill = end_state(database)
    for leftover in database.parent.glob("mailer.db*"):
        leftover.unlink()
    database.write_bytes(pristine)
    database.chmod(0o600)
    finished(site_folder.root, file)
    assert after_the_kill == end_state(database)


@pytest.mark.rule("D18", "C3")
def test_a_killed_import_leaves_whole_slices_and_a_ledger_that_verifies(
    site_folder: SiteFolder, database: Path, make_file: MakeFile, tmp_path: Path
) -> None:
    killed_on_its_way(site_folder.root, make_file(people()), database)
    state = end_state(database)
    assert len(state["records"]) == len(state["people"]) + len(state["noes"])
    with sqlite3.connect(database) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
    site = open_site(site_folder.root, {})
    try:
        seal(site.store, site.secrets, tmp_path / "head")
        assert verify(site.store, site.secrets, tmp_path / "head").findings == ()
    finally:
        site.close()


@pytest.mark.rule("D18")
def test_an_import_stopped_with_control_c_is_on_record_and_goes_on_when_run_again(
    site_folder: SiteFolder, database: Path, make_file: MakeFile
) -> None:
    file = make_file(people())
    process = start(site_folder.root, file)
    while entered(database) < 200:
        assert process.poll() is None, "the import ended before it could be stopped"
        time.sleep(0.002)
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=60) not in {0, -signal.SIGKILL}
    count = entered(database)
    assert count < 5000, "the signal came too late to show anything"
    assert imports_on_record(database) == [False]
    finished(site_folder.root, file)
    assert entered(database) > count
    assert imports_on_record(database) == [False, True]
    state = end_state(database)
    assert len(state["records"]) == len(state["people"]) + len(state["noes"])


def imports_on_record(database: Path) -> list[bool]:
    """Whether each import that the ledger tells of was finished."""
    with sqlite3.connect(f"file:{database}?mode=ro", uri=True) as connection:
        rows = connection.execute("SELECT payload FROM ledger WHERE event = 'import' ORDER BY id")
        return [json.loads(payload)["finished"] for (payload,) in rows]


@pytest.mark.rule("F2", "B20")
def test_who_leaves_while_an_import_runs_stays_out_whichever_comes_first(
    sqlite_office: Office, make_file: MakeFile
) -> None:
    """The file calls all of them active, and goes on doing so after they have left."""
    office, settings = sqlite_office, sqlite_office.imports.settings
    path = make_file("email\n" + "".join(f"p{number}@shop.example\n" for number in range(2000)))
    office.run(path)
    tokens = Tokens(office.secrets, confirm_seconds=settings.privacy.unconfirmed_days * 86400)
    leaving = Leaving(office.store, settings, tokens, Ledger(office.secrets))
    leavers = [f"p{number}@shop.example" for number in range(7, 2000, 131)]
    links = []
    for email in leavers:
        row = office.subscription(email)
        assert row is not None
        links.append(sign_link(tokens, Purpose.UNSUBSCRIBE, LinkClaim(row.tag, b"")))
    importing = threading.Thread(target=office.run, args=(path,))
    importing.start()
    for token in links:
        leaving.leave(token, scope="list", via="one-click")
    importing.join()
    report = office.run(path)
    assert report.counts == {
        "kept_out.unsubscribed": len(leavers),
        "already.confirmed": 2000 - len(leavers),
    }
    assert {office.state(email) for email in leavers} == {"unsubscribed"}
    assert len(office.ledger("unsubscribed")) == len(leavers)
    assert office.count(LedgerEntry) == 2000 + len(leavers) + 3
