"""Judge a filled-in sign-up form: what is missing or wrong, by field; no word about who is on the list."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from mailer.addresses import AddressInvalid, EmailAddress, parse_address
from mailer.settings import FieldSettings
from mailer.subscribers.fields import FieldInvalid, typed_fields
from mailer.web.stamp import Verdict

#: How a posted tick may read: the form sends "yes", JSON may send true.
TICKED = frozenset({"yes", "true", "on", "1"})


@dataclass(frozen=True)
class Entry:
    """What was posted, as text, by name."""

    email: str = ""
    consent: bool = False
    values: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, posted: Mapping[str, Any], fields: Mapping[str, FieldSettings]) -> Entry:
        """Pick our own names out of a form or a JSON object; others are ignored."""
        return cls(
            email=_text(posted.get("email")).strip(),
            consent=_text(posted.get("consent")).lower() in TICKED,
            values={name: _text(posted.get(f"field.{name}")).strip() for name in fields},
        )


@dataclass(frozen=True)
class Judged:
    """The outcome: an address and typed fields, or the wording keys of what is wrong, by field."""

    address: EmailAddress | None
    fields: Mapping[str, Any]
    errors: Mapping[str, str]


def judge(entry: Entry, fields: Mapping[str, FieldSettings], verdict: Verdict) -> Judged:
    """Judge every field; all errors at once."""
    errors: dict[str, str] = {}
    address = None
    try:
        address = parse_address(entry.email)
    except AddressInvalid as error:
        errors["email"] = f"page.fault.{error.reason}"
    typed: dict[str, Any] = {}
    for name, text in entry.values.items():
        if text:
            try:
                typed.update(typed_fields({name: fields[name]}, {name: text}))
            except FieldInvalid:
                errors[f"field.{name}"] = f"page.subscribe.wrong.{fields[name].type}"
    if not entry.consent:
        errors["consent"] = "page.subscribe.wrong.consent"
    if verdict is not Verdict.GOOD:
        errors["form"] = f"page.subscribe.stamp.{verdict}"
    return Judged(address, typed, errors)


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else ""
    return str(value) if isinstance(value, str | int | float) else ""
