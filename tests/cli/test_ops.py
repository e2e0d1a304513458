"""`mailer ops user`: who may sign in is decided here, and the secret is shown once."""

from __future__ import annotations

import json
import re

import pytest
from argon2 import PasswordHasher
from click.testing import CliRunner, Result

from mailer.cli.main import main
from mailer.ops import passwords
from mailer.site import SiteFolder

pytestmark = pytest.mark.rule("D24")
PASSWORD = "solder smells like Sunday\n"


@pytest.fixture(autouse=True)
def cheap_argon2(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same hash with less work."""
    monkeypatch.setattr(passwords, "_HASHER", PasswordHasher(time_cost=1, memory_cost=64, parallelism=1))


def _run(folder: SiteFolder, *words: str, typed: str = PASSWORD) -> Result:
    return CliRunner().invoke(main, ["ops", "user", *words, "--site", str(folder.root)], input=typed)


def _secret(done: Result) -> str:
    assert done.exit_code == 0, done.output
    found = re.search(r"otpauth://totp/Ohm%20%26%20Volt%3Aada\?secret=([A-Z2-7]{32})&", done.output)
    assert found, done.output
    return found[1]


def test_a_password_comes_from_standard_input_and_the_secret_is_printed_once(site_folder: SiteFolder) -> None:
    done = _run(site_folder, "add", "ada", "--role", "operator")
    assert "ada may sign in at http://127.0.0.1:8025/ops as operator." in done.output
    secret = _secret(done)
    listed = _run(site_folder, "list", "--json").output
    assert secret not in listed
    assert PASSWORD.strip() not in done.output + listed
    [row] = json.loads(listed)
    assert (row["name"], row["role"], row["by_proxy"]) == ("ada", "operator", False)


def test_a_reset_prints_another_secret(site_folder: SiteFolder) -> None:
    first = _secret(_run(site_folder, "add", "ada", "--role", "viewer"))
    done = _run(site_folder, "reset", "ada")
    assert "signed out everywhere" in done.output
    assert _secret(done) != first


def test_whoever_comes_by_proxy_is_asked_for_nothing(site_folder: SiteFolder) -> None:
    done = _run(site_folder, "add", "eve", "--role", "viewer", "--by-proxy", typed="")
    assert done.exit_code == 0
    assert "otpauth" not in done.output
    assert "proxy" in _run(site_folder, "list").output


def test_an_empty_list_says_how_to_begin(site_folder: SiteFolder) -> None:
    assert "mailer ops user add NAME --role operator" in _run(site_folder, "list").output


@pytest.mark.parametrize(
    ("words", "typed", "code", "sentence"),
    [
        (("add", "ada", "--role", "viewer"), "short\n", 1, "it must have 12 to 256"),
        (("add", "ada", "--role", "viewer"), "", 1, "it must have 12 to 256"),
        (("add", "a b", "--role", "viewer"), PASSWORD, 1, "A name has 1 to 64 of"),
        (("add", "ada", "--role", "owner"), PASSWORD, 2, "'owner' is not one of 'viewer', 'operator'"),
        (("add", "ada"), PASSWORD, 2, "Missing option '--role'"),
        (("disable", "mallory"), "", 1, "Nobody named 'mallory' may sign in"),
        (("reset", "mallory"), PASSWORD, 1, "Nobody named 'mallory' may sign in"),
    ],
)
def test_what_cannot_be_gets_one_sentence(
    site_folder: SiteFolder, words: tuple[str, ...], typed: str, code: int, sentence: str
) -> None:
    done = _run(site_folder, *words, typed=typed)
    assert done.exit_code == code
    assert sentence in done.output


def test_whoever_is_disabled_is_listed_as_such(site_folder: SiteFolder) -> None:
    _run(site_folder, "add", "ada", "--role", "viewer")
    assert "signed out everywhere" in _run(site_folder, "disable", "ada").output
    assert "disabled" in _run(site_folder, "list").output
