"""`mailer bounce ingest`: take mail in by hand, or from the pipe of a mail server."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mailer.cli.main import Refused
from mailer.cli.output import json_option, print_json, printable
from mailer.cli.site_option import pass_site
from mailer.errors import MailerError

if TYPE_CHECKING:
    from mailer.application import Site

#: EX_TEMPFAIL of sysexits.h: a mail server keeps the mail and hands it over again later.
TEMPORARY_FAILURE = 75
_STDIN = Path("-")


class KeepsMail(click.Command):
    """A command whose every failure tells the mail server at the other end of the pipe to keep the mail."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """The arguments; a wrong one would be wrong for every mail."""
        try:
            return super().parse_args(ctx, args)
        except click.UsageError as error:
            if sys.stdin.isatty():
                raise
            error.show()
            sys.exit(TEMPORARY_FAILURE)

    def invoke(self, ctx: click.Context) -> Any:
        """Run it; from a pipe whatever goes wrong is for now only."""
        try:
            return super().invoke(ctx)
        except (click.exceptions.Exit, click.Abort, click.UsageError):
            raise
        except Exception as error:
            if not _is_pipe(ctx.params["paths"]):
                raise
            if isinstance(error, MailerError):
                Refused(error).show()
            else:
                click.echo(printable(f"mailer: the mail was not stored ({type(error).__name__})."), err=True)
            sys.exit(TEMPORARY_FAILURE)


@click.command(cls=KeepsMail)
@click.argument("paths", metavar="[PATH...]", nargs=-1, type=click.Path(path_type=Path, exists=False))
@click.option(
    "--to",
    "envelope_to",
    metavar="ADDRESS",
    envvar="ORIGINAL_RECIPIENT",
    help="The address that it was delivered to; default: ORIGINAL_RECIPIENT, which Postfix sets.",
)
@json_option
@pass_site
def ingest(site: Site, paths: tuple[Path, ...], *, envelope_to: str | None, as_json: bool) -> None:
    """Take in mail that came back: from standard input, from files, folders, mboxes or Maildirs.

    Without PATH, or with "-", one message is read from standard input, for an alias of a mail
    server; it is stored and read within seconds by `mailer work`. The exit code is 75 when it could
    not be stored, so that the mail server keeps it. Files are read where they are and stay there;
    the same message twice counts once.
    """
    if _is_pipe(paths):
        if not paths and sys.stdin.isatty():
            raise click.UsageError("Name files or folders, or hand one message over on standard input.")
        _from_pipe(site, envelope_to)
    else:
        _from_files(site, paths, as_json=as_json)


def _is_pipe(paths: tuple[Path, ...]) -> bool:
    return paths in ((), (_STDIN,))


def _from_pipe(site: Site, envelope_to: str | None) -> None:
    from mailer.bounces.intake import keep
    from mailer.bounces.intake.files import piped

    raw, note = piped(sys.stdin.buffer)
    keep(site.store, raw, source="pipe", envelope_to=envelope_to, note=note)


def _from_files(site: Site, paths: tuple[Path, ...], *, as_json: bool) -> None:
    from mailer.bounces.intake import keep
    from mailer.bounces.intake.files import mails_in

    new = known = 0
    unread = []
    for mail in mails_in(paths):
        if mail.raw is None:
            unread.append(str(mail.path))
            click.echo(printable(f"{mail.path} cannot be read."), err=True)
        elif keep(site.store, mail.raw, source="file", note=mail.note):
            new += 1
        else:
            known += 1
    read = site.deciding.process_waiting()
    if as_json:
        print_json({"new": new, "known": known, "unreadable": unread, "read": read})
    else:
        click.echo(f"{new} new, {known} known already; {read} read.")
    if unread:
        sys.exit(1)
