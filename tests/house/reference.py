"""Write docs/cli.md from the commands' own help: the reference cannot drift from the program."""

from __future__ import annotations

import inspect
from collections.abc import Iterator

import click

from mailer.cli.main import main as command_line
from tests.house.tree import ROOT

REFERENCE = ROOT / "docs" / "cli.md"
_OPENING = """\
# The commands

Written by `make docs` from the commands' own help. Exit codes: 0 done, 1 the product says no, 2 a matter of usage.
Every reading command takes `--json`; every command that works on a site takes `--site DIR`.
"""


def commands() -> Iterator[tuple[str, click.Command]]:
    """Every command with its full name, groups before what they hold."""
    yield from _below("mailer", command_line)


def reference() -> str:
    """The whole document."""
    return "\n".join([_OPENING, *(_section(name, command) for name, command in commands())])


def _below(name: str, command: click.Command) -> Iterator[tuple[str, click.Command]]:
    yield name, command
    if isinstance(command, click.Group):
        context = click.Context(command, info_name=name)
        for part in command.list_commands(context):
            child = command.get_command(context, part)
            assert child is not None, f"{name} lists {part} but does not have it"
            yield from _below(f"{name} {part}", child)


def _section(name: str, command: click.Command) -> str:
    # The width of whose terminal this runs in must not change the document.
    context = click.Context(
        command, info_name=name, max_content_width=100, terminal_width=100, help_option_names=["-h", "--help"]
    )
    text = inspect.cleandoc(command.get_help(context))
    return f"{'#' * min(len(name.split()) + 1, 4)} {name}\n\n```\n{text}\n```\n"


def main() -> None:
    """Bring the document up to date."""
    REFERENCE.write_text(reference(), encoding="utf-8")


if __name__ == "__main__":
    main()
