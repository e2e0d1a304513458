"""docs/delivery.md shows commands that are understood as they stand there, and numbers that are so."""

from __future__ import annotations

import re
import shlex

import click
import pytest

from mailer.cli.main import main
from mailer.delivery import engine, recover, retry
from mailer.delivery.settling.verdicts import Limits
from mailer.settings import Settings
from mailer.settings.model import SendingSettings
from mailer.store.vocabulary import DeliveryState
from tests.house.tree import ROOT

PAGE = (ROOT / "docs" / "delivery.md").read_text(encoding="utf-8")
COMMANDS = re.findall(r"^mailer .+$", PAGE, re.MULTILINE)


@pytest.mark.parametrize("line", COMMANDS)
def test_every_command_shown_is_understood(line: str) -> None:
    """Parsed as a shell and the program would; nothing is run."""
    command: click.Command = main
    # A command keeps the names of its help option from the first context it meets.
    context = click.Context(main, info_name="mailer", **main.context_settings)
    _, *words = shlex.split(line)
    while isinstance(command, click.Group):
        name = words.pop(0)
        found = command.get_command(context, name)
        assert found is not None, name
        command = found
    with command.make_context(command.name or "", words, parent=context) as understood:
        assert understood.params


def test_there_is_something_to_try() -> None:
    assert len(COMMANDS) >= 10


def test_every_state_is_explained() -> None:
    explained = re.findall(r"^\| `(\w+)` \|", PAGE, re.MULTILINE)
    assert explained == [state.value for state in sorted(DeliveryState, key=explained.index)]
    assert set(explained) == {state.value for state in DeliveryState}


def test_the_numbers_are_those_of_the_program(settings: Settings) -> None:
    sending: SendingSettings = settings.sending
    policy, limits = retry.RetryPolicy(), Limits()
    for said in (
        f"every {engine.BEAT_SECONDS:g} seconds that it lives",
        f"{engine.LEASE_SECONDS:g} seconds",
        f"`[sending] stop_seconds` ({sending.stop_seconds:g})",
        f"After {recover.LOST_HOST.seconds // 60} minutes of silence",
        f"after {policy.first.seconds // 60} minutes, then about every {policy.then.total_seconds() / 3600:g} hours",
        f'"later" for {policy.give_up.total_seconds() / 3600:g} hours',
        f"from {limits.before.seconds // 60} minutes before the attempt",
        f"{limits.after.seconds // 60} minutes after it",
    ):
        assert said in " ".join(PAGE.split()), said
