"""`mailer subscriber erase`: remove all that is stored about one address, on its holder's request."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from mailer.cli.output import json_option, print_json
from mailer.cli.site_option import pass_site
from mailer.errors import MailerError

if TYPE_CHECKING:
    from mailer.addresses import EmailAddress
    from mailer.application import Site
    from mailer.subscribers.erasure import Erased

_HELP = """Erase all that is stored about ADDRESS, for good, because its holder asked for it.

The person goes with their merge fields, subscriptions and waiting sign-ups; what waits to be sent
to them is not sent; what was sent stays counted, without them; the ledger keeps that records were
made, not what they said, and `mailer audit verify` still proves it. Their unsubscribe links go on
answering, with "you are not on the list".

One thing stays: that this address wants no mail, as a keyed hash. So no import brings it back; the
person's own new sign-up does, once they confirm it, unless they had complained or said "not me".

A message that is being handed over at this moment may still arrive; you are told. Backups and files
you imported from are yours to clean.
"""


class AddressesDiffer(MailerError):
    """The two addresses differ; nothing was erased."""


@click.command(help=_HELP)
@click.argument("address")
@click.option(
    "--why",
    required=True,
    metavar="TEXT",
    help="How and when they asked; kept for good. No names or addresses, please.",
)
@click.option("--yes", is_flag=True, help="Do not ask for the address again.")
@json_option
@pass_site
def erase(site: Site, *, address: str, why: str, yes: bool, as_json: bool) -> None:
    """Erase all that is stored about one address."""
    from mailer.addresses import parse_address

    person = parse_address(address)
    if not yes:
        again = click.prompt("Type the address again to erase it for good", err=True)
        if parse_address(again).key != person.key:
            raise AddressesDiffer()
    done = site.erasure.erase(person, why=why)
    if as_json:
        print_json(done)
    else:
        for sentence in _told(person, done):
            click.echo(sentence)


def _told(person: EmailAddress, done: Erased) -> list[str]:
    """What was done, a sentence each."""
    if done.found:
        told = [f"{person.masked} is erased: {_removed(done)}."]
        if done.in_flight:
            told.append(
                f"{_counted(done.in_flight, 'message')} to this address is being handed over right now and "
                "may still arrive; its outcome is recorded without the person."
            )
        told += [_kept(done)] if done.reasons else []
    elif done.reasons:
        told = [
            f"Nothing but a keyed hash is stored about {person.masked} ({_reasons(done)}): it keeps the address "
            "off every import. Nothing was changed."
        ]
    else:
        told = [
            f"Nothing is stored about {person.masked}; nothing was changed.",
            "To keep it off every list all the same: mailer suppression add",
        ]
    if not done.overwritten:
        told.append(
            "Another process is reading an older state, so deleted bytes are still in the database's log. "
            "Run this command again when it is done."
        )
    return told


def _removed(done: Erased) -> str:
    parts = {
        "subscription": done.subscriptions,
        "waiting sign-up": done.requests,
        "unsent message": done.skipped,
        "ledger record": done.records,
        "returned message": done.mails,
    }
    return ", ".join(_counted(count, noun) for noun, count in parts.items() if count) or "notes only"


def _kept(done: Erased) -> str:
    return f"What stays is a keyed hash of the address, so that nobody imports it again ({_reasons(done)})."


def _reasons(done: Erased) -> str:
    return ", ".join(reason.value for reason in done.reasons)


def _counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"
