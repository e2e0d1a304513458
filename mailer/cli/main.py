"""The command `mailer`: what there is, loaded only when it is asked for, and how errors end."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any, NamedTuple

import click

from mailer import __version__
from mailer.errors import MailerError


class Lazy(NamedTuple):
    """A command that is imported when it runs: `mailer --help` stays quick and loads no library.

    A tuple, because making a dataclass takes a module more and a millisecond of that start.
    """

    target: str  #: "package.module:attribute"
    help: str  #: its line in the list of commands

    def load(self) -> click.Command:
        """The command itself."""
        module, _, attribute = self.target.partition(":")
        command = getattr(import_module(module), attribute)
        assert isinstance(command, click.Command)
        return command


#: In the order in which somebody meets them.
COMMANDS: dict[str, Lazy] = {
    "init": Lazy("mailer.cli.init:init", "Make a site in a folder."),
    "demo": Lazy("mailer.cli.demo:demo", "Show the whole story on a temporary site."),
    "doctor": Lazy("mailer.cli.doctor:doctor", "Look at DNS, relay, site and files; say what is left to do."),
    "up": Lazy("mailer.cli.up:up", "Run everything: web pages, scheduler and senders."),
    "serve": Lazy("mailer.cli.serve:serve", "Run the web pages only."),
    "work": Lazy("mailer.cli.work:work", "Run the scheduler and the senders only."),
    "subscriber": Lazy("mailer.cli.subscriber:subscriber", "People: add, import, show, history, erase."),
    "suppression": Lazy(
        "mailer.cli.suppression:suppression", "Addresses that are not mailed: list, add, lift."
    ),
    "campaign": Lazy(
        "mailer.cli.campaign:campaign",
        "Campaigns: new, check, preview, proof, schedule, pause, resume, cancel, status.",
    ),
    "delivery": Lazy("mailer.cli.delivery:delivery", "Single messages: list, show, retry, settle, pace."),
    "bounce": Lazy(
        "mailer.cli.bounce:bounce",
        "What comes back: report, show, ingest, poll, mails, review, release, discard, dismiss, opt-out, "
        "reclassify, classify.",
    ),
    "alerts": Lazy("mailer.cli.alerts:alerts", "What ops are told: test, list, key."),
    "ops": Lazy("mailer.cli.ops:ops", "Who may sign in to the pages at /ops: user."),
    "dkim": Lazy("mailer.cli.dkim:dkim", "Keys that sign mail: new, show."),
    "key": Lazy("mailer.cli.key:key", "Keys that sign links: list, rotate."),
    "db": Lazy("mailer.cli.db:db", "The database: upgrade, check."),
    "audit": Lazy("mailer.cli.audit:audit", "The ledger: show, verify."),
    "completion": Lazy("mailer.cli.completion:completion", "Print the completion script for a shell."),
}


class Refused(click.ClickException):
    """A MailerError on its way out: one sentence on stderr, exit code 1 (the domain says no)."""

    def __init__(self, error: MailerError) -> None:
        super().__init__(str(error))

    def show(self, file: Any = None) -> None:
        """Print the sentence, line by line; what it quotes cannot paint the terminal (D26)."""
        # Imported here, as difflib below: `mailer --help` takes hardly longer than importing click.
        from mailer.cli.output import printable

        click.echo("\n".join(map(printable, f"mailer: {self.message}".split("\n"))), err=True)


class LazyGroup(click.Group):
    """A group whose commands are modules that are imported when needed."""

    def __init__(self, *args: Any, lazy: Mapping[str, Lazy], **settings: Any) -> None:
        super().__init__(*args, **settings)
        self.lazy = dict(lazy)

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names, in the order of the table."""
        return list(self.lazy)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import one command."""
        return self.lazy[cmd_name].load() if cmd_name in self.lazy else None

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command, or name the one that was probably meant."""
        if args[0] not in self.lazy and not args[0].startswith("-") and not ctx.resilient_parsing:
            import difflib

            if near := difflib.get_close_matches(args[0], self.lazy, 1):
                raise click.UsageError(f"No such command {args[0]!r}. Did you mean {near[0]!r}?", ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands from the table, importing none."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, command.help) for name, command in self.lazy.items()])

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; what the product refuses becomes one sentence."""
        try:
            return super().invoke(ctx)
        except MailerError as error:
            raise Refused(error) from error


@click.group(
    cls=LazyGroup,
    lazy=COMMANDS,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Start with: mailer init shop && cd shop && mailer up",
)
@click.version_option(__version__, prog_name="mailer")
def main() -> None:
    """Newsletters for people who asked for them: a list manager that runs from one folder."""
