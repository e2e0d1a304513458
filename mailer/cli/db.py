"""`mailer db`: the schema of the database, and whether the database is sound."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import click

from mailer.cli.output import json_option, print_facts, print_json
from mailer.cli.site_option import pass_folder

if TYPE_CHECKING:
    from mailer.site import SiteFolder
    from mailer.store import Store


@click.group()
def db() -> None:
    """The database: bring its schema up to date, check that it is sound."""


@db.command()
@pass_folder
def upgrade(folder: SiteFolder) -> None:
    """Bring the schema to this version. Make a copy of the database first; stop `mailer up`."""
    from mailer.store import migrate

    store = _open(folder)
    try:
        before = migrate.current_revision(store)
        migrate.upgrade(store)
        after = migrate.current_revision(store)
    finally:
        store.dispose()
    changed = (
        f"from schema {before or 'none'} to {after}" if before != after else f"at schema {after} already"
    )
    click.echo(f"The database is {changed}.")


@db.command()
@json_option
@pass_folder
def check(folder: SiteFolder, *, as_json: bool) -> None:
    """Check schema, integrity and file modes; exit 1 when something is wrong."""
    from mailer.store import check as checks

    store = _open(folder)
    try:
        report = checks.check_store(store)
    finally:
        store.dispose()
    if as_json:
        print_json(report)
    else:
        print_facts({"database": report.dialect, "schema": report.revision, "sound": not report.faults})
        for fault in report.faults:
            click.echo(f"  {fault}")
    if report.faults:
        raise SystemExit(1)


def _open(folder: SiteFolder) -> Store:
    """The database as it stands: whatever its schema, nothing created or changed in it."""
    from mailer.settings import load_settings
    from mailer.store import open_store

    return open_store(load_settings(folder.settings_path, os.environ).database.url, root=folder.root)
