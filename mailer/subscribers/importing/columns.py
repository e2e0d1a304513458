"""The heading line: which column is what, and a clear no when that is in doubt."""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mailer.addresses import AddressInvalid, parse_address
from mailer.settings import FieldSettings
from mailer.subscribers.importing.dialects import (
    EMAIL_HEADINGS,
    LANGUAGE_HEADINGS,
    Dialect,
    normal,
    recognise,
    standing_of_file,
    tells_of_a_no,
)
from mailer.subscribers.importing.errors import ImportRefused
from mailer.subscribers.importing.options import ImportOptions, Standing
from mailer.subscribers.importing.records import Lines

MAX_COLUMNS = 500
_DELIMITERS = (",", ";", "\t", "|")
# Excel writes the separator it used into a first line of its own.
_SEPARATOR_LINE = re.compile(r"sep=(.)\Z", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Columns:
    """Where to find what; indexes into a row, None or empty when the file has no such column."""

    delimiter: str
    headings: tuple[str, ...]
    dialect: Dialect
    email: int
    fields: tuple[tuple[str, FieldSettings, int], ...]
    ignored: tuple[str, ...]  #: headings that nothing is made of
    default_standing: Standing  #: of rows that do not say
    status: int | None = None
    language: int | None = None
    attributes: int | None = None
    consent_date: int | None = None
    consent_ip: int | None = None
    consent_note: int | None = None
    request_date: int | None = None
    request_ip: int | None = None
    left_date: int | None = None
    cleaned_date: int | None = None

    @property
    def width(self) -> int:
        """How many cells a row has."""
        return len(self.headings)

    @property
    def needed(self) -> int:
        """How many cells a row must have: a short one may only lack what says nothing about consent."""
        telling = (self.email, self.status, self.left_date, self.cleaned_date)
        return 1 + max(index for index in telling if index is not None)


def read_headings(
    lines: Lines, *, file_name: str, fields: Mapping[str, FieldSettings], options: ImportOptions
) -> Columns:
    """Read up to and including the heading line.

    Raises ImportRefused: no headings, too many, no address column or several, a merge field's twice.
    """
    line, delimiter = _heading_line(lines)
    delimiter = options.delimiter or delimiter or _guess_delimiter(line)
    headings = _split(line, delimiter, lines.number)
    dialect = recognise(headings)
    return _assign(headings, delimiter, dialect, file_name=file_name, fields=fields, options=options)


def _heading_line(lines: Lines) -> tuple[str, str | None]:
    delimiter = None
    for line in lines:
        lines.mark()
        text = line.lstrip("\ufeff").rstrip("\n")
        separator = _SEPARATOR_LINE.match(text)
        if separator:
            delimiter = separator[1]
        elif text.strip():
            return text, delimiter
    raise ImportRefused("The file holds nothing but blank lines.")


def _guess_delimiter(line: str) -> str:
    outside = re.sub(r'"[^"]*"', "", line)
    best = max(_DELIMITERS, key=outside.count)
    return best if outside.count(best) else ","


def _split(line: str, delimiter: str, number: int) -> list[str]:
    try:
        cells = next(csv.reader([line], delimiter=delimiter, strict=True, skipinitialspace=True))
    except csv.Error:
        raise ImportRefused(
            f"Line {number} should hold the headings, but its quotation marks do not match."
        ) from None
    cells = [cell.strip() for cell in cells]
    while cells and not cells[-1]:
        cells.pop()
    if len(cells) > MAX_COLUMNS:
        raise ImportRefused(f"The file has {len(cells):,} columns; at most {MAX_COLUMNS} are read.")
    return cells


def _assign(
    headings: list[str],
    delimiter: str,
    dialect: Dialect,
    *,
    file_name: str,
    fields: Mapping[str, FieldSettings],
    options: ImportOptions,
) -> Columns:
    names = [normal(heading) for heading in headings]
    email = _email_column(headings, names, options.email_column)
    first = {name: index for index, name in reversed(list(enumerate(names)))}

    def find(wanted: Sequence[str]) -> int | None:
        return next((first[name] for name in wanted if name in first), None)

    found = {
        part: find(getattr(dialect, part))
        for part in (
            ("status", "consent_date", "consent_ip", "consent_note", "request_date", "request_ip")
            + ("left_date", "cleaned_date")
        )
    }
    found["language"] = find(sorted(LANGUAGE_HEADINGS))
    found["attributes"] = first.get(dialect.attributes) if dialect.attributes else None
    mapped = tuple(
        (name, field, index)
        for name, field in fields.items()
        if (index := _field_column(name, field, headings, names)) is not None
    )
    used = {email, *found.values(), *(index for _, _, index in mapped)}
    ignored = tuple(heading for index, heading in enumerate(headings) if heading and index not in used)
    if options.treat_as is None:
        _refuse_unread_no(ignored, dialect)
    standing = options.treat_as or standing_of_file(file_name, headings, dialect) or Standing.SUBSCRIBED
    return Columns(
        delimiter=delimiter,
        headings=tuple(headings),
        dialect=dialect,
        email=email,
        fields=mapped,
        ignored=ignored,
        default_standing=standing,
        **found,
    )


def _refuse_unread_no(ignored: Sequence[str], dialect: Dialect) -> None:
    """Passing over a column of opt-outs would mail people who said no (F1)."""
    telling = next((heading for heading in ignored if tells_of_a_no(heading, dialect)), None)
    if telling is not None:
        raise ImportRefused(
            f'The column "{telling}" seems to say who must not be mailed, but it is not one that is read. Name it '
            '"unsubscribed at" or "status" if it does; if it does not, say --as subscribed.'
        )


def _email_column(headings: list[str], names: list[str], chosen: str | None) -> int:
    if chosen is not None:
        matches = [index for index, name in enumerate(names) if name == normal(chosen)]
        if len(matches) != 1:
            raise ImportRefused(f'There is not exactly one column "{chosen}". {_listing(headings)}')
        return matches[0]
    matches = [index for index, name in enumerate(names) if name in EMAIL_HEADINGS]
    if len(matches) > 1:
        both = " and ".join(f'"{headings[index]}"' for index in matches)
        raise ImportRefused(
            f"The columns {both} could both hold the address; choose one with --email-column."
        )
    if not matches:
        if any(_is_address(heading) for heading in headings):
            raise ImportRefused(
                "The first line holds an address, not headings. Add a line of headings: email, …"
            )
        raise ImportRefused(
            f"No column is named like an address; name it with --email-column. {_listing(headings)}"
        )
    return matches[0]


def _field_column(name: str, field: FieldSettings, headings: list[str], names: list[str]) -> int | None:
    """The column of a merge field: as [fields] names it, in that order, else the field's own name."""
    for wanted in (*field.columns, name):
        matches = [index for index, heading in enumerate(names) if heading == normal(wanted)]
        if len(matches) > 1:
            raise ImportRefused(
                f'There are {len(matches)} columns "{headings[matches[0]]}", which [fields.{name}] is filled from; '
                "rename all but one."
            )
        if matches:
            return matches[0]
    return None


def _is_address(text: str) -> bool:
    try:
        parse_address(text)
    except AddressInvalid:
        return False
    return True


def _listing(headings: list[str]) -> str:
    shown = ", ".join(f'"{heading[:40]}"' for heading in headings[:12])
    return f"The file has: {shown}{' …' if len(headings) > 12 else ''}."
