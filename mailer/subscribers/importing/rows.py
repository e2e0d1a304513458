"""One record to one typed row: address, standing, evidence of consent, merge fields."""

from __future__ import annotations

import ipaddress
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, time
from typing import NamedTuple

from mailer import clock
from mailer.addresses import AddressInvalid, EmailAddress, parse_address
from mailer.keyring import Secrets, address_hash
from mailer.settings import FieldSettings
from mailer.subscribers.fields import MAX_TEXT, FieldInvalid, Stored, typed_fields
from mailer.subscribers.importing import reasons
from mailer.subscribers.importing.columns import Columns
from mailer.subscribers.importing.dialects import DENIALS, STATUS_WORDS, normal
from mailer.subscribers.importing.options import Declaration, Standing
from mailer.subscribers.importing.records import Record

_IPV4 = re.compile(r"(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)\.){3}(?:25[0-5]|2[0-4]\d|1?\d?\d)\Z", re.ASCII)
_GERMAN_DATE = re.compile(r"(\d{1,2})\.(\d{1,2})\.(\d{4})\b[ ,]*(.*)\Z", re.ASCII)
_ISO_TIME = re.compile(r"\d{4}-\d\d-\d\d[T ]", re.ASCII)
_DECIMAL_COMMA = re.compile(r"[+-]?\d+,\d+\Z", re.ASCII)
_LANGUAGE = re.compile(r"([a-z]{2})(?:[-_][A-Za-z]{2,4})?\Z", re.IGNORECASE)
# Nobody consented to a newsletter by mail before that; a spreadsheet's empty date is 1899 or 1970.
_EARLIEST = datetime(1990, 1, 1, tzinfo=UTC)
MAX_NOTE = 500


class RowRejected(Exception):
    """This row cannot be used; `key` is its reason."""

    def __init__(self, key: str) -> None:
        super().__init__(key)
        self.key = key


class Consent(NamedTuple):
    """The evidence of one row, as the old tool kept it (C3, C29)."""

    at: datetime
    at_text: str  #: as exported; the zone is the old tool's secret
    ip: str | None
    note: str | None
    requested_at: str | None
    requested_ip: str | None


@dataclass(slots=True)
class ImportRow:
    """One person of the file."""

    line: int
    address: EmailAddress
    email_hash: bytes
    standing: Standing
    consent: Consent | None
    declared: bool
    since: datetime | None  #: when the person left or was cleaned, where the row says
    fields: dict[str, Stored]
    language: str | None
    warnings: list[str] = field(default_factory=list)  #: merge fields that could not be read
    tag: bytes = b""  #: of the subscription it may become


