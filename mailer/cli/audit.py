"""`mailer audit`: show what the ledger holds and prove that nobody touched it."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

import click

from mailer.cli.output import MOST_ROWS, blocks_width, json_option, print_json, printable
from mailer.cli.site_option import pass_site

if TYPE_CHECKING:
    from mailer.application import Site

_INDENT = "  "


@click.group()
def audit() -> None:
    """The ledger: every consent, every opt-out and what staff did, append-only and sealed."""


@audit.command()
@click.option(
    "--stream", type=click.Choice(["consent", "audit"]), help="Only consent, or only what staff did."
)
@click.option("--event", help="Only this event, such as confirmed or schedule.")
@click.option("--address", help="Only what is about this address.")
@click.option(
    "--limit",
    type=click.IntRange(1, MOST_ROWS),
    default=50,
    show_default=True,
    help="At most so many, newest first.",
)
@json_option
@pass_site
def show(
    site: Site, *, stream: str | None, event: str | None, address: str | None, limit: int, as_json: bool
) -> None:
    """Show records, newest first; times are UTC. People appear only as what was recorded about them."""
    from mailer.addresses import parse_address
    from mailer.audit.read import Filter, records
    from mailer.keyring import address_hash
    from mailer.store.vocabulary import Stream

    subject = address_hash(site.secrets, parse_address(address)) if address else None
    wanted = Filter(stream=Stream(stream) if stream else None, event=event, subject=subject)
    with site.store.read() as connection:
        found = records(connection, wanted, limit=limit)
    if as_json:
        print_json(found)
        return
    width = blocks_width()
    blocks = [
        [
            f"#{each.id}  {each.at:%Y-%m-%d %H:%M:%S}  {each.stream.value}  {each.event}",
            *_shown(each.payload, width),
        ]
        for each in found
    ]
    click.echo("\n\n".join(map("\n".join, blocks)) or "There is no such record.")


@audit.command()
@json_option
@pass_site
def verify(site: Site, *, as_json: bool) -> None:
    """Prove the ledger: exit 1 and name every row that was altered or is missing."""
    from mailer.audit import seal
    from mailer.audit import verify as prove

    verdict = prove(site.store, site.secrets, site.head_path)
    if not verdict.findings:
        seal(site.store, site.secrets, site.head_path)
    if as_json:
        print_json(verdict)
    elif verdict.findings:
        for finding in verdict.findings:
            click.echo(printable(finding.message))
    else:
        click.echo(
            f"{verdict.rows} records in {verdict.seals} seals: nothing was altered, nothing is missing."
        )
    if verdict.findings:
        raise SystemExit(1)


def _shown(payload: Mapping[str, object] | None, width: int) -> Iterator[str]:
    """The record, a pair to a line, wrapped at spaces; what is empty is left out, --json has it."""
    if payload is None:
        yield f"{_INDENT}(erased)"
        return
    for name, value in payload.items():
        if value in (None, "", {}):
            continue
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        line = printable(f"{name}: {text}")
        yield from textwrap.wrap(
            line,
            width,
            initial_indent=_INDENT,
            subsequent_indent=_INDENT * 2,
            break_long_words=False,
            break_on_hyphens=False,
        )
