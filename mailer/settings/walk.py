"""Find a setting by its path in the TOML file: its section, its neighbours, its description."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from mailer.settings.model import Settings


@dataclass(frozen=True, slots=True)
class Setting:
    """One key of one section as the file spells it."""

    key: str
    info: FieldInfo

    @property
    def section(self) -> type[BaseModel] | None:
        """The model of the section below this key; None for a plain value."""
        kind = self._named_kind()
        return kind if isinstance(kind, type) and issubclass(kind, BaseModel) else None

    @property
    def is_table_of_sections(self) -> bool:
        """Whether sections below this key are named by the operator, as in [lists.weekly]."""
        return get_origin(self.info.annotation) is dict and self.section is not None

    def _named_kind(self) -> Any:
        kind = self.info.annotation
        return get_args(kind)[1] if get_origin(kind) is dict else kind


def settings_of(model: type[BaseModel]) -> Iterator[Setting]:
    """The settings of one section, in the order in which they are explained."""
    for name, info in model.model_fields.items():
        yield Setting(info.alias or name, info)


def section_at(path: Sequence[object]) -> type[BaseModel] | None:
    """The section that the keys of `path` lead to; None where there is none."""
    model: type[BaseModel] | None = Settings
    keys = iter(path)
    for key in keys:
        setting = setting_in(model, str(key))
        if setting is None:
            return None
        model = setting.section
        if setting.is_table_of_sections and next(keys, None) is None:
            return None
    return model


def setting_in(model: type[BaseModel] | None, key: str) -> Setting | None:
    """The setting `key` of a section; None when it has no such key."""
    if model is None:
        return None
    return next((setting for setting in settings_of(model) if setting.key == key), None)
