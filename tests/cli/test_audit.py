"""`mailer audit` in a terminal: shows what was recorded, and names what was touched."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable

import pytest
from click.testing import CliRunner, Result

from mailer.addresses import parse_address
from mailer.application import open_site
from mailer.audit import seal
from mailer.audit.ledger import erase_payloads
from mailer.cli.main import main
from mailer.keyring import address_hash
from mailer.site import SiteFolder
from mailer.store.vocabulary import Stream


@pytest.fixture
def run(site_folder: SiteFolder) -> Callable[..., Result]:
    """Type a command in a site whose ledger holds two sealed records, one of them about Ada."""
    site = open_site(site_folder.root, {})
    ada = address_hash(site.secrets, parse_address("ada@example.net"))
    with site.store.write() as connection:
        site.ledger.append(
            connection, stream=Stream.CONSENT, event="confirmed", payload={"list": "weekly"}, subject=ada
        )
        site.ledger.append(connection, stream=Stream.AUDIT, event="schedule", payload={"slug": "week-48"})
    seal(site.store, site.secrets, site.head_path)
    site.close()

    def type_in(*words: str) -> Result:
        return CliRunner().invoke(main, ["audit", *words, "--site", str(site_folder.root)])

    return type_in


def test_an_untouched_ledger_is_said_to_be_whole(run: Callable[..., Result]) -> None:
    result = run("verify")
    assert (result.exit_code, result.output) == (
        0,
        "2 records in 1 seals: nothing was altered, nothing is missing.\n",
    )


@pytest.mark.rule("C4")
def test_an_altered_record_is_named_and_the_exit_code_says_so(
    run: Callable[..., Result], site_folder: SiteFolder
) -> None:
    with sqlite3.connect(site_folder.root / "data" / "mailer.db") as connection:
        connection.execute("DROP TRIGGER ledger_update")
        connection.execute('UPDATE ledger SET payload = \'{"list":"clearance"}\' WHERE id = 1')
    result = run("verify")
    assert result.exit_code == 1
    assert result.output == "Row 1 (confirmed) was altered: its payload is not the one recorded.\n"


def test_records_are_shown_newest_first(run: Callable[..., Result]) -> None:
    shown = json.loads(run("show", "--json").output)
    assert [(each["event"], each["stream"]) for each in shown] == [
        ("schedule", "audit"),
        ("confirmed", "consent"),
    ]


def test_records_about_one_address_are_found_without_storing_the_address(run: Callable[..., Result]) -> None:
    shown = json.loads(run("show", "--address", "Ada@example.net", "--json").output)
    assert [each["payload"] for each in shown] == [{"list": "weekly"}]


def test_the_table_reads_in_plain_words(run: Callable[..., Result]) -> None:
    output = run("show", "--stream", "audit").output
    assert "schedule" in output and "week-48" in output and "confirmed" not in output


def test_verifying_seals_what_was_new_so_that_a_later_edit_is_found(
    run: Callable[..., Result], site_folder: SiteFolder
) -> None:
    site = open_site(site_folder.root, {})
    with site.store.write() as connection:
        site.ledger.append(connection, stream=Stream.AUDIT, event="export", payload={})
    site.close()
    assert run("verify").output == "3 records in 1 seals: nothing was altered, nothing is missing.\n"
    assert run("verify").output == "3 records in 2 seals: nothing was altered, nothing is missing.\n"


def test_a_ledger_at_fault_is_not_sealed_over(run: Callable[..., Result], site_folder: SiteFolder) -> None:
    with sqlite3.connect(site_folder.root / "data" / "mailer.db") as connection:
        connection.execute("DROP TRIGGER ledger_update")
        connection.execute("UPDATE ledger SET seal_id = NULL WHERE id = 2")
    for _ in range(2):
        assert run("verify").output == "Row 2 is missing: seal 1 covers it.\n"


def test_the_verdict_for_programs_names_each_row(run: Callable[..., Result], site_folder: SiteFolder) -> None:
    assert json.loads(run("verify", "--json").output) == {"rows": 2, "seals": 1, "findings": []}
    with sqlite3.connect(site_folder.root / "data" / "mailer.db") as connection:
        connection.execute("DROP TRIGGER ledger_delete")
        connection.execute("DELETE FROM ledger WHERE id = 2")
    result = run("verify", "--json")
    assert result.exit_code == 1
    assert json.loads(result.output)["findings"] == [
        {"row": 2, "message": "Row 2 is missing: seal 1 covers it."}
    ]


@pytest.mark.rule("C20")
def test_a_record_is_shown_without_what_is_empty_and_an_erased_one_says_so(
    run: Callable[..., Result], site_folder: SiteFolder
) -> None:
    site = open_site(site_folder.root, {})
    with site.store.write() as connection:
        said = {"wording": "w" * 80, "ip": None, "note": "", "fields": {}, "list": "weekly", "n": 0}
        number = site.ledger.append(connection, stream=Stream.CONSENT, event="requested", payload=said)
        erase_payloads(connection, [1])
    site.close()
    newest, *_others, oldest = run("show").output.split("\n\n")
    assert newest.splitlines()[0].startswith(f"#{number}  2") and newest.splitlines()[0].endswith(
        "  consent  requested"
    )
    assert newest.splitlines()[1:] == ["  list: weekly", "  n: 0", f"  wording: {'w' * 80}"]
    assert oldest.splitlines()[1:] == ["  (erased)"]
    records = {each["id"]: each["payload"] for each in json.loads(run("show", "--json").output)}
    assert records[1] is None and records[number] == said


def test_a_long_record_wraps_at_spaces_in_80_columns(
    run: Callable[..., Result], site_folder: SiteFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = open_site(site_folder.root, {})
    words = "Send me the newsletter about once a month; I can leave it again at any time. " * 3
    with site.store.write() as connection:
        site.ledger.append(connection, stream=Stream.CONSENT, event="requested", payload={"wording": words})
    site.close()
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setattr("mailer.cli.output._is_terminal", lambda: True)
    shown = run("show", "--event", "requested").output
    assert max(map(len, shown.splitlines())) <= 80 and len(shown.splitlines()) > 3
    assert " ".join(shown.split()[5:]) == " ".join(["wording:", *words.split()])


def test_no_record_is_one_sentence(run: Callable[..., Result]) -> None:
    assert run("show", "--event", "purged").output == "There is no such record.\n"


def test_a_record_for_programs_has_five_names(run: Callable[..., Result]) -> None:
    shown = json.loads(run("show", "--json", "--event", "schedule").output)
    assert [set(each) for each in shown] == [{"id", "at", "stream", "event", "payload"}]
    assert shown[0]["at"].endswith("+00:00")
