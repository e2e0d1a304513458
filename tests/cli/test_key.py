"""`mailer key`: what signs is shown and changed, and links in mails already sent go on working."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from mailer.audit import seal, verify
from mailer.cli.main import main
from mailer.keyring import load_secrets
from mailer.site import SiteFolder
from mailer.store import open_store
from mailer.tokens import Purpose, TokenError, Tokens


def _run(folder: SiteFolder, *words: str) -> str:
    done = CliRunner().invoke(main, ["key", *words, "--site", str(folder.root)])
    assert done.exit_code == 0, done.output
    return done.stdout


def test_the_keys_are_listed_oldest_first_without_their_secrets(site_folder: SiteFolder) -> None:
    _run(site_folder, "rotate")
    listed = json.loads(_run(site_folder, "list", "--json"))
    keys = load_secrets(site_folder.secrets_path).token_keys
    assert [row["id"] for row in listed] == [key.id for key in keys]
    assert [row["signs"] for row in listed] == [False, True]
    assert set(listed[0]) == {"id", "created", "retired", "signs"}


def test_a_person_reads_them_as_a_table(site_folder: SiteFolder) -> None:
    assert "signs" in _run(site_folder, "list")


@pytest.mark.rule("D2", "C10")
def test_after_two_rotations_an_old_unsubscribe_link_works_and_an_old_confirm_link_does_not(
    site_folder: SiteFolder,
) -> None:
    before = Tokens(load_secrets(site_folder.secrets_path), confirm_seconds=600)
    leave, confirm = before.sign(Purpose.UNSUBSCRIBE, b"tag"), before.sign(Purpose.CONFIRM, b"tag")
    _run(site_folder, "rotate")
    _run(site_folder, "rotate", "--retire-old")
    after = Tokens(load_secrets(site_folder.secrets_path), confirm_seconds=600)
    assert after.read(Purpose.UNSUBSCRIBE, leave) == b"tag"
    with pytest.raises(TokenError):
        after.read(Purpose.CONFIRM, confirm)


@pytest.mark.rule("D27")
def test_a_rotation_is_in_the_ledger(site_folder: SiteFolder) -> None:
    _run(site_folder, "rotate")
    store = open_store("sqlite:///data/mailer.db", root=site_folder.root)
    secrets = load_secrets(site_folder.secrets_path)
    try:
        with store.read() as connection:
            rows = connection.exec_driver_sql("SELECT event FROM ledger").scalars().all()
        assert "key_rotated" in rows
        head = site_folder.data / "ledger.head"
        seal(store, secrets, head)
        assert verify(store, secrets, head).findings == ()
    finally:
        store.dispose()


def test_missing_secrets_say_what_to_do(site_folder: SiteFolder) -> None:
    site_folder.secrets_path.unlink()
    done = CliRunner().invoke(main, ["key", "list", "--site", str(site_folder.root)])
    assert done.exit_code == 1
    assert "is missing. Restore it from a backup" in done.stderr


@pytest.mark.rule("D27")
def test_the_record_of_a_rotation_says_which_key_and_whether_older_ones_were_retired(
    site_folder: SiteFolder,
) -> None:
    _run(site_folder, "rotate")
    told = _run(site_folder, "rotate", "--retire-old")
    assert told.startswith("Key k3 signs from now on. Restart mailer so that it is used")
    shown = CliRunner().invoke(main, ["audit", "show", "--json", "--site", str(site_folder.root)]).stdout
    assert [record["payload"] for record in json.loads(shown) if record["event"] == "key_rotated"] == [
        {"key": "k3", "retired_older": True},
        {"key": "k2", "retired_older": False},
    ]


@pytest.mark.rule("D6")
def test_no_command_prints_a_secret(site_folder: SiteFolder) -> None:
    _run(site_folder, "rotate")
    held = [
        line.split('"')[1]
        for line in site_folder.secrets_path.read_text("utf-8").splitlines()
        if '= "' in line
    ]
    long = [value for value in held if len(value) > 40]
    assert len(long) == 4
    for words in (("list",), ("list", "--json"), ("rotate",)):
        printed = _run(site_folder, *words)
        assert not any(value in printed for value in long)
