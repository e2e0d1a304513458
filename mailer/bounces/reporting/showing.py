"""One report in full: what it said, the rule that fired, what followed, and the message as it came."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, Row, select

from mailer.audit import Ledger
from mailer.bounces.intake.keeping import raw_of
from mailer.errors import MailerError
from mailer.store import Store
from mailer.store.schema import Campaign, Delivery, MailingList, Report, ReturnedMail
from mailer.store.vocabulary import ReportSource, Stream


class ReportMissing(MailerError):
    """There is no report with this id."""


@dataclass(frozen=True, slots=True)
class ReportView:
    """One report that came back."""

    id: int
    received_at: datetime
    kind: str
    severity: str | None
    reason: str | None
    group: str | None
    fault: str | None
    status: str | None
    rule: str | None
    reader_version: int | None
    effect: str | None
    source: str | None
    matched_by: str | None
    campaign: str | None
    delivery: int | None
    list_name: str | None
    domain: str
    provider: str | None
    relay: str | None
    origin: str | None
    reply: str | None  #: of the delivery, where the report is the server's answer itself
    mail: int | None
    mail_source: str | None
    raw: str | None  #: the message as it came; None where there is none, or none any more

    @property
    def why_not_raw(self) -> str:
        """Why there is nothing to read."""
        if self.source == ReportSource.SMTP:
            return "The server said it to us directly; there is no message."
        return "The message is no longer kept: its retention is over."


def report(store: Store, ledger: Ledger, report_id: int) -> ReportView:
    """One report; who looks at the raw message reads an address, so the look is recorded (F4).

    Raises ReportMissing.
    """
    with store.write() as connection:
        row = _read(connection, report_id)
        if row is None:
            raise ReportMissing(f"There is no report {report_id}.", report=report_id)
        raw = raw_of(connection, row.mail_id) if row.mail_id is not None else None
        if raw is not None:
            ledger.append(
                connection,
                stream=Stream.AUDIT,
                event="report_shown",
                payload={"report": report_id},
                subject=bytes(row.email_hash) if row.email_hash else None,
            )
    return _view(row, None if raw is None else raw.decode("utf-8", "replace"))


def _read(connection: Connection, report_id: int) -> Row[*tuple[object, ...]] | None:
    statement = (
        select(
            Report.__table__,
            Campaign.slug.label("campaign"),
            MailingList.name.label("list_name"),
            Delivery.reply,
            ReturnedMail.source.label("mail_source"),
        )
        .select_from(Report)
        .outerjoin(Campaign, Campaign.id == Report.campaign_id)
        .outerjoin(MailingList, MailingList.id == Report.list_id)
        .outerjoin(Delivery, Delivery.id == Report.delivery_id)
        .outerjoin(ReturnedMail, ReturnedMail.id == Report.mail_id)
        .where(Report.id == report_id)
    )
    return connection.execute(statement).first()


def _view(row: Row[*tuple[object, ...]], raw: str | None) -> ReportView:
    known = row._mapping
    words = {"group": known["cause_group"], "delivery": known["delivery_id"], "mail": known["mail_id"]}
    # The last reply to a delivery is not what a later message said of it.
    words["reply"] = known["reply"] if known["mail_id"] is None else None
    names = ReportView.__dataclass_fields__.keys() - words.keys() - {"raw"}
    return ReportView(**words, **{name: known[name] for name in names}, raw=raw)
