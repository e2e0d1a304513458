"""Help: quick, complete, and the same words everywhere."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from mailer.cli.main import COMMANDS, main
from mailer.cli.subscriber_import import STANDINGS
from mailer.delivery.retrying.rules import RETRYABLE
from mailer.store.vocabulary import CampaignState, DeliveryState, Stream

ROOT = Path(__file__).parents[2]


def _commands(
    command: click.Command, path: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Every command that can be typed, with the words that lead to it."""
    if not isinstance(command, click.Group):
        yield path, command
        return
    context = click.Context(command)
    for name in command.list_commands(context):
        found = command.get_command(context, name)
        assert found is not None
        yield from _commands(found, (*path, name))


EVERY = dict(_commands(main))
READING = [
    ("audit", "show"),
    ("audit", "verify"),
    ("campaign", "check"),
    ("campaign", "status"),
    ("db", "check"),
    ("delivery", "list"),
    ("delivery", "show"),
    ("key", "list"),
    ("subscriber", "show"),
    ("suppression", "list"),
]
WITHOUT_A_SITE = {("init",), ("demo",), ("completion",), ("bounce", "classify")}


@pytest.mark.parametrize("path", EVERY, ids=" ".join)
def test_every_command_and_every_option_explains_itself(path: tuple[str, ...]) -> None:
    command = EVERY[path]
    assert command.help and command.help.strip()[0].isupper()
    for parameter in command.params:
        if isinstance(parameter, click.Option):
            assert parameter.help and parameter.help.strip().endswith((".", "?", "]")), parameter.name


@pytest.mark.parametrize("path", EVERY, ids=" ".join)
def test_help_fits_a_terminal(path: tuple[str, ...]) -> None:
    shown = CliRunner().invoke(main, [*path, "--help"], terminal_width=80)
    assert shown.exit_code == 0
    # What is there to be copied stays on its line.
    assert max(len(line) for line in shown.stdout.splitlines() if " > ~/" not in line) <= 80
    assert CliRunner().invoke(main, [*path, "-h"]).exit_code == 0


@pytest.mark.parametrize("path", READING, ids=" ".join)
def test_every_reading_command_speaks_json(path: tuple[str, ...]) -> None:
    assert "as_json" in {parameter.name for parameter in EVERY[path].params}


@pytest.mark.parametrize("path", EVERY, ids=" ".join)
def test_every_command_that_works_on_a_site_can_be_told_which(path: tuple[str, ...]) -> None:
    takes = "site_root" in {parameter.name for parameter in EVERY[path].params}
    assert takes is (path not in WITHOUT_A_SITE)


@pytest.mark.parametrize(
    ("path", "option", "words"),
    [
        (("delivery", "list"), "states", [state.value for state in DeliveryState]),
        (("delivery", "retry"), "states", sorted(RETRYABLE)),
        (("audit", "show"), "stream", [stream.value for stream in Stream]),
    ],
)
def test_choices_repeated_for_quick_help_are_those_of_the_vocabulary(
    path: tuple[str, ...], option: str, words: list[str]
) -> None:
    (found,) = [parameter for parameter in EVERY[path].params if parameter.name == option]
    assert isinstance(found.type, click.Choice)
    assert sorted(found.type.choices) == sorted(words)


def test_standings_of_an_import_are_each_a_standing() -> None:
    from mailer.subscribers.importing import Standing

    assert {Standing(word) for word in STANDINGS} <= set(Standing)


def test_the_states_of_a_campaign_each_have_a_colour() -> None:
    from mailer.cli import campaign_view

    assert set(campaign_view._STATE_COLOURS) == set(CampaignState)


def test_every_state_of_a_delivery_is_shown_in_the_status() -> None:
    from mailer.cli import campaign_view

    assert {state for state, _, _ in campaign_view._PARTS} == set(DeliveryState)


HEAVY = "{'sqlalchemy', 'rich', 'pydantic', 'starlette', 'jinja2', 'aiosmtplib', 'apscheduler', 'uvicorn', 'mjml'}"


@pytest.mark.parametrize(
    "words", ["['--version']", "['-h']", "['completion', 'bash']", "['init', '--help']", "['up', '--help']"]
)
def test_what_needs_no_library_loads_none(words: str) -> None:
    script = (
        "import sys\nfrom mailer.cli.main import main\n"
        f"try:\n    main({words}, standalone_mode=False)\nexcept SystemExit:\n    pass\n"
        f"loaded = {HEAVY} & sys.modules.keys()\nassert not loaded, loaded\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=30, check=False, cwd=ROOT
    )
    assert done.returncode == 0, done.stderr


def test_the_list_of_commands_needs_little_more_than_click() -> None:
    """`make bench` measures the time; here is what it is made of."""
    script = (
        "import sys\nimport click\nknown = set(sys.modules)\nimport mailer.cli.main\n"
        "print(*sorted(name for name in set(sys.modules) - known if not name.startswith('mailer')))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=30, check=True, cwd=ROOT
    )
    dear = {"csv", "dataclasses", "difflib", "inspect", "json", "logging", "pathlib", "urllib.parse"}
    assert dear.isdisjoint(done.stdout.split())


def test_help_is_the_same_without_a_site_and_without_a_home(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "mailer", "--help"],
        capture_output=True, text=True, timeout=30, check=True,
        cwd=tmp_path, env={"PATH": "", "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert [name for name in COMMANDS if f"\n  {name} " in done.stdout] == list(COMMANDS)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("typed", ["campain", "Init", "delivery-list", ""])
def test_a_command_that_there_is_not_is_named(typed: str) -> None:
    done = CliRunner().invoke(main, [typed])
    assert (done.exit_code, done.stdout) == (2, "")
    assert f"No such command '{typed}'" in done.stderr


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_goes_into_groups_and_options(shell: str) -> None:
    environ = {
        "_MAILER_COMPLETE": f"{shell}_complete",
        "COMP_WORDS": "mailer suppression l",
        "COMP_CWORD": "2",
    }
    if shell == "fish":
        environ |= {"COMP_WORDS": "mailer suppression l", "COMP_CWORD": "l"}
    done = CliRunner().invoke(main, [], env=environ, prog_name="mailer")
    assert "list" in done.stdout and "lift" in done.stdout and "add" not in done.stdout.split()


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        (["campain"], "campaign"),
        (["campaign", "shedule"], "schedule"),
        (["subscriber", "improt"], "import"),
        (["db", "upgarde"], "upgrade"),
    ],
)
def test_a_mistyped_command_is_answered_with_the_one_that_was_meant(typed: list[str], meant: str) -> None:
    done = CliRunner().invoke(main, typed)
    assert done.exit_code == 2
    assert f"Did you mean '{meant}'?" in done.stderr


def test_the_first_page_of_help_names_what_staff_need_in_a_hurry() -> None:
    shown = CliRunner().invoke(main, ["--help"], terminal_width=100).stdout
    assert all(word in shown for word in ("pause", "resume", "cancel"))


def test_retiring_keys_names_every_link_that_survives() -> None:
    shown = " ".join(CliRunner().invoke(main, ["key", "rotate", "--help"]).stdout.split())
    assert "except links to leave, to view, and to say “not me”" in shown
