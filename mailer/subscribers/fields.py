"""Merge fields as [fields] declares them: text from a form or a file becomes a typed, storable value."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Callable, Mapping
from datetime import date
from types import MappingProxyType

from mailer.errors import MailerError
from mailer.settings import FieldSettings

#: What a field may hold; a longer "first name" is an advertisement.
MAX_TEXT = 200

Stored = str | int | float | bool

# Line-breaking controls are refused at input, before they can reach a header (A29).
_REFUSED = frozenset({"Cc", "Zl", "Zp", "Cs"})
_BOOLEANS = MappingProxyType(
    {"1": True, "yes": True, "true": True, "on": True, "y": True, "ja": True}
    | {"0": False, "no": False, "false": False, "off": False, "n": False, "nein": False}
)


class FieldInvalid(MailerError):
    """A value does not fit the field it is meant for."""


def typed_fields(declared: Mapping[str, FieldSettings], given: Mapping[str, object]) -> dict[str, Stored]:
    """The given values in the declared types; empty and undeclared ones are left out (C23).

    Dates are kept as ISO text. Raises FieldInvalid, which names the field and never the value.
    """
    typed: dict[str, Stored] = {}
    for name, field in declared.items():
        value = given.get(name)
        text = "" if value is None else unicodedata.normalize("NFC", str(value)).strip()
        if not text:
            continue
        try:
            typed[name] = _READERS[field.type](text)
        except ValueError as error:
            raise FieldInvalid(f"{name}: {error}", field=name) from None
    return typed


def _text(text: str) -> str:
    if len(text) > MAX_TEXT:
        raise ValueError(f"at most {MAX_TEXT} characters are kept.")
    if any(unicodedata.category(character) in _REFUSED for character in text):
        raise ValueError("it contains a line break or another invisible character.")
    return text


def _number(text: str) -> int | float:
    try:
        number = int(text) if text.lstrip("+-").isdecimal() and len(text) < 16 else float(text)
    except ValueError:
        raise ValueError("it is not a number.") from None
    if not math.isfinite(number):
        raise ValueError("it is not a number.")
    return number


def _boolean(text: str) -> bool:
    try:
        return _BOOLEANS[text.casefold()]
    except KeyError:
        raise ValueError("it is neither yes nor no.") from None


def _date(text: str) -> str:
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        raise ValueError("it is not a date such as 2026-11-27.") from None


_READERS: Mapping[str, Callable[[str], Stored]] = MappingProxyType(
    {"text": _text, "number": _number, "boolean": _boolean, "date": _date}
)
