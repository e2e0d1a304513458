"""A settings file without a fault, and ways to lay something over it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mailer.settings import Settings, SettingsInvalid
from mailer.settings.annotate import toml_value
from mailer.settings.load import parse_settings

GOOD: dict[str, Any] = {
    "site": {
        "name": "Ohm & Volt",
        "legal_name": "Ohm & Volt Electronics GmbH",
        "base_url": "https://news.shop.example",
        "postal_address": "Lötstraße 12, 10115 Berlin, Germany",
        "privacy_contact": "privacy@shop.example",
    },
    "smtp": {"main": {"host": "smtp.shop.example"}},
    "sending": {"return_path": "bounce@bounce.shop.example"},
    "lists": {
        "weekly": {
            "title": "Weekly",
            "from": "Ohm & Volt <news@shop.example>",
            "list_id": "weekly.lists.shop.example",
            "description": "New parts.",
            "frequency": "every Friday",
        }
    },
}
HERE = Path("/srv/shop/mailer.toml")


def read(environ: dict[str, str] | None = None, **sections: dict[str, Any]) -> Settings:
    """The settings of a file without a fault, with `sections` laid over it."""
    values = {name: dict(GOOD.get(name, {})) | sections.get(name, {}) for name in GOOD | sections}
    return parse_settings(as_toml(values), HERE, environ or {})


def as_toml(values: dict[str, Any]) -> str:
    lines = []
    for section, content in values.items():
        tables = {name: each for name, each in content.items() if isinstance(each, dict)}
        plain = {name: each for name, each in content.items() if name not in tables}
        lines += [f"[{section}]", *(f"{name} = {toml_value(each)}" for name, each in plain.items())]
        for name, table in tables.items():
            lines += [
                f"[{section}.{toml_value(name)}]",
                *(f"{key} = {toml_value(each)}" for key, each in table.items()),
            ]
    return "\n".join(lines)


def problems(environ: dict[str, str] | None = None, **sections: dict[str, Any]) -> list[str]:
    """What is wrong, each without its place."""
    with pytest.raises(SettingsInvalid) as refused:
        read(environ, **sections)
    return [f"{problem.key} {problem.sentence}" for problem in refused.value.problems]
