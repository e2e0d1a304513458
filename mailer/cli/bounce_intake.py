"""`mailer bounce poll` and `mails`: fetch now what came back; see what is kept."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from mailer.cli.output import MOST_ROWS, json_option, print_json, print_table, printable
from mailer.cli.site_option import pass_site
from mailer.errors import MailerError
from mailer.store.vocabulary import ReturnedState

if TYPE_CHECKING:
    from mailer.application import Site


class MailboxUnknown(MailerError):
    """There is no such mailbox."""


@click.command()
@click.argument("names", metavar="[NAME...]", nargs=-1)
@json_option
@pass_site
def poll(site: Site, names: tuple[str, ...], *, as_json: bool) -> None:
    """Look into the mailboxes once, now: each [mailbox.NAME], or those named.

    What is there is stored, taken away, and read. The exit code is 1 when one could not be read;
    the others are read all the same.
    """
    from mailer.bounces.intake.model import MailboxUnreadable
    from mailer.bounces.intake.reading import BounceMailbox

    there = site.settings.mailbox
    for name in names:
        if name not in there:
            known = ", ".join(there) or "none yet"
            raise MailboxUnknown(f"There is no [mailbox.{name}] in mailer.toml; there is: {known}.")
    if not there:
        raise MailboxUnknown(
            "mailer.toml names no mailbox: add a [mailbox.NAME] with protocol, host, username."
        )
    answers: dict[str, dict[str, object]] = {}
    for name in names or there:
        try:
            found = BounceMailbox(name, there[name], site.store).poll()
            answers[name] = {"new": found.kept, "known": found.known, "left": found.left}
        except MailboxUnreadable as error:
            answers[name] = {"error": str(error)}
    read = site.deciding.process_waiting()
    if as_json:
        print_json({"mailboxes": answers, "read": read})
    else:
        for name, answer in answers.items():
            click.echo(printable(_words(name, answer)), err="error" in answer)
        click.echo(f"{read} read.")
    if any("error" in answer for answer in answers.values()):
        sys.exit(1)


def _words(name: str, answer: dict[str, object]) -> str:
    if "error" in answer:
        return f"mailer: {answer['error']}"
    left = f", {answer['left']} left there (see docs/bounces.md)" if answer["left"] else ""
    return f"{name}: {answer['new']} new, {answer['known']} known already{left}"


@click.command()
@click.option(
    "--state", type=click.Choice([state.value for state in ReturnedState]), help="Only those in this state."
)
@click.option("--limit", type=click.IntRange(1, MOST_ROWS), default=50, show_default=True, help="How many.")
@json_option
@pass_site
def mails(site: Site, *, state: str | None, limit: int, as_json: bool) -> None:
    """List the mails that came back, newest first, and what became of each."""
    from mailer.bounces.intake.listing import list_mails

    found = list_mails(site.store, state=ReturnedState(state) if state else None, limit=limit)
    if as_json:
        print_json(found)
        return
    print_table(
        ["Mail", "Came", "From where", "Bytes", "State", "Kind", "Note"],
        [
            (
                one.id,
                one.received_at,
                one.source,
                one.size,
                one.state.value,
                one.kind.value if one.kind else "not read yet",
                one.note or one.rule or "",
            )
            for one in found
        ],
        empty="Nothing has come back.",
    )
