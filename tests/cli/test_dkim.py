"""`mailer dkim`: a key is made, its record printed, and the next steps are said (A47)."""

from __future__ import annotations

import json
import re

import pytest
from click.testing import CliRunner, Result

from mailer.cli.main import main
from mailer.dkim import load_key, record_text
from mailer.dkim.keys import selectors_in
from mailer.site import SiteFolder


def run(folder: SiteFolder, *words: str) -> Result:
    """`mailer dkim ...`."""
    return CliRunner().invoke(main, ["dkim", *words, "--site", str(folder.root)])


def printed(folder: SiteFolder, *words: str) -> str:
    """What it prints when all is well."""
    done = run(folder, *words)
    assert done.exit_code == 0, done.output
    return done.stdout


def setting(folder: SiteFolder, lines: str) -> None:
    """Add a [dkim] to mailer.toml."""
    with folder.settings_path.open("a") as file:
        file.write(f"\n[dkim]\n{lines}\n")


def test_a_new_key_comes_with_its_record_and_what_to_do_next(site_folder: SiteFolder) -> None:
    told = printed(site_folder, "new", "--selector", "s1")
    key = load_key(site_folder.dkim_keys, "s1")
    assert f"name   s1._domainkey.shop.example\n   type   TXT\n   value  {record_text(key)}\n" in told
    assert told.index("1. Publish in DNS") < told.index('selector = "s1"') < told.index("mailer doctor")
    assert "PRIVATE" not in told


def test_a_key_that_is_not_named_is_called_after_the_month(site_folder: SiteFolder) -> None:
    for words in ((), (), ("--type", "ed25519")):
        printed(site_folder, "new", *words)
    first, second, third = selectors_in(site_folder.dkim_keys)
    assert re.fullmatch(r"m\d{6}", first)
    assert (second, third) == (f"{first}-2", f"{first}e")


def test_an_ed25519_key_is_said_to_stand_beside_an_rsa_key(site_folder: SiteFolder) -> None:
    told = printed(site_folder, "new", "--type", "ed25519", "--selector", "e1")
    assert 'ed25519_selector = "e1"' in told
    assert "k=ed25519; p=" in told
    assert "never alone" in told


@pytest.mark.rule("A47")
def test_a_rotation_says_that_the_old_record_stays_for_seven_days(site_folder: SiteFolder) -> None:
    printed(site_folder, "new", "--selector", "old")
    setting(site_folder, 'selector = "old"')
    told = printed(site_folder, "new", "--selector", "new")
    assert "old signs until then" in told
    assert "for 7 days more" in told
    assert "empty its p=" in told


def test_a_name_that_is_taken_is_refused(site_folder: SiteFolder) -> None:
    printed(site_folder, "new", "--selector", "s1")
    done = run(site_folder, "new", "--selector", "s1")
    assert done.exit_code == 1
    assert "is not overwritten; choose another --selector" in done.stderr


@pytest.mark.rule("A47", "B16")
def test_show_says_which_key_signs_what(site_folder: SiteFolder) -> None:
    for selector in ("now", "confirm", "later"):
        printed(site_folder, "new", "--selector", selector)
    setting(site_folder, 'selector = "now"\nsystem_selector = "confirm"')
    told = printed(site_folder, "show")
    assert "now: RSA 2048 bits, signs campaigns;" in told
    assert "confirm: RSA 2048 bits, signs system mail;" in told
    assert "later: RSA 2048 bits, signs nothing: announced, or retiring;" in told


def test_show_speaks_json(site_folder: SiteFolder) -> None:
    printed(site_folder, "new", "--selector", "s1")
    setting(site_folder, 'selector = "s1"')
    (row,) = json.loads(printed(site_folder, "show", "--json"))
    assert (row["selector"], row["type"], row["bits"], row["signs"]) == ("s1", "rsa", 2048, True)
    (record,) = row["records"]
    assert record["value"] == record_text(load_key(site_folder.dkim_keys, "s1"))


def test_every_domain_that_signs_needs_the_record(site_folder: SiteFolder) -> None:
    text = site_folder.settings_path.read_text()
    site_folder.settings_path.write_text(text.replace("news@shop.example", "news@other.example", 1))
    told = printed(site_folder, "new", "--selector", "s1")
    assert "s1._domainkey.other.example\n" in told
    assert "s1._domainkey.shop.example\n" in told


def test_without_a_key_show_says_how_to_make_one(site_folder: SiteFolder) -> None:
    assert "Make one: mailer dkim new" in printed(site_folder, "show")


def test_a_key_that_signs_nothing_is_said_to(site_folder: SiteFolder) -> None:
    printed(site_folder, "new")
    assert "Nothing is signed here: [dkim] selector is not set" in printed(site_folder, "show")