class RowReader:
    """Reads the rows of one file, by its columns and the operator's declaration."""

    def __init__(
        self,
        columns: Columns,
        secrets: Secrets,
        *,
        fields: Mapping[str, FieldSettings],
        declaration: Declaration,
        languages: frozenset[str],
    ) -> None:
        self._columns = columns
        self._secrets = secrets
        self._fields = fields
        self._declaration = declaration
        self._languages = languages
        self._latest = clock.now()

    def read(self, record: Record) -> ImportRow:
        """The row of a record. Raises RowRejected."""
        columns, cells = self._columns, record.cells
        if record.damage is not None:
            raise RowRejected(reasons.REJECTED + record.damage)
        if len(cells) < columns.width:
            if len(cells) < columns.needed:
                raise RowRejected(reasons.REJECTED + "cells")
            cells = cells + [""] * (columns.width - len(cells))
        try:
            address = parse_address(cells[columns.email].strip())
        except AddressInvalid as error:
            raise RowRejected(reasons.REJECTED + error.reason) from None
        since, standing = self._standing(cells)
        row = ImportRow(
            record.line,
            address,
            address_hash(self._secrets, address),
            standing,
            self._consent(cells) if standing is Standing.SUBSCRIBED else None,
            self._declaration.by is not None,
            since,
            {},
            None if columns.language is None else self._language(cells),
        )
        self._read_fields(row, cells)
        return row

    def _standing(self, cells: list[str]) -> tuple[datetime | None, Standing]:
        """Where the person stands; a time of leaving in the row beats every other word about it."""
        columns = self._columns
        for index, standing in ((columns.left_date, Standing.LEFT), (columns.cleaned_date, Standing.CLEANED)):
            if index is not None and normal(text := cells[index].strip()) not in DENIALS:
                return self._time(text), standing
        if columns.status is not None and (word := cells[columns.status].strip()):
            try:
                return None, STATUS_WORDS[normal(word)]
            except KeyError:
                raise RowRejected(reasons.REJECTED + "status") from None
        return None, columns.default_standing

    def _consent(self, cells: list[str]) -> Consent | None:
        """The evidence of the row, or the operator's in its place; None when neither is complete."""
        columns, declared = self._columns, self._declaration
        text = _cell(cells, columns.consent_date)
        at = self._time(text) if text else None
        ip = _ip(_cell(cells, columns.consent_ip))
        note = _cell(cells, columns.consent_note)[:MAX_NOTE] or None
        if at is None or not (ip or note):
            if declared.consent_date is None or not declared.evidence:
                return None
            text = declared.consent_date.isoformat()
            at, note = datetime.combine(declared.consent_date, time(), UTC), declared.evidence
        return Consent(
            at=at,
            at_text=text,
            ip=ip,
            note=note,
            requested_at=_cell(cells, columns.request_date)[:40] or None,
            requested_ip=_ip(_cell(cells, columns.request_ip)),
        )

    def _time(self, text: str) -> datetime | None:
        """A moment between the first newsletters and now; without a zone it is taken as UTC."""
        try:
            at = datetime.fromisoformat(text if _ISO_TIME.match(text) else _as_iso(text))
        except ValueError:
            return None
        at = at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
        return at if _EARLIEST <= at <= self._latest else None

    def _language(self, cells: list[str]) -> str | None:
        match = _LANGUAGE.match(_cell(cells, self._columns.language))
        return code if match and (code := match[1].lower()) in self._languages else None

    def _read_fields(self, row: ImportRow, cells: list[str]) -> None:
        """Fill the merge fields; one that cannot be read is left out and reported, the person is not."""
        for name, declared, index in self._columns.fields:
            if text := cells[index].strip():
                self._take(row, name, declared, text)
        if self._columns.attributes is not None and (text := cells[self._columns.attributes].strip()):
            self._read_attributes(row, text)

    def _read_attributes(self, row: ImportRow, text: str) -> None:
        try:
            values = json.loads(text)
        except (ValueError, RecursionError):
            values = None
        if not isinstance(values, dict):
            row.warnings.append("attributes")
            return
        given = {normal(key): value for key, value in values.items() if isinstance(value, str | int | float)}
        for name, declared in self._fields.items():
            found = next((given[n] for n in map(normal, (*declared.columns, name)) if n in given), None)
            if name not in row.fields and found is not None:
                self._take(row, name, declared, str(found))

    @staticmethod
    def _take(row: ImportRow, name: str, declared: FieldSettings, text: str) -> None:
        if declared.type == "text" and len(text) <= MAX_TEXT and text.isascii() and text.isprintable():
            row.fields[name] = text
            return
        try:
            row.fields |= typed_fields({name: declared}, {name: _PREPARED[declared.type](text)})
        except FieldInvalid:
            row.warnings.append(name)


def _cell(cells: list[str], index: int | None) -> str:
    return "" if index is None else cells[index].strip()


def _ip(text: str) -> str | None:
    if not text or _IPV4.match(text):
        return text or None
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        return None


def _as_iso(text: str) -> str:
    """Dates with dots, as German spreadsheets write them; those with slashes have two readings and stay."""
    match = _GERMAN_DATE.match(text)
    if match is None:
        return text
    day, month, year, rest = match.groups()
    return f"{year}-{month:>02}-{day:>02}" + (f"T{rest}" if rest else "")


def _as_date(text: str) -> str:
    text = _as_iso(text)
    return text[:10] if _ISO_TIME.match(text) else text


def _as_number(text: str) -> str:
    return text.replace(",", ".") if _DECIMAL_COMMA.match(text) else text


_PREPARED: Mapping[str, Callable[[str], str]] = {
    "text": str,
    "boolean": str,
    "number": _as_number,
    "date": _as_date,
}
