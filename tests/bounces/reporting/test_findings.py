"""What is wrong is found in one look, and nothing is found where nothing is wrong."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from mailer.bounces.model import REASONS
from mailer.bounces.reporting.dimensions import DIMENSIONS
from mailer.bounces.reporting.model import Finding, Overview, Period
from mailer.bounces.reporting.overview import overview
from mailer.bounces.reporting.patterns import PATTERNS
from mailer.store import Store
from mailer.store.vocabulary import ReportSeverity
from tests.bounces.reporting import month
from tests.bounces.reporting.month import NOW, World

MONTH = Period(NOW - timedelta(days=30), NOW)


def seen(store: Store, period: Period = MONTH, *, by: str = "provider") -> Overview:
    return overview(store, period, by=by, zone="Europe/Berlin")


def found(store: Store, period: Period = MONTH) -> dict[str, Finding]:
    return {finding.name: finding for finding in seen(store, period).findings}


@pytest.fixture
def world(sqlite_store: Store) -> World:
    """One campaign of 1 000 messages to each of four providers, an hour before now."""
    made = World(sqlite_store)
    made.lists("weekly")
    made.campaign("issue", NOW - timedelta(hours=5))
    for domain in ("gmail.com", "gmx.de", "outlook.com", "yahoo.com"):
        readers = made.people(1000, domain=domain)
        made.send(1, readers, domain=domain, at=NOW - timedelta(hours=5))
    return made


def reported(world: World, count: int, reason: str, domain: str = "gmx.de") -> None:
    at = NOW - timedelta(hours=3)
    world.report(count, reason=reason, at=at, hours=2.9, campaign=1, domain=domain)


# --- the simulated month --------------------------------------------------------------------------


def test_the_four_causes_of_a_month_are_all_that_is_found(store: Store) -> None:
    month.bad_month(store)
    assert [(finding.name, finding.key) for finding in seen(store).findings] == [
        ("authentication", ""),
        ("listing", "gmx-webde"),
        ("bad_import", "import:fair"),
        ("complaints_campaign", "issue-7"),
    ]


def test_a_month_in_which_nothing_is_wrong_finds_nothing(store: Store) -> None:
    month.quiet_month(store)
    assert seen(store).findings == ()


@pytest.mark.parametrize(
    ("trouble", "name", "at"),
    [
        (month.listing, "listing", month.LISTING_AT),
        (month.bad_import, "bad_import", month.IMPORT_AT),
        (month.dkim_break, "authentication", month.DKIM_AT),
        (month.complaint_spike, "complaints_campaign", month.SPIKE_AT),
    ],
)
def test_each_is_found_alone_and_since_it_began(
    sqlite_store: Store, trouble: Callable[[World], None], name: str, at: object
) -> None:
    trouble(month.quiet_month(sqlite_store))
    findings = found(sqlite_store)
    assert list(findings) == [name]
    assert findings[name].since == at


def test_a_finding_counts_what_was_hit_of_what_could_be(sqlite_store: Store) -> None:
    month.bad_import(month.quiet_month(sqlite_store))
    finding = found(sqlite_store)["bad_import"]
    assert (finding.count, finding.of) == (80, 400)
    assert finding.reasons == ("userunknown",)


def test_a_broken_signature_names_the_providers_that_saw_it_worst_first(sqlite_store: Store) -> None:
    month.dkim_break(month.quiet_month(sqlite_store))
    finding = found(sqlite_store)["authentication"]
    assert finding.providers == ("google", "outlook", "yahoo")
    assert "google, outlook and yahoo" in finding.title


def test_what_a_finding_explains_is_not_told_again_by_another(sqlite_store: Store) -> None:
    """The addresses of a bad import are all at one provider; that provider is not accused as well."""
    month.bad_import(month.quiet_month(sqlite_store))
    assert "alike" not in found(sqlite_store)


# --- floors ---------------------------------------------------------------------------------------


def test_one_of_two_is_not_half(sqlite_store: Store) -> None:
    world = World(sqlite_store)
    world.lists("weekly")
    world.campaign("issue", NOW - timedelta(hours=5))
    world.send(1, world.people(2, domain="tiny.example"), domain="tiny.example", at=NOW - timedelta(hours=5))
    world.report(1, at=NOW - timedelta(hours=4), campaign=1, domain="tiny.example")
    shown = seen(sqlite_store)
    assert shown.findings == ()
    assert shown.total.current.bounce_rate is None
    assert shown.lines[0].current.bounces == 1


@pytest.mark.parametrize(("count", "names"), [(19, []), (20, ["listing"])])
def test_a_listing_is_told_from_twenty_refusals_on(world: World, count: int, names: list[str]) -> None:
    reported(world, count, "blocked")
    assert list(found(world.store)) == names


def test_a_provider_that_is_like_all_others_is_not_singled_out(world: World) -> None:
    for domain in ("gmail.com", "gmx.de", "outlook.com", "yahoo.com"):
        reported(world, 15, "blocked", domain)
    assert found(world.store) == {}


# --- each pattern ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("reason", "count", "name"),
    [
        ("badreputation", 40, "listing"),
        ("userunknown", 200, "alike"),
        ("mailboxfull", 60, "mailbox_full"),
        ("networkerror", 40, "outage"),
        ("speeding", 40, "too_fast"),
        ("spamdetected", 40, "content"),
        ("authfailure", 40, "authentication"),
        ("feedback", 15, "complaints_campaign"),
    ],
)
def test_one_kind_of_trouble_at_one_provider_is_called_by_its_name(
    world: World, reason: str, count: int, name: str
) -> None:
    reported(world, count, reason)
    assert list(found(world.store)) == [name]


@pytest.mark.rule("A77")
def test_a_refusal_by_policy_is_our_fault_and_says_that_nobody_is_suppressed(world: World) -> None:
    reported(world, 100, "blocked")
    assert found(world.store)["listing"].fault == "The fault is on our side; nobody is suppressed for it."


@pytest.mark.rule("A73")
def test_delays_are_no_failures(world: World) -> None:
    world.report(
        500,
        reason="networkerror",
        at=NOW - timedelta(hours=2),
        campaign=1,
        domain="gmx.de",
        severity=ReportSeverity.DELAYED,
    )
    shown = seen(world.store)
    assert shown.findings == ()
    assert (shown.total.current.delayed, shown.total.current.bounces) == (500, 0)


def test_three_providers_that_refuse_at_once_have_one_cause(world: World) -> None:
    """Each stands out beside the rest that takes our mail."""
    for domain in ("gmx.de", "outlook.com", "yahoo.com"):
        reported(world, 300, "blocked", domain)
    quiet = [f"d{number}.example" for number in range(9)]
    for domain in quiet:
        readers = world.people(1000, domain=domain)
        world.send(1, readers, domain=domain, at=NOW - timedelta(hours=5))
    finding = found(world.store)["listing"]
    assert finding.count == 900
    assert finding.title.startswith("3 providers refuse us")
    assert set(finding.providers) == {"gmx-webde", "outlook", "yahoo"}


def test_many_dead_addresses_without_a_source_are_told_of_all_together(world: World) -> None:
    for domain in ("gmail.com", "gmx.de", "outlook.com", "yahoo.com"):
        reported(world, 40, "userunknown", domain)
    assert list(found(world.store)) == ["hard_everywhere"]


def test_reports_on_more_messages_than_were_sent_stay_a_share(world: World) -> None:
    """Bounces come late: those of last week's campaign may meet a period without messages."""
    reported(world, 40, "blocked", "late.example")
    finding = found(world.store)["listing"]
    assert (finding.count, finding.of) == (40, 40)


