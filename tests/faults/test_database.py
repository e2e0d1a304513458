"""The database restarted, locked or out of disk while real processes send: all goes on, nobody gets two copies."""

from __future__ import annotations

import contextlib
import os
import resource
import signal
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from sqlalchemy import select, text

from mailer.store.schema import RateWindow
from tests.faults.conftest import Make
from tests.faults.running import RunningSite, children_of, stop
from tests.faults.verdict import check
from tests.postgres import find_binaries, running_postgres
from tests.real import require_real

SMALL = "batch_size = 20"


@contextlib.contextmanager
def own_cluster() -> Iterator[tuple[Path, str]]:
    """A PostgreSQL that only this test uses, with its data folder."""
    require_real("postgresql", found=find_binaries() is not None)
    with TemporaryDirectory(prefix="mailer-postgresql-") as name, running_postgres(Path(name)) as url:
        yield Path(name) / "cluster", url


def control(data: Path, *words: str) -> None:
    """pg_ctl, as the user that PostgreSQL runs as."""
    binaries = find_binaries()
    assert binaries is not None
    as_postgres = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
    command = [*as_postgres, str(binaries / "pg_ctl"), "-D", str(data), "-w", *words]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd="/", timeout=30)


def begin(site: RunningSite) -> subprocess.Popen[bytes]:
    """`mailer work`, in mid-campaign."""
    site.start_server(delay=0.02)
    worker = site.start_worker()
    site.wait(lambda: site.taken >= 40)
    return worker


def finish(site: RunningSite, worker: subprocess.Popen[bytes]) -> None:
    """Everybody has one copy, nothing is in doubt, the same processes brought it to the end."""
    site.wait(site.settled, seconds=60)
    assert stop(worker) == 0
    assert check(site, doubts=0) == {"accepted": site.people}
    assert {row.attempts for row in site.rows()} == {1}


@pytest.mark.real
def test_postgresql_is_restarted_twice_in_mid_campaign(make: Make) -> None:
    """Once as by a crash, once in order, and once it is away for some seconds."""
    with own_cluster() as (data, url):
        site = make(people=400, url=url, sending=SMALL)
        worker = begin(site)
        control(data, "restart", "-m", "immediate")
        site.wait(lambda: site.taken >= 130)
        control(data, "restart", "-m", "fast")
        site.wait(lambda: site.taken >= 230)
        control(data, "stop", "-m", "fast")
        time.sleep(3)
        control(data, "restart", "-l", str(data.parent / "log"))  # starts it as it was started before
        finish(site, worker)


@pytest.mark.real
def test_postgresql_ends_connections_again_and_again(make: Make) -> None:
    """Whoever was in the middle of a claim, of outcomes or of a commit begins it anew."""
    with own_cluster() as (_, url):
        site = make(people=800, url=url, sending=f'rate = "200/s"\n{SMALL}')
        worker = begin(site)
        with site.open() as opened, opened.store.read() as connection:
            while site.taken < 700:
                connection.execute(
                    text(
                        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                        " WHERE backend_type = 'client backend' AND pid <> pg_backend_pid() AND random() < 0.4"
                    )
                )
                time.sleep(0.1)
        finish(site, worker)


def read_only(site: RunningSite, *, on: bool) -> None:
    """What hosters do to a PostgreSQL whose disk fills up."""
    with site.open() as opened, opened.store.engine.connect() as connection:
        free = connection.execution_options(isolation_level="AUTOCOMMIT")
        free.exec_driver_sql(f"ALTER SYSTEM SET default_transaction_read_only = {'on' if on else 'off'}")
        free.exec_driver_sql("SELECT pg_reload_conf()")


@pytest.mark.real
def test_postgresql_takes_no_writing_for_a_while(make: Make) -> None:
    """No body leaves without its claim, and the same processes go on when they may write again."""
    with own_cluster() as (_, url):
        site = make(people=400, url=url, sending=SMALL)
        worker = begin(site)
        read_only(site, on=True)
        time.sleep(1.0)
        before = site.taken
        time.sleep(2.0)
        assert site.taken == before, "a body left although its claim could not be written"
        read_only(site, on=False)
        finish(site, worker)


