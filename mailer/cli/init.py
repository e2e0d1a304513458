"""`mailer init DIR`: make a site that runs."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mailer.site import SiteFolder

if TYPE_CHECKING:
    from mailer.starter import Made


@click.command()
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path), metavar="DIR")
@click.option("--name", help="Name of the site, as subscribers read it.")
@click.option("--legal-name", help="Legal name of the sender.")
@click.option("--base-url", help="Public https address; default: this machine only.")
@click.option("--postal-address", help="Postal address; every mailing states it.")
@click.option("--privacy-contact", metavar="ADDRESS", help="Mail address for questions about stored data.")
@click.option("--from", "sender", metavar="MAILBOX", help='Who the mails are from: "Name <address>".')
@click.option("--language", type=click.Choice(["en", "de"]), help="Language of pages and mails.")
@click.option("--timezone", metavar="ZONE", help="Such as Europe/Berlin.")
@click.option("--smtp-host", metavar="HOST", help="Your relay; default: a catcher on this machine.")
@click.option("--smtp-port", type=click.IntRange(1, 65535), metavar="PORT", help="Its port.")
@click.option("--smtp-username", metavar="NAME", help="Its user; the password is never asked for here.")
@click.option("--return-path", metavar="ADDRESS", help="Where bounces go; default: a guess, to be checked.")
@click.option("--with-templates", is_flag=True, help="Copy pages and system mails too, to be edited.")
def init(folder: Path, *, with_templates: bool, **given: Any) -> None:
    """Make a site in the folder DIR.

    Asks nothing: what is not given gets a default, or a sample value that works on this machine
    only. In a folder that is a site already, only what is missing (its secrets, after a clone) is made.
    """
    # Imported here: the settings library must not slow down `mailer --help`.
    from mailer.starter import Answers, complete_site, create_site

    site = SiteFolder(folder.absolute(), os.environ)
    if site.settings_path.exists():
        made = complete_site(site, with_templates=with_templates)
    else:
        answers = Answers(**{key: value for key, value in given.items() if value is not None})
        made = create_site(site, answers, with_templates=with_templates)
    _show(made, site, folder)


def _show(made: Made, site: SiteFolder, folder: Path) -> None:
    for path in made.files:
        click.echo(f"made {folder / path.relative_to(site.root) if path.is_relative_to(site.root) else path}")
    if made.guessed_return_path:
        click.echo(
            f"\n[sending] return_path is a guess: {made.guessed_return_path}. Before the first mail to "
            "people,\nmake it an address whose domain exists and whose mailbox somebody reads."
        )
    if made.samples:
        click.echo("\nThese hold sample values; write your own in mailer.toml before the site goes public:")
        for name in made.samples:
            click.echo(f"  {name}")
        if not made.is_trial:
            click.echo("It can reach people already, so it does not start until they are yours.")
            return
    change = "" if folder.absolute() == Path.cwd() else f"cd {folder} && "
    click.echo(f"\nNext: {change}mailer up")
