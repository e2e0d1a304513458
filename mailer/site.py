"""A site is a folder: where its settings, secrets, campaigns, templates and data stand, and how one is made."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from mailer.bundled import bundled
from mailer.errors import MailerError

SETTINGS_NAME = "mailer.toml"
SECRETS_NAME = "secrets.toml"


class SiteNotFound(MailerError):
    """There is no mailer.toml here or above. Run `mailer init` to make a site, or name one with --site."""


@dataclass(frozen=True)
class SiteFolder:
    """The places of one site. `environ` may move the secrets out of the folder."""

    root: Path
    environ: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def settings_path(self) -> Path:
        """mailer.toml."""
        return self.root / SETTINGS_NAME

    @property
    def secrets_path(self) -> Path:
        """secrets.toml: where MAILER_SECRETS_FILE says, among systemd's credentials, or in the folder."""
        if named := self.environ.get("MAILER_SECRETS_FILE"):
            return self.root / named
        if credentials := self.environ.get("CREDENTIALS_DIRECTORY"):
            passed = Path(credentials) / SECRETS_NAME
            if passed.exists():
                return passed
        return self.root / SECRETS_NAME

    @property
    def campaigns(self) -> Path:
        """One folder per campaign."""
        return self.root / "campaigns"

    @property
    def templates(self) -> Path:
        """The site's own templates; they shadow the bundled ones."""
        return self.root / "templates"

    @property
    def policies(self) -> Path:
        """The site's own privacy policies, one file per date and language."""
        return self.templates / "privacy"

    @property
    def data(self) -> Path:
        """What the program writes; made on first use, closed to others (D28)."""
        path = self.root / "data"
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        return path

    @property
    def dkim_keys(self) -> Path:
        """The private keys that sign mail; made with the first of them."""
        return self.data / "dkim"

    @property
    def template_folders(self) -> tuple[Path, ...]:
        """Where templates are looked for, the site's own first."""
        own, shipped = self.templates, bundled("templates")
        return (own, shipped) if own.is_dir() and own.resolve() != shipped.resolve() else (shipped,)


def find_site(start: Path, environ: Mapping[str, str] | None = None) -> SiteFolder:
    """The nearest site: `start` or the first folder above it that holds a mailer.toml.

    Raises SiteNotFound.
    """
    here = Path(os.path.abspath(start))
    for folder in (here, *here.parents):
        if (folder / SETTINGS_NAME).is_file():
            return SiteFolder(folder, environ or {})
    raise SiteNotFound(
        f"There is no {SETTINGS_NAME} in {here} or above it. "
        "Run `mailer init` to make a site, or name one with --site.",
        path=str(here),
    )
