"""`mailer campaign new, check, preview, proof`: before anybody is written to."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mailer.cli.output import json_option, print_json, printable
from mailer.cli.site_option import pass_site
from mailer.errors import MailerError

if TYPE_CHECKING:
    from mailer.application import Site
    from mailer.campaigns.preview import Preview


class PreviewUnwritable(MailerError):
    """The folder for the preview cannot be written to."""


@click.command()
@click.argument("slug")
@click.option("--list", "list_name", metavar="NAME", help="The list it goes to; default: the site's first.")
@pass_site
def new(site: Site, slug: str, *, list_name: str | None) -> None:
    """Write campaigns/SLUG/campaign.md to start from."""
    from mailer.campaigns.starter import write_starter

    path = write_starter(site.folder.campaigns, slug, site.settings, list_name=list_name)
    click.echo(f"{_shown(path, site)} is there to be written. Then: mailer campaign check {slug}")


@click.command()
@click.argument("slug")
@click.option("--links", is_flag=True, help="Also ask the servers that links lead to whether they answer.")
@json_option
@pass_site
def check(site: Site, slug: str, *, links: bool, as_json: bool) -> None:
    """Look for everything that is wrong with a campaign. Exit code 1: it cannot be scheduled.

    It is rendered for a sample reader, the worst case, an empty one and 20 real subscribers, on
    the very path that its mails will take.
    """
    from mailer.cli.campaign_view import print_report

    report = site.campaigns.check(slug, links=links)
    if as_json:
        print_json(report.as_json())
    else:
        print_report(report, site.folder.root)
    if not report.passed:
        raise SystemExit(1)


@click.command()
@click.argument("slug")
@click.option(
    "--for", "subscriber", metavar="ADDRESS", help="Fill it for this subscriber; it is put on record."
)
@click.option("--part", type=click.Choice(["text", "html", "raw"]), default="text", help="What to print.")
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="Write preview.html, preview.txt and message.eml there instead.",
)
@click.option("--serve", is_flag=True, help="Show it in the browser instead; reload to see your edits.")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=8026,
    show_default=True,
    metavar="PORT",
    help="Port on this machine for --serve; 0 takes any free one.",
)
@pass_site
def preview(
    site: Site, slug: str, *, subscriber: str | None, part: str, out: Path | None, serve: bool, port: int
) -> None:
    """Show a campaign as one reader would get it. Nothing is sent; its links act on nothing."""
    if serve:
        from mailer.cli.preview_server import serve_preview

        serve_preview(lambda: site.campaigns.preview(slug, subscriber), slug=slug, port=port)
        return
    shown = site.campaigns.preview(slug, subscriber)
    if out is not None:
        _write(shown, out)
        return
    if part == "raw":
        click.echo(shown.raw, nl=False)
        return
    if part == "text":
        click.echo(f"Subject: {printable(shown.subject)}\n")
    text = shown.html if part == "html" else shown.text
    # A terminal is guarded; a file or a pipe gets the part as it is.
    click.echo("\n".join(map(printable, text.splitlines())) if sys.stdout.isatty() else text)


def _write(shown: Preview, out: Path) -> None:
    from mailer.campaigns.preview import write_preview

    try:
        written = write_preview(shown, out)
    except OSError as error:
        raise PreviewUnwritable(
            f"The preview cannot be written to {out}: {error.strerror}. Choose a folder you may write to."
        ) from error
    for path in written:
        click.echo(str(path))


@click.command()
@click.argument("slug")
@click.argument("addresses", nargs=-1, metavar="[ADDRESS]...")
@json_option
@pass_site
def proof(site: Site, slug: str, addresses: tuple[str, ...], *, as_json: bool) -> None:
    """Send a marked copy to colleagues; its links act on nothing real.

    Only addresses in [sending] proof_addresses may get one; without ADDRESS all of them do.
    """
    sent = site.campaigns.proof(slug, addresses)
    if as_json:
        print_json({"artefact": sent.artefact_hash, "deliveries": list(sent.delivery_ids)})
        return
    names = ", ".join(str(address) for address in sent.addresses)
    click.echo(f"A proof of {slug} is on its way to {names}.")
    click.echo("It leaves as soon as `mailer up` or `mailer work` is running.")


def _shown(path: Path, site: Site) -> str:
    return str(path.relative_to(site.folder.root)) if path.is_relative_to(site.folder.root) else str(path)
