"""When the database is locked, full or the process is killed: nothing half done, nothing claimed that is not so."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest
import time_machine

from mailer.addresses import EmailAddress
from mailer.application import open_site
from mailer.keyring import Secrets
from mailer.settings import Settings
from mailer.site import SiteFolder
from mailer.store import Store, StoreBusy, StoreFull
from mailer.subscribers.evidence import Evidence
from mailer.subscribers.lists import sync_lists
from mailer.subscribers.purge import purge_unconfirmed
from tests.subscribers.conftest import START, Desk, make_desk, seen


@pytest.fixture
def embedded(sqlite_store: Store, settings: Settings, secrets: Secrets) -> Iterator[Desk]:
    """The desk on SQLite, where locks and full disks are easy to make."""
    with time_machine.travel(START, tick=True) as traveller:
        sync_lists(sqlite_store, settings)
        yield make_desk(sqlite_store, settings, secrets, traveller)


@contextmanager
def locked(desk: Desk) -> Iterator[None]:
    """Another process holds the write lock, and we have no patience."""
    other = sqlite3.connect(str(desk.store.engine.url.database), isolation_level=None)
    patient = desk.store.write
    desk.store.write = partial(patient, patience_seconds=0.05)  # type: ignore[method-assign]  # for the test alone
    other.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        other.execute("ROLLBACK")
        other.close()
        desk.store.write = patient  # type: ignore[method-assign]  # put back


@pytest.mark.rule("D34", "A10")
def test_leaving_while_the_database_is_locked_is_an_error_never_a_success(embedded: Desk) -> None:
    embedded.join()
    token = embedded.leave_token()
    with locked(embedded), pytest.raises(StoreBusy):
        embedded.leaving.leave(token, scope="list", via="one-click")
    assert embedded.state() == "confirmed"
    assert embedded.leaving.leave(token, scope="list", via="one-click").state == "left"


@pytest.mark.rule("D34")
def test_looking_needs_no_lock(embedded: Desk) -> None:
    embedded.join()
    with locked(embedded):
        assert embedded.leaving.look(embedded.leave_token()).state == "subscribed"


@pytest.mark.rule("D34")
def test_a_signup_that_meets_a_locked_database_is_judged_later(embedded: Desk) -> None:
    embedded.joining.request("weekly", EmailAddress("ada", "example.net"), fields={}, evidence=seen())
    with locked(embedded), pytest.raises(StoreBusy):
        embedded.joining.process_requests()
    assert embedded.joining.process_requests() == 1


@pytest.mark.rule("D34")
def test_a_confirmation_on_a_full_disk_changes_nothing_and_the_link_stays_good(embedded: Desk) -> None:
    embedded.request()
    token = embedded.confirm_token()
    with embedded.store.read() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
    # A new connection would forget the limit, so every pooled one gets it.
    connections = [embedded.store.engine.connect() for _ in range(10)]
    for connection in connections:
        connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")
    for connection in connections:
        connection.close()
    long_words = Evidence(None, "x" * 300_000, "form", "words", "v1", "en")
    with pytest.raises(StoreFull):
        embedded.joining.confirm(token, long_words)
    assert embedded.state() == "pending" and embedded.joining.look(token).state == "waiting"


_LEAVE_AND_DIE = """
import os, signal, sys
from pathlib import Path
from mailer.application import open_site
site = open_site(Path(sys.argv[1]), {})
view = site.leaving.leave(sys.argv[2], scope="list", via="one-click")
print(view.state.value, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.rule("A10")
def test_an_opt_out_survives_a_kill_right_after_it_returned(site_folder: SiteFolder) -> None:
    site = open_site(site_folder.root, {})
    desk = make_desk(site.store, site.settings, site.secrets, None)
    desk.join()
    command = [sys.executable, "-c", _LEAVE_AND_DIE, str(site_folder.root), desk.leave_token()]
    root = Path(__file__).parents[2]
    died = subprocess.run(command, capture_output=True, text=True, timeout=60, cwd=root, check=False)
    assert (died.returncode, died.stdout) == (-signal.SIGKILL, "left\n"), died.stderr
    assert desk.state() == "unsubscribed" and desk.events().count("unsubscribed") == 1
    site.close()


@pytest.mark.rule("F2", "C11")
def test_an_opt_out_gets_in_between_the_slices_of_a_purge(embedded: Desk) -> None:
    for number in range(300):
        address = EmailAddress(f"r{number}", f"d{number}.example.com")
        evidence = seen(f"10.1.{number // 250}.{number % 250}")
        embedded.joining.request("weekly", address, fields={}, evidence=evidence)
    while embedded.joining.process_requests():
        pass
    embedded.pass_time(days=8)
    leavers = [EmailAddress(f"leaver{number}", "example.net") for number in range(5)]
    for number, leaver in enumerate(leavers):
        embedded.joining.request("weekly", leaver, fields={}, evidence=seen(f"10.2.0.{number}"))
    embedded.joining.process_requests()
    tokens = [embedded.leave_token(leaver) for leaver in leavers]
    purged: list[int] = []
    sweep = threading.Thread(target=lambda: purged.append(purge_unconfirmed(embedded.store, embedded.ledger)))
    sweep.start()
    for token in tokens:
        embedded.leaving.leave(token, scope="list", via="one-click")
    sweep.join()
    assert purged == [300]
    assert {embedded.state(leaver) for leaver in leavers} == {"unsubscribed"}
