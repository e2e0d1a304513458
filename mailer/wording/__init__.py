"""The words that subscribers read, once per language: pages, unsubscribe block, confirmation mail."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from mailer.errors import MailerError

LANGUAGES = ("en", "de")
CATALOGS = ("page", "block", "mail")  #: one file each; its name is the prefix of its keys
FALLBACK = "en"


class WordingMissing(MailerError):
    """A text has no wording in this language, or a value for it was not given."""


@dataclass(frozen=True)
class Wording:
    """Every text of one language."""

    language: str
    texts: Mapping[str, str]

    def text(self, key: str, **values: object) -> str:
        """The text named `key`, such as "page.confirm.title", its {places} filled with `values`.

        Raises WordingMissing for an unknown key or a place without a value.
        """
        try:
            return self.texts[key].format(**values) if values else _plain(self.texts[key])
        except KeyError as error:
            raise WordingMissing(
                f"The wording {key!r} ({self.language}) lacks {error}.", key=key, language=self.language
            ) from None


@cache
def wording(language: str) -> Wording:
    """The wording of `language`, a tag such as "de" or "de-AT"; English for a language there is none of."""
    primary = language.replace("_", "-").split("-", 1)[0].lower()
    known = primary if primary in LANGUAGES else FALLBACK
    return Wording(known, _read(known)) if known == primary == language else wording(known)


def _read(language: str) -> dict[str, str]:
    folder = files(__package__) / language
    texts: dict[str, str] = {}
    for catalog in CATALOGS:
        table = tomllib.loads((folder / f"{catalog}.toml").read_text(encoding="utf-8"))
        texts.update(_flat(table, catalog))
    return texts


def _flat(table: Mapping[str, Any], prefix: str) -> dict[str, str]:
    texts: dict[str, str] = {}
    for key, value in table.items():
        name = f"{prefix}.{key}"
        texts.update(_flat(value, name) if isinstance(value, Mapping) else {name: str(value)})
    return texts


def _plain(text: str) -> str:
    """The text without places to fill; `{{` still stands for one brace. A place left open raises KeyError."""
    return text.format()