def sessions(site: RunningSite, condition: str) -> int:
    """How many sessions of PostgreSQL are in this condition."""
    with site.open() as opened, opened.store.read() as connection:
        return connection.scalar(text(f"SELECT count(*) FROM pg_stat_activity WHERE {condition}")) or 0


def freeze_with_the_rate_in_hand(site: RunningSite, pid: int) -> None:
    """Suspend a sender that waits for the site's rate; PostgreSQL gives it the row after that."""
    with site.open() as opened, opened.store.write() as connection:
        connection.execute(select(RateWindow.next_at).with_for_update())
        site.wait(lambda: sessions(site, "wait_event_type = 'Lock'") >= site.workers)
        os.kill(pid, signal.SIGSTOP)


@pytest.mark.real
def test_a_sender_frozen_in_a_transaction_on_postgresql_holds_nobody_up(make: Make) -> None:
    """Its transaction is undone, the others go on, and it does too once it may."""
    with own_cluster() as (_, url):
        site = make(people=1000, url=url, workers=2, sending=f'rate = "200/s"\n{SMALL}')
        site.patches = {"set": {"mailer.store.engine:SILENT_SECONDS": 2.0}}
        worker = begin(site)
        frozen = site.senders(worker)[0]
        freeze_with_the_rate_in_hand(site, frozen)
        silent = "state = 'idle in transaction' AND clock_timestamp() > state_change + interval '0.5 s'"
        site.wait(lambda: sessions(site, silent) == 1)
        site.wait(lambda: sessions(site, silent) == 0)
        before = site.taken
        site.wait(lambda: site.taken >= before + 100)
        os.kill(frozen, signal.SIGCONT)
        finish(site, worker)


def test_sqlite_is_locked_for_longer_than_anybody_s_patience(make: Make) -> None:
    """12 s against 10: heartbeats, claims and outcomes are refused meanwhile, and come later."""
    site = make(people=300, sending=SMALL)
    worker = begin(site)
    other = sqlite3.connect(site.root / "data" / "mailer.db", timeout=5, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    time.sleep(12)
    other.execute("ROLLBACK")
    other.close()
    assert "claiming_waits" in site.work_log() or "outcomes_wait" in site.work_log()
    finish(site, worker)


def limit_files(pids: list[int], size: int) -> None:
    """Let no file of these processes grow beyond `size`: what a full disk does, from outside."""
    for pid in pids:
        _, hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (size, hard))


def test_no_file_can_grow_for_a_while(make: Make) -> None:
    """Neither the database nor the journal: without an intent no body leaves, with one no outcome is lost."""
    site = make(people=300, sending=SMALL)
    worker = begin(site)
    pids = children_of(worker.pid)
    limit_files(pids, 512)
    time.sleep(1.0)
    before = site.taken
    time.sleep(2.0)
    assert site.taken == before, "a body left although its intent could not be written"
    limit_files(pids, resource.RLIM_INFINITY)
    finish(site, worker)


@contextlib.contextmanager
def small_disk(folder: Path, *, megabytes: int) -> Iterator[None]:
    """A file system of its own, so small that it can be filled."""
    options = f"size={megabytes}m,mode=0700"
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", options, "faults", str(folder)], capture_output=True, check=False
    )
    if done.returncode != 0:
        pytest.skip(f"a small disk cannot be mounted here: {done.stderr.decode().strip()}")
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def test_the_disk_is_full_for_a_while(make: Make, tmp_path: Path) -> None:
    """ENOSPC for the database and the journal alike."""
    site = make(people=300, sending=SMALL)
    data = site.root / "data"
    kept = {path.name: path.read_bytes() for path in data.iterdir() if path.is_file()}
    with small_disk(data, megabytes=24):
        for name, content in kept.items():
            (data / name).write_bytes(content)
            (data / name).chmod(0o600)
        worker = begin(site)
        ballast = data / "ballast"
        with contextlib.suppress(OSError), ballast.open("wb", buffering=0) as file:
            while True:
                file.write(bytes(4096))
        time.sleep(3.0)
        ballast.unlink()
        finish(site, worker)
        site.end()
