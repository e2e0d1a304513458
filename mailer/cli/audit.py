"""`mailer audit`: show what the ledger holds and prove that nobody touched it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from mailer.cli.output import MOST_ROWS, json_option, print_json, print_table, printable
from mailer.cli.site_option import pass_site

if TYPE_CHECKING:
    from mailer.application import Site

# A consent record keeps a whole form's wording; a table row shows how it begins.
_LONGEST = 60


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
    """Show records, newest first. People appear only as what was recorded about them."""
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
    print_table(
        ["id", "at (UTC)", "stream", "event", "record"],
        [
            [each.id, f"{each.at:%Y-%m-%d %H:%M:%S}", each.stream.value, each.event, _shown(each.payload)]
            for each in found
        ],
    )


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


def _shown(payload: dict[str, object] | None) -> str:
    """The record as short pairs that wrap at spaces; --json has it whole."""
    if payload is None:
        return "(erased)"
    return ", ".join(
        f"{name} {_short(value)}" for name, value in payload.items() if value not in (None, "", {})
    )


def _short(value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
