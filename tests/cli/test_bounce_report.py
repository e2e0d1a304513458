"""`mailer bounce report`, `bounce show` and `subscriber history`, typed as ops type them."""

from __future__ import annotations

import csv
import io
import json
import re
import shutil
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import update

from mailer import clock
from mailer.addresses import parse_address
from mailer.application import open_site
from mailer.bounces.reporting.dimensions import DIMENSIONS
from mailer.cli.bounce_report import GROUPS
from mailer.cli.main import main
from mailer.keyring import address_hash
from mailer.site import SiteFolder
from mailer.store.schema import Report
from tests.bounces.reporting.month import World


@pytest.fixture
def folder(site_folder: SiteFolder, _sqlite_template: Path) -> SiteFolder:
    """GMX has refused sixty of two hundred messages of the last hours; a reader of Gmail is gone."""
    shutil.copy(_sqlite_template, site_folder.data / "mailer.db")
    site = open_site(site_folder.root, {})
    world, at = World(site.store), clock.now() - timedelta(hours=3)
    world.campaigns_only()
    world.campaign("issue", at)
    for domain in ("gmx.de", "gmail.com"):
        world.send(1, world.people(200, domain=domain), domain=domain, at=at)
    world.report(60, reason="blocked", at=at, hours=2.9, campaign=1, domain="gmx.de")
    reader = address_hash(site.secrets, parse_address("reader201@gmail.com"))
    world.report(1, at=at, campaign=1, email_hash=reader)
    with site.store.write() as connection:
        connection.execute(update(Report).where(Report.id == 1).values(rule="\x1b[31mred"))
    site.close()
    return site_folder


def run(folder: SiteFolder, *words: str) -> Result:
    return CliRunner().invoke(main, [*words, "--site", str(folder.root)])


def test_the_report_says_first_what_is_wrong(folder: SiteFolder) -> None:
    done = run(folder, "bounce", "report")
    assert done.exit_code == 0
    shown = " ".join(done.output.split())
    assert "One thing is wrong. 1 gmx-webde refuses us by policy" in shown
    assert "60 of 200 messages (30 %)" in shown
    assert "The fault is on our side; nobody is suppressed for it." in shown
    assert re.search(r"`mailer bounce show \d+`", shown)
    assert shown.index("refuses us") < shown.index("refused by policy 60")


def test_lines_are_cut_at_the_limit_and_the_rest_is_named(folder: SiteFolder) -> None:
    done = run(folder, "bounce", "report", "--by", "provider", "--limit", "1")
    assert "google" not in done.output
    assert "1 more: --limit, --csv" in done.output


def test_a_table_by_the_hour_leaves_out_hours_without_anything(folder: SiteFolder) -> None:
    done = run(folder, "bounce", "report", "--by", "hour", "--limit", "99")
    assert done.exit_code == 0
    assert done.output.count(":00 ") <= 8


def test_json_and_csv_are_for_programs(folder: SiteFolder) -> None:
    told = json.loads(run(folder, "bounce", "report", "--since", "7d", "--json").stdout)
    assert told["total"]["policy"] == 60
    assert told["by"] == "provider"
    rows = csv.DictReader(io.StringIO(run(folder, "bounce", "report", "--by", "reason", "--csv").stdout))
    assert [row["key"] for row in rows] == ["blocked", "userunknown", "total"]


def test_a_page_is_written_whole_to_a_file(folder: SiteFolder, tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    done = run(folder, "bounce", "report", "--html", str(path))
    assert done.output == f"Written: {path}\n"
    html = path.read_text(encoding="utf-8")
    assert html.startswith("<!doctype html>")
    assert html.endswith("</html>\n")


def test_a_page_that_cannot_be_written_is_one_sentence(folder: SiteFolder, tmp_path: Path) -> None:
    done = run(folder, "bounce", "report", "--html", str(tmp_path / "none" / "report.html"))
    assert done.exit_code == 1
    assert "cannot be written: No such file or directory." in done.output


@pytest.mark.parametrize("since", ["2999-01-01", "soon", "-3d"])
def test_a_time_that_makes_no_period_is_refused(folder: SiteFolder, since: str) -> None:
    done = run(folder, "bounce", "report", f"--since={since}")
    assert done.exit_code == 2
    assert "--since" in done.output


def test_two_forms_at_once_are_refused(folder: SiteFolder) -> None:
    done = run(folder, "bounce", "report", "--csv", "--json")
    assert done.exit_code == 2
    assert "Say one of --csv, --json and --html." in done.output


def test_the_help_names_every_dimension() -> None:
    assert tuple(DIMENSIONS) == GROUPS


@pytest.mark.rule("D26")
def test_a_report_shows_its_rule_and_paints_nothing(folder: SiteFolder) -> None:
    done = run(folder, "bounce", "show", "1")
    assert done.exit_code == 0
    assert "\\x1b[31mred (version -)" in done.output
    assert "\x1b" not in done.output
    assert "blocked (policy)" in done.output


def test_a_report_that_is_not_there_is_one_sentence(folder: SiteFolder) -> None:
    done = run(folder, "bounce", "show", "99999")
    assert done.exit_code == 1
    assert done.output == "mailer: There is no report 99999.\n"


def test_a_history_is_in_the_order_of_time(folder: SiteFolder) -> None:
    done = run(folder, "subscriber", "history", "reader201@gmail.com")
    assert done.exit_code == 0
    assert done.output.index("mail accepted") < done.output.index("hard bounce")
    told = json.loads(run(folder, "subscriber", "history", "reader201@gmail.com", "--json").stdout)
    assert [event["what"] for event in told] == ["mail accepted", "hard bounce"]


def test_a_history_of_nobody_is_one_sentence(folder: SiteFolder) -> None:
    done = run(folder, "subscriber", "history", "nobody@example.net")
    assert done.exit_code == 1
    assert done.output.startswith("mailer: Nobody with this address is stored")
