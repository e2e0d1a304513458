"""Make a site that runs: settings, secrets, one example campaign, and a .gitignore for what stays private."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from mailer.addresses import AddressInvalid, parse_mailbox
from mailer.bundled import bundled
from mailer.errors import MailerError
from mailer.keyring import create_secrets
from mailer.settings.annotate import annotated_toml
from mailer.settings.load import parse_settings
from mailer.settings.samples import (
    SAMPLE_DOMAIN,
    SAMPLE_LEGAL_NAME,
    SAMPLE_POSTAL_ADDRESS,
    is_trial,
    sample_settings,
)
from mailer.settings.values import is_loopback
from mailer.site import SiteFolder

#: Secrets and people never go into git.
IGNORED = ("/secrets.toml", "/*.secret", "/data/")
#: Where mail catchers listen by custom; a fresh site must not reach a real relay by accident.
CATCHER_PORT = 1025
SUBMISSION_PORT = 587
_LIST = "news"
_DESCRIPTIONS = {
    "en": ("What is new, in one short letter.", "about once a month"),
    "de": ("Was es Neues gibt, in einem kurzen Brief.", "etwa einmal im Monat"),
}


class SiteExists(MailerError):
    """This folder is a site already, and nothing of it is missing."""


class SiteUnwritable(MailerError):
    """The folder cannot be written to."""


class SecretsLost(MailerError):
    """This site has data but no secrets; new ones could not recognise anyone who left."""


@dataclass(frozen=True, kw_only=True)
class Answers:
    """What is known of a new site; None: not said, so a default or a sample is written."""

    name: str = "My newsletter"
    legal_name: str | None = None
    base_url: str = "http://127.0.0.1:8025"
    postal_address: str | None = None
    privacy_contact: str | None = None
    sender: str | None = None  #: "Name <address>" or an address
    language: str = "en"
    timezone: str = "UTC"
    smtp_host: str = "127.0.0.1"
    smtp_port: int | None = None
    smtp_username: str | None = None
    return_path: str | None = None  #: None: a guess from the sender's domain


#: What every new site gets to edit: how its campaigns look, and the privacy policy, which is the shop's own text
#: (an upgrade must not change it). Pages and system mails come when asked for.
OWN = ("email/*.mjml", "privacy/*.md")
EVERYTHING = ("**/*",)


@dataclass(frozen=True, slots=True)
class Made:
    """What was made, which settings still hold a sample value, and what was guessed."""

    files: tuple[Path, ...]
    samples: tuple[str, ...]
    is_trial: bool
    guessed_return_path: str | None = None


def create_site(folder: SiteFolder, answers: Answers, *, with_templates: bool = False) -> Made:
    """Make the folder a site. The settings come last: a folder that holds them is whole.

    Raises SettingsInvalid when an answer cannot be used; then nothing was written. Raises SiteUnwritable.
    """
    values = _values(answers)
    text = annotated_toml(values)
    # The environment stays out: it may hold another site's settings.
    parse_settings(text, folder.settings_path, {}, allow_samples=True)
    try:
        folder.root.mkdir(parents=True, exist_ok=True)
        made = [*_complete(folder), *_copy_campaigns(folder, answers.language)]
        made += _copy_templates(folder, EVERYTHING if with_templates else OWN)
        made += _write_new(folder.settings_path, text)
    except OSError as error:
        sentence = (
            f"A site cannot be made in {folder.root}: {error.strerror}. Choose a folder you may write to."
        )
        raise SiteUnwritable(sentence, path=str(folder.root)) from error
    samples = tuple(".".join(path) for path in sample_settings(values))
    guess = None if answers.return_path or not answers.sender else values["sending"]["return_path"]
    return Made(tuple(made), samples, is_trial(values), guess)


def complete_site(folder: SiteFolder, *, with_templates: bool = False) -> Made:
    """Make what an existing site lacks (a fresh clone lacks its secrets); nothing is changed.

    Raises SiteExists when nothing is missing, SecretsLost when making new secrets would do harm.
    """
    made = _complete(folder)
    if with_templates:
        made += _copy_templates(folder, EVERYTHING)
    if not made:
        raise SiteExists(f"{folder.root} is a site already, and nothing of it is missing.")
    return Made(tuple(made), (), False)


def _complete(folder: SiteFolder) -> list[Path]:
    made = _ignore_private(folder.root / ".gitignore")
    if folder.secrets_path.exists():
        return made
    data = folder.root / "data"
    if data.is_dir() and any(data.iterdir()):
        raise SecretsLost(
            f"{data} holds data, but {folder.secrets_path} is missing. Restore it from a backup: "
            "with new secrets nobody who left would be recognised.",
            path=str(folder.root),
        )
    create_secrets(folder.secrets_path)
    return [*made, folder.secrets_path]


def _ignore_private(path: Path) -> list[Path]:
    """Add to .gitignore what it lacks; what somebody wrote there stays."""
    present = path.read_text(encoding="utf-8") if path.exists() else ""
    lacking = [line for line in IGNORED if line not in present.splitlines()]
    if not lacking:
        return []
    separator = "\n" if present and not present.endswith("\n") else ""
    with path.open("a", encoding="utf-8") as file:
        file.write(separator + "\n".join(["# Secrets and people never go into git.", *lacking, ""]))
    return [path]


def _copy_campaigns(folder: SiteFolder, language: str) -> Iterator[Path]:
    starter = bundled("templates") / "starter" / language
    for source in sorted(starter.rglob("*.md")):
        target = folder.campaigns / source.relative_to(starter)
        target.parent.mkdir(parents=True, exist_ok=True)
        yield from _write_new(target, source.read_text(encoding="utf-8"))


def _copy_templates(folder: SiteFolder, patterns: tuple[str, ...]) -> list[Path]:
    """Copy the bundled templates that the site does not have: to be edited, or deleted again."""
    shipped, made = bundled("templates"), []
    found = {path for pattern in patterns for path in shipped.glob(pattern) if path.is_file()}
    for source in sorted(found):
        relative = source.relative_to(shipped)
        target = folder.templates / relative
        if relative.parts[0] == "starter" or target.exists():
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)
        made.append(target)
    return made


def _write_new(path: Path, text: str) -> list[Path]:
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        return []
    return [path]


def _values(answers: Answers) -> dict[str, Any]:
    """The settings as the file holds them."""
    domain = _domain(answers.sender)
    sender = answers.sender or f"{answers.name} <news@{SAMPLE_DOMAIN}>"
    description, frequency = _DESCRIPTIONS.get(answers.language, _DESCRIPTIONS["en"])
    return {
        "site": {
            "name": answers.name,
            "legal_name": answers.legal_name or SAMPLE_LEGAL_NAME,
            "base_url": answers.base_url,
            "postal_address": answers.postal_address or SAMPLE_POSTAL_ADDRESS,
            "privacy_contact": answers.privacy_contact or f"privacy@{SAMPLE_DOMAIN}",
            "timezone": answers.timezone,
            "language": answers.language,
        },
        "smtp": {"main": _relay(answers)},
        "sending": {"return_path": answers.return_path or f"bounce@bounce.{domain}"},
        "web": _web(answers.base_url),
        "lists": {
            _LIST: {
                "title": answers.name,
                "from": sender,
                "list_id": f"{_LIST}.lists.{domain}",
                "description": description,
                "frequency": frequency,
            }
        },
        "fields": {"first_name": {"type": "text", "default": "", "columns": ["First Name", "FNAME"]}},
    }


def _domain(sender: str | None) -> str:
    try:
        return parse_mailbox(sender).address.domain if sender else SAMPLE_DOMAIN
    except AddressInvalid:
        return SAMPLE_DOMAIN  # the settings' own check names the mailbox as what is wrong


def _relay(answers: Answers) -> Mapping[str, Any]:
    here = is_loopback(answers.smtp_host)
    relay: dict[str, Any] = {
        "host": answers.smtp_host,
        "port": answers.smtp_port or (CATCHER_PORT if here else SUBMISSION_PORT),
        "tls": "none" if here and not answers.smtp_username else "starttls",
    }
    return relay | ({"username": answers.smtp_username} if answers.smtp_username else {})


def _web(base_url: str) -> Mapping[str, Any]:
    """Listen where a loopback base_url says; behind a proxy the default port is as good as any."""
    try:
        parts = urlsplit(base_url)
        port = parts.port if is_loopback(parts.hostname or "") else None
    except ValueError:
        return {}
    return {"port": port} if port else {}
