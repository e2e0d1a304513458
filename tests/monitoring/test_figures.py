"""The figures are true, cost an index each, and are not read again for everybody who asks."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest

from benchmarks.plans import watching
from benchmarks.rows import fill
from mailer import clock as time
from mailer.delivery.engine import LEASE_SECONDS
from mailer.monitoring import queries
from mailer.monitoring.catalogue import GAUGES, OF_PROCESS
from mailer.monitoring.exposition import Exposition
from mailer.monitoring.figures import QUICK, SLOW, Remembered
from mailer.monitoring.traffic import Traffic
from mailer.store import Store, StoreError
from tests.monitoring.conftest import START, furnish, reported, returned

Values = dict[tuple[str, ...], float]


def figures(store: Store) -> Values:
    """All figures now, by name and labels."""
    with store.read() as connection:
        found = [one for read in (*QUICK, *SLOW) for one in read(connection, time.now())]
    values = {(one.name, *one.labels): one.value for one in found}
    assert len(values) == len(found), "no figure is told twice"
    return values


def test_what_runs_and_what_fell_silent_is_counted(store: Store, clock: Any) -> None:
    furnish(store)
    found = figures(store)
    assert found["mailer_workers", "running"] == 1
    assert found["mailer_workers", "silent"] == 1
    assert found["mailer_relay_limit", "main"] == 12.5
    assert found["mailer_relay_stopped_seconds", "main"] == 0
    assert found["mailer_relay_stopped_seconds", "spare"] == 300
    assert ("mailer_relay_limit", "spare") not in found
    assert found["mailer_providers_stopped",] == 1
    assert found["mailer_freezes",] == 1
    assert found["mailer_signups_waiting",] == 1


def test_silence_is_what_costs_a_worker_its_claims() -> None:
    assert timedelta(seconds=LEASE_SECONDS) == queries.SILENT


def test_campaigns_show_what_became_of_their_messages(store: Store, clock: Any) -> None:
    fill(store, 1000)
    found = figures(store)
    # The three that are sending have one name here, so they are told as one.
    ((slug, counts),) = _by_slug(found).items()
    assert counts == {"queued": 150, "attempting": 0, "accepted": 450}
    assert slug == "week"
    assert found["mailer_campaigns", "sending"] == 3
    assert found["mailer_campaigns", "paused"] == 0


def _by_slug(found: Values) -> dict[str, dict[str, float]]:
    told: dict[str, dict[str, float]] = {}
    for (name, *labels), value in found.items():
        if name == "mailer_campaign_deliveries":
            told.setdefault(labels[0], {})[labels[1]] = value
    return told


def test_reports_of_the_last_hour_are_told_by_meaning_and_provider(store: Store, clock: Any) -> None:
    reported(store)
    reported(store, provider="google")
    reported(store, severity="complaint", kind="complaint", fault="sender", provider="google")
    reported(store, at=START - timedelta(hours=1))
    reported(store, severity=None, fault=None, provider=None)
    found = figures(store)
    assert found["mailer_reports_last_hour", "hard", "recipient"] == 2
    assert found["mailer_reports_last_hour", "complaint", "sender"] == 1
    assert found["mailer_reports_last_hour", "bounce", "unknown"] == 1
    assert found["mailer_provider_reports_last_hour", "google", "hard"] == 1
    assert found["mailer_provider_reports_last_hour", "unknown", "bounce"] == 1


def test_only_the_worst_providers_are_named(store: Store, clock: Any) -> None:
    for number in range(queries.MOST_PROVIDERS + 5):
        reported(store, provider=f"p{number}.example")
    reported(store, provider="p24.example")
    named = {key[1] for key in figures(store) if key[0] == "mailer_provider_reports_last_hour"}
    assert len(named) == queries.MOST_PROVIDERS
    assert "p24.example" in named


def test_what_came_back_and_waits_is_told_with_its_age(store: Store, clock: Any) -> None:
    returned(store, 3, "waiting", at=START - timedelta(minutes=10))
    returned(store, 2, "review")
    returned(store, 9, "settled")
    found = figures(store)
    assert found["mailer_returned_mails", "waiting"] == 3
    assert found["mailer_returned_mails", "review"] == 2
    assert found["mailer_returned_mails", "unreadable"] == 0
    assert ("mailer_returned_mails", "settled") not in found
    assert found["mailer_returned_waiting_seconds",] == 600


def test_every_figure_is_in_the_catalogue_with_its_labels(store: Store, clock: Any) -> None:
    furnish(store)
    fill(store, 100)
    reported(store)
    for name, *labels in figures(store):
        assert len(GAUGES[name].labels) == len(labels), name


#: SQLite: a table read from end to end. PostgreSQL decides by size, so it is asked of a large table only.
_ENDLESS = re.compile(
    r"^SCAN (\w+)\b(?! USING (?:COVERING INDEX|INDEX (?:ix_ledger_unsealed|ix_deliveries_claimed)))",
    re.MULTILINE,
)
#: As long as a site has relays, providers, campaigns, workers, and alerts of 90 days.
_SHORT = {"campaigns", "workers", "paces", "alert_sendings", "signup_requests", "lists", "anon_1"}


def test_no_figure_reads_a_long_table(sqlite_store: Store, clock: Any) -> None:
    fill(sqlite_store, 2000)
    with watching(sqlite_store) as seen:
        figures(sqlite_store)
    read = {name for plan in seen.plans for name in _ENDLESS.findall(plan)}
    assert read <= _SHORT, read
    assert seen.plans


def steps(store: Store) -> int:
    """What one reading of the quick figures costs SQLite."""
    with watching(store) as seen:
        Remembered(store, QUICK[1:], seconds=5).samples()
    return seen.touched


def test_what_is_settled_costs_nothing(sqlite_store: Store, clock: Any) -> None:
    """A table ten times as long changes nothing, but for the campaigns in sight, whose entries are counted."""
    returned(sqlite_store, 100, "settled", at=START - timedelta(days=2))
    before = steps(sqlite_store)
    returned(sqlite_store, 3000, "settled", at=START - timedelta(days=1))
    fill(sqlite_store, 5000)
    assert steps(sqlite_store) < before + 500


def test_who_asks_within_seconds_is_answered_from_memory(sqlite_store: Store, clock: Any) -> None:
    remembered = Remembered(sqlite_store, QUICK, seconds=5)
    with watching(sqlite_store) as seen:
        for _ in range(20):
            remembered.samples()
        once = len(seen.plans)
        clock.shift(timedelta(seconds=4))
        remembered.samples()
    assert once == len(seen.plans)
    assert once > 0


def test_what_took_long_is_remembered_for_longer(
    sqlite_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [0.0]
    monkeypatch.setattr("mailer.clock.monotonic", lambda: now[0])
    read = []

    def slow(_connection: Any, _now: Any) -> Any:
        read.append(now[0])
        now[0] += 2.0
        yield queries.Sample("mailer_holds", 1)

    remembered = Remembered(sqlite_store, (slow,), seconds=5)
    for moment in (0.0, 10.0, 41.0, 43.0):
        now[0] = max(moment, now[0])
        remembered.samples()
    assert read == [0.0, 43.0], "two seconds of reading are good for forty"


def test_the_page_is_what_prometheus_reads(sqlite_store: Store, clock: Any) -> None:
    furnish(sqlite_store)
    traffic = Traffic()
    traffic.answered("GET", "/u/{token}", status=200, seconds=0.01)
    traffic.answered("PROPFIND", "-", status=405, seconds=0.01)
    page = Exposition(sqlite_store, traffic).text().decode()
    assert "# HELP mailer_workers Senders that run" in page
    assert 'mailer_workers{state="silent"} 1.0' in page
    assert "mailer_database_up 1.0" in page
    assert 'mailer_http_requests_total{method="GET",route="/u/{token}",status="200"} 1.0' in page
    assert 'method="other"' in page
    assert "process_cpu_seconds_total" in page
    for name in OF_PROCESS:
        assert name.removesuffix("_total") in page


def test_without_its_database_a_process_still_says_that_it_lives(
    sqlite_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away() -> Any:
        raise StoreError("The database does not answer.")

    monkeypatch.setattr(sqlite_store, "read", away)
    page = Exposition(sqlite_store, Traffic()).text().decode()
    assert "mailer_database_up 0.0" in page
    assert "mailer_workers" not in page
    assert "process_cpu_seconds_total" in page
