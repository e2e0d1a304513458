"""`mailer db` in a terminal: what it says, and how it ends."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable

import pytest
from click.testing import CliRunner, Result

from mailer.cli.main import main
from mailer.site import SiteFolder
from mailer.store.migrate import newest_revision


@pytest.fixture
def run(site_folder: SiteFolder) -> Callable[..., Result]:
    """Type a command in the site."""

    def type_in(*words: str) -> Result:
        return CliRunner().invoke(main, [*words, "--site", str(site_folder.root)])

    return type_in


def _database(site_folder: SiteFolder) -> sqlite3.Connection:
    return sqlite3.connect(site_folder.root / "data" / "mailer.db")


def test_upgrade_makes_the_schema_and_says_from_where_to_where(run: Callable[..., Result]) -> None:
    newest = newest_revision()
    assert run("db", "upgrade").output == f"The database is from schema none to {newest}.\n"
    assert run("db", "upgrade").output == f"The database is at schema {newest} already.\n"


def test_a_sound_database_is_said_to_be_sound(run: Callable[..., Result]) -> None:
    run("db", "upgrade")
    result = run("db", "check", "--json")
    assert (result.exit_code, json.loads(result.output)) == (
        0,
        {"dialect": "sqlite", "revision": newest_revision(), "faults": []},
    )


def test_an_old_schema_stops_every_other_command_with_the_way_out(
    run: Callable[..., Result], site_folder: SiteFolder
) -> None:
    run("db", "upgrade")
    with _database(site_folder) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '0000'")
    result = run("audit", "verify")
    assert result.exit_code == 1
    assert f"at schema 0000, this version of mailer needs {newest_revision()}" in result.output
    assert "mailer db upgrade" in result.output
    assert run("db", "check").exit_code == 1


@pytest.mark.rule("D28")
def test_a_file_others_may_read_is_a_fault_with_its_remedy(
    run: Callable[..., Result], site_folder: SiteFolder
) -> None:
    run("db", "upgrade")
    (site_folder.root / "data" / "mailer.db").chmod(0o644)
    result = run("db", "check")
    assert result.exit_code == 1
    assert "has mode 0644, others may read it; run: chmod 600" in result.output


def test_a_row_that_points_nowhere_is_a_fault(run: Callable[..., Result], site_folder: SiteFolder) -> None:
    run("db", "upgrade")
    with _database(site_folder) as connection:
        connection.execute(
            "INSERT INTO subscriptions (subscriber_id, list_id, tag, state, source, requested_at)"
            " VALUES (7, 7, x'00', 'pending', 'form', '2026-01-01')"
        )
    result = run("db", "check")
    assert result.exit_code == 1
    assert "of subscriptions points to a row of subscribers" in result.output
