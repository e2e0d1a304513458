"""Print mailer.toml with every setting explained, from the fields' own descriptions."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator, Mapping
from typing import Any, get_args

from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from mailer.settings.model import Settings
from mailer.settings.walk import settings_of

_WIDTH = 98
_OPENING = """\
# The settings of this site. "# " begins an explanation; "#name = value" is a default: take the # away to change it.
# Any of them can be given by the environment instead: [site] base_url is MAILER_SITE__BASE_URL.
# Secrets never stand here: see secrets.toml, password_file and MAILER_SMTP__<NAME>__PASSWORD.
"""


def annotated_toml(values: Mapping[str, Any]) -> str:
    """The whole file: `values` (nested as in the file) as they are, every other setting as a comment."""
    return "\n".join([_OPENING, *_sections(values)])


def _sections(values: Mapping[str, Any]) -> Iterator[str]:
    for setting in settings_of(Settings):
        model = setting.section
        assert model is not None, "the top level holds sections only"
        given = values.get(setting.key, {})
        named = given.items() if setting.is_table_of_sections else [("", given)]
        for name, section in named:
            header = f"[{setting.key}.{name}]" if name else f"[{setting.key}]"
            yield "\n".join([*_comment(_heading(model)), header, *_lines(model, section), ""])


def _parts(annotation: Any) -> set[Any]:
    """The types that an annotation is made of."""
    return {annotation}.union(*map(_parts, get_args(annotation)))


def _heading(model: type[BaseModel]) -> str:
    return (model.__doc__ or "").split("\n", 1)[0]


def _lines(model: type[BaseModel], values: Mapping[str, Any]) -> Iterator[str]:
    for setting in settings_of(model):
        if SecretStr in _parts(setting.info.annotation):
            continue  # a secret never stands in this file, so it is not offered
        yield from _comment(setting.info.description or "")
        if setting.key in values:
            yield f"{setting.key} = {toml_value(values[setting.key])}"
        elif (shown := _default(setting.info)) is not None:
            yield f"#{setting.key} = {toml_value(shown)}"
        else:
            yield f"#{setting.key} ="


def _default(info: FieldInfo) -> Any:
    return None if info.default is PydanticUndefined else info.default


def _comment(text: str) -> list[str]:
    return [f"# {line}" for line in textwrap.wrap(text, _WIDTH)]


def toml_value(value: Any) -> str:
    """One value as TOML writes it. Text escapes are those of JSON, which TOML shares."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | tuple):
        return f"[{', '.join(toml_value(item) for item in value)}]"
    if isinstance(value, int | float):
        return str(value)
    return json.dumps(str(value), ensure_ascii=False).replace("\x7f", "\\u007f")
