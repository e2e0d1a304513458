"""Read the settings: the TOML file, then the environment over it, then every check at once."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from mailer.keyring import forbidden_bits
from mailer.settings.model import Settings
from mailer.settings.problems import (
    Problem,
    SettingsInvalid,
    Source,
    explain,
    find_lines,
)
from mailer.settings.samples import has_local_pages, is_trial, relay_hosts, sample_settings
from mailer.settings.values import is_loopback

__all__ = ["Problem", "SettingsInvalid", "load_settings", "parse_settings"]

_PREFIX = "MAILER_"
_NO_SECRETS = {
    "password": "must not stand in the file; use the environment or password_file.",
    "mailgun_signing_keys": "must not stand in the file; use MAILER_HOOKS__MAILGUN_SIGNING_KEYS.",
    "postmark_passwords": "must not stand in the file; use MAILER_HOOKS__POSTMARK_PASSWORDS.",
    "token": "must not stand in the file; use MAILER_METRICS__TOKEN.",
    "url": "holds a password, which must not stand in the file; use MAILER_DATABASE__URL.",
}
_PASSWORD_IN_URL = re.compile(r"[^:]+://[^/@]*:[^/@]+@")


def load_settings(path: Path, environ: Mapping[str, str]) -> Settings:
    """The settings in the file at `path`, with MAILER_SECTION__KEY variables of `environ` laid over them.

    Raises SettingsInvalid, which holds everything that is wrong, not the first thing.
    """
    return parse_settings(_read(path), path, environ)


def parse_settings(
    text: str, path: Path, environ: Mapping[str, str], *, allow_samples: bool = False
) -> Settings:
    """The same for a text that is to stand at `path`; `allow_samples` while it is being written."""
    raw = _parse(path, text)
    in_file = list(_secrets_in_file(raw))
    source = Source(path, find_lines(text), _overlay(raw, environ))
    problems = [source.problem(key, _NO_SECRETS[key[-1]]) for key in in_file]
    problems += _read_passwords(raw, source, environ.get("CREDENTIALS_DIRECTORY"))
    problems += [*_refuse_open_passwords(raw, source), *_refuse_local_links(raw, source)]
    problems += [] if allow_samples else _refuse_samples(raw, source)
    try:
        settings = Settings.model_validate(raw)
    except ValidationError as error:
        problems += explain(error, source)
        raise SettingsInvalid(problems, path=path) from None
    if problems:
        raise SettingsInvalid(problems, path=path)
    return settings


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        sentence = "is missing. Run `mailer init` to make a site here, or name one with --site."
    except UnicodeDecodeError:
        sentence = "is not UTF-8 text. Save it again as UTF-8."
    except OSError as error:
        sentence = f"cannot be read: {error.strerror}."
    raise SettingsInvalid([Problem(str(path.parent), path.name, sentence)], path=path)


def _parse(path: Path, text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SettingsInvalid(
            [Problem(path.name, "the file", f"is not valid TOML: {error}.")], path=path
        ) from None


def _overlay(raw: dict[str, Any], environ: Mapping[str, str]) -> dict[tuple[str, ...], str]:
    """Lay the environment over `raw`; returns which path came from which variable."""
    variables: dict[tuple[str, ...], str] = {}
    for variable in sorted(environ):
        if not variable.startswith(_PREFIX) or "__" not in variable:
            continue
        path = _assign(raw, variable.removeprefix(_PREFIX).lower().split("__"), environ[variable])
        variables[path] = variable
    return variables


def _assign(raw: dict[str, Any], parts: list[str], value: str) -> tuple[str, ...]:
    table, path = raw, []
    for part in parts[:-1]:
        path.append(_existing(table, part))
        below = table.setdefault(path[-1], {})
        if not isinstance(below, dict):
            below = table[path[-1]] = {}
        table = below
    path.append(_existing(table, parts[-1]))
    table[path[-1]] = value
    return tuple(path)


def _existing(table: Mapping[str, Any], part: str) -> str:
    """The key of `table` that a variable's part means: names of variables cannot hold a hyphen."""
    return next((key for key in table if key.lower().replace("-", "_") == part), part)


def _secrets_in_file(raw: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    yield from ((section, name, "password") for section, name, one in _accounts(raw) if "password" in one)
    for section in ("hooks", "metrics"):
        table = raw.get(section)
        if isinstance(table, dict):
            yield from ((section, name) for name in table if name in _NO_SECRETS)
    database = raw.get("database")
    url = database.get("url") if isinstance(database, dict) else None
    if isinstance(url, str) and _PASSWORD_IN_URL.match(url):
        yield ("database", "url")


def _relays(raw: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    yield from ((name, one) for section, name, one in _accounts(raw) if section == "smtp")


def _accounts(raw: Mapping[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Every section that may have a password: where it stands, its name, itself."""
    for section in ("smtp", "mailbox"):
        named = raw.get(section)
        if isinstance(named, dict):
            yield from ((section, name, one) for name, one in named.items() if isinstance(one, dict))


def _read_passwords(raw: Mapping[str, Any], source: Source, credentials: str | None) -> Iterator[Problem]:
    """Put the content of each password_file in its place; the files are named from the site's folder."""
    for section, name, account in _accounts(raw):
        for key in ("ca_file", "path"):
            if isinstance(account.get(key), str):
                account[key] = source.path.parent / account[key]
        if not isinstance(account.get("password_file"), str):
            continue
        file = account["password_file"] = source.path.parent / account["password_file"]
        place = (section, name, "password_file")
        try:
            if file.stat().st_mode & forbidden_bits(file, credentials):
                sentence = f"names {file}, which others can read. Run: chmod 600 {file}"
                yield source.problem(place, sentence)
            account.setdefault("password", file.read_text(encoding="utf-8").strip())
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
            yield source.problem(place, f"names {file}, which cannot be read: {reason}.")
        except ValueError:
            yield source.problem(place, "is no name that a file can have.")


def _refuse_open_passwords(raw: Mapping[str, Any], source: Source) -> Iterator[Problem]:
    """Elsewhere than on this machine "none" is a problem by itself (F8)."""
    for name, relay in _relays(raw):
        if relay.get("tls") == "none" and "username" in relay and is_loopback(str(relay.get("host"))):
            yield source.problem(
                ("smtp", name, "username"),
                'is given, but tls is "none": the password would travel in clear text. '
                'Set tls to "starttls" or "implicit", or leave the username out.',
            )


def _refuse_local_links(raw: Mapping[str, Any], source: Source) -> Iterator[Problem]:
    """A real relay takes mail to real people, whose way out must open for them."""
    host = next((host for host in relay_hosts(raw) if not is_loopback(host)), None)
    if host is not None and has_local_pages(raw):
        yield source.problem(
            ("site", "base_url"),
            f"is an address of this machine, but mail goes to people through {host}: no reader could open "
            "a link in it, not even to leave. Write your public https address.",
        )


def _refuse_samples(raw: Mapping[str, Any], source: Source) -> Iterator[Problem]:
    """A sample value is good enough until the site can reach somebody (F7, C12)."""
    if is_trial(raw):
        return
    for path in sample_settings(raw):
        yield source.problem(
            path, "still holds the sample value; write your own before this site goes public."
        )
