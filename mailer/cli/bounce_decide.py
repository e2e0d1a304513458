"""`mailer bounce review|release|discard|dismiss|opt-out|reclassify`: what a person decides about what came back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from mailer.cli.instants import instant
from mailer.cli.output import MOST_ROWS, json_option, print_json, print_table, printable
from mailer.cli.site_option import pass_site

if TYPE_CHECKING:
    from mailer.application import Site
    from mailer.bounces.deciding import Difference

_WHY = click.option("--why", required=True, metavar="TEXT", help="Why; goes on record. No addresses, please.")


#: Lines of a message that are shown.
_LINES = 60


@click.command()
@click.argument("mail", type=int, required=False)
@click.option(
    "--limit",
    type=click.IntRange(1, MOST_ROWS),
    default=50,
    show_default=True,
    help="At most so many messages.",
)
@json_option
@pass_site
def review(site: Site, *, mail: int | None, limit: int, as_json: bool) -> None:
    """List what waits for a person: alarms of alike failures, and messages that prove nothing.

    An alarm ends with `release` (nobody is to blame) or `discard` (it was false, the bounces count);
    a message with `dismiss`, or with `opt-out` when somebody writes that they want to leave.
    With the number of a message: show its beginning. It names people, so the look is recorded.
    """
    if mail is not None:
        lines = site.deciding.message(mail).decode("utf-8", "replace").splitlines()
        click.echo("\n".join(f"| {printable(line)}" for line in lines[:_LINES]))
        return
    waiting = site.deciding.review(limit=limit)
    if as_json:
        print_json(waiting)
        return
    if not waiting.freezes and not waiting.mails:
        click.echo("Nothing waits for you.")
        return
    if waiting.freezes:
        print_table(
            ["alarm", "about", "cause", "since (UTC)", "people"],
            [
                [one.id, f"{one.scope} {one.label}", one.group, f"{one.opened_at:%Y-%m-%d %H:%M}", one.people]
                for one in waiting.freezes
            ],
            title="Alarms: nobody of these is blamed until you release or discard",
        )
    if waiting.mails:
        print_table(
            ["mail", "came (UTC)", "is", "why it waits"],
            [
                [one.id, f"{one.received_at:%Y-%m-%d %H:%M}", one.kind or one.state, one.note]
                for one in waiting.mails
            ],
            title="Messages: see one with `mailer bounce review MAIL`",
        )


@click.command()
@click.argument("alarm", type=int)
@_WHY
@pass_site
def release(site: Site, *, alarm: int, why: str) -> None:
    """End an alarm: the cause was yours or the provider's, and nobody is blamed.

    Reports that still come in about the same mail count for nothing either.
    """
    count = site.deciding.release(alarm, why=why)
    click.echo(f"Alarm {alarm} is over; {count:,} reports count for nothing. A paused campaign stays paused.")


@click.command()
@click.argument("alarm", type=int)
@_WHY
@pass_site
def discard(site: Site, *, alarm: int, why: str) -> None:
    """End an alarm: it was false, and each report counts from now on.

    Hard bounces are held for a day from now, soft ones are scored.
    """
    site.deciding.discard(alarm, why=why)
    click.echo(
        f"Alarm {alarm} was false: its reports count now. Who bounced hard is held for a day from now."
    )


@click.command()
@click.argument("mail", type=int)
@_WHY
@pass_site
def dismiss(site: Site, *, mail: int, why: str) -> None:
    """Take a message off the list: somebody looked, and nothing is to be done."""
    site.deciding.dismiss(mail, why=why)
    click.echo(f"Message {mail} is off the list.")


@click.command("opt-out")
@click.argument("mail", type=int)
@_WHY
@pass_site
def opt_out(site: Site, *, mail: int, why: str) -> None:
    """Opt out whoever wrote a message that waits, on every list: you have read that they want it."""
    left = site.deciding.opt_out(mail, why=why)
    click.echo(
        "They have left every list." if left else "Nobody of that address is on a list; it is off the list."
    )


@click.command()
@click.option(
    "--since",
    required=True,
    metavar="TIME",
    help="What came since then: 7d, 2026-11-22 or '2026-11-22 09:00'.",
)
@click.option("--apply", is_flag=True, help="Make it so; without it nothing is changed.")
@json_option
@pass_site
def reclassify(site: Site, *, since: str, apply: bool, as_json: bool) -> None:
    """Read what came back once more, by the rules of today, and show what differs.

    With --apply the verdicts are changed, and holds and suppressions that turn out wrong are lifted.
    What was opted out or complained about stays as it is.
    """
    start = instant(since, site.settings.site.timezone, hint="--since")
    found = site.deciding.reclassify(start, apply=apply)
    if as_json:
        print_json(found)
        return
    rows = [[one.report_id or "-", one.mail_id or "-", one.was, one.becomes, _follows(one)] for one in found]
    if not rows:
        click.echo("The rules of today read everything as before.")
        return
    print_table(["report", "mail", "was", "is now", "so"], rows)
    lifted, held = sum(one.lifts for one in found), sum(one.holds for one in found)
    done = "were" if apply else "would be"
    click.echo(f"{len(found):,} differ; {lifted:,} {done} lifted, {held:,} {done} held.")
    if not apply:
        click.echo("Nothing was changed. To make it so, add --apply.")


def _follows(one: Difference) -> str:
    if one.report_id is None:
        return "it is decided anew"
    return "blame is taken back" if one.lifts else "held for a day" if one.holds else "only the words"
