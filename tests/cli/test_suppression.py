"""`mailer suppression` in a terminal: list, add, lift, and what the policy refuses."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from click.testing import CliRunner, Result

from mailer.cli.main import main
from mailer.cli.suppression import REASONS
from mailer.site import SiteFolder
from mailer.store.vocabulary import SuppressionReason
from mailer.subscribers.model import SUPPRESSION_POLICY, StaffLift


@pytest.fixture
def run(site_folder: SiteFolder) -> Callable[..., Result]:
    """Type a `mailer suppression` command in a new site."""

    def type_in(*words: str) -> Result:
        return CliRunner().invoke(main, ["suppression", *words, "--site", str(site_folder.root)])

    return type_in


def listed(run: Callable[..., Result], *words: str) -> list[dict[str, object]]:
    found: list[dict[str, object]] = json.loads(run("list", "--json", *words).output)
    return found


def test_the_words_on_the_command_line_are_those_of_the_database() -> None:
    assert tuple(reason.value for reason in SuppressionReason) == REASONS


def test_adding_stops_all_mail_and_says_so(run: Callable[..., Result]) -> None:
    result = run("add", "Ada@example.net", "--note", "letter of 20 November")
    assert (result.exit_code, result.output) == (
        0,
        "A…@example.net is not mailed any more on every list (manual).\n",
    )
    (row,) = listed(run)
    assert (row["reason"], row["list_name"], row["note"]) == ("manual", None, "letter of 20 November")


def test_adding_twice_says_that_nothing_changed(run: Callable[..., Result]) -> None:
    run("add", "ada@example.net")
    assert "nothing changed" in run("add", "ADA@example.net").output
    assert len(listed(run)) == 1


@pytest.mark.rule("C33")
def test_an_opt_out_by_letter_can_be_for_one_list(run: Callable[..., Result]) -> None:
    result = run("add", "ada@example.net", "--reason", "unsubscribed", "--list", "weekly")
    assert "on weekly (unsubscribed)" in result.output
    assert listed(run)[0]["list_name"] == "weekly"


def test_an_unknown_list_is_one_sentence(run: Callable[..., Result]) -> None:
    result = run("add", "ada@example.net", "--list", "monthly")
    assert result.exit_code == 1 and "the lists are: weekly, clearance" in result.output


@pytest.mark.rule("D25", "C20")
def test_the_list_never_prints_a_whole_address(run: Callable[..., Result]) -> None:
    run("add", "ada@example.net")
    assert "ada@" not in run("list").output and "ada@" not in run("list", "--json").output
    assert "hash " in run("list").output


def test_the_list_can_be_cut_down_to_a_reason(run: Callable[..., Result]) -> None:
    run("add", "ada@example.net")
    run("add", "bob@example.org", "--reason", "complaint")
    assert [row["reason"] for row in listed(run, "--reason", "complaint")] == ["complaint"]


@pytest.mark.rule("B20")
@pytest.mark.parametrize("reason", REASONS)
def test_lifting_goes_as_far_as_the_policy_says(run: Callable[..., Result], reason: str) -> None:
    run("add", "ada@example.net", "--reason", reason)
    result = run("lift", "ada@example.net", "--reason", reason, "--why", "she asked by letter")
    left = [row["reason"] for row in listed(run)]
    expected = {
        StaffLift.NEVER: (1, "only their own new sign-up", [reason]),
        StaffLift.CLEARS_THE_WAY: (0, "only after signing up and confirming", ["unsubscribed"]),
        StaffLift.LIFTS: (0, "no longer suppressed", []),
    }
    code, sentence, remaining = expected[SUPPRESSION_POLICY[SuppressionReason(reason)].staff_lift]
    assert (result.exit_code, left) == (code, remaining) and sentence in result.output


def test_lifting_needs_a_reason(run: Callable[..., Result]) -> None:
    run("add", "ada@example.net")
    assert run("lift", "ada@example.net", "--reason", "manual").exit_code == 2
    result = run("lift", "ada@example.net", "--reason", "manual", "--why", " ")
    assert result.exit_code == 1 and "Lifting needs a reason" in result.output


def test_lifting_what_is_not_there_is_one_sentence(run: Callable[..., Result]) -> None:
    result = run("lift", "ada@example.net", "--reason", "manual", "--why", "x")
    assert result.exit_code == 1 and "not suppressed as manual" in result.output


def test_the_help_of_lift_names_every_reason(run: Callable[..., Result]) -> None:
    output = run("lift", "--help").output
    assert all(reason in output for reason in REASONS)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "No address is suppressed.\n"),
        (("--reason", "complaint"), "No address is suppressed for this reason.\n"),
    ],
)
def test_an_empty_list_is_one_sentence(run: Callable[..., Result], words: tuple[str, ...], said: str) -> None:
    assert run("list", *words).output == said
