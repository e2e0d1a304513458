"""Privacy policies: Markdown files that, once somebody consented under them, never change again (F5)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from hashlib import sha256
from pathlib import Path
from typing import Any

import yaml
from sqlalchemy import Connection, delete, exists, insert, select

from mailer import clock
from mailer.audit import Ledger
from mailer.bundled import bundled
from mailer.errors import MailerError
from mailer.maillog import EventLog
from mailer.settings import Settings
from mailer.store import Store
from mailer.store.schema import LedgerEntry, Policy, SignupRequest
from mailer.store.vocabulary import Stream

_log = EventLog("subscribers")

_FILE_NAME = re.compile(r"(?P<version>\d{4}-\d{2}-\d{2})\.(?P<language>[a-z]{2,3}(-[A-Za-z0-9]+)*)\.md\Z")
_FRONT_MATTER = re.compile(r"---\n(?P<head>.*?)\n---\n(?P<body>.*)\Z", re.DOTALL)


class PolicyInvalid(MailerError):
    """A privacy policy file cannot be read."""


class PolicyMissing(MailerError):
    """There is no privacy policy; put one into templates/privacy/<year-month-day>.<language>.md."""


@dataclass(frozen=True, slots=True)
class PolicyText:
    """One policy in one language, as it was published."""

    version: str  #: the day it came into force, YYYY-MM-DD
    language: str
    title: str
    changes: tuple[str, ...]  #: what is new against the version before
    body: str  #: Markdown
    sha256: str  #: of the whole source, hex

    @property
    def label(self) -> str:
        """What a consent record keeps; it names exactly one text for ever."""
        return f"{self.version}.{self.language}"


class Policies:
    """The policies of a site, read from files, published into the database, shown from there."""

    def __init__(self, store: Store, settings: Settings, folder: Path, ledger: Ledger) -> None:
        self._store = store
        self._settings = settings
        self._folder = folder
        self._ledger = ledger
        self._texts: dict[tuple[str, str], PolicyText] = {}
        self._published_on: date | None = None

    def publish(self) -> None:
        """Publish every file dated today or earlier.

        A text may be corrected in place until the first person has asked to join; after that a
        changed file is left alone with a warning, and people go on seeing what was published.
        Raises PolicyInvalid naming the file, PolicyMissing when there is none.
        """
        today = clock.now().date()
        sources = {key: source for key, source in self._read_files().items() if key[0] <= today.isoformat()}
        with self._store.write() as connection:
            stored = _stored(connection)
            changed = {key: source for key, source in sources.items() if stored.get(key) != source}
            if changed:
                self._apply(connection, changed, stored)
                stored = _stored(connection)
        if not stored:
            raise PolicyMissing()
        self._texts = {key: _parse(*key, source) for key, source in stored.items()}
        self._published_on = today

    def refresh(self) -> None:
        """Publish again at the first visit of a day; a broken new file must not take the pages down."""
        if self._published_on == clock.now().date():
            return
        try:
            self.publish()
        except PolicyInvalid as error:
            if not self._texts:
                raise
            self._published_on = clock.now().date()
            _log.policy_unpublished(reason=str(error))

    def current(self, language: str) -> PolicyText:
        """The newest policy, in `language` if it exists in it, else in the site's language."""
        if not self._texts:
            self.publish()
        newest = max(version for version, _ in self._texts)
        found = self.find(newest, language)
        assert found is not None
        return found

    def find(self, version: str, language: str) -> PolicyText | None:
        """The policy of that day, in `language` or else in the nearest one that exists."""
        wanted = (language, self._settings.site.language, "en")
        existing = sorted(spoken for day, spoken in self._texts if day == version)
        for spoken in (*wanted, *existing):
            if (version, spoken) in self._texts:
                return self._texts[version, spoken]
        return None

    def history(self, language: str) -> list[PolicyText]:
        """Every version, newest first."""
        versions = sorted({version for version, _ in self._texts}, reverse=True)
        return [text for version in versions if (text := self.find(version, language))]

    def _read_files(self) -> dict[tuple[str, str], str]:
        sources: dict[tuple[str, str], str] = {}
        folder = self._folder if self._folder.is_dir() else bundled("templates") / "privacy"
        for path in sorted(folder.glob("*.md")):
            match = _FILE_NAME.match(path.name)
            if match is None or not _is_date(match["version"]):
                raise PolicyInvalid(
                    f"{path} is not named like a policy; name it <year-month-day>.<language>.md, "
                    "for example 2026-11-22.en.md.",
                    path=str(path),
                )
            source = fill(path.read_text(encoding="utf-8"), self._settings)
            _parse(match["version"], match["language"], source, path=path)
            sources[match["version"], match["language"]] = source
        return sources

    def _apply(
        self,
        connection: Connection,
        changed: Mapping[tuple[str, str], str],
        stored: Mapping[tuple[str, str], str],
    ) -> None:
        used = _anyone_asked(connection)
        for (version, language), source in changed.items():
            if (version, language) in stored and used:
                _log.policy_changed(version=version, language=language)
                continue
            digest = sha256(source.encode()).hexdigest()
            connection.execute(delete(Policy).where(Policy.version == version, Policy.language == language))
            connection.execute(
                insert(Policy).values(
                    version=version, language=language, sha256=digest, source=source, published_at=clock.now()
                )
            )
            facts = {"version": version, "language": language, "sha256": digest}
            self._ledger.append(connection, stream=Stream.AUDIT, event="policy_published", payload=facts)


def fill(source: str, settings: Settings) -> str:
    """Put the site's own particulars into the text, which is then one fixed text with one hash."""
    site = settings.site
    values = {
        "{site_name}": site.name,
        "{legal_name}": site.legal_name,
        "{postal_address}": ", ".join(
            line.strip() for line in site.postal_address.splitlines() if line.strip()
        ),
        "{privacy_contact}": str(site.privacy_contact),
        "{base_url}": site.base_url.rstrip("/"),
        "{unconfirmed_days}": str(settings.privacy.unconfirmed_days),
    }
    for name, value in values.items():
        source = source.replace(name, value)
    return source


def _parse(version: str, language: str, source: str, *, path: Path | None = None) -> PolicyText:
    match = _FRONT_MATTER.match(source)
    head: Any = None
    if match is not None:
        try:
            head = yaml.safe_load(match["head"])
        except yaml.YAMLError:
            head = None
    if (
        match is None
        or not isinstance(head, dict)
        or not head.get("title")
        or not _is_list(head.get("changes"))
    ):
        raise PolicyInvalid(
            f'{path or f"Policy {version}.{language}"} needs front matter between two lines "---" '
            'with "title" and a list "changes" (what is new in this version).'
        )
    return PolicyText(
        version=version,
        language=language,
        title=str(head["title"]),
        changes=tuple(str(change) for change in head["changes"]),
        body=match["body"],
        sha256=sha256(source.encode()).hexdigest(),
    )


def _is_date(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def _is_list(value: Any) -> bool:
    return isinstance(value, list) and bool(value)


def _stored(connection: Connection) -> dict[tuple[str, str], str]:
    rows = connection.execute(select(Policy.version, Policy.language, Policy.source))
    return {(row.version, row.language): row.source for row in rows}


def _anyone_asked(connection: Connection) -> bool:
    """Whether any consent, or a request for one, may refer to a published text."""
    consent = exists().where(LedgerEntry.stream == Stream.CONSENT)
    request = exists().where(SignupRequest.id.is_not(None))
    return bool(connection.scalar(select(consent | request)))
