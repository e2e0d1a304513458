"""`mailer key`: the keys that sign links in mails and pages."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from mailer.cli.output import json_option, print_json, print_table
from mailer.cli.site_option import pass_folder, pass_site

if TYPE_CHECKING:
    from mailer.application import Site
    from mailer.site import SiteFolder


@click.group()
def key() -> None:
    """Keys that sign links. Unsubscribe links work for ever, so no key is ever dropped."""


@key.command("list")
@json_option
@pass_folder
def list_(folder: SiteFolder, *, as_json: bool) -> None:
    """List the keys, oldest first. The last one signs; retired ones only verify what must not die."""
    from mailer.keyring import load_secrets

    keys = load_secrets(folder.secrets_path).token_keys
    rows = [
        {"id": entry.id, "created": entry.created, "retired": entry.retired, "signs": entry is keys[-1]}
        for entry in keys
    ]
    if as_json:
        print_json(rows)
    else:
        print_table(["key", "created", "retired", "signs"], [list(row.values()) for row in rows])


@key.command()
@click.option(
    "--retire-old",
    is_flag=True,
    help="Void what the older keys signed, except links to leave, to view, and to say “not me”.",
)
@pass_site
def rotate(site: Site, *, retire_old: bool) -> None:
    """Add a new key, which signs from now on. Restart `mailer up` afterwards: it reads the keys at its start."""
    from mailer.keyring import rotate_token_key
    from mailer.store.vocabulary import Stream

    added = rotate_token_key(site.folder.secrets_path, retire_old=retire_old)
    with site.store.write() as connection:
        payload = {"key": added.id, "retired_older": retire_old}
        site.ledger.append(connection, stream=Stream.AUDIT, event="key_rotated", payload=payload)
    click.echo(
        f"Key {added.id} signs from now on. Restart mailer so that it is used; keep a copy of secrets.toml."
    )
