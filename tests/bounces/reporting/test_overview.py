"""Figures: counted once, apart by kind, beside their messages and the period before, by ten dimensions."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import insert

from mailer.bounces.reporting.dimensions import DIMENSIONS, SYSTEM_MAIL, UNKNOWN
from mailer.bounces.reporting.model import (
    COUNTED,
    Figures,
    Line,
    Overview,
    Period,
    Sent,
    Sort,
    share,
    sort_of,
)
from mailer.bounces.reporting.overview import overview
from mailer.store import Store
from mailer.store.schema import Freeze, ProviderRow, ReturnedMail
from mailer.store.vocabulary import (
    SYSTEM_STREAM,
    DeliveryState,
    FreezeScope,
    ReportKind,
    ReportSeverity,
    ReturnedState,
)
from tests.bounces.reporting import month
from tests.bounces.reporting.month import NOW, World

DAY = Period(NOW - timedelta(days=1), NOW)
HOUR = timedelta(hours=1)


def seen(store: Store, period: Period = DAY, *, by: str = "provider", zone: str = "UTC") -> Overview:
    return overview(store, period, by=by, zone=zone)


def lines(store: Store, by: str, period: Period = DAY, zone: str = "UTC") -> dict[str, Line]:
    return {line.key: line for line in seen(store, period, by=by, zone=zone).lines}


def world_of(store: Store) -> World:
    """Two campaigns of the last day, to two lists and two providers, by two relays."""
    world = World(store)
    world.lists("weekly", "clearance")
    google = world.people(120, domain="gmail.com")
    gmx = world.people(150, domain="gmx.de", origin="import:fair", list_id=2)
    world.campaign("first", NOW - 20 * HOUR)
    world.campaign("second", NOW - 10 * HOUR, list_id=2)
    world.send(1, google, domain="gmail.com", at=NOW - 20 * HOUR)
    world.send(2, gmx, domain="gmx.de", at=NOW - 10 * HOUR, relay="other:25")
    world.report(6, at=NOW - 19 * HOUR, campaign=1)
    world.report(3, reason="mailboxfull", at=NOW - 9 * HOUR, campaign=2, domain="gmx.de", origin="import:fair",
                 list_id=2, relay="other:25")  # fmt: skip
    return world


@pytest.mark.parametrize(
    ("by", "expected"),
    [
        ("provider", {"google": (120, 6), "gmx-webde": (150, 3)}),
        ("domain", {"gmail.com": (120, 6), "gmx.de": (150, 3)}),
        ("reason", {"userunknown": (270, 6), "mailboxfull": (270, 3)}),
        ("fault", {"recipient": (270, 9)}),
        ("campaign", {"first": (120, 6), "second": (150, 3)}),
        ("list", {"weekly": (120, 6), "clearance": (150, 3)}),
        ("import", {"form": (120, 6), "import:fair": (150, 3)}),
        ("relay", {"smtp.example:25": (120, 6), "other:25": (150, 3)}),
        ("day", {"2026-11-22": (270, 9)}),
    ],
)
def test_reports_stand_beside_the_messages_they_are_a_share_of(
    store: Store, by: str, expected: dict[str, tuple[int, int]]
) -> None:
    world_of(store)
    found = lines(store, by)
    assert {
        key: (line.current.sent.answered, line.current.bounces) for key, line in found.items()
    } == expected


def test_hours_and_days_are_those_of_the_site(store: Store) -> None:
    world = World(store)
    world.lists("weekly")
    at = datetime(2026, 11, 22, 23, 30, tzinfo=UTC)
    world.report(2, at=at)
    assert list(lines(store, "hour", zone="Europe/Berlin")) == ["2026-11-23 00:00"]
    assert list(lines(store, "day", zone="Europe/Berlin")) == ["2026-11-23"]
    assert list(lines(store, "day", zone="UTC")) == ["2026-11-22"]


def test_the_table_names_every_dimension() -> None:
    assert list(DIMENSIONS) == [
        *("provider", "domain", "reason", "fault", "campaign", "list", "import", "relay", "day", "hour")
    ]


def test_lines_with_the_most_failures_stand_first_and_times_in_their_order(store: Store) -> None:
    world_of(store)
    assert [line.key for line in seen(store, by="reason").lines] == ["userunknown", "mailboxfull"]
    hours = [line.key for line in seen(store, by="hour").lines]
    assert hours == sorted(hours)


def test_a_refusal_at_once_is_an_answer_and_a_waiting_message_is_none(store: Store) -> None:
    world = World(store)
    world.lists("weekly")
    world.campaign("first", NOW - 5 * HOUR)
    states = (DeliveryState.ACCEPTED, DeliveryState.REJECTED, DeliveryState.SKIPPED, DeliveryState.UNKNOWN)
    for state in states:
        readers = world.people(10, domain="gmail.com")
        world.send(1, readers, domain="gmail.com", at=NOW - 5 * HOUR, state=state)
    assert seen(store).total.current.sent == Sent(accepted=10, refused=10)


def test_system_mail_is_counted_too(store: Store) -> None:
    world = World(store)
    world.lists("weekly")
    world.campaign("first", NOW - 5 * HOUR)
    world.send(SYSTEM_STREAM + 1, world.people(5, domain="gmail.com"), domain="gmail.com", at=NOW - HOUR)
    world.report(1, at=NOW - HOUR, campaign=None, list_id=None)
    assert lines(store, "campaign")[SYSTEM_MAIL].current.hard == 1
    assert lines(store, "list")[SYSTEM_MAIL].current.hard == 1


def test_the_period_before_is_as_long_and_ends_where_this_one_begins(store: Store) -> None:
    world = World(store)
    world.lists("weekly")
    for hours, count in ((1, 1), (23, 2), (25, 4), (47, 8), (49, 16)):
        world.report(count, at=NOW - hours * HOUR)
    total = seen(store).total
    assert (total.current.hard, total.before.hard) == (3, 12)


def test_the_first_instant_belongs_to_a_period_and_the_last_does_not(store: Store) -> None:
    world = World(store)
    world.lists("weekly")
    world.report(1, at=DAY.since)
    world.report(2, at=DAY.until)
    assert seen(store).total.current.hard == 1


def test_a_domain_counts_for_the_provider_that_was_looked_up(store: Store) -> None:
    world = World(store)
    world.lists("weekly")
    world.campaign("first", NOW - 5 * HOUR)
    world.send(1, world.people(7, domain="firm.example"), domain="firm.example", at=NOW - 5 * HOUR)
    world.report(2, at=NOW - HOUR, campaign=1, domain="firm.example", provider="google")
    with store.write() as connection:
        connection.execute(
            insert(ProviderRow), [{"domain": "firm.example", "provider": "google", "expires_at": NOW}]
        )
    found = lines(store, "provider")["google"].current
    assert (found.sent.accepted, found.hard) == (7, 2)


def test_a_chart_over_a_day_has_every_hour_and_over_a_month_every_day(store: Store) -> None:
    world_of(store)
    day = seen(store).over_time
    assert len(day) == 24
    assert sum(line.current.bounces for line in day) == 9
    thirty = seen(store, Period(NOW - timedelta(days=30), NOW)).over_time
    assert len(thirty) == 31, "the first and the last day are parts"
    assert sum(line.current.bounces for line in thirty) == 9


def test_every_way_to_tell_reports_apart_has_the_same_sum(store: Store) -> None:
    month.bad_month(store)
    period = Period(NOW - timedelta(days=30), NOW)
    totals = seen(store, period).total.current
    for by in DIMENSIONS:
        found = seen(store, period, by=by).lines
        for sort in COUNTED:
            assert sum(line.current.count(sort) for line in found) == totals.count(sort), (by, sort)
        if DIMENSIONS[by].sent:
            assert sum(line.current.sent.answered for line in found) == totals.sent.answered, by


def test_what_waits_for_a_person_is_counted(store: Store) -> None:
    world = World(store)
    world.lists("weekly")
    world.campaign("first", NOW)
    mails = [
        {"received_at": NOW, "source": "pipe", "digest": bytes([place]) * 32, "size": 1, "state": state}
        for place, state in enumerate(
            (ReturnedState.REVIEW, ReturnedState.REVIEW, ReturnedState.UNREADABLE, ReturnedState.SETTLED)
        )
    ]
    freezes = [
        {
            "scope": scope,
            "key": key,
            "reason": "blocked",
            "opened_at": NOW,
            "last_at": NOW,
            "closed_at": closed,
        }
        for scope, key, closed in (
            (FreezeScope.PROVIDER, "google", None),
            (FreezeScope.CAMPAIGN, "1", None),
            (FreezeScope.PROVIDER, "yahoo", NOW),
        )
    ]
    with store.write() as connection:
        connection.execute(insert(ReturnedMail), mails)
        connection.execute(insert(Freeze), freezes)
    waiting = seen(store).waiting
    assert (waiting.review, waiting.unreadable) == (2, 1)
    assert waiting.frozen == ("1 (provider google)", "2 (campaign first)")


def test_an_empty_site_has_an_empty_report(store: Store) -> None:
    shown = seen(store)
    assert (shown.lines, shown.findings) == ((), ())
    assert shown.total == Line("", Figures(Sent()), Figures(Sent()))


def test_a_report_of_before_its_columns_existed_is_counted_as_unknown(store: Store) -> None:
    """Rows of the first versions have a kind, a domain and a time, and nothing else."""
    from mailer.store.schema import Report

    with store.write() as connection:
        connection.execute(
            insert(Report), [{"received_at": NOW - HOUR, "kind": ReportKind.BOUNCE, "domain": "gmail.com"}]
        )
    assert lines(store, "reason")[UNKNOWN].current.soft == 1
    assert lines(store, "provider")["google"].current.soft == 1


@pytest.mark.parametrize(
    ("kind", "severity", "group", "sort"),
    [
        (ReportKind.COMPLAINT, ReportSeverity.COMPLAINT, "complaint", Sort.COMPLAINT),
        (ReportKind.BOUNCE, ReportSeverity.HARD, "bad_address", Sort.HARD),
        (ReportKind.BOUNCE, ReportSeverity.SOFT, "mailbox_full", Sort.SOFT),
        (ReportKind.BOUNCE, ReportSeverity.SOFT, "policy", Sort.POLICY),
        (ReportKind.BOUNCE, ReportSeverity.DELAYED, "policy", Sort.DELAYED),
        (ReportKind.BOUNCE, None, None, Sort.SOFT),
    ],
)
def test_each_report_is_of_one_sort(
    kind: ReportKind, severity: ReportSeverity | None, group: str | None, sort: Sort
) -> None:
    assert sort_of(kind, severity, group) is sort


@given(st.integers(min_value=0, max_value=10**9), st.integers(min_value=0, max_value=10**9))
def test_a_share_is_told_only_of_a_hundred_and_more(count: int, of: int) -> None:
    told = share(min(count, of), of)
    assert (told is None) == (of < 100)
    assert told is None or 0 <= told <= 1
