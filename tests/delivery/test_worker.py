"""What a sender process makes of the settings, and that it starts and ends without a trace."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from sqlalchemy import func, select

from mailer.delivery.journal import Journal
from mailer.delivery.messages import SiteMessages
from mailer.delivery.worker import engine_options, rate_limit, relays_of, run_worker
from mailer.settings import Settings, load_settings
from mailer.site import SiteFolder
from mailer.store import Store
from mailer.store.schema import RateWindow, Worker
from tests.faults.running import ROOT


def with_settings(folder: SiteFolder, lines: str, environ: Mapping[str, str] | None = None) -> Settings:
    """The settings of the test site with further lines of [sending]."""
    text = folder.settings_path.read_text(encoding="utf-8")
    folder.settings_path.write_text(text.replace("[sending]\n", f"[sending]\n{lines}\n"), encoding="utf-8")
    return load_settings(folder.settings_path, environ or {})


def test_a_worker_gets_its_share_of_the_connections_and_the_rate_of_all(
    site_folder: SiteFolder, sqlite_store: Store
) -> None:
    settings = with_settings(
        site_folder, 'connections = 20\nbatch_size = 70\nrate = "600/min"\nstop_seconds = 7'
    )
    options = engine_options(settings)
    assert (options.batch_size, options.stop_seconds) == (70, 7)
    assert options.per_second == pytest.approx(10)
    assert relays_of(sqlite_store, settings).connections == 20
    assert relays_of(sqlite_store, settings, connections={"main": 10}).connections == 10


async def _end_at_once(store: Store, settings: Settings, journals: Path) -> None:
    stop = asyncio.Event()
    stop.set()
    await run_worker(
        store,
        settings,
        messages=SiteMessages.__new__(SiteMessages),  # nothing is due, so none is asked for
        bounced=lambda _connection, _attempts: None,
        journals=journals,
        stop=stop,
    )


@pytest.mark.parametrize("sync", [False, True])
def test_the_journal_is_synced_when_the_settings_say_so(
    site_folder: SiteFolder, sqlite_store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sync: bool
) -> None:
    asked: list[bool] = []
    create = Journal.create

    def watched(root: Path, *, sync: bool = False) -> Journal:
        asked.append(sync)
        return create(root, sync=sync)

    monkeypatch.setattr(Journal, "create", watched)
    settings = with_settings(site_folder, f"journal_sync = {str(sync).lower()}")
    asyncio.run(_end_at_once(sqlite_store, settings, tmp_path / "journals"))
    assert asked == [sync]


def test_a_worker_that_had_nothing_to_do_leaves_nothing_behind(
    settings: Settings, store: Store, tmp_path: Path
) -> None:
    asyncio.run(_end_at_once(store, settings, tmp_path / "journals"))
    assert list((tmp_path / "journals").iterdir()) == []
    with store.read() as connection:
        (row,) = connection.execute(select(Worker.pid, Worker.stopped_at))
    assert row.pid == os.getpid()
    assert row.stopped_at is not None


def test_a_limited_rate_is_reserved_in_the_database_an_unlimited_one_is_not(
    site_folder: SiteFolder, store: Store
) -> None:
    def reserved(settings: Settings) -> int:
        asyncio.run(rate_limit(store, settings).turn(system=False))
        with store.read() as connection:
            return connection.scalars(select(func.count()).select_from(RateWindow)).one()

    assert reserved(load_settings(site_folder.settings_path, {})) == 0
    assert reserved(with_settings(site_folder, 'rate = "10/s"')) == 1


def test_what_is_forked_has_one_thread_no_open_database_and_everything_loaded(
    site_folder: SiteFolder,
) -> None:
    """The libraries are paid for once: a sender loads none of its own."""
    script = f"""
import os, sys
from pathlib import Path
from mailer.application import open_site
from mailer.cli.working import prepare
site = open_site(Path({str(site_folder.root)!r}), {{}})
prepare(site)
print(len(os.listdir("/proc/self/task")))
print([os.readlink(f"/proc/self/fd/{{fd}}") for fd in os.listdir("/proc/self/fd") if
       os.path.exists(f"/proc/self/fd/{{fd}}") and "mailer.db" in os.readlink(f"/proc/self/fd/{{fd}}")])
before = set(sys.modules)
import asyncio, uvloop
async def send():
    stop = asyncio.Event()
    stop.set()
    await site.send(stop)
asyncio.Runner(loop_factory=uvloop.new_event_loop).run(send())
site.close()
heavy = ("sqlalchemy", "aiosmtplib", "jinja2", "mailer", "apscheduler")
print(sorted(name for name in set(sys.modules) - before if name.startswith(heavy)))
"""
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, cwd=ROOT, check=False
    )
    assert (done.returncode, done.stdout.splitlines()) == (0, ["1", "[]", "[]"]), done.stderr
