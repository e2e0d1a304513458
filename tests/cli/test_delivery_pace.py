"""`mailer delivery pace`: what an operator reads of speed, and may forget."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import insert

from mailer import clock
from mailer.application import open_site
from mailer.cli.main import main
from mailer.site import SiteFolder
from mailer.store.schema import PaceRow

pytestmark = pytest.mark.rule("B11", "B12")


@pytest.fixture
def run(site_folder: SiteFolder, _sqlite_template: Path) -> Callable[..., Result]:
    """Type `mailer delivery pace` in a site where Google has stopped us and the relay takes 5 a second."""
    shutil.copy(_sqlite_template, site_folder.data / "mailer.db")
    site = open_site(site_folder.root, {})
    now = clock.now()
    google = {
        "key": "provider:google", "limit": 0.5, "connections": 1,
        "cause": "an unusual rate of mail was found (421 4.7.28)",
        "until": datetime.fromtimestamp(now.timestamp() + 300, now.tzinfo), "updated_at": now,
        "memory": {"refused_at": now.timestamp()},
    }  # fmt: skip
    relay = {
        "key": "relay:main", "limit": 5.0, "cause": "it asked us to slow down (451 4.7.1)", "updated_at": now,
        "memory": {"refused_at": now.timestamp() - 3600},
    }  # fmt: skip
    with site.store.write() as connection:
        for row in (google, relay):
            connection.execute(insert(PaceRow), [row])
    site.store.dispose()

    def typed(*arguments: str) -> Result:
        return CliRunner().invoke(main, ["delivery", "pace", *arguments, "--site", str(site_folder.root)])

    return typed


def test_it_says_for_each_relay_and_provider_what_is_held_back_and_why(run: Callable[..., Result]) -> None:
    said = " ".join(run().output.split())
    assert "relay main at most 5/s, going up while it is used and nobody complains; last refusal" in said
    assert "provider google nothing leaves until" in said
    assert "at most 30/min" in said
    assert "one connection at once, one more each minute" in said


def test_programs_get_numbers(run: Callable[..., Result]) -> None:
    main_, google = json.loads(run("--json").output)
    assert (main_["kind"], main_["name"], main_["limit_per_second"], main_["closed_until"]) == (
        "relay",
        "main",
        5.0,
        None,
    )
    assert (google["connections"], google["cause"]) == (1, "an unusual rate of mail was found (421 4.7.28)")


def test_what_was_found_can_be_forgotten_once_and_that_is_on_record(
    run: Callable[..., Result], site_folder: SiteFolder
) -> None:
    assert run("reset", "google").output == "Forgotten: provider google. Senders know it within seconds.\n"
    assert "google" not in run().output
    again = run("reset", "google")
    assert (again.exit_code, "there is nothing to forget" in again.output) == (1, True)
    record = CliRunner().invoke(
        main, ["audit", "show", "--event", "pace-reset", "--site", str(site_folder.root)]
    )
    assert "provider:google" in record.output


def test_a_relay_that_was_never_slow_says_so(run: Callable[..., Result]) -> None:
    run("reset", "relay:main")
    assert "no limit: it has never asked us to slow down" in " ".join(run().output.split())
