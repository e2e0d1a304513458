"""`mailer dkim`: the keys that sign mail, and the DNS records that let others check them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from mailer.cli.output import json_option, print_json, printable
from mailer.cli.site_option import pass_folder

if TYPE_CHECKING:
    from mailer.dkim import DkimKey
    from mailer.settings import Settings
    from mailer.site import SiteFolder

_KINDS = {"rsa": "selector", "ed25519": "ed25519_selector"}


@click.group()
def dkim() -> None:
    """Keys that sign mail with DKIM, and the DNS records that go with them."""


@dkim.command()
@click.option("--selector", help="Name of the key; default: m and the month, such as m202611.")
@click.option(
    "--type", "kind", type=click.Choice(list(_KINDS)), default="rsa", help="Kind of key; default: rsa (2048)."
)
@pass_folder
def new(folder: SiteFolder, *, selector: str | None, kind: str) -> None:
    """Make a key, and print the DNS record to publish and what to do next. Nothing signs with it yet."""
    from mailer.dkim import KeyKind, create_key

    settings = _settings(folder)
    made = create_key(folder.dkim_keys, selector or _free_name(folder, kind), kind=KeyKind(kind))
    click.echo(f"Made {made.path}. Keep a copy as safe as secrets.toml.\n\n1. Publish in DNS:\n")
    _print_records(made, settings)
    present = settings.dkim.selector if kind == "rsa" else settings.dkim.ed25519_selector
    click.echo(
        "\n2. Wait until it can be seen everywhere: an hour, or the TTL of the zone if that is longer.\n"
        f'3. Set in mailer.toml, under [dkim], and restart mailer:\n\n   {_KINDS[kind]} = "{made.selector}"\n\n'
        "4. See that all is well: mailer doctor"
    )
    if kind == "ed25519" and settings.dkim.selector is None:
        click.echo(
            "\nIt signs beside an RSA key, never alone: most receivers read RSA only. Make one: mailer dkim new"
        )
    if present is not None:
        click.echo(
            f"\n{present} signs until then. Leave its record in DNS for 7 days more, for mail that is still on its\n"
            "way or looked at late; then empty its p= and delete its file. Change keys every six months."
        )


@dkim.command()
@json_option
@pass_folder
def show(folder: SiteFolder, *, as_json: bool) -> None:
    """Print each key's DNS record again, and say which key signs."""
    from mailer.dkim import load_keys

    settings = _settings(folder)
    keys = load_keys(settings.dkim, folder.dkim_keys)
    listed = (*keys.signing, *keys.idle)
    roles = {key.selector: _role(key, keys.campaign, keys.system) for key in listed}
    if as_json:
        print_json([_row(key, roles[key.selector], settings) for key in listed])
    for sentence in keys.broken:
        click.echo(f"A key that signs nothing cannot be used: {printable(sentence)}", err=True)
    if as_json:
        return
    for key in listed:
        click.echo(f"{key.selector}: {_size(key)}, {roles[key.selector]}; {printable(str(key.path))}\n")
        _print_records(key, settings)
        click.echo()
    if not listed:
        click.echo("There is no DKIM key. Make one: mailer dkim new")
    elif not keys.signing:
        click.echo("Nothing is signed here: [dkim] selector is not set. Your relay must sign, or set it.")


def _role(key: DkimKey, campaign: Sequence[DkimKey], system: Sequence[DkimKey]) -> str:
    signs = [name for name, held in (("campaigns", campaign), ("system mail", system)) if key in held]
    return f"signs {' and '.join(signs)}" if signs else "signs nothing: announced, or retiring"


def _row(key: DkimKey, role: str, settings: Settings) -> dict[str, object]:
    from mailer.dkim import record_name, record_text

    return {
        "selector": key.selector,
        "type": key.kind.value,
        "bits": key.bits,
        "signs": role.startswith("signs ") and not role.startswith("signs nothing"),
        "role": role,
        "file": str(key.path),
        "records": [
            {"name": record_name(key.selector, domain), "type": "TXT", "value": record_text(key)}
            for domain in _domains(settings)
        ],
    }


def _print_records(key: DkimKey, settings: Settings) -> None:
    """For a form of a DNS provider, and for a zone file."""
    from mailer.dkim import record_name, record_text
    from mailer.dkim.records import zone_lines

    for domain in _domains(settings):
        name, text = record_name(key.selector, domain), record_text(key)
        # Not folded: it is copied from here.
        click.echo(f"   name   {name}\n   type   TXT\n   value  {text}\n\n   In a zone file:\n")
        for line in zone_lines(name, text):
            click.echo(f"   {line}")


def _size(key: DkimKey) -> str:
    return f"RSA {key.bits} bits" if key.kind == "rsa" else "Ed25519"


def _domains(settings: Settings) -> list[str]:
    """Each domain that signs, and so needs the record."""
    found = (
        settings.dkim.signing_domain(entry.from_mailbox.address.domain) for entry in settings.lists.values()
    )
    return list(dict.fromkeys(found))


def _free_name(folder: SiteFolder, kind: str) -> str:
    from mailer import clock
    from mailer.dkim.keys import selectors_in

    name, taken = f"m{clock.now():%Y%m}{'e' if kind == 'ed25519' else ''}", selectors_in(folder.dkim_keys)
    return next(free for free in (name, *(f"{name}-{n}" for n in range(2, 100))) if free not in taken)


def _settings(folder: SiteFolder) -> Settings:
    from mailer.settings import load_settings

    return load_settings(folder.settings_path, folder.environ)
