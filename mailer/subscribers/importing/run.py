"""Run an import: read through, then slice by slice, each all or nothing, an opt-out never waiting (D18)."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

from sqlalchemy.exc import IntegrityError

from mailer import clock
from mailer.audit import Ledger
from mailer.keyring import Secrets
from mailer.maillog import EventLog
from mailer.settings import Settings
from mailer.settings.model import Language
from mailer.store import Store, StoreBusy, StoreError
from mailer.store.bulk import SliceSize, Trimmer, bulk_store, lock_seconds
from mailer.store.vocabulary import Stream
from mailer.subscribers import queries
from mailer.subscribers.caps import Caps
from mailer.subscribers.importing import reasons
from mailer.subscribers.importing.columns import Columns, read_headings
from mailer.subscribers.importing.decisions import SUPPRESSED_AS
from mailer.subscribers.importing.errors import ImportInterrupted, ImportRefused
from mailer.subscribers.importing.invitations import Pacer, last_queued
from mailer.subscribers.importing.model import Target
from mailer.subscribers.importing.options import ImportOptions, Standing
from mailer.subscribers.importing.records import Lines, Record, read_records
from mailer.subscribers.importing.rejects import RejectsFile
from mailer.subscribers.importing.report import ImportReport
from mailer.subscribers.importing.rows import ImportRow, RowReader, RowRejected
from mailer.subscribers.importing.seen import Seen
from mailer.subscribers.importing.slices import SliceWriter, Written
from mailer.subscribers.importing.source import examine
from mailer.subscribers.importing.stopping import interrupted_between_slices
from mailer.subscribers.importing.windows import collector_at_rest, slices

_logger = EventLog("subscribers")

_FIRST_SLICE = 200
_SMALLEST_SLICE, _LARGEST_SLICE = 50, 5000
_TRIES = 4
_AGAIN_SECONDS = 0.004
_SOURCE_LENGTH = 64
_KINDS = {standing: number for number, standing in enumerate(Standing, start=1)}

#: Called with the lines read so far and the lines there are.
Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Imports:
    """The import service of a site."""

    store: Store
    settings: Settings
    secrets: Secrets
    ledger: Ledger

    def run(
        self,
        path: Path,
        list_name: str,
        *,
        options: ImportOptions | None = None,
        progress: Progress | None = None,
    ) -> ImportReport:
        """Import one file into one list, or only say what would become of it (`options.dry_run`).

        Running the same file again changes nothing, so a stopped import is continued by running it
        again. Raises ImportRefused before anything is written; ImportInterrupted when the database
        fails on the way, with what is written standing.
        """
        return _Run(self, path, list_name, options or ImportOptions(), progress).run()


class _Run:
    """One import from its first byte to its audit event."""

    def __init__(
        self, site: Imports, path: Path, list_name: str, options: ImportOptions, progress: Progress | None
    ) -> None:
        self._site = site
        self._store = site.store
        self._options = options
        self._progress = progress
        self._list = _joinable(site, list_name)
        self._source = examine(path, encoding=options.encoding, lenient=options.reject_bad_bytes)
        self._size = SliceSize(
            _FIRST_SLICE, least=_SMALLEST_SLICE, most=_LARGEST_SLICE, seconds=lock_seconds(site.store)
        )
        self._seen = Seen()
        self._pacer = Pacer(site.settings.privacy.invitations_hour, clock.now())

    def run(self) -> ImportReport:
        started = clock.monotonic()
        with self._source.open() as file:
            lines = Lines(file)
            columns = read_headings(
                lines,
                file_name=self._source.path.name,
                fields=self._site.settings.fields,
                options=self._options,
            )
            report = self._empty_report(columns)
            with RejectsFile(self._options.rejects, columns.headings) as rejects:
                try:
                    with (
                        interrupted_between_slices() as self._stop_if_asked,
                        bulk_store(self._site.store) as self._store,
                        collector_at_rest(),
                    ):
                        self._trimmer = Trimmer(self._store)
                        self._import(lines, columns, report, rejects)
                    report.finished = True
                except StoreError as error:
                    raise _interrupted(report, error) from error
                finally:
                    report.seconds = clock.monotonic() - started
                    self._record(report)
        return report

    def _import(self, lines: Lines, columns: Columns, report: ImportReport, rejects: RejectsFile) -> None:
        writer = self._writer(columns)
        if self._options.invite:
            with self._site.store.read() as connection:
                self._pacer.start_after(last_queued(connection))
        for rows in slices(self._rows(lines, columns, report, rejects), size=lambda: self._size.rows):
            written = self._judge(writer, rows) if self._options.dry_run else self._write(writer, rows)
            self._pacer.take(len(written.invited))
            _add_up(report, written)
            if self._progress:
                self._progress(min(report.rows, lines.number), self._source.lines)
            self._stop_if_asked()
        if self._progress:
            self._progress(lines.number, self._source.lines)

    def _rows(
        self, lines: Lines, columns: Columns, report: ImportReport, rejects: RejectsFile
    ) -> Iterator[ImportRow]:
        """Rows to decide on, each address once for each kind of row; the others are counted here."""
        reader = RowReader(
            columns,
            self._site.secrets,
            fields=self._site.settings.fields,
            declaration=self._options.declaration,
            languages=frozenset(get_args(Language)),
        )
        records = read_records(
            lines, delimiter=columns.delimiter, width=columns.width, is_row=_row_test(columns)
        )
        for record in records:
            self._stop_if_asked()
            row = self._take(reader, record, report, rejects)
            if row is not None:
                yield row

    def _take(
        self, reader: RowReader, record: Record, report: ImportReport, rejects: RejectsFile
    ) -> ImportRow | None:
        try:
            row = reader.read(record)
        except RowRejected as rejected:
            report.count(rejected.key, record.line)
            rejects.add(record.line, rejected.key, record.cells)
            return None
        for name in row.warnings:
            report.unread_fields[name] += 1
        new = self._seen.add(row.email_hash)
        if row.standing in SUPPRESSED_AS:
            # A no counts wherever in the file it stands, after a yes too.
            new = self._seen.add(row.email_hash, kind=_KINDS[row.standing])
        if not new:
            report.count(reasons.DUPLICATE, record.line)
            return None
        return row

    def _judge(self, writer: SliceWriter, rows: Sequence[ImportRow]) -> Written:
        with self._store.read() as connection:
            return writer.judge(connection, rows)

    def _write(self, writer: SliceWriter, rows: Sequence[ImportRow]) -> Written:
        """One short transaction; tried again when somebody signed up in between (PostgreSQL)."""
        for tries_left in reversed(range(_TRIES)):
            try:
                return self._write_once(writer, rows)
            except (IntegrityError, StoreBusy):
                if not tries_left:
                    raise
                time.sleep(_AGAIN_SECONDS)
        raise AssertionError("the loop returns or raises")

    def _write_once(self, writer: SliceWriter, rows: Sequence[ImportRow]) -> Written:
        self._store.let_others_write()
        self._trimmer.before_slice()
        with self._store.write() as connection:
            started = clock.monotonic()
            written = writer.write(connection, rows)
        self._size.took(len(rows), clock.monotonic() - started)
        return written

    def _writer(self, columns: Columns) -> SliceWriter:
        name = re.sub(r"[^\w.-]+", "-", self._source.path.stem) or "file"
        declared = self._options.declaration
        target = Target(
            list_id=self._list.id,
            list_name=self._list.name,
            source=f"import:{name}"[:_SOURCE_LENGTH],
            origin=declared.source or f"{columns.dialect.name} file {self._source.path.name}",
            language=self._site.settings.site.language,
            declaration=declared,
            invite=self._options.invite,
        )
        privacy = self._site.settings.privacy
        caps = Caps(self._site.secrets, privacy)
        return SliceWriter(target, self._site.ledger, caps=caps, privacy=privacy, pacer=self._pacer)

    def _empty_report(self, columns: Columns) -> ImportReport:
        return ImportReport(
            file=self._source.path.name,
            list_name=self._list.name,
            dry_run=self._options.dry_run,
            dialect=columns.dialect.name,
            encoding=self._source.encoding.removesuffix("-sig"),
            delimiter=columns.delimiter,
            standing=columns.default_standing.value,
            ignored_columns=columns.ignored,
        )

    def _record(self, report: ImportReport) -> None:
        """The one audit event of this import, finished or not; a dry run leaves none."""
        if report.dry_run:
            return
        declared = self._options.declaration
        payload = {
            "file": report.file,
            "sha256": self._source.sha256,
            "list": report.list_name,
            "finished": report.finished,
            "rows": report.rows,
            "counts": dict(report.counts),
            "invited": report.invited,
            "declared_by": declared.by,
            "origin": declared.source,
            "consent_date": declared.consent_date.isoformat() if declared.consent_date else None,
            "evidence": declared.evidence,
        }
        try:
            with self._site.store.write() as connection:
                self._site.ledger.append(connection, stream=Stream.AUDIT, event="import", payload=payload)
        except StoreError:
            if report.finished:
                raise
            # The database is what stopped the import; the error on its way says so.
            _logger.import_unrecorded()


def _joinable(site: Imports, list_name: str) -> queries.ListRow:
    with site.store.read() as connection:
        found = queries.active_list(connection, list_name)
    if found is None:
        known = ", ".join(site.settings.lists)
        raise ImportRefused(f'There is no list "{list_name}" in mailer.toml; there is: {known}.')
    return found


def _row_test(columns: Columns) -> Callable[[list[str]], bool]:
    """Recognise a row that a missing quotation mark has swallowed."""
    return lambda cells: len(cells) == columns.width and "@" in cells[columns.email]


def _add_up(report: ImportReport, written: Written) -> None:
    for one in written.decided:
        report.count(one.decision.key, one.row.line)
    report.fields_filled += written.fields_filled
    report.invited += len(written.invited)
    if written.invited:
        report.last_invitation_at = written.invited[-1]


def _interrupted(report: ImportReport, error: StoreError) -> ImportInterrupted:
    return ImportInterrupted(
        f"The import stopped after {sum(report.counts.values()):,} rows: {error} What is written stays; "
        "run the same command again to continue, rows that are in will not be entered twice."
    )
