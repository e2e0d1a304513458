"""The option --site: which site a command works on, and the running Site it gets."""

from __future__ import annotations

import functools
import gc
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Concatenate, TypeVar

import click

from mailer.site import SETTINGS_NAME, SiteFolder, SiteNotFound, find_site

if TYPE_CHECKING:
    from mailer.application import Site

R = TypeVar("R")

site_option = click.option(
    "--site",
    "site_root",
    envvar="MAILER_SITE",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="The site's folder; default: the nearest mailer.toml upwards (or MAILER_SITE).",
)


def pass_folder(command: Callable[Concatenate[SiteFolder, ...], R]) -> Callable[..., R]:
    """Add --site and pass the SiteFolder first; nothing is opened or read."""

    @functools.wraps(command)
    def with_folder(*args: Any, site_root: Path | None, **options: Any) -> R:
        return command(_folder(site_root), *args, **options)

    return site_option(with_folder)


def pass_site(command: Callable[Concatenate[Site, ...], R]) -> Callable[..., R]:
    """Add --site and pass the running Site first; it is closed when the command ends."""

    @functools.wraps(command)
    def with_site(*args: Any, site_root: Path | None, **options: Any) -> R:
        site = _open(_folder(site_root))
        try:
            return command(site, *args, **options)
        finally:
            site.close()

    return site_option(with_site)


def _open(folder: SiteFolder) -> Site:
    # What is loaded now lives to the end: to look for garbage in it again and again takes a fifth of the time.
    gc.disable()
    try:
        # Imported here: `mailer --help` and a wrong option must not wait for a database library.
        from mailer.application import open_site

        return open_site(folder.root, os.environ)
    finally:
        gc.enable()


def _folder(root: Path | None) -> SiteFolder:
    if root is None:
        return find_site(Path.cwd(), os.environ)
    if not (root / SETTINGS_NAME).is_file():
        raise SiteNotFound(
            f"{root} is no site: it holds no {SETTINGS_NAME}. Run: mailer init {root}", path=str(root)
        )
    return SiteFolder(root.absolute(), os.environ)
