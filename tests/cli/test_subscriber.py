"""`mailer subscriber` in a terminal: an invitation, never a subscription; and one look at one person."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from click.testing import CliRunner, Result

from mailer.addresses import parse_address
from mailer.application import Site, open_site
from mailer.cli.main import main
from mailer.site import SiteFolder
from mailer.store.vocabulary import SuppressionReason

ASKED = "at the counter, 20 November"


@pytest.fixture
def site(site_folder: SiteFolder) -> Iterator[Site]:
    """The site the commands work on, for looking behind them."""
    opened = open_site(site_folder.root, {})
    yield opened
    opened.close()


@pytest.fixture
def run(site: Site) -> Callable[..., Result]:
    """Type a `mailer subscriber` command in that site."""

    def type_in(*words: str) -> Result:
        return CliRunner().invoke(main, ["subscriber", *words, "--site", str(site.folder.root)])

    return type_in


@pytest.fixture
def add(run: Callable[..., Result]) -> Callable[..., Result]:
    """Invite somebody to the weekly list."""

    def invite(address: str = "Ada@example.net", *words: str) -> Result:
        return run("add", address, "--list", "weekly", "--asked", ASKED, *words)

    return invite


def shown(run: Callable[..., Result], address: str = "ada@example.net") -> dict[str, Any]:
    found: dict[str, Any] = json.loads(run("show", address, "--json").output)
    return found


@pytest.mark.rule("F1")
def test_adding_somebody_invites_them_and_no_more(
    add: Callable[..., Result], run: Callable[..., Result]
) -> None:
    result = add()
    assert (result.exit_code, result.output) == (
        0,
        "A confirmation mail to A…@example.net is queued. The subscription starts when they confirm; "
        "otherwise it is deleted after 7 days.\n",
    )
    (subscription,) = shown(run)["subscriptions"]
    assert (subscription["state"], subscription["source"]) == ("pending", "staff")


@pytest.mark.rule("C3")
def test_how_they_asked_is_kept_as_evidence(add: Callable[..., Result], run: Callable[..., Result]) -> None:
    add("ada@example.net", "--language", "de", "--field", "first_name=Ada")
    (record,) = shown(run)["history"]
    said = record["payload"]
    assert (record["event"], said["wording"], said["form_url"]) == (
        "requested",
        ASKED,
        "mailer subscriber add",
    )
    assert (said["language"], said["fields"]) == ("de", {"first_name": "Ada"})
    assert said["policy_version"].endswith(".de")


def test_without_saying_how_they_asked_nobody_is_added(run: Callable[..., Result]) -> None:
    assert run("add", "ada@example.net", "--list", "weekly").exit_code == 2
    result = run("add", "ada@example.net", "--list", "weekly", "--asked", " ")
    assert result.exit_code == 2 and "Say when and how they asked" in result.output


def test_the_help_says_how_proven_consent_comes_in(run: Callable[..., Result]) -> None:
    output = " ".join(run("add", "--help").output.split())
    assert "Nobody becomes a subscriber by somebody else's hand" in output
    assert "mailer subscriber import" in output


@pytest.mark.rule("D8")
def test_the_same_person_is_not_invited_twice_a_day(add: Callable[..., Result]) -> None:
    add()
    result = add()
    assert result.exit_code == 1
    assert "A…@example.net was not invited: a confirmation mail went to this address" in result.output


@pytest.mark.rule("B20")
def test_a_suppressed_person_is_not_invited_and_the_reason_is_told(
    add: Callable[..., Result], site: Site
) -> None:
    site.suppressions.add(parse_address("ada@example.net"), SuppressionReason.COMPLAINT)
    result = add()
    assert result.exit_code == 1 and "the address is suppressed (complaint)" in result.output


MISTAKES = [
    (("add", "ada@localhost", "--list", "weekly", "--asked", "x"), 1, "has no dot"),
    (("add", "ada@example.net", "--list", "monthly", "--asked", "x"), 1, "the lists are: weekly, clearance"),
    (
        ("add", "ada@example.net", "--list", "weekly", "--asked", "x", "--field", "Ada"),
        2,
        "is not NAME=VALUE",
    ),
    (("show", "ada@example.net"), 1, "Nobody with this address is stored"),
]


@pytest.mark.parametrize(("words", "code", "sentence"), MISTAKES)
def test_a_mistake_is_one_sentence(
    run: Callable[..., Result], words: tuple[str, ...], code: int, sentence: str
) -> None:
    result = run(*words)
    assert result.exit_code == code and sentence in result.output
    assert "Traceback" not in result.output


def test_the_table_shows_lists_suppressions_and_the_consent_record(
    add: Callable[..., Result], run: Callable[..., Result], site: Site
) -> None:
    add()
    site.suppressions.add(parse_address("ada@example.net"), SuppressionReason.HARD_BOUNCE, note="550 5.1.1")
    output = run("show", "ADA@example.net").output
    for word in (
        "Ada@example.net",
        "weekly",
        "pending",
        "hard_bounce",
        "550 5.1.1",
        "requested",
        "suppressed",
    ):
        assert word in output


def test_of_an_erased_person_only_the_suppression_shows(run: Callable[..., Result], site: Site) -> None:
    site.suppressions.add(parse_address("bob@example.org"), SuppressionReason.MANUAL)
    output = run("show", "bob@example.org").output
    assert "On no list." in output and "manual" in output


@pytest.mark.rule("F4", "D27")
def test_every_look_at_a_person_is_on_record(
    add: Callable[..., Result], run: Callable[..., Result], site: Site
) -> None:
    add()
    shown(run)
    result = CliRunner().invoke(main, ["audit", "show", "--json", "--site", str(site.folder.root)])
    assert [record["event"] for record in json.loads(result.output)].count("subscriber_shown") == 1
