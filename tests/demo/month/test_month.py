"""A small month through the real code: everybody is accounted for, nobody is wronged, each cause is found."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import func, select

from mailer import clock
from mailer.application import Site, open_site
from mailer.audit.verify import verify
from mailer.bounces.reporting.model import Finding, Period
from mailer.bounces.reporting.overview import overview
from mailer.demo.month.people import BOUGHT
from mailer.demo.month.plan import Plan
from mailer.demo.month.providers import LISTING
from mailer.demo.month.stage import month_site
from mailer.demo.month.story import Month
from mailer.demo.month.truth import Comparison
from mailer.store.schema import Delivery, Freeze, Report, ReturnedMail
from mailer.store.vocabulary import DeliveryState, ReportEffect, ReturnedState

#: The smallest in which every cause is larger than chance.
PLAN = Plan(seed=1, people=1_500, days=14, start=datetime(2026, 11, 2, tzinfo=UTC))
SMALL = Plan(seed=3, people=500, days=14, start=datetime(2026, 11, 2, tzinfo=UTC))


@dataclass(frozen=True)
class Played:
    """A month that is over."""

    site: Site
    told: list[str]
    found: Comparison
    findings: dict[str, Finding]
    came: dict[str, int]


def play(plan: Plan, folder: Path) -> tuple[Comparison, list[str], dict[str, int], dict[str, Finding]]:
    told: list[str] = []
    with clock.steered(plan.start) as steer, month_site(folder, seed=plan.seed) as site:
        month = Month(site, plan, steer=steer, say=told.append)
        found = month.play()
        seen = overview(site.store, Period(plan.start, plan.end), by="provider", zone="UTC")
    return found, told, dict(month.post.came), {one.name: one for one in seen.findings}


@pytest.fixture(scope="module")
def month(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Played]:
    folder = tmp_path_factory.mktemp("month") / "site"
    found, told, came, findings = play(PLAN, folder)
    site = open_site(folder, {})
    yield Played(site, told, found, findings, came)
    site.close()


def count(month: Played, *conditions: object) -> int:
    with month.site.store.read() as connection:
        return connection.scalar(select(func.count()).where(*conditions)) or 0  # type: ignore[arg-type]  # columns of a table


def test_everybody_a_campaign_was_for_is_accounted_for(month: Played) -> None:
    assert month.found.adds_up
    assert month.found.total == sum(one.audience for one in month.site.campaigns.statuses())
    assert count(month, Delivery.state == DeliveryState.ATTEMPTING) == 0
    assert count(month, Delivery.state == DeliveryState.UNKNOWN) == 0


@pytest.mark.rule("A76", "A77")
def test_no_living_address_is_suppressed_as_dead(month: Played) -> None:
    assert month.found.wrongly == []


@pytest.mark.rule("A76")
def test_nearly_every_dead_address_that_was_mailed_is_suppressed(month: Played) -> None:
    assert month.found.found / month.found.dead > 0.95


def test_who_complained_and_who_asked_to_leave_is_not_mailed_any_more(month: Played) -> None:
    assert month.came["complaint"] and month.came["stop"] + month.came.get("mailed_leave", 0)
    assert (month.found.complaints_missed, month.found.leavers_missed) == (0, 0)


@pytest.mark.rule("A79")
def test_forged_reports_change_nothing_and_wait_for_a_person(month: Played) -> None:
    assert month.came["forged"] > 0
    in_review = ReturnedMail.state == ReturnedState.REVIEW
    assert count(month, in_review) >= month.came["forged"]
    assert count(month, Report.matched_by == "address") == 0


def test_everything_that_came_by_mail_was_read(month: Played) -> None:
    mailed = sum(number for sort, number in month.came.items() if sort != "one_click")
    assert sum(month.found.mails.values()) == mailed
    assert not {"waiting", "unreadable"} & set(month.found.mails)


@pytest.mark.rule("A82")
def test_what_was_our_own_fault_counts_against_nobody(month: Played) -> None:
    blamed = (ReportEffect.HELD, ReportEffect.SUPPRESSED, ReportEffect.SCORED)
    assert count(month, Report.reason.in_(("blocked", "authfailure"))) > 100
    assert count(month, Report.reason.in_(("blocked", "authfailure")), Report.effect.in_(blamed)) == 0


def test_the_report_names_the_listing_and_who_lists(month: Played) -> None:
    assert month.findings["listing"].key == LISTING.domain


def test_the_report_names_the_broken_dkim(month: Played) -> None:
    finding = month.findings["authentication"]
    assert abs(finding.since - PLAN.dkim_break.since).total_seconds() <= 3_600


def test_the_report_names_the_bad_import(month: Played) -> None:
    assert f"import:{BOUGHT}" in {one.key for one in month.findings.values()}


def test_the_report_names_the_campaign_that_people_complain_of(month: Played) -> None:
    assert PLAN.unwanted.slug in {one.key for one in month.findings.values()}


def test_the_report_finds_nothing_else(month: Played) -> None:
    assert len(month.findings) == 4


def test_the_troubled_campaigns_were_paused_and_a_person_let_them_go_on(month: Played) -> None:
    story = "\n".join(month.told)
    assert re.search(r"letter-\d\d was paused: .*because of the sender", story) or "failed alike" in story
    assert "the operator lets letter-" in story
    assert count(month, Freeze.closed_at.is_(None)) == 0


def test_the_ledger_of_the_month_is_sealed_to_the_end(month: Played) -> None:
    verdict = verify(month.site.store, month.site.secrets, month.site.head_path)
    assert verdict.findings == () and verdict.rows > PLAN.people


def test_the_same_seed_gives_the_same_month_whenever_it_begins(tmp_path: Path) -> None:
    found, _told, _came, _findings = play(SMALL, tmp_path / "here")
    words = ("--seed", str(SMALL.seed), "--people", str(SMALL.people), "--days", str(SMALL.days))
    done = subprocess.run(
        [sys.executable, "-m", "mailer", "demo", "--month", *words, "--folder", str(tmp_path / "there")],
        capture_output=True,
        text=True,
        timeout=500,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    plain = " ".join(done.stdout.split())
    states = ", ".join(f"{number:,} {state}" for state, number in sorted(found.deliveries.items()))
    assert f"{found.total:,}: {states}" in plain
    assert f"{found.found:,} of {found.dead:,} are suppressed" in plain


def test_a_folder_that_holds_a_site_is_refused_in_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "mailer.toml").touch()
    done = subprocess.run(
        [sys.executable, "-m", "mailer", "demo", "--month", "--folder", str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.startswith("mailer: ") and "holds a site already" in done.stderr
    assert done.stderr.count("\n") == 1
