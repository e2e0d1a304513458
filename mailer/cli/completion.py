"""`mailer completion SHELL`: print the script that completes commands and options."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print the completion script for SHELL.

    \b
    bash: mailer completion bash > ~/.local/share/bash-completion/completions/mailer
    zsh:  mailer completion zsh > "${fpath[1]}/_mailer"
    fish: mailer completion fish > ~/.config/fish/completions/mailer.fish
    """
    # Imported here: main holds the table this module is loaded from.
    from mailer.cli.main import main

    kind = get_completion_class(shell)
    assert kind is not None, "click completes these shells"
    # Not kind(...).source(): for bash that starts a bash to ask its version; whoever pipes this has one.
    script = kind(main, {}, "mailer", "_MAILER_COMPLETE")
    click.echo(script.source_template % script.source_vars())
