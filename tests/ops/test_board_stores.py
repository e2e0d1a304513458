"""The board reads the same on SQLite and on PostgreSQL, and what it counts is what is there."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from sqlalchemy import func, select

from mailer import clock
from mailer.bounces.reporting.model import Sort
from mailer.ops.limits import BUCKETS, keys_of, wait_seconds
from mailer.site import SiteFolder
from mailer.store import Store
from mailer.store.schema import Report
from tests.web.conftest import make_site
from tests.web.ops.filled import fill

NOW = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)


def test_the_board_of_a_bad_morning(store: Store, site_folder: SiteFolder) -> None:
    with time_machine.travel(NOW, tick=False):
        site = make_site(site_folder, store)
        fill(site, clock.now())
        seen = site.board.overview()
        assert (seen.facts.workers, seen.facts.silent, seen.facts.alarms) == (2, 1, 1)
        assert (seen.facts.review, seen.facts.unreadable, seen.facts.policy) == (3, 1, 140)
        assert [one.slug for one in seen.campaigns] == ["week-47", "autumn-clearance", "advent"]
        paces, deferred = site.board.queue()
        assert [row.key for row in paces][:1] != []
        assert sum(row.count for row in deferred) == 310 + 480
        newest = site.board.suppressions()
        assert len(newest) == 40
        assert newest[0]["created_at"] > newest[-1]["created_at"]
        month = site.board.returns("30d")
        with store.read() as connection:
            kept = connection.scalar(
                select(func.count()).where(
                    Report.received_at >= NOW.replace(hour=0, minute=0) - timedelta(29)
                )
            )
        assert sum(month.total.values()) == kept
        assert month.total[Sort.POLICY] == 140
        assert month.by_provider[0][0] in {"microsoft", "google"}


@pytest.mark.rule("D24")
def test_tries_are_counted_once_however_many_come_at_a_time(store: Store) -> None:
    keys = keys_of("ada", "192.0.2.7")
    with ThreadPoolExecutor(8) as threads:
        waits = list(threads.map(lambda _: wait_seconds(store, keys, NOW), range(24)))
    assert waits.count(0.0) == BUCKETS["pair"].burst
