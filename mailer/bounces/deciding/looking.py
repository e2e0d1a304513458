"""What waits for a person, and what a person decides about single messages."""

from __future__ import annotations

from sqlalchemy import Connection, func, select, update

from mailer.addresses import parse_address
from mailer.audit import Ledger
from mailer.bounces.deciding.alike import members
from mailer.bounces.deciding.effects import Effects
from mailer.bounces.deciding.model import MailUnknown, OpenFreeze, Review, ReviewMail
from mailer.bounces.deciding.policy import ALIKE_WITHIN
from mailer.store import Store
from mailer.store.schema import Campaign, Freeze, Report, ReturnedMail, Subscriber
from mailer.store.vocabulary import (
    FreezeScope,
    ReportEffect,
    ReturnedState,
    Stream,
    SuppressionReason,
)

_OPEN = (ReturnedState.REVIEW, ReturnedState.UNREADABLE)


def review(store: Store, *, limit: int) -> Review:
    """Open alarms, oldest first, and the newest messages that wait. Raises StoreError."""
    with store.read() as connection:
        freezes = connection.execute(
            select(Freeze.__table__).where(Freeze.closed_at.is_(None)).order_by(Freeze.id)
        ).all()
        rows = connection.execute(
            select(
                ReturnedMail.id,
                ReturnedMail.received_at,
                ReturnedMail.source,
                ReturnedMail.kind,
                ReturnedMail.rule,
                ReturnedMail.note,
                ReturnedMail.state,
            )
            .where(ReturnedMail.state.in_(_OPEN))
            .order_by(ReturnedMail.id.desc())
            .limit(limit)
        ).all()
        return Review(
            freezes=tuple(
                OpenFreeze(
                    row.id,
                    row.scope.value,
                    row.key,
                    _label(connection, row.scope, row.key),
                    row.reason,
                    row.opened_at,
                    _people(connection, row),
                    dict(row.facts),
                )
                for row in freezes
            ),
            mails=tuple(
                ReviewMail(
                    row.id,
                    row.received_at,
                    row.source,
                    None if row.kind is None else row.kind.value,
                    row.rule,
                    row.note,
                    row.state.value,
                )
                for row in rows
            ),
        )


def _label(connection: Connection, scope: FreezeScope, key: str) -> str:
    if scope is FreezeScope.PROVIDER:
        return key
    return connection.scalar(select(Campaign.slug).where(Campaign.id == int(key))) or key


def _people(connection: Connection, freeze: object) -> int:
    since = freeze.opened_at - ALIKE_WITHIN  # type: ignore[attr-defined]  # a row of freezes
    frozen = members(freeze.scope, freeze.key, freeze.reason, since=since)  # type: ignore[attr-defined]  # likewise
    statement = select(func.count(Report.email_hash.distinct())).where(
        frozen, Report.effect == ReportEffect.FROZEN
    )
    return connection.scalar(statement) or 0


def dismiss(store: Store, ledger: Ledger, mail_id: int, *, why: str) -> None:
    """Take one message off the list. Raises MailUnknown."""
    with store.write() as connection:
        changed = connection.execute(
            update(ReturnedMail)
            .where(ReturnedMail.id == mail_id, ReturnedMail.state.in_(_OPEN))
            .values(state=ReturnedState.DISMISSED)
        )
        if changed.rowcount != 1:
            raise MailUnknown(f"No message {mail_id} waits to be looked at; see `mailer bounce review`.")
        payload = {"mail": mail_id, "why": why}
        ledger.append(connection, stream=Stream.AUDIT, event="dismissed", payload=payload)


def suppress_sender(connection: Connection, effects: Effects, sender: str) -> bool:
    """Opt out whoever wrote, on every list; False when nobody of that address is stored (C33)."""
    key = parse_address(sender).key
    email_hash = connection.scalar(select(Subscriber.email_hash).where(Subscriber.email_key == key))
    if email_hash is None:
        return False
    effects.suppress(
        connection,
        email_hash,
        SuppressionReason.UNSUBSCRIBED,
        note="wrote so, and their server vouches for it",
    )
    return True
