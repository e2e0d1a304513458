"""`mailer subscriber import` in a terminal: what it takes, what it says, how it ends."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner, Result

from mailer.application import Site, open_site
from mailer.cli.main import main
from mailer.cli.subscriber_import import STANDINGS
from mailer.subscribers.importing import Standing

if TYPE_CHECKING:
    from mailer.site import SiteFolder
    from tests.importing.conftest import MakeFile

PEOPLE = "email;status;Shoe size\nada@shop.example;active;42\nbob@shop.example;left;43\nnobody;active;44\n"
VOUCHED = ("--declared-by", "Eve", "--consent-date", "2024-05-01", "--evidence", "paper forms")

Run = Callable[..., Result]


@pytest.fixture
def run(site_folder: SiteFolder) -> Run:
    """Type the command in a site."""

    def type_in(path: Path, *words: str) -> Result:
        command = ["subscriber", "import", str(path), "--list", "weekly", "--site", str(site_folder.root)]
        return CliRunner().invoke(main, [*command, *words])

    return type_in


@pytest.fixture
def site(site_folder: SiteFolder) -> Iterator[Site]:
    """The same site, for looking behind the command."""
    opened = open_site(site_folder.root, {})
    yield opened
    opened.close()


def test_the_report_says_how_the_file_was_read_and_what_became_of_it(run: Run, make_file: MakeFile) -> None:
    result = run(make_file(PEOPLE), *VOUCHED)
    assert result.exit_code == 0
    assert "Imported: people.csv into weekly" in result.output
    assert "spreadsheet, utf-8, columns separated by semicolon" in result.output
    assert "Shoe size" in result.output
    for words in ("Confirmed, with the evidence", "Suppressed from now on", "has no @"):
        assert words in result.output
    assert "shop.example" not in result.output


def test_json_is_the_whole_report(run: Run, make_file: MakeFile) -> None:
    result = run(make_file(PEOPLE), *VOUCHED, "--json")
    report = json.loads(result.output)
    assert report["finished"] is True
    assert report["groups"] == {"added": 1, "suppressed": 1, "unchanged": 0, "kept out": 0, "rejected": 1}
    assert report["reasons"]["rejected.no_at_sign"]["lines"] == [4]


def test_a_dry_run_says_so_and_changes_nothing(run: Run, make_file: MakeFile) -> None:
    path = make_file(PEOPLE)
    assert "Dry run, nothing is changed" in run(path, *VOUCHED, "--dry-run").output
    assert json.loads(run(path, *VOUCHED, "--json").output)["groups"]["added"] == 1


def test_without_anybody_vouching_people_wait(run: Run, make_file: MakeFile) -> None:
    result = run(make_file(PEOPLE), "--consent-date", "2024-05-01", "--evidence", "paper forms")
    assert "nobody vouched" in result.output


def test_invitations_are_counted_with_the_last_due_time(run: Run, make_file: MakeFile) -> None:
    result = run(make_file(PEOPLE), "--invite")
    assert "1, the last one due at" in result.output


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("--delimiter", "ab"), 2, "single character"),
        (("--consent-date", "May"), 2, "consent-date"),
        (("--as", "friends"), 2, "friends"),
        (("--encoding", "klingon"), 1, 'mailer: "klingon" is not a text encoding'),
        (("--email-column", "phone"), 1, "not exactly one column"),
        (("--list", "daily"), 1, 'There is no list "daily"'),
    ],
)
def test_a_wrong_option_is_usage_and_a_refusal_is_one_sentence(
    run: Run, make_file: MakeFile, words: tuple[str, ...], code: int, said: str
) -> None:
    result = run(make_file(PEOPLE), *words)
    assert result.exit_code == code
    assert said in result.output
    assert "Traceback" not in result.output


def test_a_tab_can_be_named(run: Run, make_file: MakeFile) -> None:
    path = make_file("email\tstatus\nada@shop.example\tactive\n")
    assert run(path, "--delimiter", "tab", "--dry-run").exit_code == 0


def test_what_the_option_offers_is_what_the_importer_knows() -> None:
    assert [standing.value for standing in Standing] == list(STANDINGS)


def test_progress_goes_from_the_first_line_to_the_last(site: Site, make_file: MakeFile) -> None:
    steps: list[tuple[int, int]] = []
    rows = "".join(f"p{number}@shop.example\n" for number in range(1000))
    site.imports.run(make_file("email\n" + rows), "weekly", progress=lambda *step: steps.append(step))
    assert len(steps) > 2
    assert [done for done, _ in steps] == sorted(done for done, _ in steps)
    assert steps[-1][0] == 1001
    assert {total for _, total in steps} == {1002}


def test_help_loads_neither_the_database_nor_the_progress_bar() -> None:
    code = (
        "import sys; from mailer.cli.subscriber_import import import_command as c;"
        " c.make_context('x', ['f', '--list', 'l'], resilient_parsing=True);"
        " print({'sqlalchemy', 'rich'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