# --- since when -----------------------------------------------------------------------------------


def test_a_trickle_before_is_not_the_beginning(world: World) -> None:
    world.report(4, reason="blocked", at=NOW - timedelta(days=20), hours=300, campaign=1, domain="gmx.de")
    world.report(300, reason="blocked", at=NOW - timedelta(hours=2), hours=1.9, campaign=1, domain="gmx.de")
    assert found(world.store)["listing"].since == NOW - timedelta(hours=2)


def test_what_began_before_the_period_is_told_from_its_beginning(world: World) -> None:
    began = NOW - timedelta(hours=30)
    world.report(300, reason="blocked", at=began, hours=29, campaign=1, domain="gmx.de")
    day = Period(NOW - timedelta(days=1), NOW)
    assert found(world.store, day)["listing"].since == began


def test_what_ended_is_told_when(world: World) -> None:
    world.report(300, reason="blocked", at=NOW - timedelta(days=3), hours=2, campaign=1, domain="gmx.de")
    finding = found(world.store)["listing"]
    assert finding.last < NOW - timedelta(days=2)


# --- the table itself -----------------------------------------------------------------------------


def test_every_pattern_speaks_of_known_reasons_and_dimensions() -> None:
    for pattern in PATTERNS:
        assert pattern.along in {"", *DIMENSIONS}, pattern.name
        assert pattern.reasons <= REASONS.keys(), pattern.name
        assert 0 < pattern.rate < 1 <= pattern.times, pattern.name
    assert len({pattern.name for pattern in PATTERNS}) == len(PATTERNS)


def test_every_pattern_says_whose_fault_it_is_and_what_to_do() -> None:
    words = {"key": "K", "providers": "P", "number": 3, "example": 7}
    for pattern in PATTERNS:
        for text in (pattern.title, pattern.merged, pattern.remedy):
            assert "{" not in text.format(**words), pattern.name
        assert "fault" in pattern.fault, pattern.name
        assert pattern.remedy.endswith("."), pattern.name
        assert not pattern.title.endswith("."), pattern.name


def test_a_thin_spike_lasts_over_its_days_and_not_only_its_worst_hour(world: World) -> None:
    """Complaints come one by one: hours of one or two belong to it like those of three."""
    world.report(25, reason="feedback", at=NOW - timedelta(hours=20), hours=19, campaign=1)
    finding = found(world.store)["complaints_campaign"]
    assert finding.since == NOW - timedelta(hours=20)
    assert finding.last >= NOW - timedelta(hours=3)
